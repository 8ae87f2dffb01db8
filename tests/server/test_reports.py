"""Reports: made once at their time, sent at once or after somebody released the draft, with figures of the store."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from server import acting, directory, intake, policies, reports, schedules, settings
from server.core import case as cases
from server.core import periods
from server.core.moments import DAY, HOUR, MINUTE, SECOND
from server.directory import snapshot
from server.recording import held
from server.reports import AlreadySent, BadRemark, NoSuchReport, NotForThem, UnknownReport
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, Event, Issue, Message, Person, Report, ReportRemark, Schedule
from server.store.writing import insert, insert_event
from server.sweep import sweep
from tests.publishing import publish
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("open_for_business")

PROCESS = """\
kind: process
name: care
title: {zh: 客户关怀, en: Care}
calendar: cn-allday
number: "CARE{serial:6}"
fields:
  customer: {type: text, label: {zh: 客户, en: Customer}, key: true}
  urgent: {type: boolean}
  cause: {type: text, label: {zh: 原因, en: Cause}}
severities: {A: {title: {zh: 严重, en: Grave}}, B: {title: {zh: 一般, en: Plain}}}
classify:
  severity: [{is: A, when: {field: urgent, is: true}}, {is: B}]
route: [{to: team:complaint_monitors}]
stages:
  new: {title: 新}
  solved: {title: 已解决}
  closed: {title: 已关闭, final: true}
actions:
  solve: {from: new, to: solved, by: team, assign: actor, form: {cause: optional}}
  confirm: {from: solved, to: closed, by: team}
clocks:
  reply: {title: {zh: 首次响应, en: First response}, on: received, until: solve, within: {A: 1h, B: 4h}}
surveys:
  sat: {on: solve, via: email, expires: 14d, questions: {score: {type: rating, of: 5}}}
targets:
  in_time: {title: {zh: 全部按时, en: All in time}, measure: {on_time: reply}, at_least: 100%}
  few: {measure: count, at_most: 3}
reports:
  daily: {at: daily 18:00, covers: day, show: [count, open, {on_time: reply}], to: team:complaint_managers, via: email}
  weekly:
    title: {zh: 周报, en: Weekly}
    at: monday 09:00
    covers: week
    show: [trend, {count: {by: severity}}, {on_time: reply}, {mean: reply}, {satisfaction: score}, {top: cause}]
    to: team:complaint_managers
    via: email
    draft_for: role:monitor
"""
NEXT_MONDAY = MONDAY + 7 * DAY
WEEK = {"first": "2026-03-02", "last": "2026-03-08"}


@pytest.fixture(autouse=True)
def care(open_for_business: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process in force, e-mail set, and schedules that count from Monday, 09:00."""
    monkeypatch.setenv("EMAIL_URL", "smtp://127.0.0.1:1/?from=duban@duban.example")
    monkeypatch.setattr(
        settings,
        "_current",
        settings.read({"DUBAN_DATA": str(tmp_path), "DUBAN_URL": "https://d.example", "DUBAN_SECRET": "s"}),
    )
    put_in_force(PROCESS)
    schedules.run(MONDAY)


def put_in_force(text: str, now: int = MONDAY) -> None:
    publish(text, now)


def receive(now: int, **facts: Any) -> str:
    return intake.receive("care", {"subject": "无法登录", "customer": "甲公司", **facts}, now, "gong").number


def a_week() -> None:
    """Two issues: one solved in time and answered with 4 of 5, one late."""
    first = receive(MONDAY, urgent=True)
    acting.act(first, "solve", "mo", {"cause": "网络"}, MONDAY + 30 * MINUTE)
    acting.answer(first, "sat", {"score": 4}, MONDAY + DAY)
    second = receive(MONDAY + DAY)
    sweep(MONDAY + DAY + 4 * HOUR)
    acting.act(second, "solve", "mo", {"cause": "网络"}, MONDAY + DAY + 5 * HOUR)


def only(name: str) -> Report:
    (found,) = Report.select().where(Report.process == "care", Report.name == name)
    return found


def mails(notice: str) -> list[Message]:
    query = Message.select().where(Message.notice == notice, Message.process == "care")
    return list(query.order_by(Message.id))


# -- at once -------------------------------------------------------------------------------------------------------


