"""The signed link by which a customer answers a survey without an account (policy language, "surveys").

A token names the issue, the survey and the how many-th time it was asked, and carries an HMAC-SHA256 under
`DUBAN_SECRET`: nobody can make one, and asking again replaces the one before. That it works once and until `expires`
is the case's business.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import NamedTuple


class SurveyToken(NamedTuple):
    """What a link stands for: the issue's number, the survey's id, and which time it was asked (from 1)."""

    number: str
    survey: str
    times: int


def token(secret: str, number: str, survey: str, times: int) -> str:
    """The token of a link; letters, digits, `-`, `_` and one `.` only."""
    content = json.dumps([number, survey, times], ensure_ascii=False, separators=(",", ":")).encode()
    return f"{_text(content)}.{_text(_mac(secret, content))}"


def read_token(secret: str, text: str) -> SurveyToken | None:
    """What a token names; None when it is not one of ours. Compared in constant time before it is parsed."""
    if not secret:
        return None  # anybody could sign with it
    first, _, second = text.partition(".")
    try:
        content, mac = _bytes(first), _bytes(second)
    except (ValueError, binascii.Error):
        return None
    if not hmac.compare_digest(mac, _mac(secret, content)):
        return None
    number, survey, times = json.loads(content)
    return SurveyToken(number, survey, times)


def link(url: str, secret: str, number: str, survey: str, times: int) -> str:
    """The address that the customer opens."""
    return f"{url}/s/{token(secret, number, survey, times)}"


def _mac(secret: str, content: bytes) -> bytes:
    # The name in front keeps these signatures from being good for anything else that the secret signs.
    return hmac.new(secret.encode(), b"duban survey link\0" + content, hashlib.sha256).digest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    if not text or len(text) > 1000 or not text.isascii():
        raise ValueError("no token")
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
