"""Measures over a month whose figures were worked out by hand, and what holds for every measure."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core import library, periods
from server.core.judging_targets import judge, value_of
from server.core.measures import compile_measure, compile_target, scope_of
from server.core.moments import HOUR, MINUTE
from server.core.process import Process
from server.core.records import Record, record
from server.core.report_text import body, catalogue, measure_text, subject
from server.core.scripts import Doing
from server.core.simulate import ScriptWorld, Simulation
from server.core.tallies import Tallies, window
from server.core.vocabulary import LANGUAGES, Vocabulary
from server.core.wording import Reader

CALENDAR = """\
kind: calendar
name: office
title: Office
timezone: Asia/Shanghai
hours: {monday-friday: ["09:00-18:00"]}
"""
CHANNELS = "kind: channels\nname: default\ntitle: Channels\nchannels: {email: {type: email, url: env:EMAIL_URL}}\n"
PROCESS = """\
kind: process
name: care
title: {zh: 客户关怀, en: Care}
calendar: office
number: "C{serial:4}"
fields:
  customer: {type: text, label: {zh: 客户, en: Customer}, key: true}
  impact: {type: choice, label: 影响, options: {stopped: {zh: 停顿, en: Stopped}, none: 无}}
  phone: {type: phone, key: true}
  tags: {type: choice, many: true, options: {urgent: 急, loud: 响}}
  cause: {type: text, label: {zh: 原因, en: Cause}}
severities: {A: {title: {zh: 严重, en: Grave}}, B: {title: {zh: 一般, en: Plain}}}
classify:
  category: [{is: price, when: {field: subject, contains: 收费}}, {is: product}]
  severity: [{is: A, when: {field: impact, is: stopped}}, {is: B}]
stages:
  new: {title: 新}
  handling: {title: 处理中}
  waiting: {title: 等待}
  solved: {title: {zh: 已解决, en: Solved}}
  closed: {title: 已关闭, final: true}
actions:
  accept: {title: {zh: 受理, en: Accept}, from: new, to: handling, assign: actor}
  report: {from: handling}
  ask: {from: handling, to: waiting}
  resume: {from: waiting, to: handling}
  solve: {title: {zh: 解决, en: Solve}, from: handling, to: solved, form: {cause: optional}}
  reject: {from: solved, to: handling, reopens: true}
  confirm: {from: solved, to: closed}
clocks:
  reply: {title: {zh: 首次响应, en: First response}, on: received, until: accept, within: {A: 1h, B: 4h}}
  fix: {on: accept, until: solve, within: {A: 4h, B: 9wh}, pause: waiting}
surveys:
  sat: {title: {zh: 满意度, en: Satisfaction}, on: solve, via: email, expires: 14d,
        questions: {score: {type: rating, of: 5, label: {zh: 评分, en: Score}}}}
targets: {}
"""
BEAT = """\
  beat: {on: accept, until: solve, every: 24h, met_by: report}
