"""The live store's timeline is the simulated one: all examples of all shipped policies, and random scripts; and what
was recorded can be computed anew from the recorded events and answers, bit for bit."""

from __future__ import annotations

import json
import os

import pytest

from server import policies
from server.core.advance import advance
from server.core.case import Case
from server.core.process import Process
from server.core.scripts import Script, read_script
from server.core.simulate import play
from server.core.world import Kept
from server.policies import process_for
from server.recording import compact
from server.resources import data_dir
from server.store.database import Store
from server.store.models import Event, Issue
from tests.server.playing import START, Chance, Live, all_processes, forget_issues, simulated

SHIPPED = sorted(path.stem for path in data_dir("policies").glob("*.yaml") if b"kind: process" in path.read_bytes())
SCRIPTS = int(os.environ.get("DUBAN_TEST_SCRIPTS", "8"))  # random ones, for each process, database and patience


@pytest.fixture
def processes(store: Store) -> dict[str, Process]:
    policies.load_shipped(START)
    return all_processes()


def check(script: Script, process: Process, processes: dict[str, Process], patient: bool) -> None:
    """Plays the script both ways and compares, then replays what was recorded."""
    simulation = play(script, process, processes)
    forget_issues()
    live = Live(policies.in_force().processes[process.name], script, processes, patient)
    live.play()
    expected = simulated(simulation)
    found = live.timeline()
    assert found.keys() == expected.keys()
    for number, lines in expected.items():
        assert [json.dumps(line, ensure_ascii=False) for line in found[number]] == [
            json.dumps(line, ensure_ascii=False) for line in lines
        ]
    for issue in Issue.select():
        replay(issue, live.world.binding)


def replay(issue: Issue, binding: bool) -> None:
    """Computes an issue anew from its recorded events and answers, through its pinned versions."""
    process = process_for(issue.pins).process
    case: Case | None = None
    for row in Event.select().where(Event.issue == issue).order_by(Event.seq):
        body = json.loads(row.body)
        done = advance(process, case, body["event"], body["now"], Kept(body["answers"], binding))
        assert compact(done.entries) == row.entries
        assert done.answers == body["answers"]
        case = done.case
    assert case is not None
    assert case.dump() == issue.case


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("patient", [True, False], ids=["on time", "late"])
def test_every_example_of_the_shipped_policies_gives_the_same_live(
    processes: dict[str, Process], name: str, patient: bool
) -> None:
    process = processes[name]
    for example in process.raw.get("examples", []):
        check(read_script(example, process), process, processes, patient)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("patient", [True, False], ids=["on time", "late"])
def test_random_scripts_give_the_same_live(processes: dict[str, Process], name: str, patient: bool) -> None:
    process = processes[name]
    for seed in range(SCRIPTS):
        check(Chance(process, seed, processes).script(), process, processes, patient)
