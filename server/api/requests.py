"""Reading requests: who is calling, and the body, within its limits (contract, "HTTP")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request
from werkzeug.wsgi import get_content_length

from server import clock, settings
from server.accounts import Caller, caller_of_session, caller_of_token, cookie_name, note_refusal
from server.api.limits import Allowance, SharedAllowance, address
from server.api.problems import Failed, language, of_values
from server.core.findings import Finding
from server.core.kinds import near
from server.core.moments import Moment
from server.core.values import Problem
from server.payloads import BadPayload, read_json

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

LARGEST = 1 << 20


def now() -> Moment:
    """What time it is for this request. Raises Unavailable."""
    return clock.now()


def named_headers(environ: WSGIEnvironment) -> dict[str, str]:
    """The headers of the request that has this environment, by their names in lower case."""
    return {
        key.removeprefix("HTTP_").replace("_", "-").lower(): value
        for key, value in environ.items()
        if key.startswith("HTTP_") or (key == "CONTENT_TYPE" and value)
    }


def body(largest: int = LARGEST) -> bytes:
    """The whole body. Chunked ones are refused (411): a limit would cut them silently; over `largest` bytes is 413."""
    if "body" in g:
        return bytes(g.body)
    environ = request.environ
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise Failed(411, "length-required", headers={"Connection": "close"})
    length = get_content_length(environ)
    if length is not None and length > largest:
        raise Failed(413, "too-large", headers={"Connection": "close"}, limit=f"{largest >> 20} MiB")
    data = request.stream.read(largest + 1)
    if len(data) > largest:
        raise Failed(413, "too-large", headers={"Connection": "close"}, limit=f"{largest >> 20} MiB")
    if length is not None and len(data) != length:
        # The sender went away, or was so slow that the server stopped listening.
        raise Failed(408, "too-slow", headers={"Connection": "close"})
    g.body = data
    return data


def json_body() -> Any:
    """The body as strict JSON; 415 for another type, 400 for what is none."""
    if request.content_type is not None and request.mimetype != "application/json":
        raise Failed(415, "not-json")
    try:
        return read_json(body())
    except BadPayload as error:
        message = Finding(error.code, (), error.params).text(language())
        errors = [{"at": error.pointer, "code": error.code, "message": message}]
        raise Failed(400, "bad-json", errors, why=message) from error


def json_object() -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty one."""
    if not request.content_length and not request.headers.get("Transfer-Encoding"):
        return {}
    value = json_body()
    if not isinstance(value, dict):
        raise Failed(400, "bad-request")
    return value


def only(given: Mapping[str, Any], allowed: Sequence[str]) -> None:
    """Raise Failed (422) for keys of a body that mean nothing."""
    unknown = [name for name in given if name not in allowed]
    if unknown:
        params = [{"key": name, "near": near(name, allowed), "allowed": ", ".join(allowed)} for name in unknown]
        errors = of_values(Problem(f"/{one['key']}", "unknown-key", one) for one in params)
        raise Failed(422, "refused", errors, count=len(errors))


def require_caller(permissions: Sequence[str]) -> Caller:
    """Who is calling, by token or session; one of the permissions is enough. Raises Failed: 401 when nobody is known,
    429 when an address tries too often or a token asks too much, 403 without a permission."""
    found = _caller()
    if found is None:
        tries: Allowance = current_app.extensions["duban.tries"]
        if "Authorization" in request.headers:
            tries.require(address())
        raise Failed(401, "not-authenticated", headers={"WWW-Authenticate": 'Bearer realm="duban"'})
    if found.token is not None:
        by_token: SharedAllowance = current_app.extensions["duban.tokens"]
        by_token.require(found.token)
    if permissions and not any(found.may(permission) for permission in permissions):
        note_refusal(found.login, request.method, str(request.url_rule), permissions, now())
        raise Failed(403, "permission-missing", permission=", ".join(permissions))
    return found


def _caller() -> Caller | None:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return caller_of_token(credentials.strip(), now())
    if scheme:
        return None
    cookie = request.cookies.get(cookie_name(settings.current().url))
    if cookie and (request.method in ("GET", "HEAD") or _is_from_here()):
        return caller_of_session(cookie, now())
    return None


def _is_from_here() -> bool:
    """Whether a page of this server sends the request: a browser says so, and no other page can make it."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") in (settings.current().url, request.host_url.rstrip("/"))
