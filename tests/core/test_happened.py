"""The events that a line stands for are those that the interpreter noted."""

from __future__ import annotations

from server.core import library
from server.core.compiling import event_names
from server.core.happened import KINDS, events_of
from server.core.scripts import read_script
from server.core.simulate import play
from server.resources import policy_dir


def test_the_lines_of_every_shipped_example_name_exactly_the_events_that_happened() -> None:
    found = library.load([(path.name, path.read_bytes()) for path in sorted(policy_dir().glob("*.yaml"))])
    seen: set[str] = set()
    for process in found.processes.values():
        known = set(event_names(process.raw))
        for example in process.raw.get("examples", ()):
            played = play(read_script(example, process), process, found.processes)
            for number, case in played.cases.items():
                lines = [line for line in played.lines if line["number"] == number]
                names = set().union(*events_of(lines, None))
                assert names == set(case.happened)
                assert names <= known
                seen |= {line["kind"] for line in lines}
    assert seen <= set(KINDS)
    assert {"received", "action", "classified", "clock_warned", "clock_breached", "escalated", "answered"} <= seen


def test_an_action_that_leaves_the_issue_where_it_is_enters_no_stage() -> None:
    line = {"kind": "action", "action": "comment", "stage": "handling"}
    assert list(events_of([line], "handling")) == [{"comment"}]
    assert list(events_of([line], "received")) == [{"comment", "stage.handling"}]
