"""From a `notified` line to messages: who gets which words by which channel."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server import messages
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Message
from tests.server.desk import (
    ENVIRON,
    HOUR,
    MINUTE,
    SETTINGS,
    START,
    Desk,
    people,
    sent_rows,
    without,
)

pytestmark = pytest.mark.usefixtures("store")


def notice(steps: str, title: str = "{zh: 首次通知, en: First notice}") -> str:
    """A notice at receipt with these steps."""
    return f"notify:\n  first: {{title: {title}, on: received, steps: {steps}}}\n"


def planned(steps: str, more: str = "", environ: Any = ENVIRON, **facts: Any) -> list[Message]:
    """The messages of a new issue whose notice has these steps."""
    Desk(notice(steps) + more, environ).receive(**facts)
    return sent_rows()


def brief(rows: list[Message]) -> list[tuple[str, str, str, str | None]]:
    return [(row.channel, row.recipient, row.state, row.reason) for row in rows]


# --- who --------------------------------------------------------------------------------------------------------------


def test_each_person_of_a_step_gets_one_message_in_his_own_language(store: Store) -> None:
    rows = planned("[{via: email, to: [team:support, lead]}]", impact="stopped")
    assert [(row.recipient, row.address, row.state, row.language) for row in rows] == [
        ("li", "li@duban.example", Message.PENDING, "zh"),
        ("wu", "wu@duban.example", Message.PENDING, "en"),
    ]
    assert rows[0].subject == "【严重】C0001 首次通知：无法登录"
    assert rows[1].subject == "[Grave] C0001 First notice: 无法登录"
    assert "Received: severity Grave, team Support" in rows[1].body
    assert rows[1].body.endswith("https://duban.example/issues/C0001")
    assert (rows[0].at, rows[0].next_at, rows[0].notice) == (START, START, "notice.first")


def test_a_deputy_stands_in_for_somebody_absent(store: Store) -> None:
    desk = Desk(notice("[{via: email, to: [lead, receiver, role:monitor]}]"))
    people(
        li={"absences": [{"from": START - 1, "until": START + HOUR}], "deputy": "wu"},
        mia={"absences": [{"from": START - 1}]},
    )
    desk.receive(by="li")
    assert [row.recipient for row in sent_rows()] == ["wu", "mia"]  # nobody stands in for mia
    desk.receive(now=START + HOUR, by="li")
    assert [row.recipient for row in sent_rows()][2:] == ["li", "mia"]


def test_nobody_found_is_kept_and_shown(store: Store) -> None:
    rows = planned("[{via: email, to: [team:empty, owner]}]")
    assert brief(rows) == [("email", "", Message.UNSENT, "nobody")]
    assert rows[0].next_at is None


def test_whoever_is_on_duty_when_the_step_is_taken_is_told(store: Store) -> None:
    from server.directory import changed
    from server.store.models import Rota

    desk = Desk(notice("[{via: email, to: duty:support}, {via: email, to: duty:support, wait: 1h}]"))
    with database.transaction():
        Rota.create(team="support", person="li", from_at=START - HOUR, to_at=START + MINUTE)
        Rota.create(team="support", person="wu", from_at=START + MINUTE, to_at=START + 9 * HOUR)
        changed()
    desk.receive()
    desk.sweep(START + HOUR)
    assert [row.recipient for row in sent_rows()] == ["li", "wu"]


def test_the_supervisor_is_that_of_the_owner_when_the_step_is_taken(store: Store) -> None:
    desk = Desk("notify:\n  n: {on: accept, steps: [{via: email, to: [owner, supervisor, involved, did:accept]}]}\n")
    desk.act(desk.receive(), "accept", "wu", START + MINUTE)
    assert [row.recipient for row in sent_rows()] == ["wu", "boss"]
    assert "Wu Hao: 受理" in sent_rows()[0].body


def test_people_in_fields_are_reached_by_login_address_or_number(store: Store) -> None:
    steps = "[{via: email, to: [field:manager, field:mail]}, {via: sms, to: field:phone}]"
    rows = planned(steps, manager="mia", mail="x@y.example", phone="13700000000")
    assert [(row.channel, row.recipient, row.address) for row in rows] == [
        ("email", "mia", "mia@duban.example"),
        ("email", "", "x@y.example"),
        ("sms", "", "13700000000"),
    ]


def test_the_customer_is_reached_at_the_record_or_else_at_the_first_fields(store: Store) -> None:
    steps = "[{via: email, to: customer}, {via: sms, to: customer}]"
    rows = planned(steps, customer="甲公司", mail="wrong@x.example")
    assert [row.address for row in rows] == ["jia@customer.example", "13800000001"]
    assert {row.recipient for row in rows} == {"customer"}
    Message.delete().execute()
    rows = planned(steps, customer="不知名", mail="own@x.example", phone="13700000000")
    assert [row.address for row in rows] == ["own@x.example", "13700000000"]


# --- by which channel -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "channel"),
    [
        ({"customer": "甲公司"}, "sms"),  # no preference: the first channel with an address
        ({"customer": "甲公司", "preferred": "email"}, "email"),
        ({"customer": "乙公司"}, "email"),  # the record's
        ({"customer": "乙公司", "preferred": "sms"}, "sms"),  # the issue's wins
        ({"customer": "丙", "mail": "c@x.example"}, "email"),
    ],
)
def test_preferred_is_the_customers_channel(store: Store, facts: dict[str, Any], channel: str) -> None:
    (row,) = planned("[{via: preferred, to: customer}]", **facts)
    assert (row.channel, row.state) == (channel, Message.PENDING)


def test_preferred_without_any_address_is_kept(store: Store) -> None:
    rows = planned("[{via: preferred, to: customer}]", customer="丙")
    assert brief(rows) == [("preferred", "customer", Message.UNSENT, "no_address")]


def test_a_channel_that_is_not_set_keeps_its_message_or_hands_over(store: Store) -> None:
    unset = without(ENVIRON, "EMAIL_URL", "WECOM_URL")
    rows = planned("[{via: email, to: lead}, {via: wecom, to: lead}]", environ=unset)
    assert brief(rows) == [
        ("email", "li", Message.UNSENT, "not_configured"),  # for both steps: the robot hands over to mail
    ]
    Message.delete().execute()
    rows = planned("[{via: sms, to: team:support}]", environ=without(ENVIRON, "SMS_URL"))
    assert brief(rows) == [
        ("email", "li", Message.PENDING, "instead:sms"),
        ("email", "wu", Message.PENDING, "instead:sms"),
    ]


def test_a_hand_over_gives_nobody_the_same_step_twice(store: Store) -> None:
    rows = planned("[{via: [sms, email], to: lead}]", environ=without(ENVIRON, "SMS_URL"))
    assert brief(rows) == [("email", "li", Message.PENDING, "instead:sms")]


def test_somebody_without_an_address_is_handed_over_or_kept(store: Store) -> None:
    people_without = "[{via: sms, to: [lead, role:monitor]}, {via: email, to: field:manager}]"
    rows = planned(people_without, manager="mute")
    assert brief(rows) == [
        ("sms", "li", Message.PENDING, None),
        ("email", "mia", Message.PENDING, "instead:sms"),
        ("email", "mute", Message.UNSENT, "no_address"),
    ]


def test_a_group_robot_gets_one_message_that_names_everyone(store: Store) -> None:
    (row,) = planned("[{via: wecom, to: [team:support, role:monitor]}]")
    assert (row.channel, row.recipient, row.state) == ("wecom", "", Message.PENDING)
    assert [(one["id"], one["address"], one["number"]) for one in row.payload["to"]] == [
        ("li", "LiMing", "13900000002"),
        ("wu", "", "13900000003"),
        ("mia", "", ""),
    ]


def test_a_robot_that_is_not_set_becomes_a_mail_to_each(store: Store) -> None:
    rows = planned("[{via: wecom, to: team:support}]", environ=without(ENVIRON, "WECOM_URL"))
    assert brief(rows) == [
        ("email", "li", Message.PENDING, "instead:wecom"),
        ("email", "wu", Message.PENDING, "instead:wecom"),
    ]


def test_another_system_gets_the_issue_without_private_fields(store: Store) -> None:
    (row,) = planned("[{via: crm, to: customer}]", customer="甲公司", phone="13700000000")
    data = row.payload["data"]
    assert (data["number"], data["notice"], data["facts"]["customer"]) == ("C0001", "first", "甲公司")
    assert data["at"] == "2026-03-02T01:00:00+00:00"
    assert "phone" not in data["facts"]
    assert "13700000000" not in json.dumps(row.payload["data"])


# --- tasks by hand ----------------------------------------------------------------------------------------------------


def test_a_manual_channel_makes_a_task_for_the_owner_that_is_confirmed(store: Store) -> None:
    desk = Desk("notify:\n  call: {on: accept, steps: [{via: verbal, to: [supervisor, customer]}]}\n")
    number = desk.receive(customer="甲公司")
    desk.act(number, "accept", "wu", START + MINUTE)
    (task,) = messages.open_tasks(1)
    assert (task.state, task.recipient, task.language, task.next_at) == (Message.MANUAL, "wu", "en", None)
    assert task.body.startswith(
        "Tell 陆建国 (13900000001), 甲公司 (13800000001) in person or by telephone, then confirm:"
    )
    desk.happens(number, {"kind": "confirm", "notice": "call", "by": "wu"}, START + HOUR)
    assert messages.confirm_one(1, "call", "wu", START + HOUR)
    assert not messages.confirm_one(1, "call", "wu", START + HOUR)
    assert sent_rows()[0].state == Message.CONFIRMED
    (entry,) = AuditEntry.select().where(AuditEntry.kind == "message.confirmed")
    assert entry.by == "wu"


def test_a_task_with_nobody_to_tell_can_still_be_confirmed(store: Store) -> None:
    (row,) = planned("[{via: verbal, to: team:empty}]")
    assert (row.state, row.reason) == (Message.MANUAL, "nobody")
    assert "空组" in row.body
    assert messages.confirm_one(1, "first", None, START)


# --- words ------------------------------------------------------------------------------------------------------------

TEMPLATES = """\
templates:
  full:
    subject: {zh: "{{ number }} {{ severity }}", en: "{{ number }} is {{ severity }}"}
    body:
      zh: "{{ customer }} {{ impact }} {{ impact.id }} 电话{{ phone }}。{{ clocks.reply.due }} {{ link }}"
      en: "{{ customer }} {{ impact }} phone {{ phone }}. {{ clocks.reply.due }}"
  lengthy: {body: "{% for i in (1..100000) %}{{ i }}{% endfor %}"}
  told: {body: "{% for line in history %}{{ line.at }} {{ line.text }}|{% endfor %}"}
  behind: {body: "{{ number }} {{ late }}"}
