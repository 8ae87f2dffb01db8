"""`POST /hooks/SOURCE`: deliveries of other systems. Size before signature, signature before parsing.

Nearly every delivery makes one new issue, and nothing is wrong with it. `at_once` answers those before Flask comes to
see them: to find a view and to make objects of a request and an answer takes it as long as all that such a delivery
needs before its transaction. `receive` answers any.

Trap: what an application registers to come before or after requests does not come by what `at_once` answers.
"""

from __future__ import annotations

import io
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

from flask import Response, current_app, request

from server import intake, policies
from server.api import headers, metrics, problems
from server.api.answers import answer, encoded
from server.api.limits import Allowance, address
from server.api.problems import Failed
from server.api.requests import LARGEST, body, named_headers, now
from server.crash_points import crash_point
from server.intake import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("duban.hooks")

DELIVERIES: Final = "/hooks/"

_ROUTE: Final = "/hooks/{source}"
_LENGTH: Final = re.compile(r"[0-9]{1,7}", re.ASCII)
_HOST: Final = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*(?::[0-9]{1,5})?", re.ASCII | re.IGNORECASE)

_TRIED: Final = "duban.tried"
"""In the environment of a request that `at_once` did not answer: what it failed on, or None."""


class Limits:
    """The allowances of this application: refused signatures, and deliveries that nobody signs, by address."""

    def __init__(self) -> None:
        self.refused = Allowance(60, 60)
        self.unsigned = Allowance(600, 60)


def at_once(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes] | None:
    """Take a delivery that makes one new issue, and answer it. None, and nothing done, for any other request."""
    path = environ.get("PATH_INFO", "")
    if not path.startswith(DELIVERIES) or not _is_usual(environ):
        return None
    began = time.monotonic()
    outcome = trouble = None
    try:
        name = path.removeprefix(DELIVERIES)
        known = policies.last_seen().sources.get(name)
        if known is None or known.verify is None or known.verify.scheme == "none":
            return None
        length = int(environ["CONTENT_LENGTH"])
        data = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(data)
        if len(data) == length:
            outcome = intake.take_new(name, named_headers(environ), data, now())
    except Exception as error:  # noqa: BLE001 (it is answered where every other is)
        trouble = error
    if outcome is None:
        environ.update({_TRIED: trouble, metrics.BEGAN: began})
        trouble = None  # its traceback leads here: body and all would stay until circles are looked for
        return None
    content = encoded({"issues": _listed([outcome])})
    metrics.count("POST", _ROUTE, 201, began)
    said = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response("201 CREATED", said + headers.lacking(said))
    return [content]


def _is_usual(environ: WSGIEnvironment) -> bool:
    """Whether Flask would find nothing to say about the request, and its body can be read."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and "HTTP_TRANSFER_ENCODING" not in environ
        and "HTTP_UPGRADE" not in environ
        and _LENGTH.fullmatch(length := environ.get("CONTENT_LENGTH", "")) is not None
        and int(length) <= LARGEST
        and _HOST.fullmatch(environ.get("HTTP_HOST", "")) is not None
    )


def receive(source: str) -> Response:
    """Take a delivery."""
    data = body()
    environ = request.environ
    if environ.get(_TRIED) is not None:
        raise environ.pop(_TRIED)
    limits: Limits = current_app.extensions["duban.hooks"]
    known = policies.last_seen().sources.get(source)
    if known is not None and known.verify is not None and known.verify.scheme == "none":
        limits.unsigned.require(f"{source} {address()}")
    try:
        outcomes = intake.take(source, named_headers(environ), data, now(), tried=_TRIED in environ)
    except intake.UnknownSource as error:
        raise Failed(404, "unknown-source", name=source) from error
    except intake.Unverified as error:
        limits.refused.require(f"{source} {address()}")
        log.warning("a delivery for %s is not verified: %s", source, error.reason)
        raise Failed(401, "bad-signature", headers=challenge(known)) from error
    listed = _listed(outcomes)
    if outcomes and all(outcome.problems for outcome in outcomes):
        content = problems.body(422, "all-refused", {"count": len(outcomes)}, ())
        return answer({**content, "issues": listed}, 422, mimetype="application/problem+json")
    return answer({"issues": listed}, 201 if any(outcome.created for outcome in outcomes) else 200)


def challenge(source: Any) -> dict[str, str]:
    """Which credentials are wanted (RFC 9110, 11.6.1); signatures have no scheme of that kind."""
    scheme = {"bearer": "Bearer", "basic": "Basic"}.get(source.verify.scheme)
    return {} if scheme is None else {"WWW-Authenticate": f'{scheme} realm="duban"'}


def _listed(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    crash_point("intake.before_answer")
    return [_item(outcome) for outcome in outcomes]


def _item(outcome: Outcome) -> dict[str, Any]:
    if outcome.problems:
        errors = problems.of_values(outcome.problems)
        problem = problems.body(422, "refused", {"count": len(errors)}, errors)
        return {"problem": problem, "kept": outcome.kept}
    found: dict[str, Any] = {"number": outcome.number, "severity": outcome.severity, "created": outcome.created}
    if outcome.differs is not None:
        found["differs"] = dict(zip(("first", "now"), outcome.differs, strict=True))
    return found
