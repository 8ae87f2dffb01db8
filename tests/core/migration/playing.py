"""Playing an issue that goes on under another version of its process in the middle of a script.

`policy` changes the base of tests/core/spec into the version that the issue begins under, `later` changes that into the
version it goes on under, at `migrate: {at, stages}`. Lines are in the short form of tests/core/spec.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from server.core import documents
from server.core.advance import advance
from server.core.case import load
from server.core.migration import plan
from server.core.moments import Moment
from server.core.printing import printed
from server.core.process import Process
from server.core.scripts import Script, read_script
from server.core.simulate import ScriptWorld, Simulation
from tests.core.spec.playing import changed, loaded, script_of, short

HERE = Path(__file__).parent


def cases() -> list[dict[str, Any]]:
    """The cases of the file beside this one."""
    document, findings = documents.read((HERE / "cases.yaml").read_bytes(), "cases.yaml")
    assert document is not None, findings
    assert not findings
    return list(document.value["cases"])


def versions(case: dict[str, Any]) -> tuple[Process, Process]:
    """The version before and the one after."""
    older = case.get("policy", {})
    before = loaded({"policy": older, "other": case.get("other", {})})
    later = changed(older, case.get("later", {}))
    after = loaded({"policy": later, "other": {**case.get("other", {}), **case.get("later_other", {})}})
    return before.processes["base"], after.processes["base"]


class Migrating(Simulation):
    """A simulation whose first issue can go on under another version."""

    def migrate(self, after: Process, now: Moment, table: dict[str, str] | None = None) -> None:
        """Lets time pass up to `now` under the version until then, and the rest under the other."""
        self.pass_time(now - 1)
        (case,) = self.cases.values()
        event = plan(self.process, after, case, self.lines, now, table)
        done = advance(after, load(case.dump()), event, now, self.world)
        self.process = after
        self.cases[case.number] = done.case
        self.note(done.case, done.entries, done.tellings)


def play(script: Script, before: Process, steps: Iterable[tuple[Moment, Process, dict[str, str] | None]]) -> Migrating:
    """Plays a script, and the migrations at their moments, before what people do then."""
    simulation = Migrating(before, ScriptWorld({"base": before}, script.people))
    simulation.receive(script.issue, script.start, script.by, ("issue",))
    waiting = list(steps)
    for doing in [*script.events, None]:
        while waiting and (doing is None or waiting[0][0] <= doing.at):
            now, after, table = waiting.pop(0)
            simulation.migrate(after, now, table)
        if doing is not None:
            simulation.pass_time(doing.at - 1)
            simulation.do(doing)
    simulation.pass_time(script.until)
    return simulation


def lines_of(case: dict[str, Any]) -> list[str]:
    """The timeline of a case, in short, without the receipt."""
    before, after = versions(case)
    script = read_script(script_of(case), before)
    how = case["migrate"]
    simulation = play(script, before, [(before.calendar.parse(how["at"]), after, how.get("stages"))])
    found = []
    for line in (printed(line, after) for line in simulation.lines[1:]):
        if line["kind"] == "migrated":
            assert (line["from"], line["to"]) == (before.sha256, after.sha256)
            time = short({"at": line["at"], "number": line["number"], "kind": "exhausted", "ladder": ""}).split()[0]
            rest = [line["stage"], *[f"{key}={','.join(line[key])}" for key in ("kept", "ended") if line[key]]]
            found.append(" ".join([time, "migrated", *rest]))
        else:
            found.append(short(line))
    return found
