"""`/openapi.json`: the interface described by OpenAPI 3.1, made from the table that the routes are registered from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from flask import Response

from server import settings
from server.accounts import cookie_name
from server.api.answers import answer
from server.api.problems import language
from server.api.table import WITHOUT_STORE, Route, routes, table

VERSION: Final = "v1"
RETRY_AFTER: Final = (429, 503)


def describe() -> Response:
    """The description, in the language that the caller accepts."""
    return answer({**document(language()), "components": _components(cookie_name(settings.current().url))})


@cache
def document(shown: str) -> dict[str, Any]:
    """The description in that language, without its components."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes():
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shown)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "督办 Duban",
            "version": VERSION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
    }


def _components(cookie: str) -> dict[str, Any]:
    schemes = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": cookie},
    }
    return {"schemas": table()["schemas"], "securitySchemes": schemes}


def _operation(route: Route, shown: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.id.replace(".", "_"),
        "tags": [route.id.partition(".")[0]],
        "summary": route.description["title"][shown],
        "security": [] if route.permission is None else [{"token": []}, {"session": []}],
    }
    if route.permission:
        # One of these is enough; OpenAPI itself can only ask for all.
        operation["x-permissions"] = list(route.permission)
    if parameters := list(_parameters(route, shown)):
        operation["parameters"] = parameters
    if "request" in route.description:
        operation["requestBody"] = _body(route.description["request"], shown)
    operation["responses"] = {str(status): one for status, one in sorted(_answers(route, shown).items())}
    return operation


def _parameters(route: Route, shown: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    for name, one in route.description.get("parameters", {}).items():
        schema = {key: value for key, value in one.items() if key not in ("description", "required")}
        required = one.get("required", False)
        found: dict[str, Any] = {"name": name, "in": "query", "required": required, "schema": schema}
        if not required:
            found["allowEmptyValue"] = True  # as if it were not there
        yield {**found, "description": one["description"][shown]}
    for name, said in route.description.get("headers", {}).items():
        schema = {"type": "string"} | {key: value for key, value in said.items() if key == "pattern"}
        yield {"name": name, "in": "header", "schema": schema, "description": said[shown]}


def _body(request: Mapping[str, Any], shown: str) -> dict[str, Any]:
    if request["type"] == "any":
        needed = not request.get("optional", False)
        return {"required": needed, "description": request["description"][shown], "content": {"*/*": {}}}
    content: dict[str, Any] = {"schema": _schema(request["schema"])}
    if "example" in request:
        content["example"] = request["example"]
    return {"content": {"application/json": content}}


def _answers(route: Route, shown: str) -> dict[int, dict[str, Any]]:
    found = {
        status: _answer(status, "Problem", said[shown])
        for group in _groups(route)
        for status, said in table()["common"][group].items()
    }
    for status, one in route.description["answers"].items():
        found[status] = _answer(status, one.get("schema"), one["description"][shown], one.get("type"))
    return found


def _groups(route: Route) -> Iterator[str]:
    """The groups of common answers that this route may give."""
    if "{" in route.path:
        yield "named"
    if route.description.get("parameters"):
        yield "parameters"
    if "request" in route.description:
        yield "body"
        if route.description["request"]["type"] == "json":
            yield "json"
    if route.permission is not None:
        yield "caller"
    if route.path not in WITHOUT_STORE:
        yield "store"


def _answer(status: int, schema: str | None, said: str, kind: str | None = None) -> dict[str, Any]:
    """What is answered; without a schema it is text of that kind, without either it is nothing."""
    if schema is None and kind is None:
        return {"description": said}
    kind = kind or ("application/json" if status < 400 else "application/problem+json")
    content = {"type": "string"} if schema is None else _schema(schema)
    found: dict[str, Any] = {"description": said, "content": {kind: {"schema": content}}}
    if status in RETRY_AFTER:
        seconds = {"type": "integer", "minimum": 0}
        found["headers"] = {"Retry-After": {"required": True, "schema": seconds}}
    return found


def _schema(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
