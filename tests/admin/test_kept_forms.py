"""A session that ends while somebody types: nothing typed is lost, and nobody can use that against him."""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest

from server.accounts import end_sessions
from server.recording import held
from tests.admin.visiting import PASSWORD, Panel, Visitor, now, receive, words

TYPED = '客户来电：<b>第二次</b> & "催问"\r\n第二行'


def hidden(page: str) -> dict[str, str]:
    """The fields of the form that is offered."""
    form = page[page.rindex("<form", 0, page.index('name="csrf_token"', page.index("<main"))) :]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields |= dict(re.findall(r'<textarea name="([^"]+)" hidden>\n(.*?)</textarea>', form, re.DOTALL))
    return {name: html.unescape(text) for name, text in fields.items()}


def post(visitor: Visitor, path: str, data: dict[str, Any], **headers: str) -> Any:
    """A form with the token that it was shown with, as a browser sends it."""
    sent = {
        "Referer": f"{visitor.base_url}/admin/issues/",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return visitor.client.post(path, data=data, base_url=visitor.base_url, headers=sent, buffered=True)


def signed_in_again(visitor: Visitor, page: str) -> Any:
    fields = hidden(page)
    assert fields["kept"]
    return post(visitor, "/admin/sign-in/", {**fields, "login": "gong", "password": PASSWORD})


@pytest.fixture
def late(panel: Panel) -> tuple[Visitor, str, str]:
    """Somebody whose session ends between opening a form and sending it; the form's address and token."""
    number = receive()
    visitor = panel.visitor("gong")
    token = visitor.token(f"/admin/issues/{number}")
    end_sessions("gong", now(), by="root")
    return visitor, f"/admin/issues/{number}/actions/comment", token


def test_what_was_typed_is_offered_again_after_signing_in(late: tuple[Visitor, str, str]) -> None:
    visitor, path, token = late
    answer = post(visitor, path, {"csrf_token": token, "text": TYPED})
    assert answer.status_code == 401
    assert "Nothing is lost: sign in, and send it again." in answer.text
    wrong = post(visitor, "/admin/sign-in/", {**hidden(answer.text), "login": "gong", "password": "wrong"})
    assert wrong.status_code == 401
    offered = signed_in_again(visitor, wrong.text)
    assert offered.status_code == 200
    assert "What you had typed has not been sent yet." in offered.text
    assert '客户来电：<b>第二次</b> & "催问"' in words(offered.text)
    fields = hidden(offered.text)
    assert fields["text"].replace("\r\n", "\n") == TYPED.replace("\r\n", "\n")
    assert f'action="{path}"' in offered.text
    number = path.split("/")[3]
    before = held(number).seq
    assert post(visitor, path, fields).status_code == 303
    assert held(number).seq > before
    assert "第二行" in visitor.text(f"/admin/issues/{number}")


def test_a_form_from_before_signing_in_elsewhere_can_be_sent_again(panel: Panel) -> None:
    number = receive()
    visitor = panel.visitor("gong")
    path = f"/admin/issues/{number}/actions/comment"
    stale = visitor.token(f"/admin/issues/{number}")
    visitor.sign_in("gong")
    answer = post(visitor, path, {"csrf_token": stale, "text": TYPED})
    assert answer.status_code == 400
    assert "This form is out of date" in answer.text
    fields = hidden(answer.text)
    assert fields["csrf_token"] != stale
    assert post(visitor, path, fields).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Referer": "https://evil.example/"},
        {"Referer": ""},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Mode": "cors"},
    ],
)
def test_nothing_that_another_site_sent_is_offered(panel: Panel, headers: dict[str, str]) -> None:
    number = receive()
    for visitor in (panel.visitor("gong"), panel.visitor()):
        answer = post(visitor, f"/admin/issues/{number}/actions/comment", {"text": TYPED}, **headers)
        assert answer.status_code == 400
        assert "第二行" not in answer.text
        assert "kept" not in answer.text


def test_only_what_this_server_sealed_is_offered(panel: Panel) -> None:
    visitor = panel.visitor()
    kept = '["/admin/users/gong/reset", [["text", "made up"]], false]'
    answer = visitor.sign_in("gong", kept=kept)
    assert answer.status_code == 303
    assert "made up" not in answer.text


def test_passwords_are_not_kept(panel: Panel) -> None:
    visitor = panel.visitor("gong")
    token = visitor.token("/admin/account/")
    end_sessions("gong", now(), by="root")
    sent = {"csrf_token": token, "present": PASSWORD, "new": "another password", "again": "another password"}
    answer = post(visitor, "/admin/account/password", sent)
    assert answer.status_code == 303
    assert "another password" not in answer.text


def test_a_file_that_was_with_it_is_to_be_chosen_again(late: tuple[Visitor, str, str]) -> None:
    visitor, path, token = late
    sent = {"csrf_token": token, "text": TYPED, "file": (io.BytesIO(b"x"), "photo.png")}
    answer = post(visitor, path.replace("actions/comment", "files"), sent)
    offered = signed_in_again(visitor, answer.text)
    assert "must be chosen again" in offered.text


def test_a_script_is_told_what_to_do(late: tuple[Visitor, str, str]) -> None:
    visitor, path, token = late
    for answer in (
        post(visitor, path, {"csrf_token": token, "text": TYPED}, Accept="application/json"),
        visitor.get("/admin/issues/", headers={"Accept": "application/json"}),
    ):
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
        assert answer.json["sign_in"] == "/admin/sign-in/"
        assert answer.json["detail"].startswith("Your session has ended.")
    visitor.sign_in("gong")
    stale = post(visitor, path, {"csrf_token": token, "text": TYPED}, Accept="application/json")
    assert stale.status_code == 400
    again = post(visitor, path, {"csrf_token": stale.json["csrf_token"], "text": TYPED}, Accept="application/json")
    assert again.status_code == 303
    foreign = post(visitor, path, {"text": "x"}, Accept="application/json", Referer="https://evil.example/")
    assert "csrf_token" not in foreign.json
    assert visitor.get("/admin/issues/none", headers={"Accept": "application/json"}).json["status"] == 404
