"""Files of issues: attached by whoever may, given out as downloads, to those who may see them; erased in time."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from flask import Flask

from server import attachments, erasing
from server.recording import held
from server.store.models import Attachment, AttachmentChunk, AuditEntry, Event
from tests.api.calling import Api, problem
from tests.api.test_subscriptions import ISSUE
from tests.server.conftest import MONDAY


@pytest.fixture
def gong(calls: Any) -> Api:
    api: Api = calls("gong")
    return api


@pytest.fixture
def number(gong: Api) -> str:
    return str(gong.post("/api/v1/issues", ISSUE).json["number"])


def send(api: Api, number: str, data: bytes, name: str = "a.txt", **more: Any) -> Any:
    path = f"/api/v1/issues/{number}/attachments"
    return api.post(path, data=data, query_string={"name": name}, content_type="text/html", **more)


def test_a_file_is_kept_in_chunks_listed_and_comes_back_as_it_was(gong: Api, number: str) -> None:
    data = bytes(range(256)) * 2400  # more than two chunks
    answer = send(gong, number, data, "合同 1.pdf")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    digest = hashlib.sha256(data).hexdigest()
    (one,) = answer.json["attachments"]
    assert (one["name"], one["size"], one["sha256"], one["by"]) == ("合同 1.pdf", len(data), digest, "gong")
    assert gong.get(f"/api/v1/issues/{number}/attachments").json == {"attachments": [one]}
    line = gong.get(f"/api/v1/issues/{number}/timeline").json[-1]
    assert line["with"] == {"file": "合同 1.pdf", "size": len(data), "sha256": digest}
    assert AttachmentChunk.select().count() == 3
    got = gong.get(f"/api/v1/issues/{number}/attachments/{one['id']}")
    assert got.get_data() == data


def test_a_browser_saves_a_file_and_never_shows_it(gong: Api, number: str) -> None:
    name = '../x/a"b\r\nSet-Cookie: x\u202e<svg>.html'
    one = send(gong, number, b"<script>alert(1)</script>", name).json["attachments"][0]
    assert one["name"] == 'a"b__Set-Cookie: x_<svg>.html'
    got = gong.get(f"/api/v1/issues/{number}/attachments/{one['id']}")
    assert got.mimetype == "application/octet-stream"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"].startswith("sandbox")
    said = got.headers["Content-Disposition"]
    assert said.startswith('attachment; filename="a_b__Set-Cookie')
    assert "Set-Cookie" not in dict(got.headers)


def test_more_than_ten_mebibytes_and_more_than_a_hundred_files_are_refused(
    gong: Api, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = problem(send(gong, number, b"x" * (attachments.LARGEST + 1)), 413, "too-large")
    assert "10 MiB" in found["detail"]
    assert send(gong, number, b"x" * attachments.LARGEST).status_code == 201
    monkeypatch.setattr(attachments, "MOST", 1)
    problem(send(gong, number, b"x"), 422, "bad-form")
    assert Attachment.select().count() == 1
    assert len([line for line in gong.get(f"/api/v1/issues/{number}/timeline").json if line.get("action")]) == 2
    problem(gong.post(f"/api/v1/issues/{number}/attachments", data=b"x"), 400, "bad-parameter")


def test_a_name_alone_attaches_nothing(gong: Api, number: str) -> None:
    answer = gong.post(f"/api/v1/issues/{number}/actions/attach", {"with": {"file": "a.txt"}})
    assert "/attachments?name=" in problem(answer, 422, "refused")["errors"][0]["message"]


def test_who_may_attach_is_the_policys_to_say_and_nothing_is_kept_of_what_is_refused(
    app: Flask, calls: Any, number: str
) -> None:
    problem(send(calls("admin"), number, b"x"), 403, "not-by-you")
    assert Attachment.select().count() == AttachmentChunk.select().count() == 0
    assert AuditEntry.select().where(AuditEntry.kind == "issue.refused").count() == 1


def test_who_may_not_see_private_fields_sees_that_there_is_a_file_and_no_more(
    calls: Any, gong: Api, number: str
) -> None:
    id = send(gong, number, b"x").json["attachments"][0]["id"]
    stranger = calls("admin", "issue.read")
    assert stranger.get(f"/api/v1/issues/{number}/attachments").json["attachments"][0]["name"] == "a.txt"
    problem(stranger.get(f"/api/v1/issues/{number}/attachments/{id}"), 403, "permission-missing")
    assert calls("admin", "issue.read", "private.read").get(f"/api/v1/issues/{number}/attachments/{id}").data == b"x"
    other = gong.post("/api/v1/issues", ISSUE).json["number"]
    problem(gong.get(f"/api/v1/issues/{other}/attachments/{id}"), 404, "unknown-attachment")


def test_files_are_erased_with_the_private_fields_and_so_are_their_names(gong: Api, number: str) -> None:
    send(gong, number, b"secret", "Zhang San.jpg")
    assert "Zhang San" not in "".join(entry.body for entry in AuditEntry.select())
    erasing.erase(held(number).id, MONDAY)
    assert Attachment.select().count() == AttachmentChunk.select().count() == 0
    assert not [event for event in Event.select() if "Zhang San" in event.body + event.entries]
