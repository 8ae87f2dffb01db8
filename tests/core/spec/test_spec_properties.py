"""Random scripts over random small policies: nothing crashes, and what must hold of every timeline holds."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.core import simulate
from server.core.advance import HEARD_IN_A_ROW, advance, next_due
from server.core.case import Case, load
from server.core.library import Library
from server.core.scripts import BadScript, Script, read_script
from server.core.simulate import ScriptWorld, Simulation, play, play_in, timeline
from server.core.turn import Turn
from server.core.world import Kept
from tests.core.spec.playing import loaded, script_of

ACTIONS = ("accept", "ask", "park", "resume", "report", "solve", "reject", "close", "reopen")
EVENTS = ("received", "stage.waiting", "stage.closed", "classified.severity", "clock.c1.met", "clock.c1.breached")
EVENTS += ("clock.c2.warned", "ladder.l.climbed", "ladder.l.exhausted", "survey.s.answered", "check.k.failed", *ACTIONS)

events = st.lists(st.sampled_from(EVENTS), min_size=1, max_size=3, unique=True)
spans = st.sampled_from(["20m", "1h", "2h", "30wm", "2wh", "1d", "1wd", "0d close", "field:moment", "field:day", "now"])
lasting = st.sampled_from(["20m", "1h", "2h", "30wm", "2wh", "1d", "1wd close"])
when = st.sampled_from(
    [
        {"field": "severity", "in": ["A", "B"]},
        {"field": "flag", "is": True},
        {"happened": "report", "since": "accept"},
        {"not": {"field": "text", "known": True}},
        {"field": "moment", "within_next": "1h"},
    ]
)


def by_case(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    unlike_now = when.filter(lambda condition: "within_next" not in condition)
    rules = st.lists(st.fixed_dictionaries({"is": values, "when": unlike_now}), min_size=1, max_size=2)
    return values | st.dictionaries(st.sampled_from("ABC"), values, min_size=1) | rules


@st.composite
def clocks(draw: st.DrawFn) -> dict[str, Any]:
    clock: dict[str, Any] = {"on": list(dict.fromkeys(["received", *draw(events)])), "until": draw(events)}
    clock["warn"] = draw(st.lists(st.sampled_from(["25%", "50%", "99%", "10m", "1h"]), min_size=1, unique=True))
    clock["pause"] = draw(st.lists(st.sampled_from(["new", "waiting", "parked"]), min_size=1, unique=True))
    if draw(st.booleans()):
        clock |= {"every": draw(by_case(lasting)), "met_by": draw(events)}
        if draw(st.booleans()):
            clock["first"] = draw(by_case(lasting))
    else:
        clock["within"] = draw(by_case(spans))
    if draw(st.booleans()):
        clock["from"] = draw(st.sampled_from(["field:moment", "field:day"]))
    return clock


sending = st.sampled_from(["always", "ask", "never"])
steps = st.lists(
    st.fixed_dictionaries(
        {"via": st.sampled_from(["email", "verbal"]), "to": st.sampled_from(["owner", "customer"])},
        optional={"wait": st.sampled_from(["10m", "1wh", "daily 10:00"])},
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    rungs = st.lists(
        st.fixed_dictionaries({"to": st.just("lead"), "steps": steps}, optional={"within": by_case(lasting)}),
        min_size=1,
        max_size=3,
    )
    automation = st.fixed_dictionaries({"do": st.sampled_from(ACTIONS)}, optional={"when": when}).flatmap(
        lambda body: st.one_of(
            st.builds(lambda on: {**body, "on": on}, events),
            st.builds(
                lambda stage, after: {**body, "stage": stage, "after": after},
                st.sampled_from(["new", "doing", "solved"]),
                by_case(lasting),
            ),
            st.builds(lambda stage: {**body, "stage": stage, "at": "daily 10:00"}, st.sampled_from(["new", "doing"])),
        )
    )
    return {
        "clocks": {"c1": draw(clocks()), "c2": draw(clocks())},
        "notify": {
            "n": {"on": draw(events), "until": draw(events), "send": draw(by_case(sending)), "steps": draw(steps)}
        },
        "ladders": {
            "l": {
                "on": draw(events),
                "climb_on": draw(events),
                "until": draw(events),
                "when": draw(when),
                "rungs": draw(rungs),
                "repeat": draw(st.integers(0, 2)),
            }
        },
        "automate": draw(st.lists(automation, max_size=3)),
        "surveys": {
            "s": {"on": draw(events), "via": "email", "expires": "1h", "questions": {"score": {"type": "rating"}}}
        },
        "checks": {"k": {"when": draw(when), "set_aside": draw(st.booleans())}},
        "watches": {"w": {"count": 2, "window": "1h", "same": "text"}},
        "route": [{"to": "team:t", "when": draw(when)}],
    }


facts = st.fixed_dictionaries(
    {},
    optional={
        "grade": st.sampled_from(["a", "b", "c", None]),
        "flag": st.booleans(),
        "text": st.sampled_from(["x", "", None]),
        "moment": st.sampled_from(["2026-03-02T10:00:00+08:00", "2026-03-02T11:30:00.500+08:00", None]),
        "day": st.sampled_from(["2026-03-02", "2026-03-03", None]),
    },
)
doings = st.one_of(
    st.builds(lambda do: {"do": do}, st.sampled_from(ACTIONS)),
    st.builds(lambda given: {"do": "edit", "with": given}, facts),
    st.builds(lambda to: {"do": "assign", "with": {"to": to}}, st.sampled_from(["li", "team:u"])),
    st.builds(lambda value: {"do": "reclassify", "with": {"severity": value, "reason": "r"}}, st.sampled_from("ABC")),
    st.sampled_from(
        [{"do": "set_aside", "with": {"reason": "r"}}, {"do": "put_back"}, {"confirm": "n"}, {"send": "n"}]
    ),
    st.just({"survey": "s", "with": {"score": 3}}),
    st.builds(lambda given: {"receive": {"subject": "x", **given}}, facts),
)
steps_of_time = st.sampled_from([0, 0, 5, 10, 20, 30, 60, 60, 240, 1440])


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    at, found = 0, []
    for doing in draw(st.lists(doings, max_size=12)):
        at += draw(steps_of_time)
        who = {} if "survey" in doing else {"by": draw(st.sampled_from(["li", "an"]))}
        found.append({"at": f"+{at}m", **doing, **who})
    given = {"issue": draw(facts), "events": found, "until": f"+{at + 180}m"}
    if draw(st.booleans()):
        given["issue"] = {**given["issue"], "received": "2026-03-02T08:15:00+08:00"}
    if draw(st.booleans()):
        given["people"] = {"li": ["owner", "team:t"], "an": ["team:u", "supervisor"]}
    return given


class Reloading(Simulation):
    """A simulation whose cases are written and read again after everything that happens."""

    def note(self, case: Case, entries: Any, tellings: Any) -> None:
        text = case.dump()
        again = load(text)
        assert again.dump() == text
        assert again == case
        super().note(again, entries, tellings)
        self.cases[case.number] = again


def lines_by(kind: type[Simulation], script: Script, library: Library) -> list[str]:
    """The timeline as text, played by that kind of simulation; a policy that runs on for ever is not tried."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "MOST_LINES", 5_000)
        try:
            world = ScriptWorld(library.processes, script.people)
            played = play_in(kind(library.processes["base"], world), script)
        except BadScript as bad:
            if [finding.code for finding in bad.findings] != ["too-many-lines"]:
                raise
            assume(False)
    return [json.dumps(line, ensure_ascii=False) for line in timeline(played)]


