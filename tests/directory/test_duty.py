"""Who is on duty when: spans without holes, a rotation by the wall clock, somebody relieved for a part of a shift."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import directory
from server.core.moments import DAY, HOUR, Moment, parse, to_datetime
from server.directory import Overtaken, Unfit, amend, duty, snapshot
from server.directory.duty import Span, gaps, relieved, rotation, spans, swapped
from server.directory.snapshot import Shift, Snapshot, Someone
from server.store.database import Store

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = parse("2026-03-02T00:00:00+08:00")

DIRECTORY = """\
roles:
  - {name: administrator, permissions: [system]}
people:
  - {login: root, name: Root, roles: [administrator]}
  - {login: li, name: 李明}
  - {login: wu, name: 吴昊}
teams:
  - {id: support, members: [li, wu]}
rotas:
  - {team: support, person: li, from: 2026-03-02T00:00:00+08:00, to: 2026-03-09T00:00:00+08:00}
  - {team: support, person: wu, from: 2026-03-09T00:00:00+08:00, to: 2026-03-16T00:00:00+08:00}
"""


@pytest.fixture
def rota(store: Store) -> Store:
    plan, findings = directory.plan(DIRECTORY.encode())
    assert plan is not None, findings
    directory.carry_out(plan, 1)
    return store


def people_with(shifts: list[Shift]) -> Snapshot:
    people = {
        login: Someone(login, login, None, None, {}, "zh", None, None, (), login == "gone")
        for login in ("a", "b", "gone")
    }
    ordered = tuple(sorted(shifts, key=lambda shift: shift.start))
    return Snapshot("", people, {}, {}, {}, {}, {}, {}, {}, {}, {"t": ordered})


SHIFTS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 20), st.sampled_from(["a", "b", "gone"])).map(
        lambda one: Shift(one[0], one[0] + one[1], one[2])
    ),
    max_size=8,
)


@given(SHIFTS)
def test_spans_say_at_each_moment_who_is_on_duty(shifts: list[Shift]) -> None:
    people = people_with(shifts)
    found = spans(people, "t", 5, 45)
    assert (found[0].start, found[-1].end) == (5, 45)
    assert all(before.end == after.start for before, after in zip(found, found[1:], strict=False))
    for moment in range(5, 45):
        span = next(one for one in found if one.start <= moment < one.end)
        first = span.shifts[0].person if span.shifts else None
        assert first == people.on_duty("t", moment)
        assert {id(one) for one in span.shifts} == {
            id(one) for one in shifts if one.start <= moment < one.end and one.person != "gone"
        }
    empty = {moment for start, end in gaps(people, "t", 5, 45) for moment in range(start, end)}
    assert empty == {moment for moment in range(5, 45) if people.on_duty("t", moment) is None}


@given(st.integers(1, 30), st.sampled_from(["hours", "days", "weeks"]), st.integers(1, 400))
def test_a_rotation_covers_its_time_and_everybody_takes_turns(every: int, unit: str, days: int) -> None:
    start = NOW + 8 * HOUR
    found = rotation("t", ["a", "b", "c"], start, start + days * DAY, every, unit, SHANGHAI)[: duty.MOST]
    assert found[0]["from"] == start
    assert all(before["to"] == after["from"] for before, after in zip(found, found[1:], strict=False))
    assert [one["person"] for one in found] == [("a", "b", "c")[number % 3] for number in range(len(found))]
    if len(found) < duty.MOST:
        assert found[-1]["to"] == start + days * DAY


def test_a_rotation_of_days_keeps_its_hour_when_the_clocks_change() -> None:
    start = parse("2026-03-27T08:00:00", BERLIN)
    found = rotation("t", ["a", "b"], start, start + 5 * DAY, 1, "days", BERLIN)
    assert {to_datetime(one["from"], BERLIN).hour for one in found} == {8}


def test_a_rotation_to_the_end_of_all_days_ends_there() -> None:
    end: Moment = parse("9999-12-31T00:00:00Z")
    found = rotation("t", ["a"], end - DAY, end, 1000, "weeks", SHANGHAI)
    assert [one["to"] for one in found] == [end]


def put(person: str, start: str, end: str, relieve: bool) -> None:
    also = relieved("support", start, end, SHANGHAI) if relieve else []
    raw = {"team": "support", "person": person, "from": start, "to": end}
    amend([directory.Amendment("rotas", None, raw, ""), *also], NOW, "root", SHANGHAI)


def on_duty(*times: str) -> list[str | None]:
    return [snapshot().on_duty("support", parse(time, SHANGHAI)) for time in times]


def test_somebody_takes_over_a_part_of_a_shift(rota: Store) -> None:
    put("wu", "2026-03-04T08:00", "2026-03-05T08:00", relieve=True)
    assert on_duty("2026-03-04T07:59", "2026-03-04T08:00", "2026-03-05T07:59", "2026-03-05T08:00") == [
        "li", "wu", "wu", "li",
    ]  # fmt: skip
    assert len(snapshot().shifts["support"]) == 4
    week = spans(snapshot(), "support", NOW, NOW + 14 * DAY)
    assert all(len(one.shifts) == 1 for one in week)


def test_one_who_takes_over_everything_leaves_nothing_of_others(rota: Store) -> None:
    put("wu", "2026-03-01T00:00", "2026-03-20T00:00", relieve=True)
    assert [(one.person) for one in snapshot().shifts["support"]] == ["wu"]


def test_without_relieving_they_overlap_and_the_last_one_counts(rota: Store) -> None:
    put("wu", "2026-03-04T08:00", "2026-03-05T08:00", relieve=False)
    assert on_duty("2026-03-04T08:00") == ["wu"]
    [overlap] = [one for one in spans(snapshot(), "support", NOW, NOW + 7 * DAY) if len(one.shifts) == 2]
    assert [shift.person for shift in overlap.shifts] == ["wu", "li"]
    with pytest.raises(Unfit):
        put("wu", "2026-03-05T08:00", "2026-03-05T08:00", relieve=True)
    with pytest.raises(Unfit):
        put("wu", "soon", "2026-03-05T08:00", relieve=True)


def test_two_swap_their_shifts(rota: Store) -> None:
    ids = [directory.rota_id("support", one.person, one.start) for one in snapshot().shifts["support"]]
    wanted = swapped(*ids)
    assert wanted is not None
    amend(wanted, NOW, "root")
    assert on_duty("2026-03-03T00:00", "2026-03-10T00:00") == ["wu", "li"]
    assert swapped(*ids) is None
    with pytest.raises(Overtaken):
        amend(wanted, NOW, "root")


def test_a_span_is_not_cut_where_nothing_changes() -> None:
    people = people_with([Shift(0, 10, "a"), Shift(12, 20, "b")])
    assert [(one.start, one.end) for one in spans(people, "t", 0, 30)] == [(0, 10), (10, 12), (12, 20), (20, 30)]
    assert spans(people, "nobody", 0, 5) == [Span(0, 5, ())]
