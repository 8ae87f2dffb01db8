"""Answers that are not problems: JSON in UTF-8, keys in the order in which they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response, current_app


def answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """The response with this content."""
    return raw(json.dumps(content, ensure_ascii=False).encode(), status, headers, mimetype)


def raw(
    data: bytes, status: int, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """The response with these bytes."""
    response = current_app.response_class(data, status, mimetype=mimetype)
    if headers:
        response.headers.update(dict(headers))
    return response
