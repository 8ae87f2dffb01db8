"""Answers to requests that fail: problem details (RFC 9457), in the language that the caller accepts."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from server import clock
from server.accounts import NotPermitted
from server.core.findings import Finding
from server.core.values import Problem
from server.drafts import NotDone
from server.recording import keep_apart
from server.resources import texts_of
from server.setting_apart import CannotGoOn
from server.store import database
from server.store.failures import Unavailable, as_unavailable

LANGUAGES = ("zh", "en")


class Failed(Exception):
    """A request that is answered with a problem: its status, a code of `schemas/problems.yaml`, what fills its text,
    the fields at fault and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        errors: Iterable[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        **params: object,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.params = params


@cache
def texts() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The catalogue: title and detail of each problem, and the reasons, in both languages."""
    return texts_of("problems")


def language() -> str:
    """The language of an answer: what the caller accepts, else the server's."""
    return request.accept_languages.best_match(LANGUAGES) or str(current_app.config["DUBAN"].language)


def body(status: int, code: str, params: Mapping[str, object], errors: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The problem's members: type, title, status, detail, and errors where fields are at fault."""
    said = texts()[code]
    found = {
        "type": f"/docs/problems#{code}",
        "title": said["title"][language()],
        "status": status,
        "detail": said["detail"][language()].format(**params),
    }
    listed = list(errors)
    return {**found, "errors": listed} if listed else found


def answer(failed: Failed) -> Response:
    """The response that says what failed."""
    content = body(failed.status, failed.code, failed.params, failed.errors)
    response = current_app.response_class(
        json.dumps(content, ensure_ascii=False), failed.status, mimetype="application/problem+json"
    )
    response.headers.update(failed.headers)
    return response


def of_values(problems: Iterable[Problem], where: str = "") -> list[dict[str, Any]]:
    """Refused values as `errors`: where each is (a JSON pointer, below `where`) and what would be right."""
    return [{"at": where + item.at, "code": item.code, "message": item.text(language())} for item in problems]


def at_fault(where: str, code: str, /, **params: str | int) -> Failed:
    """The problem of a request whose key `where` is at fault: `code` is one of the findings' catalogue."""
    return Failed(
        422, "refused", of_values([Problem(f"/{where}", code, {"at": where, "name": where, **params})]), count=1
    )


def said(code: str, **params: object) -> str:
    """A reason of the catalogue in the caller's language."""
    return texts()["reasons"][code][language()].format(**params)


def of_findings(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings of a document or script as `errors`."""
    return [
        {"at": "/" + "/".join(map(str, item.path)), "code": item.code, "message": item.text(language())}
        for item in findings
    ]


_BY_STATUS = {
    400: "bad-request",
    401: "not-authenticated",
    403: "not-permitted",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    411: "length-required",
    413: "too-large",
    415: "not-json",
    429: "too-many-requests",
    431: "bad-request",
}


def register(app: Flask) -> None:
    """Make every failure a problem; the panel shows its own as pages."""

    @app.errorhandler(Failed)
    def failed(error: Failed) -> Response:
        return answer(error)

    @app.errorhandler(Unavailable)
    def unavailable(error: Unavailable) -> Response:
        app.logger.warning("the database cannot be used: %s", error)
        return _unavailable(error)

    @app.errorhandler(CannotGoOn)
    def cannot_go_on(error: CannotGoOn) -> Response:
        try:
            keep_apart(error, clock.now())
        except Unavailable as trouble:
            return _unavailable(trouble)
        return answer(Failed(409, "set-apart", number=error.number))

    @app.errorhandler(NotPermitted)
    def not_permitted(error: NotPermitted) -> Response:
        return answer(Failed(403, "permission-missing", permission=error.permission))

    @app.errorhandler(NotDone)
    def not_done(error: NotDone) -> Response:
        errors = [
            {**said, "level": found.level, "file": found.file, "line": found.line, "column": found.column}
            for said, found in zip(of_findings(error.findings), error.findings, strict=True)
        ]
        for one in error.conflicts:
            mine, theirs = (one[side][language()] for side in ("mine", "theirs"))
            errors.append({"at": one["at"], "code": "rebase-conflict", "message": f"{mine} ↔ {theirs}"})
        return answer(Failed(error.status, error.code, errors, None, **error.params))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Any:
        if error.code is None or error.code < 400:
            return error
        headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
        return answer(Failed(error.code, _BY_STATUS.get(error.code, "failed"), headers=headers, limit="1 MiB"))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        trouble = as_unavailable(error)
        if trouble is not None:
            app.logger.warning("the database cannot be used: %s", trouble)
            return _unavailable(trouble)
        _log(app, error)
        return answer(Failed(500, "failed"))


def _unavailable(error: Unavailable) -> Response:
    # The connection may be broken; the next request gets another one.
    database.current().discard()
    return answer(Failed(503, "unavailable", headers={"Retry-After": str(error.retry_after)}))


def _log(app: Flask, error: Exception) -> None:
    """Where it failed and what it was. Neither the message, which may quote what was sent, nor the address, which may
    be a customer's link."""
    where = "".join(traceback.format_tb(error.__traceback__))
    rule = request.url_rule.rule if request.url_rule else "?"
    app.logger.error("%s %s failed with %s\n%s", request.method, rule, type(error).__qualname__, where)
