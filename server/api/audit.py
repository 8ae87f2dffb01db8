"""The audit trail over HTTP (contract, "HTTP"; docs/evidence.md)."""

from __future__ import annotations

from flask import Response, current_app, g

from server.accounts import Caller
from server.api import parameters
from server.api.answers import answer, raw
from server.api.issues import unknown
from server.api.problems import Failed
from server.api.requests import now
from server.attachments import as_download
from server.evidence import at as then
from server.evidence import bundle, trail
from server.sealing import Signer


def page() -> Response:
    """A page of the trail, in order, with the blocks that seal it."""
    parameters.only_these("after", "limit")
    found = trail.page(parameters.integer("after", 0, 0, 999_999_999), parameters.integer("limit", 100, 1, 1000))
    following = None if found.next is None else str(found.next)
    return answer({"entries": found.entries, "blocks": found.blocks, "next": following})


def evidence(number: str) -> Response:
    """The file of evidence about an issue; who took it is in the trail."""
    parameters.only_these()
    caller: Caller = g.caller
    key = current_app.config["DUBAN"].signing_key
    try:
        made = bundle.export(number, now(), None if key is None else Signer(key), by=caller.login)
    except bundle.UnknownIssue as error:
        raise unknown(number) from error
    except (bundle.NoKey, bundle.NotSealed) as error:
        raise Failed(503, "not-sealed", headers={"Retry-After": "5"}, number=number) from error
    return raw(made, 200, as_download(f"{number}.zip"), "application/zip")


def at(number: str) -> Response:
    """What was so on an issue at a moment."""
    parameters.only_these("time")
    moment, caller = parameters.moment("time"), g.caller
    if moment > now():
        raise parameters.bad("time", "future")
    try:
        return answer(then.at(number, moment, private=caller.may("private.read")))
    except then.UnknownIssue as error:
        raise unknown(number) from error
    except then.NotYet as error:
        raise Failed(404, "not-recorded-yet", number=number, recorded=error.recorded) from error