clocks:
  reply: {title: {zh: 答复, en: Reply}, on: received, until: accept, within: 1h}
"""


def test_a_template_is_rendered_in_the_readers_language(store: Store) -> None:
    rows = planned(
        "[{via: email, to: [lead, role:monitor], template: full}]", TEMPLATES, customer="甲", impact="stopped"
    )
    assert rows[0].subject == "C0001 严重"
    assert rows[0].body == "甲 停顿 stopped 电话。2026-03-02 10:00:00 https://duban.example/issues/C0001"
    assert (rows[1].subject, rows[1].body) == ("C0001 is Grave", "甲 Stopped phone . 2026-03-02 10:00:00")


def test_private_fields_are_printed_only_for_those_who_handle_the_issue(store: Store) -> None:
    mails = "{via: email, to: [team:support, supervisor+1, role:monitor], template: full}"
    rows = planned(f"[{mails}, {{via: wecom, to: lead, template: full}}]", TEMPLATES, phone="13700000000")
    seen = {(row.channel, row.recipient): "13700000000" in row.body for row in rows}
    assert seen == {
        ("email", "li"): True,
        ("email", "wu"): True,
        ("email", "boss"): True,  # their supervisor
        ("email", "mia"): False,
        ("wecom", ""): False,  # who reads along in a group is not known
    }


def test_a_template_that_fails_gives_the_default_and_a_record(store: Store) -> None:
    (row,) = planned("[{via: email, to: lead, template: lengthy}]", TEMPLATES)
    assert row.state == Message.PENDING
    assert row.body.startswith("已受理：级别 一般")
    assert row.payload["problem"]["code"] == "template-too-much"
    (entry,) = AuditEntry.select().where(AuditEntry.kind == "message.not_rendered")
    assert row.key in entry.body


def test_history_is_the_whole_timeline_so_far(store: Store) -> None:
    desk = Desk("notify:\n  n: {on: accept, steps: [{via: email, to: owner, template: told}]}\n" + TEMPLATES)
    desk.act(desk.receive(), "accept", "li", START + MINUTE)
    (row,) = sent_rows()
    lines = row.body.rstrip("|").split("|")
    assert lines[0].startswith("2026-03-02 09:00:00 已受理")
    assert any("时限“答复”按时完成" in line for line in lines)
    assert "通知“n”" in lines[-1]


def test_late_is_said_by_the_template_or_before_the_text(store: Store) -> None:
    steps = "[{via: email, to: lead, template: behind, wait: 1h}, {via: email, to: role:monitor}]"
    desk = Desk(notice(steps) + TEMPLATES)
    desk.receive()
    desk.sweep(START + HOUR + 20 * MINUTE)
    first, second = sent_rows()
    assert first.body == "C0001 迟发 20 分钟"
    assert second.body.startswith("(sent 20 minutes late)\n")
    assert first.at == START + HOUR


def test_a_message_in_time_says_nothing_of_being_late(store: Store) -> None:
    desk = Desk(notice("[{via: email, to: lead, template: behind, wait: 1h}]") + TEMPLATES)
    desk.receive()
    desk.sweep(START + HOUR + 900)
    (row,) = sent_rows()
    assert row.body == "C0001 "
    assert row.not_before == START + HOUR + 900 + messages.FOLD_FOR


def test_a_ladder_says_which_rung(store: Store) -> None:
    ladder = """\