def test_a_report_is_made_at_its_time_once_and_sent_to_its_recipients() -> None:
    receive(MONDAY)
    sweep(MONDAY + 9 * HOUR)
    schedules.run(MONDAY + DAY + 9 * HOUR - SECOND)
    assert [row.due_at for row in Report.select().where(Report.name == "daily", Report.process == "care")] == [
        MONDAY + 9 * HOUR
    ]
    sweep(MONDAY + DAY + 9 * HOUR)
    schedules.run(MONDAY + DAY + 9 * HOUR)
    schedules.run(MONDAY + DAY + 9 * HOUR + MINUTE)
    made = Report.get(Report.process == "care", Report.due_at == MONDAY + DAY + 9 * HOUR)
    assert Report.select().where(Report.process == "care", Report.name == "daily").count() == 2
    assert (made.state, made.sent_at, made.released_by) == (Report.SENT, MONDAY + DAY + 9 * HOUR, None)
    assert (made.figures["period"]["first"], made.figures["period"]["last"]) == ("2026-03-02", "2026-03-02")
    count, is_open, on_time = (figure["total"] for figure in made.figures["figures"])
    assert (count["number"], is_open["number"]) == (1, 1)
    assert on_time == {"numerator": 0, "denominator": 1}  # due at 13:00, and nobody came
    assert [(target["id"], target["outcome"]) for target in made.figures["targets"]] == [
        ("in_time", "missed"),
        ("few", "met"),
    ]
    sent = [message for message in mails("report.daily") if message.at == MONDAY + DAY + 9 * HOUR]
    assert [(message.recipient, message.channel, message.state) for message in sent] == [
        ("fu", "email", Message.PENDING),
        ("meng", "email", Message.PENDING),
    ]
    assert sent[0].issue_id is None
    assert sent[0].subject == "客户关怀 · daily：2026-03-02"
    assert "“首次响应”按时率" in sent[0].body
    assert "未达成：0.0%（0/1），不低于 100%" in sent[0].body
    assert AuditEntry.select().where(AuditEntry.kind == "report.made").count() >= 2


def test_a_crash_between_making_and_moving_on_makes_no_second_report_and_sends_none() -> None:
    due = MONDAY + 9 * HOUR
    schedules.run(due)
    before = len(mails("report.daily"))
    Schedule.update(next_at=due).where(Schedule.name == "care/daily").execute()
    schedules.run(due + MINUTE)
    assert only("daily").due_at == due
    assert len(mails("report.daily")) == before == 2


def test_reports_missed_in_a_downtime_are_made_once_and_say_that_they_are_late() -> None:
    back = MONDAY + 3 * DAY + 10 * HOUR  # three of them; the last was due at 18:00
    schedules.run(back)
    made = only("daily")
    assert made.due_at == MONDAY + 3 * DAY + 9 * HOUR
    assert made.figures["period"]["first"] == "2026-03-04"
    assert "补发：应于 2026-03-05 18:00:00 生成" in made.text["zh"]["body"]
    assert "passed over 3 earlier ones" in made.text["en"]["body"]


def test_a_report_waits_until_what_fell_due_before_it_has_happened() -> None:
    receive(MONDAY)
    back = MONDAY + DAY + 9 * HOUR
    schedules.run(back)  # the sweep has not come yet: the breach of Monday, 13:00, is not on record
    assert Report.select().where(Report.process == "care").count() == 0
    sweep(back)
    schedules.run(back)
    assert only("daily").figures["figures"][2]["total"] == {"numerator": 0, "denominator": 1}


def test_each_reads_the_report_in_his_language() -> None:
    put_in_force(PROCESS.replace("to: team:complaint_managers", "to: [role:monitor, team:complaint_managers]", 1))
    with database.transaction():
        Person.update(language="en").where(Person.login == "fu").execute()
        directory.changed()
    reports.make("care", "daily", MONDAY)
    by = {message.recipient: message.subject for message in mails("report.daily")}
    assert by["fu"] == "Care · daily: 2026-03-01"
    assert by["mo"] == "客户关怀 · daily：2026-03-01"


def test_a_channel_that_is_not_set_keeps_the_report_unsent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EMAIL_URL")
    reports.make("care", "daily", MONDAY)
    assert {(message.state, message.reason) for message in mails("report.daily")} == {
        (Message.UNSENT, "not_configured")
    }


def test_an_unknown_report_is_refused() -> None:
    for process, report in (("care", "yearly"), ("nothing", "daily")):
        with pytest.raises(NoSuchReport):
            reports.make(process, report, MONDAY)


def test_a_report_that_is_gone_comes_round_no_more() -> None:
    put_in_force(PROCESS[: PROCESS.index("reports:")])
    schedules.run(MONDAY + 30 * DAY)
    assert Report.select().where(Report.process == "care").count() == 0
    assert Schedule.get(Schedule.name == "care/daily").next_at is None


# -- drafts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def draft() -> Report:
    """The weekly report as a draft, and who was told."""
    a_week()
    schedules.run(NEXT_MONDAY)
    return only("weekly")


def test_a_draft_tells_those_it_is_for_and_nobody_else(draft: Report) -> None:
    assert (draft.state, draft.sent_at) == (Report.DRAFT, None)
    told = mails("report.weekly")
    assert sorted(message.recipient for message in told) == ["jiang", "mo"]
    assert told[0].subject == "【待补充】客户关怀 · 周报：2026-03-02 至 2026-03-08"
    assert f"https://d.example/reports/{draft.id}" in told[0].body


