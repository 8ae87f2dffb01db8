"""Signing in and out, and what every answer tells the browser."""

from __future__ import annotations

import re

import pytest

from admin.guard import local
from server.store.models import Session, SignInAttempt
from tests.admin.visiting import PASSWORD, Panel


def test_a_wrong_password_and_an_unknown_login_are_told_alike(panel: Panel) -> None:
    visitor = panel.visitor()
    wrong = visitor.sign_in("gong", "not the password")
    unknown = visitor.sign_in("nobody-of-that-name", "not the password")
    for answer in (wrong, unknown):
        assert answer.status_code == 401
        assert "Login or password are wrong." in answer.text
    assert 'value="gong"' in wrong.text
    assert "not the password" not in wrong.text


def test_after_many_failures_the_next_attempt_has_to_wait(panel: Panel) -> None:
    visitor = panel.visitor(language="zh")
    for _ in range(5):
        assert visitor.sign_in("gong", "wrong password").status_code == 401
    answer = visitor.sign_in("gong")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert re.search(r"失败次数过多，请在 \d+ 秒后重试。", answer.text)


def test_the_session_is_on_the_server_and_ends_with_signing_out(panel: Panel) -> None:
    visitor = panel.visitor("gong")
    session = visitor.client.get_cookie("duban_session", domain="127.0.0.1")
    assert session is not None
    assert Session.select().count() == 1
    assert visitor.get("/admin/issues/").status_code == 200
    answer = visitor.post("/admin/sign-out/")
    assert answer.status_code == 303
    assert Session.select().count() == 0
    visitor.client.set_cookie("duban_session", session.value, domain="127.0.0.1")
    assert visitor.get("/admin/issues/").status_code == 303


def test_the_cookie_is_for_this_server_and_no_script(panel: Panel) -> None:
    cookie = session_cookie(panel, "duban_session")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_bound_to_the_host(panel_over_https: Panel) -> None:
    cookie = session_cookie(panel_over_https, "__Host-duban_session")
    assert {"Secure", "HttpOnly", "Path=/"} <= set(re.split("; ", cookie))
    assert "Domain" not in cookie


def session_cookie(panel: Panel, name: str) -> str:
    answer = panel.visitor().sign_in("gong")
    return next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{name}="))


def test_a_form_token_from_before_signing_in_is_worth_nothing_after(panel: Panel) -> None:
    visitor = panel.visitor()
    before = visitor.token()
    visitor.sign_in("gong")
    answer = visitor.client.post("/admin/sign-out/", data={"csrf_token": before}, base_url=visitor.base_url)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/\\evil.example",
        "/admin/\\evil",
        "javascript:alert(1)",
        "/elsewhere",
        "/administrator",
        "admin/issues/",
        "",
        None,
    ],
)
def test_nobody_is_sent_away_from_the_panel(panel: Panel, address: str | None) -> None:
    assert local(address) == ""


def test_signing_in_leads_back_to_where_one_was_going(panel: Panel) -> None:
    visitor = panel.visitor()
    answer = visitor.get("/admin/issues/?state=closed&q=x")
    assert answer.headers["Location"] == "/admin/sign-in/?next=/admin/issues/?state%3Dclosed%26q%3Dx"
    assert visitor.sign_in("gong", next="/admin/issues/?state=closed").headers["Location"].endswith("?state=closed")
    assert panel.visitor().sign_in("gong", next="https://evil.example/").headers["Location"] == "/admin/"


def test_pages_allow_only_their_own_scripts_and_styles(panel: Panel) -> None:
    answer = panel.visitor("gong").get("/admin/issues/")
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    nonce = re.search(r"'nonce-([^']+)'", policy["script-src"])
    assert nonce is not None
    assert all(
        f'nonce="{nonce[1]}"' in tag for tag in re.findall(r"<(?:script|link rel=.stylesheet)[^>]*>", answer.text)
    )
    assert not re.search(r"\son\w+=|javascript:|\sstyle=", answer.text)
    assert not re.search(r"(?:href|src|action)=.(?:https?:)?//", answer.text)
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_somebody_disabled_is_out_at_once(panel: Panel) -> None:
    from server.accounts import disable_user

    visitor = panel.visitor("gong")
    disable_user("gong", 1)
    assert visitor.get("/admin/issues/").status_code == 303
    assert panel.visitor().sign_in("gong", PASSWORD).status_code == 401


def test_asking_only_for_the_head_of_a_page_does_nothing(panel: Panel) -> None:
    options = {"base_url": "http://127.0.0.1:8080"}
    assert panel.visitor().client.head("/admin/sign-in/", **options).status_code == 200
    assert SignInAttempt.select().count() == 0
    head = panel.visitor("gong").client.head("/admin/new-issue/?process=complaint-monitoring", **options)
    assert head.status_code == 200
