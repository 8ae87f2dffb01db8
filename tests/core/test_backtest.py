"""Past issues played through a draft, and what is otherwise: refused events, questions that were not asked then, facts
that the draft does not know, and chains without an end are said and never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from server.core.advance import advance
from server.core.backtest import compare, side_by_side
from server.core.case import Case
from server.core.process import Process
from server.core.replaying import MOST_LINES, Happened, Past, Recalled, Replayed, judged, replay
from server.core.scripts import read_script
from server.core.simulate import ScriptWorld, event_of
from tests.core.spec.playing import loaded, script_of

POLICY: dict[str, Any] = {
    "clocks": {"reply": {"on": "received", "until": "accept", "within": {"A": "1h", "B": "4h"}}},
    "notify": {"late": {"on": "clock.reply.breached", "steps": [{"via": "email", "to": "team:board"}]}},
    "route": [{"to": "team:first", "assign": "nobody"}],
    "actions": {"accept": {"by": ["team"], "form": {"text": "optional"}}},
}
SCRIPT: dict[str, Any] = {
    "issue": {"grade": "a", "text": "x"},
    "people": {"li": ["team:first"]},
    "events": [
        {"at": "+45m", "do": "accept", "by": "li", "with": {"text": "y"}},
        {"at": "+2h", "do": "solve", "by": "li"},
    ],
    "until": "+3h",
}


def process(**changes: Any) -> Process:
    return loaded({"policy": {**POLICY, **changes}}).processes["base"]


def past(judge: Process, script: dict[str, Any] = SCRIPT) -> Past:
    """What the live server would have recorded of the script."""
    read = read_script(script_of({"script": script}), judge)
    world = ScriptWorld({}, read.people)
    case: Case | None = None
    happened = []

    def record(event: dict[str, Any], now: int) -> None:
        nonlocal case
        done = advance(judge, case, event, now, world)
        assert done.refused is None
        case = done.case
        happened.append(Happened(event, now, done.answers, done.entries))

    facts = {**read.issue, "received": read.start, "number": "N1"}
    record({"kind": "received", "facts": facts, "by": None}, read.start)
    for doing in read.events:
        record({"kind": "time"}, doing.at - 1)
        record(event_of(doing), doing.at)
    record({"kind": "time"}, read.until)
    return Past("N1", judge, happened, read.until)


def recorded(of: Past) -> list[dict[str, Any]]:
    return [dict(entry) for one in of.events for entry in one.entries]


def played(draft: Process, script: dict[str, Any] = SCRIPT) -> tuple[Replayed, Past]:
    of = past(process(), script)
    return replay(draft, of, Recalled()), of


def test_the_version_that_judged_gives_what_was_recorded() -> None:
    done, of = played(process())
    assert done.entries == recorded(of)
    assert not done.cut
    assert compare(recorded(of), done.entries) is None


def test_a_shorter_clock_is_breached_and_somebody_is_told() -> None:
    draft = process(clocks={"reply": {"on": "received", "until": "accept", "within": {"A": "30m"}}})
    done, of = played(draft)
    change = compare(recorded(of), done.entries)
    assert change is not None
    assert [(one.clock, one.before, one.after) for one in change.clocks] == [("reply", "met", "breached")]
    assert change.told == {("team:board", "email"): (0, 1)}
    assert change.judged == []
    rows = side_by_side(recorded(of), done.entries)
    assert [left for left, _ in rows if left is not None] == recorded(of)
    assert [right for _, right in rows if right is not None] == done.entries
    assert sum(left is None for left, _ in rows) == 3  # the breach, who is told, and that it was finished late


def test_another_judgement_gives_from_to_and_because() -> None:
    draft = process(classify={"severity": {"from": "grade", "table": {"a": "C"}, "else": "B"}})
    done, of = played(draft)
    change = compare(recorded(of), done.entries)
    assert change is not None
    (one,) = change.judged
    assert (one.name, one.before, one.after, one.first) == ("severity", "A", "C", True)
    assert one.because_after == {"table": "severity", "value": "C", "rule": ["a"], "facts": {"grade": "a"}}
    decision = judged(draft, of, Recalled())
    assert [entry["severity"] for entry in decision.entries] == ["C"]


def test_a_reason_by_another_rule_is_no_difference() -> None:
    rules = [{"is": "D", "when": {"field": "grade", "is": "d"}}, {"is": "A"}]
    of = past(process(classify={"severity": [{"is": "A"}]}))
    done = replay(process(classify={"severity": rules}), of, Recalled())
    assert done.entries[0]["because"] != recorded(of)[0]["because"]
    assert compare(recorded(of), done.entries) is None


def test_time_goes_on_in_the_drafts_world_after_the_last_event() -> None:
    draft = process(automate=[{"stage": "solved", "after": "30m", "do": "close"}])
    done, _ = played(draft)
    assert [entry["action"] for entry in done.entries if entry["kind"] == "action"] == ["accept", "solve", "close"]


def test_an_event_that_the_draft_refuses_is_said_and_nothing_after_it_is_compared() -> None:
    draft = process(actions={"accept": {"by": ["team"], "from": "waiting"}})
    done, of = played(draft)
    assert done.cut
    assert done.refused is not None
    assert (done.refused.action, done.refused.why) == ("accept", "stage")
    assert done.until == of.events[2].now
    assert {entry["kind"] for entry in done.entries} == {"received", "clock_started"}


def test_a_question_that_was_not_asked_then_is_said_and_not_guessed() -> None:
    done, of = played(process(actions={"accept": {"by": ["role:monitor"]}}))
    assert done.cut
    assert done.refused is None
    assert done.unanswered == [["fits", "li", "role:monitor"]]
    assert done.until == of.events[2].now


def test_what_was_answered_about_a_team_says_nothing_about_another() -> None:
    done, _ = played(process(route=[{"to": "team:second"}]))
    assert done.unanswered == [["fits", "li", "team"]]


def test_who_would_have_been_chosen_is_not_known_and_the_rest_is() -> None:
    done, _ = played(process(route=[{"to": "team:first", "assign": "round_robin"}]))
    assert done.unanswered == [["choose", "first", "round_robin"]]
    assert not done.cut
    assert done.entries[0]["owner"] is None


def test_facts_that_the_draft_does_not_know_are_said_and_left_out() -> None:
    done, _ = played(process(fields={"text": None}, actions={"accept": {"by": ["team"]}}))
    assert done.unknown == ["text", "text"]  # of the issue, and of the form of `accept`
    assert not done.cut
    action = next(entry for entry in done.entries if entry["kind"] == "action")
    assert action["with"] == {}


@pytest.mark.parametrize(
    ("fields", "at", "code"),
    [
        ({"other": {"type": "text", "required": True}}, "/other", "required"),
        ({"text": {"type": "email"}}, "/text", "not-email"),
    ],
)
def test_an_issue_that_the_draft_refuses_is_said(fields: dict[str, Any], at: str, code: str) -> None:
    done, of = played(process(fields=fields))
    assert done.refused is not None
    assert done.refused.action == "received"
    assert [(one.at, one.code) for one in done.refused.problems] == [(at, code)]
    assert (done.cut, done.entries, done.until) == (True, [], of.events[0].now)


def test_a_draft_that_loops_in_automation_ends_each_chain_and_goes_on() -> None:
    automate = [{"on": "ask", "do": "resume"}, {"on": "resume", "do": "ask"}, {"on": "accept", "do": "ask"}]
    script = {**SCRIPT, "events": SCRIPT["events"][:1]}
    done, _ = played(process(automate=automate), script)
    loops = [entry for entry in done.entries if entry["kind"] == "refused"]
    assert [(entry["action"], entry["why"]) for entry in loops] == [("ask", "loop")]
    assert sum(entry["kind"] == "action" for entry in done.entries) == 21


def test_a_draft_that_never_comes_to_an_end_is_left_at_some_line() -> None:
    clocks = {"tick": {"on": "received", "every": "1s", "until": "close", "met_by": "report"}}
    script = {**SCRIPT, "until": "+9d"}
    done, _ = played(process(clocks={**POLICY["clocks"], **clocks}), script)
    assert done.refused is not None
    assert (done.refused.action, done.refused.why) == ("time", "loop")
    assert MOST_LINES <= len(done.entries) <= MOST_LINES + 10
