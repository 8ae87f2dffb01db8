"""What has broken readers before, through every field, into every output: nowhere does a value become a command, a
formula, a header, a tag, a further line or an escape of a terminal."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import json
import logging
from typing import Any

import pytest
from flask import Flask

from server import exporting, settings, subscriptions
from server.accounts import users
from server.channels import webhook
from server.channels.email import compose
from server.channels.outgoing import Recipient
from server.delivery.courier import outgoing
from server.store.database import Store
from server.store.models import Message
from tests.admin.visiting import PASSWORD, Panel
from tests.api.calling import Api
from tests.api.test_nasty import EVERY
from tests.server.conftest import MONDAY
from tests.server.test_exporting import sheets

# reliability, T18
CORPUS = [
    "<script>alert(1)</script>", "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "x\r\nBcc: everybody@example.com",
    "\r\nBcc: everybody@example.com", "{{7*7}}", "{% raw %}", "${jndi:ldap://127.0.0.1/a}", "' OR 1=1--", "%00%0d%0a",
    "\x1b[2J\x1b]0;x\x07", "\u202eevil", "\u2028next", "\"'><img src=x onerror=alert(1)>", "\t=1+1",
    "\r=1+1", "javascript:alert(1)",
]  # fmt: skip
FIELDS = ("subject", "description", "text", "long", "secret", "channel")
TELLS = """\
notify:
  told: {title: Told, on: received, steps: [{via: email, to: "role:agent", template: told}]}
templates:
  told: {subject: "{{ subject }} {{ text }}", body: "{{ description }} {{ long }}"}
"""


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """What is put out does not depend on the database."""
    return sqlite_store


@pytest.fixture
def written(app: Flask, calls: Any, put_in_force: Any, caplog: pytest.LogCaptureFixture) -> list[str]:
    """An issue for each of the corpus, which stands in each of its fields and in a comment; their numbers."""
    put_in_force(EVERY[: EVERY.index("notify:")] + TELLS)
    caplog.set_level(logging.DEBUG)
    subscriptions.create({"url": "https://crm.example/", "private": True}, "admin", MONDAY)
    gong: Api = calls("gong")
    numbers = []
    for text in CORPUS:
        answer = gong.post("/api/v1/issues", {"process": "every", **dict.fromkeys(FIELDS, text)})
        assert answer.status_code == 201, (text, answer.get_data(as_text=True))
        numbers.append(answer.json["number"])
        gong.post(f"/api/v1/issues/{numbers[-1]}/actions/comment", {"with": {"text": text}})
    return numbers


def test_json_gives_back_what_was_given(written: list[str], calls: Any) -> None:
    gong: Api = calls("gong")
    for number, text in zip(written, CORPUS, strict=True):
        facts = gong.get(f"/api/v1/issues/{number}").json["facts"]
        assert {name: facts[name] for name in FIELDS} == dict.fromkeys(FIELDS, text)
        assert gong.get(f"/api/v1/issues/{number}/timeline").json[-1]["with"] == {"text": text}


def test_no_log_line_repeats_a_value(written: list[str], caplog: pytest.LogCaptureFixture) -> None:
    assert written
    for record in caplog.records:
        said = record.getMessage()
        assert not [text for text in CORPUS if text in said], said
        assert "\x1b" not in said


def test_a_mail_has_the_headers_that_it_has_and_no_other(written: list[str]) -> None:
    mails = list(Message.select().where(Message.channel == "email", Message.notice == "notice.told"))
    assert len({mail.issue_id for mail in mails}) == len(written)
    for row in mails:
        raw = compose(
            outgoing(row), Recipient("gong", "gong@duban.example", "龚"), "d@duban.example", MONDAY
        ).as_bytes()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert set(mail.keys()) == {
            "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language", "MIME-Version",
            "Content-Type", "Content-Transfer-Encoding",
        }  # fmt: skip
        assert mail.get_content_type() == "text/plain"
        assert "49" not in mail["Subject"].replace(row.issue.number, "")


def test_a_webhook_is_one_line_of_sound_json(written: list[str]) -> None:
    rows = [row for row in Message.select() if row.channels == subscriptions.DOCUMENT]
    comments = []
    for row in rows:
        body = webhook.content(outgoing(row))
        assert b"\n" not in body
        assert b"\r" not in body
        data = json.loads(body)["data"]
        comments += [data["with"]["text"]] if data.get("action") == "comment" else []
    assert comments == CORPUS


def test_tables_have_no_formula_and_lose_nothing(written: list[str]) -> None:
    made = {}
    for format in ("csv", "xlsx", "jsonl", "ocel"):
        made[format] = io.BytesIO()
        exporting.export("every", format, made[format], MONDAY, private=True, by="admin")
    table = csv.DictReader(io.StringIO(made["csv"].getvalue().decode(), newline=""))
    rows = {row["number"]: row for row in table if row["record"] == "issue"}
    assert list(rows) == written
    head, *lines = sheets(made["xlsx"].getvalue())["Issues"]
    book = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    for number, text in zip(written, CORPUS, strict=True):
        for name in FIELDS:
            shown = rows[number][name]
            assert shown.removeprefix("'" if text[0] != "'" else "") == text
            assert not shown.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert not book[number][name].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    said = [json.loads(line)["facts"]["subject"] for line in made["jsonl"].getvalue().split(b"\n")[:-1]]
    assert said == CORPUS
    assert len(json.loads(made["ocel"].getvalue())["objects"]) > len(CORPUS)


def test_no_page_has_a_tag_of_a_value_or_renders_it(written: list[str], app: Flask) -> None:
    users.set_password("gong", PASSWORD, MONDAY)
    visitor = Panel(app, settings.current().url).visitor("gong")
    pages = [f"/admin/issues/{number}" for number in written] + ["/admin/issues/", "/admin/issues/?q=%3Cscript%3E"]
    for path in pages:
        answer = visitor.get(path)
        assert answer.status_code == 200
        for tag in ("<script>alert", "<img src=x", 'href="javascript:'):
            assert tag not in answer.text, (path, tag)
    braces = visitor.get(f"/admin/issues/{written[CORPUS.index('{{7*7}}')]}").text
    assert "{{7*7}}" in braces
