"""Whether answers are those that the interface's description promises."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from flask import Response, request
from jsonschema import Draft202012Validator, FormatChecker

from server.api import description
from server.api.table import table

FORMATS = FormatChecker(formats=())
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)", re.ASCII)


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    """RFC 3339, to the second; jsonschema itself looks only when a further package is there."""
    return not isinstance(value, str) or DATE_TIME.fullmatch(value) is not None


class Promises:
    """Looks at each answer of an application; what is not as described is in `broken`."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def look(self, response: Response) -> Response:
        """For `after_request`."""
        if request.url_rule is not None:
            found = operation(request.url_rule.rule, request.method)
            broken = None if found is None else difference(found, response)
            if broken:
                self.broken.append(f"{request.method} {request.path}: {response.status_code} {broken}")
        return response


def operation(rule: str, method: str) -> dict[str, Any] | None:
    """The description of this route; None when it is a page for people."""
    path = rule.replace("<", "{").replace(">", "}")
    found = description.document("en")["paths"].get(path, {}).get("get" if method == "HEAD" else method.lower())
    assert found is None or isinstance(found, dict)
    return found


def difference(described: dict[str, Any], response: Response) -> str | None:
    """What about the response is not as described: its status, its kind, its headers, its content."""
    found = described["responses"].get(str(response.status_code))
    if found is None:
        return f"is not described: {response.get_data(as_text=True)[:300]}"
    if "content" not in found:
        return None if not response.get_data() else "is not empty"
    ((kind, content),) = found["content"].items()
    if response.mimetype != kind:
        return f"is {response.mimetype}"
    for name in found.get("headers", {}):
        if not response.headers.get(name, "").isdigit():
            return f"is without {name}"
    if request.method == "HEAD" or "$ref" not in content["schema"]:
        return None
    problem = next(_validator(content["schema"]["$ref"]).iter_errors(json.loads(response.get_data())), None)
    return None if problem is None else f"{problem.json_path}: {problem.message[:300]}"


@cache
def _validator(reference: str) -> Draft202012Validator:
    whole = {"components": {"schemas": table()["schemas"]}, "$ref": reference}
    return Draft202012Validator(whole, format_checker=FORMATS)
