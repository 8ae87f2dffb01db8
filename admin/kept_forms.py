"""Forms that came too late: the session had ended, or their token was another one's. What was typed is given back to
the browser, sealed, and offered to be sent again; nothing of it is kept here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeSerializer

from server import settings

FIELD: Final = "kept"
LARGEST: Final = 400_000
"""Letters of what is kept, sealed: it must fit into the form that signs in."""

NOT_FIELDS: Final = frozenset({"csrf_token", FIELD})
SECRETS: Final = frozenset({"panel_account.password", "panel_sign_in.index", "panel_reset.choose"})
"""Forms with passwords: these are typed again."""

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(frozen=True, slots=True)
class KeptForm:
    """Where a form was sent, and what it held. `had_file`: a file was with it, which is to be chosen again."""

    address: str
    fields: tuple[tuple[str, str], ...]
    had_file: bool = False

    @property
    def texts(self) -> list[str]:
        """What was typed, to be recognised by who typed it: texts, longest first."""
        found = {text for name, text in self.fields if " " in text or len(text) > 12 or not text.isascii()}
        return sorted(found, key=len, reverse=True)


def sent() -> KeptForm | None:
    """The form of this request; None: it is none that a person sent from a page of the panel, or holds a password."""
    if request.method != "POST" or request.mimetype not in FORMS or request.endpoint in SECRETS:
        return None
    # Scripts look after themselves; browsers that do not say what it was, are taken for people.
    if request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate" or not is_from_here():
        return None
    fields = [(name, text) for name, texts in request.form.lists() for text in texts if name not in NOT_FIELDS]
    return KeptForm(request.full_path.rstrip("?"), tuple(fields), any(file.filename for file in request.files.values()))


def is_from_here() -> bool:
    """Whether the browser says that the request comes from a page of this server."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    said = urlsplit(request.headers.get("Origin") or request.referrer or "")
    return bool(said.netloc) and said.netloc in (request.host, urlsplit(settings.current().url).netloc)


def sealed(form: KeptForm | None) -> str:
    """The form as a text that only this server can have made; empty: there is none, or it is too large."""
    if form is None:
        return ""
    text = _seal().dumps([form.address, form.fields, form.had_file])
    made = text if isinstance(text, str) else text.decode("ascii")
    return made if len(made) <= LARGEST else ""


def opened(text: str) -> KeptForm | None:
    """What was sealed; None: nothing, or not by this server."""
    if not text:
        return None
    try:
        address, fields, had_file = _seal().loads(text)
    except BadSignature:
        return None
    return KeptForm(address, tuple((name, value) for name, value in fields), had_file)


def _seal() -> URLSafeSerializer:
    key: Any = current_app.secret_key
    return URLSafeSerializer(key, salt="a form that came too late")