@settings(max_examples=80)
@given(policies(), scripts())
def test_every_timeline_keeps_what_must_hold(policy: dict[str, Any], given_script: dict[str, Any]) -> None:
    library = loaded({"policy": policy})
    process = library.processes["base"]
    script = read_script(script_of({"script": given_script}), process)
    once = lines_by(Simulation, script, library)
    assert lines_by(Simulation, script, library) == once
    assert lines_by(Reloading, script, library) == once
    lines = [json.loads(line) for line in once]
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    for number in {line["number"] for line in lines}:
        check_issue([line for line in lines if line["number"] == number])


def check_issue(lines: list[dict[str, Any]]) -> None:
    """What must hold of the lines of one issue."""
    assert [line["kind"] for line in lines].count("received") == 1
    assert lines[0]["kind"] == "received"
    stage, entered, acted = lines[0]["stage"], lines[0]["at"], 0
    runs: dict[tuple[str, int], list[str]] = defaultdict(list)
    for line in lines:
        if line["kind"] == "action":
            acted = acted + 1 if line["by"] == "system" else 0
            assert acted <= 20 or line["at"] != entered
            if line["stage"] != stage:
                stage, entered = line["stage"], line["at"]
        if line["kind"].startswith("clock_"):
            if stage == "closed":
                assert line["kind"] not in ("clock_started", "clock_paused")
                assert line["at"] == entered, "nothing is timed in a final stage"
            runs[line["clock"], line["run"]].append(line["kind"])
        if stage == "closed" and line["at"] != entered:
            assert line["kind"] not in ("escalated", "exhausted")
    check_runs(runs)


ENDINGS = {"clock_met", "clock_stopped", "clock_cancelled", "clock_finished_late"}


