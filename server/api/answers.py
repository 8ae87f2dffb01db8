"""Answers that are not problems: JSON in UTF-8, keys in the order in which they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, current_app


def answer(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """The response with this content."""
    return raw(encoded(content), status, headers, mimetype)


def encoded(content: Any) -> bytes:
    """The bytes of a content."""
    return _ENCODER.encode(content).encode()


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False)


def raw(
    data: bytes, status: int, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """The response with these bytes."""
    response = current_app.response_class(data, status, mimetype=mimetype)
    if headers:
        response.headers.update(dict(headers))
    return response
