"""`/docs`: the description of the interface as a page for people, and what each problem means. Made from the same table
as `/openapi.json`; plain HTML without scripts, with nothing from elsewhere."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from flask import Blueprint, Flask, Response, make_response, render_template, request

from server import settings
from server.api import description, parameters, problems
from server.api.table import table
from server.resources import texts_of

_REFERENCE: Final = "#/components/schemas/"


@cache
def _texts() -> Mapping[str, Any]:
    return texts_of("docs")


def register(app: Flask) -> None:
    """Let the application find the page's templates."""
    app.register_blueprint(Blueprint("docs", __name__, template_folder="templates"))


def show() -> Response:
    """The interface: routes by group, each with its parameters, body, answers and a call; then the schemas."""
    shown = _language()
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in description.document(shown)["paths"].items():
        for method, one in methods.items():
            groups.setdefault(one["tags"][0], []).append(_operation(method.upper(), path, one))
    titles = {tag: _texts()["groups"].get(tag, {}).get(shown, tag) for tag in groups}
    schemas = {name: list(_rows(schema)) for name, schema in table()["schemas"].items()}
    return _page("docs/interface.html", shown, groups=groups, titles=titles, schemas=schemas)


def explain() -> Response:
    """Every problem that an answer's `type` may name."""
    shown = _language()
    texts = {code: one for code, one in problems.texts().items() if code != "reasons"}
    explained = {code: {part: text[shown] for part, text in one.items()} for code, one in texts.items()}
    return _page("docs/problems.html", shown, problems=dict(sorted(explained.items())))


def _language() -> str:
    parameters.only_these("language")
    chosen = parameters.text("language")
    if chosen is None:
        return problems.language()
    if chosen not in problems.LANGUAGES:
        raise parameters.bad("language", "one-of", allowed=", ".join(problems.LANGUAGES))
    return chosen


# -- an operation --------------------------------------------------------------------------------------------------


def _operation(method: str, path: str, one: Mapping[str, Any]) -> dict[str, Any]:
    body = one.get("requestBody")
    return {
        "id": one["operationId"],
        "method": method,
        "path": path,
        "summary": one["summary"],
        "open": not one["security"],
        "permissions": one.get("x-permissions", []),
        "parameters": [{**parameter, "type": _type(parameter["schema"])} for parameter in one.get("parameters", ())],
        "body": None if body is None else _body(body),
        "answers": [_answer(status, answer) for status, answer in one["responses"].items()],
        "call": "\n".join(_call(method, path, one)),
    }


def _body(body: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, content),) = body["content"].items()
    schema = content.get("schema", {})
    return {"kind": kind, "said": body.get("description", ""), "name": _named(schema)}


def _answer(status: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    content = next(iter(answer.get("content", {}).items()), None)
    kind, name = ("", "") if content is None else (content[0], _named(content[1]["schema"]))
    return {"status": status, "said": answer["description"], "kind": kind, "name": name}


def _call(method: str, path: str, one: Mapping[str, Any]) -> Iterator[str]:
    """A call with curl: what is in capitals is to be filled in."""
    parts: list[tuple[str, str]] = []
    if one["security"]:
        parts.append(("-H", "Authorization: Bearer $TOKEN"))
    body = one.get("requestBody")
    example = None if body is None else next(iter(body["content"].values())).get("example")
    if body is not None and "*/*" in body["content"]:
        parts.append(("--data-binary", "@payload.json"))
    elif example is not None:
        parts += [("-H", "Content-Type: application/json"), ("-d", json.dumps(example, ensure_ascii=False))]
    elif method == "POST":
        parts.append(("-X", "POST"))
    needed = "&".join(
        f"{parameter['name']}={parameter['name'].upper()}"
        for parameter in one.get("parameters", ())
        if parameter["in"] == "query" and parameter["required"]
    )
    filled = path
    for parameter in one.get("parameters", ()):
        if parameter["in"] == "path":
            filled = filled.replace(f"{{{parameter['name']}}}", parameter["name"].upper())
    address = settings.current().url + filled + (f"?{needed}" if needed else "")
    lines = [f"curl '{address}'", *(f"  {option} {_quoted(value)}" for option, value in parts)]
    yield from (line + " \\" for line in lines[:-1])
    yield lines[-1]


def _quoted(value: str) -> str:
    # The shell is to fill in $TOKEN, and nothing else.
    return f'"{value}"' if "$TOKEN" in value else value if value.isalnum() else "'" + value.replace("'", "'\\''") + "'"


# -- schemas -------------------------------------------------------------------------------------------------------


def _rows(schema: Mapping[str, Any], prefix: str = "") -> Iterator[dict[str, Any]]:
    """The keys of a schema, those inside it after it: `clocks[].due`."""
    for part in schema.get("allOf", ()):
        yield {"name": prefix or "…", "type": _type(part), "ref": _named(part), "required": True}
    if schema.get("type") == "array" and not prefix:
        yield from _rows(schema["items"], "[]")
        return
    properties = schema.get("properties", {})
    required: Sequence[str] = schema.get("required", ())
    for name in [*properties, *(name for name in required if name not in properties)]:
        one = properties.get(name, {})
        at = f"{prefix}.{name}" if prefix else name
        yield {"name": at, "type": _type(one), "ref": _named(one), "required": name in required}
        if one.get("type") == "object":
            yield from _rows(one, at)
        elif one.get("type") == "array" and "$ref" not in one.get("items", {}):
            yield from _rows(one.get("items", {}), f"{at}[]")


def _type(schema: Mapping[str, Any]) -> str:
    """What a value may be, in a few words that are those of JSON Schema."""
    if name := _named(schema):
        return name
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    types = schema.get("type", "")
    found = " | ".join(types) if isinstance(types, list) else str(types)
    if "items" in schema:
        found = found.replace("array", f"array of {_type(schema['items']) or 'any'}")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        found += f" {'' if low is None else low}…{'' if high is None else high}"
    return f"{found} ({schema['format']})" if "format" in schema else found


def _named(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).removeprefix(_REFERENCE)


# -- the page ------------------------------------------------------------------------------------------------------


def _page(template: str, shown: str, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    said = {name: text[shown] for name, text in _texts()["texts"].items()}
    other = next(one for one in problems.LANGUAGES if one != shown)
    response = make_response(
        render_template(
            template,
            say=said,
            locale="zh-CN" if shown == "zh" else "en",
            nonce=nonce,
            other=other,
            here=request.path,
            chosen=shown,
            **values,
        )
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
    response.headers["Vary"] = "Accept-Language"
    return response