def check_runs(runs: dict[tuple[str, int], list[str]]) -> None:
    """A run starts once, first; ends once, last; is breached once; runs are counted from 1."""
    for (clock, run), kinds in runs.items():
        assert kinds[0] == "clock_started"
        assert kinds.count("clock_started") == 1
        assert kinds.count("clock_breached") <= 1
        endings = [kind for kind in kinds if kind in ENDINGS]
        assert len(endings) <= 1
        if endings:
            assert kinds[-1] == endings[0]
        if "clock_finished_late" in kinds:
            assert "clock_breached" in kinds
        if "clock_met" in kinds:
            assert "clock_breached" not in kinds
        if "clock_breached" in kinds:
            after = kinds[kinds.index("clock_breached") + 1 :]
            assert set(after) <= {"clock_finished_late", "clock_stopped", "clock_cancelled"}
        steady = [kind for kind in kinds if kind in ("clock_paused", "clock_resumed")]
        assert all(one != other for one, other in zip(steady, steady[1:], strict=False))
        assert run == 1 or (clock, run - 1) in runs


@settings(max_examples=40)
@given(policies(), scripts())
def test_time_may_pass_in_one_step_or_in_many_and_kept_answers_give_the_same(
    policy: dict[str, Any], given_script: dict[str, Any]
) -> None:
    """The live way: `advance` lets time pass itself, leaves the given case as it is, and can be replayed."""
    library = loaded({"policy": policy})
    process = library.processes["base"]
    events = [event for event in given_script["events"] if "receive" not in event]
    script = read_script(script_of({"script": {**given_script, "events": events}}), process)
    assume(len(lines_by(Simulation, script, library)) < 2_000)
    played = play(script, process, library.processes)
    world = ScriptWorld(library.processes, script.people)
    world.counted()
    first = next(line for line in played.lines if line["kind"] == "received")
    facts = dict(_facts(script, library), number=first["number"])
    done = advance(process, None, {"kind": "received", "facts": facts, "by": script.by}, script.start, world)
    entries = list(done.entries)
    for doing in script.events:
        before = done.case.dump()
        event = _event(doing)
        again = advance(process, load(before), event, doing.at, world)
        replayed = advance(process, done.case, event, doing.at, Kept(again.answers, world.binding))
        assert replayed.case.dump() == again.case.dump()
        assert replayed.entries == again.entries
        assert done.case.dump() == before
        assert again.due == next_due(process, again.case)
        done = again
        entries += again.entries
    passed = advance(process, done.case, {"kind": "time"}, script.until, world)
    assert passed.due == next_due(process, passed.case)
    entries += passed.entries
    by_people = [line for line in played.lines if line["kind"] != "refused"]
    assert [line for line in entries if line["kind"] != "refused"] == by_people


def _facts(script: Script, library: Library) -> dict[str, Any]:
    from server.core import values

    return values.new_issue(library.processes["base"], script.issue, script.start)[0]


def _event(doing: Any) -> dict[str, Any]:
    if doing.kind == "do":
        return {"kind": "action", "action": doing.what, "by": doing.by, "with": doing.given}
    if doing.kind == "survey":
        return {"kind": "survey", "survey": doing.what, "with": doing.given}
    return {"kind": doing.kind, "notice": doing.what, "by": doing.by}


def test_a_turn_knows_what_the_case_knows() -> None:
    """The facts that conditions see are those of the case: what is set is seen at once."""
    library = loaded({})
    process = library.processes["base"]
    world = ScriptWorld(library.processes)
    facts = {"subject": "S", "received": 0, "number": "N"}
    case = advance(process, None, {"kind": "received", "facts": facts, "by": None}, 0, world).case
    turn = Turn(process, case, None, 0)  # type: ignore[arg-type]
    turn.set_fact("text", "x")
    turn.set_value("severity", "A")
    turn.reopen()
    turn.set_owner("li")
    assert Turn(process, case, None, 0).known == turn.known  # type: ignore[arg-type]


def test_events_that_raise_one_another_for_ever_are_cut_off_with_a_line() -> None:
    clock = {"on": "received", "until": "close", "every": "1h", "met_by": ["report", "clock.c.met"]}
    case = {"policy": {"clocks": {"c": clock}}, "script": {"events": [{"at": "+1m", "do": "report"}]}}
    library = loaded(case)
    process = library.processes["base"]
    lines = [json.loads(line) for line in lines_by(Simulation, read_script(script_of(case), process), library)]
    assert [line["kind"] for line in lines].count("clock_met") == 1 + HEARD_IN_A_ROW
    assert {**lines[-1], "at": ""} == {
        "at": "",
        "number": "SIM-1",
        "kind": "refused",
        "action": "clock.c.met",
        "by": "system",
        "why": "loop",
    }
