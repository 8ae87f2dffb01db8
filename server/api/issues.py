"""Issues over HTTP: recorded, listed, read, acted on (contract, "HTTP")."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from flask import Response, g, request

from server import acting, attachments, intake
from server import issues as reading
from server.accounts import Caller
from server.api import parameters, problems
from server.api.answers import answer, raw
from server.api.idempotency import once
from server.api.problems import Failed
from server.api.requests import body, json_object, now, only
from server.core.moments import Moment
from server.crash_points import crash_point
from server.events import Recorded
from server.recording import Overtaken, PreconditionFailed, UnknownIssue, held
from server.setting_apart import take_up_again
from server.store.models import Issue

_TEXTS = ("process", "stage", "severity", "owner", "team", "q")


def _caller() -> Caller:
    caller: Caller = g.caller
    return caller


def create() -> Response:
    """Record an issue; once for each `Idempotency-Key`."""
    given = json_object()
    caller, at = _caller(), now()
    return once(caller, body(), at, lambda: _created(given, caller, at))


def _created(given: Mapping[str, Any], caller: Caller, at: Moment) -> Response:
    facts = dict(given)
    process = facts.pop("process", None)
    # What sources leave over and how they know an issue is theirs to say.
    unknown = [name for name in ("extra", "source") if name in facts]
    if unknown:
        only(facts, [name for name in facts if name not in unknown])
    if not isinstance(process, str) or not process:
        raise problems.at_fault("process", "required", name="process")
    try:
        received = intake.hand_in(process, facts, at, caller.login)
    except intake.UnknownProcess as error:
        raise problems.at_fault("process", "unknown-process", name=process) from error
    except intake.Refused as error:
        errors = problems.of_values(error.problems)
        raise Failed(422, "refused", errors, count=len(errors)) from error
    return _issue(received.number, caller, at, 201, {"Location": f"/api/v1/issues/{quote(received.number, safe='')}"})


def page() -> Response:
    """A page of issues, newest first."""
    parameters.only_these(*_TEXTS, "final", "problem", "after", "limit")
    texts: dict[str, Any] = {name: parameters.text(name) for name in _TEXTS}
    filters = reading.Filters(**texts, final=parameters.boolean("final"), problem=parameters.boolean("problem"))
    try:
        found = reading.listed(filters, parameters.text("after"), parameters.integer("limit", 50, 1, 200))
    except reading.BadCursor as error:
        raise parameters.bad("after", "cursor") from error
    return answer({"issues": found.issues, "next": found.next})


def one(number: str) -> Response:
    """An issue as it is for this caller; nothing when he has it as it is (`If-None-Match`)."""
    try:
        if (same := _unchanged(number)) is not None:
            return same
        return _issue(number, _caller(), now())
    except UnknownIssue as error:
        raise unknown(number) from error


def timeline(number: str) -> Response:
    """An issue's timeline; nothing when the caller has it as it is (`If-None-Match`)."""
    caller = _caller()
    try:
        if (same := _unchanged(number)) is not None:
            return same
        seq = held(number).seq
        # Read after the seq: what happens in between is in the lines, and asked for again.
        return answer(reading.timeline(number, caller.login, caller.permissions), headers={"ETag": _tag(seq)})
    except UnknownIssue as error:
        raise unknown(number) from error


def act(number: str, action: str) -> Response:
    """Do an action on an issue."""
    given = json_object()
    only(given, ("with",))
    form = given.get("with")
    if form is None:
        form = {}
    if not isinstance(form, dict):
        raise problems.at_fault("with", "not-mapping")
    if action == attachments.ACTION:
        raise problems.at_fault("with/file", "file-not-sent", number=number)
    return acted(number, action, lambda at, seq: acting.act(number, action, _caller().login, form, at, seq))


def take_up(number: str) -> Response:
    """Put an issue that is set apart back to work."""
    only(json_object(), ())
    row = Issue.get_or_none(Issue.number == number)
    if row is None:
        raise unknown(number)
    if not take_up_again(row.id, now(), _caller().login):
        raise Failed(409, "not-set-apart", number=number)
    return answer({"number": number})


def confirm(number: str, notice: str) -> Response:
    """Confirm that a manual step of a notice was done."""
    only(json_object(), ())
    return acted(number, f"notice.{notice}", lambda at, seq: acting.confirm(number, notice, _caller().login, at))


def send(number: str, notice: str) -> Response:
    """Send a notice that was asked about."""
    only(json_object(), ())
    return acted(number, f"notice.{notice}", lambda at, seq: acting.send(number, notice, _caller().login, at))


def acted(number: str, action: str, do: Callable[[Moment, int | None], Recorded], status: int = 200) -> Response:
    """The issue after something was done to it, or the problem why not."""
    at = now()
    try:
        do(at, _expected(number))
    except UnknownIssue as error:
        raise unknown(number) from error
    except PreconditionFailed as error:
        raise Failed(409, "overtaken", number=number, seq=error.seq) from error
    except acting.UnknownAction as error:
        raise Failed(404, "unknown-action", action=action) from error
    except acting.NotPossible as error:
        raise Failed(409, "not-now", number=number, action=action, why=error.why) from error
    except acting.NotAllowed as error:
        raise Failed(403, "not-by-you", action=action, why=error.why) from error
    except acting.BadForm as error:
        errors = problems.of_values(error.problems)
        raise Failed(422, "bad-form", errors, count=len(errors)) from error
    except Overtaken as error:
        raise Failed(503, "busy", headers={"Retry-After": "1"}, number=number) from error
    crash_point("acting.before_answer")
    return _issue(number, _caller(), at, status)


def _expected(number: str) -> int | None:
    """The `seq` that `If-Match` wants; None: any. Raises PreconditionFailed when it is not the issue's."""
    if "If-Match" not in request.headers or request.if_match.star_tag:
        return None
    seq = held(number).seq
    if str(seq) not in request.if_match.as_set():
        raise PreconditionFailed(seq)
    return seq


def _unchanged(number: str) -> Response | None:
    """The answer that says that nothing happened on the issue since the caller read it; None when something did."""
    if "If-None-Match" not in request.headers:
        return None
    seq = held(number).seq
    if not (request.if_none_match.star_tag or request.if_none_match.contains_weak(str(seq))):
        return None
    response = raw(b"", 304, {"ETag": _tag(seq)})
    del response.headers["Content-Type"]
    return response


def _tag(seq: int) -> str:
    return f'"{seq}"'


def _issue(
    number: str, caller: Caller, at: Moment, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    found = reading.read(number, caller.login, at, caller.permissions)
    return answer(found, status, {"ETag": _tag(found["seq"]), **(headers or {})})


def unknown(number: str) -> Failed:
    """The problem that there is no such issue."""
    return Failed(404, "unknown-issue", number=number)
