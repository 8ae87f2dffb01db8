"""Reading requests: who is calling, and the body, within its limits (contract, "HTTP")."""

from __future__ import annotations

import time
from typing import Any

from flask import request

from server.accounts import Caller, caller_of_session, caller_of_token
from server.api.problems import Failed, language
from server.core.findings import Finding
from server.core.moments import Moment
from server.payloads import BadPayload, read_json

LARGEST = 1 << 20
SESSION_COOKIE = "duban_session"


def now() -> Moment:
    """What time it is for this request."""
    return time.time_ns() // 1_000_000


def body() -> bytes:
    """The whole body. Chunked ones are refused (411): a limit would cut them silently; over 1 MiB is 413."""
    if request.headers.get("Transfer-Encoding"):
        raise Failed(411, "length-required", headers={"Connection": "close"})
    length = request.content_length
    if length is not None and length > LARGEST:
        raise Failed(413, "too-large", headers={"Connection": "close"})
    data = request.stream.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise Failed(413, "too-large", headers={"Connection": "close"})
    if length is not None and len(data) != length:
        raise Failed(400, "bad-request")
    return data


def json_body() -> Any:
    """The body as strict JSON; 415 for another type, 400 for what is none."""
    if request.content_type is not None and request.mimetype != "application/json":
        raise Failed(415, "not-json")
    try:
        return read_json(body())
    except BadPayload as error:
        message = Finding(error.code, (), error.params).text(language())
        raise Failed(400, "bad-json", [{"at": error.pointer, "code": error.code, "message": message}], why=message) from error


def json_object() -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty one."""
    if not request.content_length and not request.headers.get("Transfer-Encoding"):
        return {}
    value = json_body()
    if not isinstance(value, dict):
        raise Failed(400, "bad-request")
    return value


def caller(permission: str | None = None) -> Caller:
    """Who is calling, by token or session. 401 when nobody, 403 without the permission."""
    found = _caller()
    if found is None:
        raise Failed(401, "not-authenticated", headers={"WWW-Authenticate": "Bearer"})
    if permission is not None:
        found.require(permission)
    return found


def _caller() -> Caller | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return caller_of_token(credentials.strip(), now())
    if scheme:
        return None
    cookie = request.cookies.get(SESSION_COOKIE)
    # A browser session is for reading here; what changes something comes with a token, or through the panel's forms.
    if cookie and request.method in ("GET", "HEAD"):
        return caller_of_session(cookie, now())
    return None
