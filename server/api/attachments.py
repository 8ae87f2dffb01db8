"""Files of issues over HTTP: sent as they are, given out as downloads only."""

from __future__ import annotations

from flask import Response, g, request

from server import attachments, issues
from server.accounts import Caller
from server.api import parameters
from server.api.answers import answer, raw
from server.api.issues import acted, unknown
from server.api.problems import Failed
from server.api.requests import body
from server.core.moments import Moment
from server.events import Held, Recorded
from server.recording import UnknownIssue, held


def attach(number: str) -> Response:
    """Attach the body as a file."""
    parameters.only_these("name")
    name = parameters.text("name")
    if name is None:
        raise parameters.bad("name", "needed")
    data = body(attachments.LARGEST)
    kind = request.mimetype or attachments.UNKNOWN_TYPE

    def do(at: Moment, seq: int | None) -> Recorded:
        return attachments.attach(number, name, kind, data, _caller().login, at, seq)

    return acted(number, attachments.ACTION, do, 201)


def listed(number: str) -> Response:
    """The files of an issue."""
    return answer({"attachments": issues.attachments(_held(number))})


def download(number: str, attachment: str) -> Response:
    """A file, to be saved."""
    if not (attachment.isascii() and attachment.isdigit() and len(attachment) <= 18):
        raise Failed(404, "unknown-attachment", id=attachment)
    caller = _caller()
    try:
        row, pieces = attachments.opened(_held(number), int(attachment), caller.login, caller.permissions)
    except attachments.UnknownAttachment as error:
        raise Failed(404, "unknown-attachment", id=attachment) from error
    except attachments.NotShown as error:
        raise Failed(403, "permission-missing", permission="private.read") from error
    return raw(b"".join(pieces), 200, attachments.as_download(row.name), attachments.UNKNOWN_TYPE)


def _caller() -> Caller:
    caller: Caller = g.caller
    return caller


def _held(number: str) -> Held:
    try:
        return held(number)
    except UnknownIssue as error:
        raise unknown(number) from error
