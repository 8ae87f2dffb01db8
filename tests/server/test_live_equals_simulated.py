"""The live store's timeline is the simulated one: all examples of all shipped policies, and random scripts; and what
was recorded can be computed anew from the recorded events and answers, bit for bit."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server import policies
from server.core.library import Library
from server.core.process import Process
from server.core.scripts import read_script
from server.resources import data_dir
from server.store import database
from server.store.database import Store
from server.store.models import Activation, Meta
from tests import beginnings
from tests.core.spec.playing import cases, loaded, script_of
from tests.core.spec.test_spec import FILES
from tests.core.spec.test_spec_properties import policies as random_policies
from tests.core.spec.test_spec_properties import scripts as random_scripts
from tests.publishing import publish
from tests.server.playing import START, Chance, all_processes, check, forget_issues

pytestmark = pytest.mark.slow

# Smaller examples are found much faster without a store, in tests/core/spec.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
UNCONCERNED = (HealthCheck.function_scoped_fixture, HealthCheck.too_slow)
SHIPPED = sorted(path.stem for path in data_dir("policies").glob("*.yaml") if b"kind: process" in path.read_bytes())
SCRIPTS = int(os.environ.get("DUBAN_TEST_SCRIPTS", "4"))  # random ones, for each process, database and patience
POLICIES = int(os.environ.get("DUBAN_TEST_POLICIES", "40"))  # random ones, for each database


@pytest.fixture
def processes(store: Store) -> dict[str, Process]:
    beginnings.shipped(START)
    return all_processes()


def put_in_force(library: Library) -> dict[str, Process]:
    """Makes these documents the only ones in force."""
    with database.transaction():
        forget_issues()
        Meta.delete().execute()
        # Versions stay: what was compiled of them is kept.
        Activation.update(until_at=START).where(Activation.until_at.is_null()).execute()
        for document in library.documents.values():
            publish(document.data, START)
    assert policies.in_force().findings == ()
    return all_processes()


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
def test_random_scripts_give_the_same_live(
    store: Store, processes: dict[str, Process], name: str, patient: bool
) -> None:
    process = processes[name]
    for seed in range(int(store.is_postgresql), 2 * SCRIPTS, 2):  # each database has its own
        check(Chance(process, seed, processes).script(), process, processes, patient)


def _spec_cases() -> list[Any]:
    found = [(file, case) for file in FILES for case in cases(file)]
    return [pytest.param(case, id=f"{file.removesuffix('.yaml')}: {case['name']}") for file, case in found]


@pytest.mark.parametrize("case", _spec_cases())
def test_each_sentence_of_the_policy_language_holds_live(sqlite_store: Store, case: dict[str, Any]) -> None:
    processes = put_in_force(loaded(case))
    script = read_script(script_of(case), processes["base"])
    for patient in (True, False):
        check(script, processes["base"], processes, patient)


@settings(max_examples=POLICIES, phases=PHASES, suppress_health_check=UNCONCERNED)
@given(random_policies(), random_scripts(), st.booleans())
def test_random_policies_give_the_same_live(
    store: Store, policy: dict[str, Any], script: dict[str, Any], patient: bool
) -> None:
    processes = put_in_force(loaded({"policy": policy}))
    check(read_script(script_of({"script": script}), processes["base"]), processes["base"], processes, patient)