"""


def compiled(text: str = PROCESS) -> Process:
    files = [("office.yaml", CALENDAR), ("channels.yaml", CHANNELS), ("care.yaml", text)]
    found = library.load([(name, content.encode()) for name, content in files])
    assert found.is_sound, [str(finding) for finding in found.findings]
    return found.processes["care"]


CARE = compiled()
SCOPE = scope_of(CARE)
MOMENT = CARE.calendar.parse


class Book:
    """Issues played through the interpreter, and their records."""

    def __init__(self, process: Process = CARE) -> None:
        self.simulation = Simulation(process, ScriptWorld({}, None))

    def receive(self, number: str, at: str, **facts: Any) -> None:
        self.simulation.pass_time(MOMENT(at) - 1)
        self.simulation.receive({"subject": "无法登录", "number": number, **facts}, MOMENT(at), None, ())

    def do(self, number: str, at: str, what: str, kind: str = "do", by: str = "li", **given: Any) -> None:
        self.simulation.pass_time(MOMENT(at) - 1)
        lines = len(self.simulation.lines)
        self.simulation.do(Doing(at=MOMENT(at), kind=kind, what=what, by=by, given=given, number=number, path=()))
        assert self.simulation.lines[lines]["kind"] != "refused", self.simulation.lines[lines]

    def records(self, until: str, now: str) -> list[Record]:
        self.simulation.pass_time(MOMENT(until))
        lines: dict[str, list[Mapping[str, Any]]] = {}
        for line in self.simulation.lines:
            lines.setdefault(line["number"], []).append(line)
        cases = self.simulation.cases.values()
        found = [record(self.simulation.process, case, lines[case.number], MOMENT(now)) for case in cases]
        return sorted(found, key=lambda one: one.received)


def march() -> list[Record]:
    """Four issues received in March 2026, one before, one after, one set aside."""
    book = Book()
    book.receive("I0", "2026-02-27T10:00", customer="甲公司", subject="收费有误")
    book.do("I0", "2026-02-27T11:00", "accept")
    book.receive("I1", "2026-03-02T09:00", customer=" 甲公司", subject="收费不明", impact="stopped", phone="12345")
    book.do("I1", "2026-03-02T09:30", "accept", by="wu")
    book.do("I0", "2026-03-02T10:00", "solve")
    book.do("I1", "2026-03-02T12:30", "solve", by="wu", cause="网络")
    book.receive("I2", "2026-03-03T09:00", customer="乙公司", tags=["urgent", "loud"])
    book.do("I0", "2026-03-03T10:00", "sat", kind="survey", score=4)
    book.do("I2", "2026-03-03T14:00", "accept")
    book.do("I2", "2026-03-03T15:00", "ask")
    book.do("I0", "2026-03-04T09:00", "confirm")
    book.do("I2", "2026-03-04T10:00", "resume")
    book.do("I2", "2026-03-04T16:00", "solve", cause="网络 ")
    book.do("I2", "2026-03-05T10:00", "reject")
    book.do("I1", "2026-03-05T11:00", "sat", kind="survey", score=3)
    book.do("I1", "2026-03-05T12:00", "confirm")
    book.do("I2", "2026-03-06T10:00", "solve")
    book.receive("I3", "2026-03-10T09:00", customer="甲公司", cause="磁盘", tags=["loud"])
    book.receive("I5", "2026-03-12T09:00", customer="甲公司", subject="收费", impact="stopped")
    book.do("I5", "2026-03-12T09:10", "set_aside", reason="测试")
    book.receive("I4", "2026-03-31T23:00", customer="丙公司")
    book.do("I4", "2026-04-01T08:00", "accept")
    book.receive("I6", "2026-04-02T09:00", customer="乙公司")
    return book.records("2026-04-03T09:00", "2026-04-03T09:00")


MARCH = march()
PERIOD = periods.last_full("month", MOMENT("2026-04-03T09:00"), CARE.calendar)


def figures(measures: Sequence[Any], records: Sequence[Record] = MARCH, period: periods.Period = PERIOD) -> list[Any]:
    tallies = Tallies([compile_measure(measure, SCOPE) for measure in measures], window(CARE, period))
    for one in records:
        tallies.add(one)
    found = tallies.figures()
    assert json.loads(json.dumps(found)) == found  # plain data
    return found


def figure(measure: Any, records: Sequence[Record] = MARCH) -> dict[str, Any]:
    found: dict[str, Any] = figures([measure], records)[0]
    return found


A = {"field": "severity", "is": "A"}
B = {"field": "severity", "is": "B"}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        # I1 to I4; I5 is set aside
        ("count", 4),
        ({"count": {"where": B}}, 3),
        # I2 is solved but not closed, I3 and I4 wait; I6 came later
        ("open", 3),
        ({"open": {"where": A}}, 0),
        # I1 answered in 30 min; I2 after 5 h, I3 never, both breached at 13:00; I4's breach is April's
        ({"on_time": "reply"}, (1, 3)),
        ({"on_time": {"of": "reply", "where": A}}, (1, 1)),
        # I0's run ended in March, so it counts in March
        ({"on_time": "fix"}, (3, 3)),
        ({"on_time": {"of": "fix", "where": {"field": "number", "is": "I3"}}}, (0, 0)),
        # never reopened: I1, I3, I4
        ({"share": {"of": {"field": "times_reopened", "is": 0}}}, (3, 4)),
        ({"share": {"field": "times_reopened", "is": 0}}, (3, 4)),
        ({"share": [B, {"field": "customer", "contains": "甲"}]}, (1, 4)),
        ({"share": {"of": {"happened": "reject"}, "where": B}}, (1, 3)),
        # I0 gave 4 of 5, I1 gave 3
        ({"satisfaction": "score"}, (1, 2)),
        ({"satisfaction": {"of": "score", "where": A}}, (0, 1)),
        # I0, I1 and twice I2 were asked, I0 and I1 answered
        ({"returned": "sat"}, (2, 4)),
        ({"returned": {"of": "sat", "where": {"field": "customer", "contains": "甲"}}}, (2, 2)),
        # five fields of four issues: I1 four, I2 three (cause, tags), I3 three, I4 one
        ("complete", (11, 20)),
        # customer and phone
        ({"complete": {"key_only": True}}, (5, 8)),
        # I1 follows I0 within 30 days; I3 is of another category; I5 is set aside
        ("repeated", (1, 4)),
    ],
)
def test_a_figure_is_what_was_worked_out_by_hand(measure: Any, expected: Any) -> None:
    found = figure(measure)
    total = found["total"]
    if isinstance(expected, tuple):
        assert (total["numerator"], total["denominator"]) == expected
    else:
        assert total == {"number": expected}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        # I1 30 min, I2 5 h late; I3 has not ended
        ({"mean": "reply"}, [("elapsed", 5 * HOUR + 30 * MINUTE, 2)]),
        # I0: Friday 11-18, Monday 9-10. I2: 14-15, 10-16, without the pause. I1 by the clock, since A has 4h
        ({"mean": "fix"}, [("elapsed", 3 * HOUR, 1), ("working", 15 * HOUR, 2)]),
        ({"mean": {"of": "fix", "where": B}}, [("working", 15 * HOUR, 2)]),
        # I0 72 h, I1 3.5 h, I2 31 h to its first solution
        ({"mean": {"from": "received", "to": "solve"}}, [("elapsed", 106 * HOUR + 30 * MINUTE, 3)]),
        ({"mean": {"of": {"from": "reject", "to": "stage.solved"}}}, [("elapsed", 24 * HOUR, 1)]),
        ({"mean": {"from": "confirm", "to": "solve"}}, []),
    ],
)
def test_a_mean_is_a_sum_and_a_count_in_its_kind_of_time(measure: Any, expected: list[tuple[str, int, int]]) -> None:
    assert [(mean["kind"], mean["ms"], mean["count"]) for mean in figure(measure)["total"]["means"]] == expected


def test_a_trend_stands_beside_the_month_before_and_goes_by_weeks() -> None:
    total = figure("trend")["total"]
    assert (total["number"], total["before"]) == (4, 1)
    assert [(part["first"], part["last"][-2:], part["number"]) for part in total["parts"]] == [
        ("2026-03-01", "01", 0),
        ("2026-03-02", "08", 2),
        ("2026-03-09", "15", 1),
        ("2026-03-16", "22", 0),
        ("2026-03-23", "29", 0),
        ("2026-03-30", "31", 1),
    ]


def groups(measure: Any) -> list[tuple[Any, ...]]:
    return [tuple(group.values()) for group in figure(measure)["groups"]]


def test_groups_stand_in_the_order_of_the_options_or_the_most_frequent_first() -> None:
    assert groups({"count": {"by": "severity"}}) == [("A", 1), ("B", 3)]
    assert groups({"count": {"by": "customer"}}) == [("甲公司", 2), ("丙公司", 1), ("乙公司", 1)]
    assert groups({"count": {"by": "owner"}}) == [("li", 2), ("wu", 1), (None, 1)]
    assert groups({"on_time": {"of": "reply", "by": "severity"}}) == [("A", 1, 1), ("B", 0, 2)]
    assert groups({"count": {"by": "received"}})[0] == ("2026-03-02", 1)


def test_an_issue_counts_under_each_value_of_a_list_and_once_in_all() -> None:
    found = figure({"count": {"by": "tags"}})
    assert [tuple(group.values()) for group in found["groups"]] == [("urgent", 1), ("loud", 2), (None, 2)]
    assert found["total"] == {"number": 4}


def test_the_most_frequent_values_come_first_and_nothing_is_not_one() -> None:
    assert figure({"top": {"of": "cause", "n": 1}})["total"] == {"top": [{"value": "网络", "number": 2}], "of": 3}
    assert figure({"top": "cause"})["total"]["top"] == [
        {"value": "网络", "number": 2},
        {"value": "磁盘", "number": 1},
    ]
    by = figure({"top": {"of": "cause", "by": "severity"}})["groups"]
    assert [(group["value"], group["of"]) for group in by] == [("A", 1), ("B", 2)]


def test_a_recurring_clock_is_on_time_for_its_met_runs_and_what_ends_it_counts_nothing() -> None:
    process = compiled(PROCESS.replace("surveys:", BEAT + "surveys:"))
    book = Book(process)
    book.receive("I1", "2026-03-02T08:00")
    book.do("I1", "2026-03-02T09:00", "accept")
    book.do("I1", "2026-03-02T20:00", "report")
    book.do("I1", "2026-03-04T10:00", "solve")  # run 2 was missed on the 3rd, 20:00; run 3 is stopped
    records = book.records("2026-03-05T10:00", "2026-04-03T09:00")
    assert figure({"on_time": "beat"}, records)["total"] == {"numerator": 1, "denominator": 2}
    assert figure({"mean": "beat"}, records)["total"]["means"] == [{"kind": "elapsed", "ms": 11 * HOUR, "count": 1}]


def test_a_cancelled_run_counts_nothing() -> None:
    process = compiled(PROCESS.replace("within: {A: 4h, B: 9wh}", "within: {A: 4h}"))
    book = Book(process)
    book.receive("I1", "2026-03-02T08:00", impact="stopped")
    book.do("I1", "2026-03-02T09:00", "accept")
    book.do("I1", "2026-03-02T20:00", "reclassify", severity="B", reason="误判")  # breached at 13:00, then cancelled
    records = book.records("2026-03-05T10:00", "2026-04-03T09:00")
    assert figure({"on_time": "fix"}, records)["total"]["denominator"] == 0


def test_an_issue_recorded_late_counts_from_its_receipt() -> None:
    book = Book()
    book.receive("I1", "2026-04-01T08:00", received="2026-03-31T22:00:00+08:00")
    book.do("I1", "2026-04-01T09:00", "accept")
    records = book.records("2026-04-02T10:00", "2026-05-03T09:00")
    april = periods.last_full("month", MOMENT("2026-05-01T00:00"), CARE.calendar)
    count, reply = figures(["count", {"mean": "reply"}], records, april)
    assert count["total"]["number"] == 0
    assert reply["total"]["means"] == [{"kind": "elapsed", "ms": 11 * HOUR, "count": 1}]
    assert figure("count", records)["total"]["number"] == 1


def test_thirty_days_after_is_repeated_and_a_moment_later_is_not() -> None:
    for at, expected in (("2026-03-03T10:00:00+08:00", 1), ("2026-03-03T10:00:01+08:00", 0)):
        book = Book()
        book.receive("I1", "2026-02-01T10:00", customer="甲公司")
        book.receive("I2", at, customer="甲公司")
        assert (
            figure("repeated", book.records("2026-03-04T10:00", "2026-04-03T09:00"))["total"]["numerator"] == expected
        )


# -- targets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "outcome"),
    [
        ({"measure": {"on_time": "reply"}, "at_least": "33%"}, "met"),
        ({"measure": {"on_time": "reply"}, "at_least": "33.34%"}, "missed"),
        ({"measure": {"on_time": "reply"}, "where": A, "at_least": "100%"}, "met"),
        ({"measure": {"on_time": {"of": "reply", "by": "severity"}}, "at_least": "30%"}, "missed"),  # B has none
        ({"measure": {"mean": {"from": "received", "to": "solve"}}, "at_most": "1d12h"}, "met"),
        ({"measure": {"mean": {"from": "received", "to": "solve"}}, "at_most": "35h"}, "missed"),
        ({"measure": {"mean": "fix"}, "where": B, "at_most": "7wh30wm"}, "met"),
        ({"measure": {"mean": "fix"}, "where": B, "at_most": "7wh"}, "missed"),
        # one working day of this calendar has nine hours; I1's three hours are measured in it, too
        ({"measure": {"mean": "fix"}, "at_most": "1wd"}, "met"),
        ({"measure": "count", "at_least": 3, "at_most": 4}, "met"),
        ({"measure": "count", "at_most": 3}, "missed"),
        ({"measure": {"satisfaction": "score"}, "where": B, "at_least": "90%"}, "met"),
        (
            {"measure": {"satisfaction": "score"}, "where": {"field": "number", "is": "I3"}, "at_least": "90%"},
            "no_data",
        ),
    ],
)
def test_a_target_is_met_or_missed_by_exact_sums(target: dict[str, Any], outcome: str) -> None:
    compiled_target = compile_target("t", target, SCOPE, CARE.calendar)
    tallies = Tallies([compiled_target.measure], window(CARE, PERIOD))
    for one in MARCH:
        tallies.add(one)
    (judged,) = judge([compiled_target], tallies.figures())
    assert judged["outcome"] == outcome


def test_a_target_in_working_time_measures_everything_in_working_time() -> None:
    target = compile_target("t", {"measure": {"mean": "fix"}, "at_most": "1wd"}, SCOPE, CARE.calendar)
    assert target.at_most is not None
    assert target.at_most.value == 9 * HOUR
    tallies = Tallies([target.measure], window(CARE, PERIOD))
    for one in MARCH:
        tallies.add(one)
    assert tallies.figures()[0]["total"]["means"] == [{"kind": "working", "ms": 18 * HOUR, "count": 3}]


@pytest.mark.parametrize(
    ("measure", "limit"), [("count", "90%"), ({"mean": "fix"}, "90%"), ({"on_time": "fix"}, "3h"), ("trend", 3)]
)
def test_a_threshold_of_another_form_is_refused(measure: Any, limit: Any) -> None:
    with pytest.raises(ValueError, match=r"is no|bad-duration"):
        compile_target("t", {"measure": measure, "at_least": limit}, SCOPE, CARE.calendar)


# -- whatever the issues -------------------------------------------------------------------------------------------

SHARES: tuple[Any, ...] = (
    {"on_time": {"of": "reply", "by": "severity"}},
    {"share": {"of": {"field": "times_reopened", "is": 0}, "by": "customer"}},
    {"satisfaction": {"of": "score", "by": "severity"}},
    {"returned": {"of": "sat", "by": "customer"}},
    {"complete": {"by": "impact"}},
    {"repeated": {"by": "category"}},
)
SUMS: tuple[Any, ...] = (
    {"count": {"by": "customer"}},
    {"open": {"by": "owner"}},
    {"mean": {"of": "reply", "by": "severity"}},
    {"trend": {"by": "impact"}},
)


@st.composite
def lives(draw: st.DrawFn) -> list[Record]:
    """Some issues, each doing whatever its stage allows, in February and March."""
    book = Book()
    day, issues = 0, draw(st.integers(1, 6))
    following = {"new": "accept", "handling": "solve", "solved": "confirm", "waiting": "resume"}
    for index in range(issues):
        day += draw(st.integers(0, 9))
        at = f"2026-{2 + day // 28:02}-{day % 28 + 1:02}T{index:02}:00"
        facts = {
            "customer": draw(st.sampled_from(["甲", "乙", ""])),
            "impact": draw(st.sampled_from(["stopped", "none"])),
        }
        book.receive(f"I{index}", at, **facts)
        for step in range(draw(st.integers(0, 5))):
            case = book.simulation.cases[f"I{index}"]
            if case.stage not in following:
                break
            action = following[case.stage] if step % 3 or case.stage != "handling" else "ask"
            book.do(f"I{index}", f"{at[:11]}{index:02}:{10 + step}", action, by=draw(st.sampled_from(["li", "wu"])))
        if draw(st.booleans()) and case_survey(book, index) == "out":
            book.do(f"I{index}", f"{at[:11]}{index:02}:50", "sat", kind="survey", score=draw(st.integers(1, 5)))
    return book.records("2026-04-10T00:00", "2026-04-10T00:00")


def case_survey(book: Book, index: int) -> str:
    state = book.simulation.cases[f"I{index}"].surveys.get("sat")
    return "" if state is None else state.state


def numbers(cell: Any) -> Iterator[int]:
    """Every number of a figure's cell."""
    for value in cell.values() if isinstance(cell, dict) else cell if isinstance(cell, list) else [cell]:
        if isinstance(value, int):
            yield value
        elif isinstance(value, dict | list):
            yield from numbers(value)


