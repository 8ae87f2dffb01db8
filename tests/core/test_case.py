"""What a case is written as. Stored cases are compared with what replay gives, byte for byte."""

import json
from typing import Any

from server.core.case import Case, ClockState, LadderState, NoticeState, Run, SurveyState, load


def case(**parts: Any) -> Case:
    return Case(process="p", number="N1", recorded=0, receiver=None, stage="new", moment=0, **parts)


BEGUN = {"format": 1, "process": "p", "number": "N1", "recorded": 0, "receiver": None, "stage": "new", "moment": 0}


def written(some: Case) -> Any:
    """What the case is written as, beyond what every case has."""
    text = some.dump()
    state = json.loads(text)
    assert text == json.dumps(state, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert load(text) == some
    assert {name: state.pop(name) for name in BEGUN} == BEGUN
    return state


def test_what_is_as_it_begins_is_left_out() -> None:
    parts = {"clocks": ClockState(), "notices": NoticeState(), "ladders": LadderState(), "surveys": SurveyState()}
    assert written(case()) == {}
    assert written(case(**{name: {"x": part} for name, part in parts.items()})) == {name: {"x": {}} for name in parts}
    run = Run(0, 0, 0, "", 0, 0, False, False, False, 0)
    assert written(case(clocks={"x": ClockState(open=run)}))["clocks"]["x"]["open"] == {
        **dict.fromkeys(("number", "start", "since", "base", "due", "marks_after"), 0),
        **dict.fromkeys(("working", "fixed", "first"), False),
        "span": "",
    }


def test_what_is_not_as_it_begins_is_written_even_where_it_is_zero() -> None:
    clock = ClockState(on_at=0, on_since=0, paused_at=0, span="", spent=[0], pauses=[[0, 0]])
    assert written(case(clocks={"x": clock})) == {
        "clocks": {"x": {"on_at": 0, "on_since": 0, "paused_at": 0, "span": "", "spent": [0], "pauses": [[0, 0]]}}
    }
    ladder = LadderState(due=0, at=0, exhausted=True, variant="A")
    assert written(case(ladders={"x": ladder})) == {
        "ladders": {"x": {"due": 0, "at": 0, "exhausted": True, "variant": "A"}}
    }
    assert written(case(notices={"x": NoticeState(at=0, asked="")})) == {"notices": {"x": {"at": 0, "asked": ""}}}
    assert written(case(surveys={"x": SurveyState("", 0, 0)})) == {
        "surveys": {"x": {"state": "", "expires": 0, "times": 0}}
    }
    run = Run(1, 0, 0, "1h", 0, 0, False, False, False, 0, "paused", ["50%"])
    opened = written(case(clocks={"x": ClockState(runs=1, open=run)}))["clocks"]["x"]["open"]
    assert (opened["state"], opened["given"]) == ("paused", ["50%"])
