"""Alive and ready are two things; sessions of browsers; proxies; failures that nobody foresaw."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server import delivery
from server.accounts import sign_in, users
from server.api import application
from server.store.database import Store
from server.store.failures import Unavailable
from tests.api.calling import Api, problem
from tests.api.conftest import known
from tests.server.conftest import MONDAY


def test_alive_and_ready(api: Api) -> None:
    assert api.get("/healthz").json == {"status": "alive"}
    ready = api.get("/readyz")
    assert (ready.status_code, ready.json["status"], ready.json["outgoing"]) == (200, "ready", "leaving")


def test_ready_says_that_messages_are_held_and_why(api: Api) -> None:
    delivery.hold_outgoing(MONDAY, delivery.RESTORED)
    said = api.get("/readyz").json
    assert (said["outgoing"], said["reason"], said["since"]) == ("held", "restored", "2026-03-02T01:00:00+00:00")
    delivery.release_outgoing(MONDAY, "root", send=True)
    delivery.hold_outgoing(MONDAY, "Li thinks that nobody should know")
    assert api.get("/readyz").json["reason"] == "administrator"


def test_without_its_database_the_server_is_alive_but_not_ready(
    api: Api, open_for_business: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any, **__: Any) -> Any:
        raise Unavailable("gone", retry_after=3)

    monkeypatch.setattr(Store, "session", gone)
    assert api.get("/healthz").status_code == 200
    answer = api.get("/readyz")
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "3"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    problem(api.get("/api/v1/issues"), 503, "unavailable")


@pytest.fixture
def session(api: Api) -> Api:
    """A browser that is signed in."""
    users.set_password("admin", "a long password", MONDAY)
    text = sign_in("admin", "a long password", "127.0.0.1", MONDAY)
    assert text is not None
    api.client.set_cookie("duban_session", text)
    return api


def test_a_browser_session_reads(session: Api) -> None:
    assert session.get("/api/v1/issues").status_code == 200


def test_a_browser_session_changes_only_from_pages_of_this_server(session: Api) -> None:
    body = {"process": "complaint-monitoring", "subject": "x"}
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "cross-site"},
    ):
        problem(session.post("/api/v1/issues", body, headers), 401, "not-authenticated")
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8080"}):
        assert session.post("/api/v1/issues", body, headers).status_code == 201


def test_a_token_that_is_wrong_is_not_made_up_for_by_a_session(session: Api) -> None:
    problem(session.get("/api/v1/issues", {"Authorization": "Bearer wrong"}), 401, "not-authenticated")
    problem(session.get("/api/v1/issues", {"Authorization": "Basic eDp5"}), 401, "not-authenticated")


def test_a_failure_that_nobody_foresaw_is_a_problem_and_its_log_quotes_nothing(
    app: Flask, calls: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError(written)

    written = "what the customer wrote"
    admin = calls("admin")
    monkeypatch.setattr("server.issues.listed", fail)
    with caplog.at_level(logging.INFO):
        problem(admin.get("/api/v1/issues?q=secret"), 500, "failed")
    assert "ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert written not in caplog.text
    assert "secret" not in caplog.text
    (broken,) = app.extensions["promises"].broken
    assert "500 is not described" in broken, "no route promises to fail"
    app.extensions["promises"].broken.clear()


def test_without_a_proxy_nobody_can_say_where_he_comes_from(app: Flask, api: Api) -> None:
    forged = {"X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    seen = seen_by(app, forged)
    assert seen == ("127.0.0.1", "http", "localhost")


def test_as_many_proxies_are_believed_as_there_are(tmp_path: Path, open_for_business: Store) -> None:
    behind = application.build(replace(known(tmp_path), proxy_hops=1))
    forged = {"X-Forwarded-For": "6.6.6.6, 10.0.0.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "duban.example"}
    assert seen_by(behind, forged) == ("10.0.0.1", "https", "duban.example")


def seen_by(app: Flask, headers: dict[str, str]) -> tuple[str | None, str, str]:
    """From where, how and for whom a request came, as the application sees it."""
    from flask import request

    with app.test_client() as client:
        client.get("/healthz", headers=headers)
        return request.remote_addr, request.scheme, request.host


def test_over_https_browsers_are_told_to_stay_there(tmp_path: Path, open_for_business: Store) -> None:
    secure = application.build(replace(known(tmp_path), url="https://duban.example"))
    assert "max-age" in secure.test_client().get("/healthz").headers["Strict-Transport-Security"]