@given(lives())
def test_shares_lie_between_none_and_all_and_groups_add_up(records: list[Record]) -> None:
    for found in figures([*SHARES, *SUMS], records):
        cells = [{name: value for name, value in group.items() if name != "value"} for group in found["groups"]]
        if found["form"] == "share":
            for cell in [found["total"], *cells]:
                assert 0 <= cell["numerator"] <= cell["denominator"]
                share = value_of("share", cell)
                assert share is None or 0 <= share <= 1
        if found["form"] == "duration":
            continue
        assert sum(map(tuple_sum, cells)) == tuple_sum(found["total"])


def tuple_sum(cell: dict[str, Any]) -> int:
    return sum(numbers(cell))


@given(lives(), st.integers(0, 5))
def test_what_a_condition_leaves_out_and_in_is_everything(records: list[Record], start: int) -> None:
    all_of_them, those, others = figures(
        ["count", {"count": {"where": A}}, {"count": {"where": {"not": A}}}], records[start:]
    )
    assert those["total"]["number"] + others["total"]["number"] == all_of_them["total"]["number"]


# -- periods -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("covers", "at", "first", "last"),
    [
        ("day", "2026-03-02T00:00", "2026-03-01", "2026-03-01"),
        ("day", "2026-03-01T23:59:59", "2026-02-28", "2026-02-28"),
        ("week", "2026-03-02T00:00", "2026-02-23", "2026-03-01"),
        ("week", "2026-03-08T23:00", "2026-02-23", "2026-03-01"),
        ("month", "2026-03-01T00:00", "2026-02-01", "2026-02-28"),
        ("month", "2026-01-15T09:00", "2025-12-01", "2025-12-31"),
    ],
)
def test_the_last_full_period(covers: str, at: str, first: str, last: str) -> None:
    found = periods.last_full(covers, MOMENT(at), CARE.calendar)
    assert (found.first, found.last) == (first, last)
    assert (found.start, found.end) == (MOMENT(first), CARE.calendar.midnight_after(last))
    former = periods.before(found, CARE.calendar)
    assert former.end == found.start
    assert former.covers == covers
    parts = periods.parts(found, CARE.calendar)
    if covers == "day":
        assert parts == ()
    else:
        assert (parts[0].start, parts[-1].end) == (found.start, found.end)
        assert all(one.end == other.start for one, other in zip(parts, parts[1:], strict=False))


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match="year"):
        periods.last_full("year", MOMENT("2026-03-01"), CARE.calendar)