ladders:
  up:
    title: {zh: 升级, en: Escalation}
    on: received
    rungs: [{to: lead, via: [email, sms], within: 1h}, {to: supervisor, via: email}]
"""
    desk = Desk(ladder)
    desk.receive()
    desk.sweep(START + HOUR)
    rows = sent_rows()
    assert [(row.notice, row.channel, row.recipient) for row in rows] == [
        ("ladder.up.1", "email", "li"),
        ("ladder.up.1", "sms", "li"),
        ("ladder.up.2", "email", "li"),  # nobody owns it: the lead stands for the supervisor
    ]
    assert rows[1].body == "C0001 无法登录：升级“升级”至第 1 级：组长，限 2026-03-02 10:00:00"
    assert rows[2].body.splitlines()[0] == "升级“升级”至第 2 级：上级"


def test_injection_into_a_subject_stays_on_one_line(store: Store) -> None:
    (row,) = planned("[{via: email, to: lead}]", subject="x\r\nBcc: all@x.example")
    assert "\n" not in row.subject
    assert "\r" not in row.subject


# --- surveys ----------------------------------------------------------------------------------------------------------

SURVEY = """\
surveys:
  happy:
    title: {zh: 满意度调查, en: Survey}
    on: close
    via: [preferred, sms]
    expires: 14d
    questions: {good: {type: boolean}}