def test_the_figures_of_a_week(draft: Report) -> None:
    trend, by_severity, on_time, mean, satisfaction, top = draft.figures["figures"]
    assert (trend["total"]["number"], trend["total"]["before"]) == (2, 0)
    assert [part["number"] for part in trend["total"]["parts"]] == [1, 1, 0, 0, 0, 0, 0]
    assert by_severity["groups"] == [{"value": "A", "number": 1}, {"value": "B", "number": 1}]
    assert on_time["total"] == {"numerator": 1, "denominator": 2}
    assert mean["total"]["means"] == [{"kind": "elapsed", "ms": 5 * HOUR + 30 * MINUTE, "count": 2}]
    assert satisfaction["total"] == {"numerator": 1, "denominator": 1}
    assert top["total"]["top"] == [{"value": "网络", "number": 2}]


def test_remarks_go_out_with_the_report_when_it_is_released(draft: Report) -> None:
    later = NEXT_MONDAY + HOUR
    assert draft.id in {report.id for report in reports.drafts_for("mo", later)}
    reports.remark(draft.id, "jiang", "proposal", " 网络问题：更换线路 ", later)
    reports.release(draft.id, "mo", "本周正常", later + MINUTE)
    sent = only("weekly")
    assert (sent.state, sent.released_by, sent.sent_at) == (Report.SENT, "mo", later + MINUTE)
    out = [message for message in mails("report.weekly") if message.at == later + MINUTE]
    assert sorted(message.recipient for message in out) == ["fu", "meng"]
    lines = out[0].body.splitlines()
    names = {login: held_name(login) for login in ("jiang", "mo")}
    assert lines[-3:] == [
        "意见和建议",
        f"建议（{names['jiang']}，2026-03-09 10:00）：网络问题：更换线路",
        f"意见（{names['mo']}，2026-03-09 10:01）：本周正常",
    ]
    assert "Proposal" in sent.text["en"]["body"]
    assert draft.id not in {report.id for report in reports.drafts_for("mo", later)}
    assert [row.kind for row in ReportRemark.select().order_by(ReportRemark.id)] == ["proposal", "comment"]
    assert AuditEntry.get(AuditEntry.kind == "report.released").by == "mo"


def held_name(login: str) -> str:
    return snapshot().people[login].name


def test_a_report_is_released_once(draft: Report) -> None:
    reports.release(draft.id, "mo", "", NEXT_MONDAY)
    count = Message.select().count()
    with pytest.raises(AlreadySent):
        reports.release(draft.id, "jiang", "", NEXT_MONDAY)
    with pytest.raises(AlreadySent):
        reports.remark(draft.id, "jiang", "comment", "太晚", NEXT_MONDAY)
    assert Message.select().count() == count
    assert ReportRemark.select().count() == 0


def test_only_those_the_draft_is_for_and_administrators_release_it(draft: Report) -> None:
    for stranger in ("gong", "nobody"):
        with pytest.raises(NotForThem):
            reports.release(draft.id, stranger, "", NEXT_MONDAY)
        assert reports.drafts_for(stranger, NEXT_MONDAY) == []
    assert only("weekly").state == Report.DRAFT
    administrator = next(login for login in everybody() if "system" in permissions(login))
    reports.release(draft.id, administrator, "", NEXT_MONDAY)
    assert only("weekly").released_by == administrator


def everybody() -> list[str]:
    return list(snapshot().people)


def permissions(login: str) -> frozenset[str]:
    return snapshot().permissions_of(login)


@pytest.mark.parametrize(
    ("kind", "text"), [("comment", "  "), ("verdict", "好"), ("comment", "x" * 20_001), ("comment", "a\x00")]
)
def test_a_remark_needs_text_and_a_kind(draft: Report, kind: str, text: str) -> None:
    with pytest.raises(BadRemark):
        reports.remark(draft.id, "mo", kind, text, NEXT_MONDAY)


def test_an_unknown_draft_is_refused() -> None:
    with pytest.raises(UnknownReport):
        reports.release(1_000_000, "mo", "", NEXT_MONDAY)


def test_a_draft_goes_out_as_the_version_said_that_made_it(draft: Report) -> None:
    put_in_force(PROCESS[: PROCESS.index("reports:")], NEXT_MONDAY)
    reports.release(draft.id, "mo", "", NEXT_MONDAY + MINUTE)
    out = [message for message in mails("report.weekly") if message.at == NEXT_MONDAY + MINUTE]
    assert sorted(message.recipient for message in out) == ["fu", "meng"]


# -- figures -------------------------------------------------------------------------------------------------------