# -- words ---------------------------------------------------------------------------------------------------------

WORDS = Vocabulary({**CARE.raw, "reports": {"monthly": {"title": {"zh": "月报", "en": "Monthly"}}}})
ZH = Reader("zh", CARE.calendar, {"li": "李明"})
EN = Reader("en", CARE.calendar, {"li": "Li Ming"})


@pytest.mark.parametrize(
    ("measure", "zh", "en"),
    [
        ("count", "受理数量", "Issues received"),
        (
            {"on_time": {"of": "reply", "by": "severity"}},
            "“首次响应”按时率，按级别",
            "“First response” on time, by Severity",
        ),
        (
            {"mean": {"from": "received", "to": "solve", "where": A}},
            "从受理到“解决”的平均用时（级别为严重）",
            "From receipt to “Solve”, mean time (Severity is Grave)",
        ),
        (
            {"share": {"of": {"not": {"happened": "stage.solved"}}}},
            "占比：并非（已发生进入“已解决”）",
            "Share: not (“Solved” entered has happened)",
        ),
        ({"complete": {"key_only": True}}, "关键信息完整率", "Completeness of key facts"),
        ({"top": "cause"}, "最常见的原因", "Most frequent: Cause"),
    ],
)
def test_a_measure_in_words(measure: Any, zh: str, en: str) -> None:
    assert (measure_text(WORDS, measure, ZH), measure_text(WORDS, measure, EN)) == (zh, en)