"""


def test_a_survey_carries_a_signed_link_that_names_issue_survey_and_time(store: Store) -> None:
    desk = Desk(SURVEY)
    desk.act(desk.receive(customer="乙公司"), "close", "li", START + MINUTE)
    mail, text = sent_rows()
    assert (mail.channel, text.channel, mail.notice) == ("email", "sms", "survey.happy")
    link = mail.body[mail.body.index("https://duban.example/s/") :]
    token = link.removeprefix("https://duban.example/s/")
    assert messages.read_token(SETTINGS.secret or "", token) == ("C0001", "happy", 1)
    assert text.body.endswith(f" {link}") or text.body.endswith(link)
    assert messages.read_token("another secret", token) is None
    for wrong in ("", ".", token[:-1], f"A{token[1:]}", token.replace(".", ""), "é.x", f"{token}.x"):
        assert messages.read_token(SETTINGS.secret or "", wrong) is None


def test_a_survey_by_the_preferred_channel_comes_once(store: Store) -> None:
    desk = Desk(SURVEY)
    desk.act(desk.receive(customer="甲公司"), "close", "li", START + MINUTE)
    assert [row.channel for row in sent_rows()] == ["sms"]


def test_planning_the_same_event_twice_cannot_make_two_messages(store: Store) -> None:
    import peewee

    from server.store.writing import insert

    (row,) = planned("[{via: email, to: lead}]")
    with pytest.raises(peewee.IntegrityError), database.transaction():
        insert(Message, {"key": row.key, "channel": "email", "at": 1, "created_at": 1})
