"""`POST /hooks/SOURCE`: deliveries of other systems. Size before signature, signature before parsing."""

from __future__ import annotations

import logging
from typing import Any

from flask import Response, current_app

from server import intake, policies
from server.api import problems
from server.api.answers import answer
from server.api.limits import Allowance, address
from server.api.problems import Failed
from server.api.requests import body, named_headers, now
from server.crash_points import crash_point
from server.intake import Outcome

log = logging.getLogger("duban.hooks")


class Limits:
    """The allowances of this application: refused signatures, and deliveries that nobody signs, by address."""

    def __init__(self) -> None:
        self.refused = Allowance(60, 60)
        self.unsigned = Allowance(600, 60)


def receive(source: str) -> Response:
    """Take a delivery."""
    data = body()
    limits: Limits = current_app.extensions["duban.hooks"]
    known = policies.last_seen().sources.get(source)
    if known is not None and known.verify is not None and known.verify.scheme == "none":
        limits.unsigned.require(f"{source} {address()}")
    try:
        outcomes = intake.take(source, named_headers(), data, now())
    except intake.UnknownSource as error:
        raise Failed(404, "unknown-source", name=source) from error
    except intake.Unverified as error:
        limits.refused.require(f"{source} {address()}")
        log.warning("a delivery for %s is not verified: %s", source, error.reason)
        raise Failed(401, "bad-signature", headers=challenge(known)) from error
    crash_point("intake.before_answer")
    listed = [_item(outcome) for outcome in outcomes]
    if outcomes and all(outcome.problems for outcome in outcomes):
        content = problems.body(422, "all-refused", {"count": len(outcomes)}, ())
        return answer({**content, "issues": listed}, 422, mimetype="application/problem+json")
    return answer({"issues": listed}, 201 if any(outcome.created for outcome in outcomes) else 200)


def challenge(source: Any) -> dict[str, str]:
    """Which credentials are wanted (RFC 9110, 11.6.1); signatures have no scheme of that kind."""
    scheme = {"bearer": "Bearer", "basic": "Basic"}.get(source.verify.scheme)
    return {} if scheme is None else {"WWW-Authenticate": f'{scheme} realm="duban"'}


def _item(outcome: Outcome) -> dict[str, Any]:
    if outcome.problems:
        errors = problems.of_values(outcome.problems)
        problem = problems.body(422, "refused", {"count": len(errors)}, errors)
        return {"problem": problem, "kept": outcome.kept}
    found: dict[str, Any] = {"number": outcome.number, "severity": outcome.severity, "created": outcome.created}
    if outcome.differs is not None:
        found["differs"] = dict(zip(("first", "now"), outcome.differs, strict=True))
    return found