def test_a_report_is_a_table() -> None:
    found = figures(
        ["count", {"on_time": {"of": "reply", "by": "severity"}}, {"mean": "fix"}, "trend", {"top": "cause"}]
    )
    period = {"first": "2026-03-01", "last": "2026-03-31"}
    assert subject(WORDS, "monthly", period, "zh") == "客户关怀 · 月报：2026-03-01 至 2026-03-31"
    assert body(WORDS, {"figures": found}, EN).splitlines()[:4] == [
        "Issues received                        4",
        "“First response” on time, by Severity  33.3% (1/3)",
        "  Grave                                100.0% (1/1)",
        "  Plain                                0.0% (0/2)",
    ]
    zh = body(WORDS, {"figures": found, "unreadable": 2}, ZH)
    assert "3 小时（1 次）；工作时间 7 小时 30 分钟（2 次）" in zh
    assert "4（上期 1，+3）" in zh
    assert "1. 网络" in zh
    assert zh.endswith("有 2 个问题无法读取，未计入")


def texts(found: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, str]]]:
    if set(found) == set(LANGUAGES):
        yield path, found
    else:
        for name, inner in found.items():
            yield from texts(inner, f"{path}.{name}")


@pytest.mark.parametrize(("path", "text"), list(texts(catalogue())))
def test_every_text_has_both_languages_with_the_same_places(path: str, text: Mapping[str, str]) -> None:
    places = [{name for _, name, _, _ in string.Formatter().parse(text[language]) if name} for language in LANGUAGES]
    assert places[0] == places[1], path


def test_percent_is_rounded_down() -> None:
    assert value_of("share", {"numerator": 2, "denominator": 3}) == Fraction(2, 3)
    cell = {"numerator": 1999, "denominator": 2000}
    assert "99.9% (1999/2000)" in body(
        WORDS, {"figures": [{"measure": "repeated", "form": "share", "total": cell}]}, EN
    )