def test_figures_for_a_page_show_every_measure_of_the_reports_once() -> None:
    a_week()
    period = periods.last_full("week", NEXT_MONDAY, policies.in_force().processes["care"].process.calendar)
    found = reports.figures("care", period, NEXT_MONDAY)
    names = [figure["name"] for figure in found["figures"]]
    assert names == ["count", "open", "on_time", "trend", "count", "mean", "satisfaction", "top"]
    assert {**WEEK, "covers": "week"}.items() <= found["period"].items()
    assert [target["outcome"] for target in found["targets"]] == ["missed", "met"]


def test_what_happens_long_after_closing_counts_in_its_own_week() -> None:
    number = receive(MONDAY - 2 * DAY)
    acting.act(number, "solve", "mo", {}, MONDAY - 2 * DAY + HOUR)
    acting.act(number, "confirm", "mo", {}, MONDAY - 2 * DAY + 2 * HOUR)
    acting.answer(number, "sat", {"score": 2}, MONDAY + DAY)
    period = periods.last_full("week", NEXT_MONDAY, policies.in_force().processes["care"].process.calendar)
    count, satisfaction, returned, is_open = (
        figure["total"]
        for figure in reports.figures(
            "care", period, NEXT_MONDAY, ["count", {"satisfaction": "score"}, {"returned": "sat"}, "open"]
        )["figures"]
    )
    assert (count["number"], is_open["number"]) == (0, 0)
    assert satisfaction == {"numerator": 0, "denominator": 1}
    assert returned["denominator"] == 0  # the link went out the week before


def test_an_issue_closed_after_the_period_was_open_at_its_end() -> None:
    number = receive(MONDAY)
    acting.act(number, "solve", "mo", {}, MONDAY + HOUR)
    acting.act(number, "confirm", "mo", {}, NEXT_MONDAY)
    period = periods.last_full("week", NEXT_MONDAY, policies.in_force().processes["care"].process.calendar)
    (is_open,) = reports.figures("care", period, NEXT_MONDAY + DAY, ["open"])["figures"]
    assert is_open["total"]["number"] == 1


def test_a_case_that_cannot_be_read_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    receive(MONDAY)
    bad = receive(MONDAY + MINUTE)
    Issue.update(case='{"format": 99}').where(Issue.number == bad).execute()
    period = periods.last_full("week", NEXT_MONDAY, policies.in_force().processes["care"].process.calendar)
    found = reports.figures("care", period, NEXT_MONDAY, ["count"])
    assert (found["figures"][0]["total"]["number"], found["unreadable"]) == (1, 1)
    assert bad in caplog.text


def test_every_shipped_report_can_be_made() -> None:
    made = 0
    for name, pinned in policies.in_force().processes.items():
        for report in pinned.process.raw.get("reports") or {}:
            row = Report.get_by_id(reports.make(name, report, NEXT_MONDAY))
            assert row.text["zh"]["body"]
            assert row.text["en"]["body"]
            assert all("{" not in row.text[language]["body"] for language in ("zh", "en"))
            made += 1
    assert made > 8


def copies(number: str, count: int) -> None:
    """Further issues that are like this one in all but the number."""
    found = held(number)
    issue = Issue.get_by_id(found.id)
    events = list(Event.select().where(Event.issue == issue.id).order_by(Event.seq).dicts())
    columns = [name for name in Issue._meta.fields if name not in ("id", "number", "case", "version")]
    with database.transaction():
        for index in range(count):
            name = f"COPY{index:06}"
            found.case.number = name
            row = {column: getattr(issue, column) for column in columns}
            row |= {"number": name, "case": found.case.dump(), "version": issue.version_id}
            made = insert(Issue, row)
            for event in events:
                insert_event(
                    {**{key: value for key, value in event.items() if key != "id"}, "issue": made, "key": None}
                )


def test_memory_does_not_grow_with_the_issues() -> None:
    number = receive(MONDAY)
    acting.act(number, "solve", "mo", {"cause": "网络"}, MONDAY + 30 * MINUTE)
    assert cases.load(Issue.get(Issue.number == number).case).stage == "solved"
    period = periods.last_full("week", NEXT_MONDAY, policies.in_force().processes["care"].process.calendar)
    copies(number, 400)
    _, few = peak(period)
    Issue.update(number=Issue.number.concat("x")).where(Issue.number.startswith("COPY")).execute()
    copies(number, 1600)
    counted, many = peak(period)
    assert counted == 2001
    assert many < few * 1.5


def peak(period: periods.Period) -> tuple[int, int]:
    """The number of issues, and the most memory that Python held while they were counted."""
    reports.figures("care", period, NEXT_MONDAY)
    tracemalloc.start()
    try:
        found = reports.figures("care", period, NEXT_MONDAY)
        return found["figures"][0]["total"]["number"], tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
