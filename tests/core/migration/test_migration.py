"""An open issue goes on under another version of its process: what becomes of it, as timelines and as laws."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from server.core import simulate
from server.core.advance import advance, next_due
from server.core.case import load
from server.core.migration import NotPossible, bad_table, plan
from server.core.moments import MINUTE
from server.core.scripts import BadScript, read_script
from server.core.simulate import ScriptWorld
from server.core.world import Kept
from tests.core.migration.playing import Migrating, cases, lines_of, play, versions
from tests.core.spec.playing import loaded, script_of
from tests.core.spec.test_spec_properties import check_issue, policies, scripts


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases()])
def test_the_timeline_goes_on_as_the_page_says(case: dict[str, Any]) -> None:
    found = lines_of(case)
    wanted = [" ".join(line.split()) for line in case["lines"].strip().splitlines()]
    assert found == wanted, "\n".join(["", "found:", *found, "wanted:", *wanted])


# -- what is not possible ------------------------------------------------------------------------------------------


def refused(case: dict[str, Any]) -> list[tuple[str, str]]:
    """Why the migration of a case is not possible: where, and the code of the reason."""
    with pytest.raises(NotPossible) as found:
        lines_of({"migrate": {"at": "2026-03-02T09:30:00+08:00"}, **case})
    return [(problem.at, problem.code) for problem in found.value.problems]


def test_a_stage_without_a_counterpart_is_said_with_its_choices() -> None:
    stages = {"stages": {"parked": None}, "actions": {"park": None, "ask": {"from": ["new", "doing"]}}}
    stages["actions"]["resume"] = {"from": "waiting"}
    case = {"later": stages, "script": {"events": [{"at": "+1m", "do": "accept"}, {"at": "+2m", "do": "park"}]}}
    assert refused(case) == [("/stage", "migration-no-stage")]


def test_a_closed_issue_keeps_its_version() -> None:
    assert refused({"script": {"events": [{"at": "+1m", "do": "close"}]}}) == [("/stage", "migration-closed")]


def test_a_fact_that_a_field_of_another_type_cannot_take_is_said() -> None:
    case = {"later": {"fields": {"text": {"type": "date"}, "count": {"type": "number"}}}}
    assert refused({**case, "script": {"issue": {"text": "x", "count": 3}}}) == [("/text", "migration-other-type")]


def test_a_fact_that_a_field_of_another_type_takes_as_it_is_is_no_obstacle() -> None:
    case = {"later": {"fields": {"text": {"type": "date"}, "count": {"type": "number"}}}}
    script = {"issue": {"text": "2026-03-02", "count": 3}}
    assert lines_of({**case, "script": script, "migrate": {"at": "2026-03-02T09:30:00+08:00"}}) == [
        "09:30 migrated new"
    ]


def test_a_table_names_stages_of_both_versions() -> None:
    before, after = versions({"later": {"stages": {"more": {}}, "actions": {"more": {"to": "more"}}}})
    assert bad_table(before, after, {"new": "more"}) == []
    assert [problem.at for problem in bad_table(before, after, {"nowhere": "more", "new": "never"})] == [
        "/stages/nowhere",
        "/stages/new",
    ]


# -- laws ----------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(policies(), scripts(), st.integers(0, 300), st.booleans())
def test_migrating_to_the_same_policy_changes_nothing_but_the_line(
    policy: dict[str, Any], given_script: dict[str, Any], minute: int, very_same: bool
) -> None:
    before = loaded({"policy": policy}).processes["base"]
    # Another title is another version; its calendar is an object of its own, so that everything is looked at anew.
    after = before if very_same else loaded({"policy": {**policy, "title": "Another"}}).processes["base"]
    script = _script(before, given_script)
    now = min(script.start + minute * MINUTE, script.until)  # later, more time would have passed for one of the two
    plain, moved = _played(script, before, []), _played(script, before, [(now, after, None)])
    assert [line for line in moved.lines if line["kind"] != "migrated"] == plain.lines


@settings(max_examples=25)
@given(policies(), policies(), scripts(), st.integers(0, 300))
def test_migrating_twice_is_migrating_once_and_a_timeline_keeps_what_must_hold(
    policy: dict[str, Any], later: dict[str, Any], given_script: dict[str, Any], minute: int
) -> None:
    before = loaded({"policy": policy}).processes["base"]
    after = loaded({"policy": later}).processes["base"]
    script = _script(before, given_script)
    now = script.start + minute * MINUTE
    once = _played(script, before, [(now, after, None)])
    twice = _played(script, before, [(now, after, None), (now, after, None)])
    second = [index for index, line in enumerate(twice.lines) if line["kind"] == "migrated"][1:]
    assert [line for index, line in enumerate(twice.lines) if index not in second] == once.lines
    check_issue([{**line, "at": str(line["at"]).zfill(16)} for line in once.lines])


@settings(max_examples=30)
@given(policies(), policies(), scripts())
def test_the_event_and_the_new_version_are_all_that_a_replay_needs(
    policy: dict[str, Any], later: dict[str, Any], given_script: dict[str, Any]
) -> None:
    before = loaded({"policy": policy}).processes["base"]
    after = loaded({"policy": later}).processes["base"]
    script = _script(before, given_script)
    played = _played(script, before, [])
    (case,) = played.cases.values()
    assume(not before.is_final(case.stage))
    text, now = case.dump(), case.moment + 1
    event = plan(before, after, case, played.lines, now)
    world = ScriptWorld({"base": after}, script.people)
    live = advance(after, load(text), event, now, world)
    kept = json.loads(json.dumps(event))
    again = advance(after, load(text), kept, now, Kept(live.answers, world.binding))
    assert again.entries == live.entries
    assert again.case.dump() == live.case.dump() == load(live.case.dump()).dump()
    assert live.entries[0]["kind"] == "migrated"
    assert case.dump() == text, "planning changes nothing"
    due = next_due(after, live.case)
    assert due is None or due >= now


def _script(process: Any, given_script: dict[str, Any]) -> Any:
    events = [event for event in given_script["events"] if "receive" not in event]
    return read_script(script_of({"script": {**given_script, "events": events}}), process)


def _played(script: Any, before: Any, steps: list[Any]) -> Migrating:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulate, "MOST_LINES", 3_000)
        try:
            return play(script, before, steps)
        except BadScript as bad:
            if [finding.code for finding in bad.findings] != ["too-many-lines"]:
                raise
        except NotPossible as refusal:  # it was closed by then
            if [problem.code for problem in refusal.problems] != ["migration-closed"]:
                raise
    assume(False)
    raise AssertionError("not reached")
