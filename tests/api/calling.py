"""Calling the interface as an integrator does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from server.core.moments import Moment


class Clock:
    """What time it is; moves only when it is told."""

    def __init__(self, now: Moment) -> None:
        self.now = now


class Api:
    """A caller, with a token or without."""

    def __init__(self, client: FlaskClient, token: str | None = None) -> None:
        self.client = client
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> TestResponse:
        return self.client.get(path, headers={**self.headers, **(headers or {})})

    def post(self, path: str, json: Any = None, headers: Mapping[str, str] | None = None, **more: Any) -> TestResponse:
        if json is not None:
            more["json"] = json
        return self.client.post(path, headers={**self.headers, **(headers or {})}, **more)


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The answer is this problem (RFC 9457); give it."""
    found = answer.get_json(force=True, silent=True)
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    assert isinstance(found, dict)
    assert found["type"].endswith(f"#{code}"), found
    assert found["status"] == status
    assert found["title"]
    assert found["detail"]
    assert "{" not in found["title"] + found["detail"]
    for error in found.get("errors", ()):
        assert error["message"]
    return found
