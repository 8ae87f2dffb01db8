"""Playing past issues through the very version that judged them changes nothing, whatever happened to them."""

from __future__ import annotations

import os

import pytest

from server import backtesting, policies
from server.core.scripts import read_script
from server.resources import data_dir
from server.store.database import Store
from tests import beginnings
from tests.server.playing import START, Chance, Live, all_processes, forget_issues

SHIPPED = sorted(path.stem for path in data_dir("policies").glob("*.yaml") if b"kind: process" in path.read_bytes())
SCRIPTS = int(os.environ.get("DUBAN_TEST_SCRIPTS", "1"))


def check(name: str, seeds: range, patient: bool) -> None:
    beginnings.shipped(START)
    processes = all_processes()
    pinned = policies.in_force().processes[name]
    text = dict(policies.texts_in_force()[0])[f"{name}.yaml"]
    scripts = [read_script(example, pinned.process) for example in pinned.process.raw.get("examples", [])[:1]]
    scripts += [Chance(pinned.process, seed, processes).script() for seed in seeds]
    for script in scripts:
        forget_issues()
        live = Live(pinned, script, processes, patient)
        live.play()
        # The sweep has let time pass up to the end of the script.
        with backtesting.of_store(name, text, script.until, binding=live.world.binding) as outcome:
            summary = outcome.summary
            assert list(outcome.issues()) == []
            assert summary["issues"] >= len(live.numbers)
            for key in ("changed", "compared_in_part", "left_out", "refused", "unanswered", "unknown_facts"):
                assert not summary[key], (key, summary[key])


@pytest.mark.parametrize("name", SHIPPED)
def test_the_version_that_judged_changes_nothing(sqlite_store: Store, name: str) -> None:
    seed = SHIPPED.index(name)
    check(name, range(seed, seed + SCRIPTS), patient=bool(seed % 2))


def test_it_changes_nothing_on_postgresql_either(postgres_store: Store) -> None:
    check("complaint-monitoring", range(7, 7 + SCRIPTS), patient=True)
