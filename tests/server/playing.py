"""Playing scripts against the live store with a driven clock and the script's own directory; random scripts."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from server import policies
from server.core import actions, values
from server.core.advance import advance
from server.core.case import Case
from server.core.moments import Moment
from server.core.process import SYSTEM, Field, Process
from server.core.scripts import Doing, Script
from server.core.simulate import ScriptWorld, Simulation, play
from server.core.turn import Turn
from server.core.world import Asked, Kept
from server.events import Surroundings, compact
from server.issues import entries
from server.policies import Pinned, process_for
from server.receipts import record_new
from server.recording import held, record_event
from server.store import database, sql
from server.store.models import TABLES, Activation, Approval, Draft, DraftAuthor, Event, Issue, Meta, Version
from server.sweep import next_wake, sweep
from tests.workloads import counted, kept


def forget_issues() -> None:
    """Empties the store of everything but the documents, so that numbers can be given again."""
    stay = (Version, Activation, Draft, DraftAuthor, Approval, Meta)
    names = [table._meta.table_name for table in reversed(TABLES) if table not in stay]
    filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names)
    with database.transaction():
        for (name,) in sql.run(filled).fetchall():
            sql.run(f'DELETE FROM "{name}"')


class LiveWorld(ScriptWorld):
    """The script's directory. Issues that actions open are real here, and need numbers of their own."""

    opened = 0

    def number(self, process: str, received: Moment) -> str:
        self.opened += 1
        return f"OPENED-{self.opened}"


class Live:
    """A script's issues in the store. `patient`: the sweep runs at each due moment; otherwise it comes late, and finds
    much that is overdue, as after a downtime."""

    def __init__(self, pinned: Pinned, script: Script, processes: Mapping[str, Process], patient: bool) -> None:
        self.pinned = pinned
        self.script = script
        self.patient = patient
        self.world = LiveWorld(processes, script.people)
        self.surroundings = Surroundings(directory=self.world)
        self.numbers: list[str] = []

    def play(self) -> None:
        script = self.script
        self.receive(script.issue, script.start, script.by)
        for doing in script.events:
            if doing.at > script.until:
                break
            self.pass_time(doing.at - 1, hurried=not self.patient)
            if doing.kind == "receive":
                self.receive(doing.what, doing.at, script.by if doing.by is None else doing.by)
            else:
                self.do(doing)
        self.pass_time(script.until)

    def pass_time(self, until: Moment, hurried: bool = False) -> None:
        if hurried:
            return  # the event lets it pass
        while (due := next_wake(0)) is not None and due <= until:
            sweep(due if self.patient else until, limit=200 if self.patient else 2, surroundings=self.surroundings)

    def receive(self, given: Mapping[str, Any], now: Moment, by: str | None) -> None:
        given = dict(given)
        number = given.pop("number", None)
        count = self.world.counted()
        facts, problems = values.new_issue(self.pinned.process, given, now, extra=True)
        assert not problems
        facts["number"] = f"SIM-{count}" if number is None else str(number)
        self.numbers.append(facts["number"])
        record_new(self.pinned, facts, now, by=by, surroundings=self.surroundings)

    def do(self, doing: Doing) -> None:
        number = doing.number or self.numbers[0]
        event = {
            "do": {"kind": "action", "action": doing.what, "by": doing.by, "with": doing.given},
            "survey": {"kind": "survey", "survey": doing.what, "with": doing.given},
            "confirm": {"kind": "confirm", "notice": doing.what, "by": doing.by},
            "send": {"kind": "send", "notice": doing.what, "by": doing.by},
        }[doing.kind]
        record_event(number, event, doing.at, by=doing.by, surroundings=self.surroundings)

    def timeline(self) -> dict[str, list[dict[str, Any]]]:
        with database.session():
            return {number: list(entries(held(number).id)) for number in self.numbers}


def simulated(simulation: Simulation) -> dict[str, list[dict[str, Any]]]:
    """The simulated timeline by issue. What was refused to people is audited, not on the stored one."""
    found: dict[str, list[dict[str, Any]]] = {number: [] for number in simulation.cases}
    for line in simulation.lines:
        if line["kind"] != "refused" or line["by"] == SYSTEM:
            found[line["number"]].append(line)
    return found


def all_processes() -> dict[str, Process]:
    return {name: pinned.process for name, pinned in policies.in_force().processes.items()}


def issue_count() -> int:
    return int(Issue.select().count())


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
    assert kept() == counted()


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


# -- random scripts ------------------------------------------------------------------------------------------------

START = 1_772_413_200_000  # 2026-03-02T09:00:00+08:00
PEOPLE = ("li", "wang", "zhao", "chen")


class Chance:
    """Random scripts for a process: mostly what fits it, sometimes what is refused."""

    def __init__(self, process: Process, seed: int, processes: Mapping[str, Process] | None = None) -> None:
        self.process = process
        self.processes = processes or {}
        self.random = random.Random(seed)

    def script(self) -> Script:
        chance = self.random
        now = START + chance.choice([0, 1, 3_600_000, 86_400_000 * 4]) + chance.randrange(100_000)
        start = now
        people = None
        if chance.random() < 0.6:
            people = {person: tuple(self.whos()) for person in PEOPLE}
        issue, by = self.issue(start), chance.choice([None, *PEOPLE])
        # Played as it grows, so that what happens next mostly can.
        self.shadow = Simulation(self.process, ScriptWorld(self.processes, people))
        self.shadow.receive(issue, start, by, ())
        events = []
        for index in range(chance.randint(2, 16)):
            now += chance.choice([0, 1_000, 60_000, 600_000, 3_600_000, 14_400_000, 86_400_000, 86_400_000 * 5])
            self.shadow.pass_time(now - 1)
            number = "SIM-1" if chance.random() < 0.8 else chance.choice(list(self.shadow.cases))
            doing = self.event(now, number, index)
            if doing.kind == "receive":
                self.shadow.receive(doing.what, now, doing.by if doing.by is not None else by, ())
            else:
                self.shadow.do(doing)
            events.append(doing)
        until = now + chance.choice([0, 3_600_000, 86_400_000 * 3, 86_400_000 * 20])
        return Script(start, issue, by, people, tuple(events), until)

    def whos(self) -> Sequence[str]:
        known = {
            who
            for action in self.process.actions.values()
            for who in (*action.by, *action.not_by)
            if not who.startswith(("did:", "field:", "rung:"))
        }
        return [who for who in sorted(known - {"anyone", "customer"}) if self.random.random() < 0.8]

    def event(self, at: Moment, number: str, index: int) -> Doing:
        chance, process = self.random, self.process
        by = chance.choice([*PEOPLE, "customer", None])
        kinds = ["do"] * 12 + ["receive"]
        kinds += ["survey"] * (2 * bool(process.surveys)) + ["confirm", "send"] * bool(process.notices)
        kind = chance.choice(kinds)
        given: Mapping[str, Any] = {}
        if kind == "receive":
            return Doing(at, kind, self.issue(at), by, {}, None, ("events", index))
        if kind == "survey":
            out = list(self.shadow.cases[number].surveys)
            what = chance.choice(out or list(process.surveys))
            given = {name: self.value(one) for name, one in process.surveys[what].questions.items()}
        elif kind in ("confirm", "send"):
            what = chance.choice(list(process.notices))
        else:
            what, given, by = self.action(number, at)
        return Doing(at, kind, what, by, given, number, ("events", index))

    def action(self, number: str, at: Moment) -> tuple[str, dict[str, Any], str | None]:
        """One that is possible, most of the time, with its form and somebody who may do it."""
        chance = self.random
        turn = Turn(self.process, copy.deepcopy(self.shadow.cases[number]), Asked(self.shadow.world), at)
        own = [one.id for one in self.process.actions.values() if not one.built_in]
        for _ in range(25 if chance.random() < 0.85 else 1):
            what = chance.choice(own if chance.random() < 0.8 else list(self.process.actions))
            given, by = self.form(what), chance.choice([*PEOPLE, "customer", None])
            if actions.refusal(turn, what, by, given) is None:
                break
        return what, given, by

    def issue(self, now: Moment) -> dict[str, Any]:
        chance = self.random
        given: dict[str, Any] = {"subject": chance.choice(["系统无法登录", "收费不对", "建议", "x"])}
        for name, field in self.process.fields.items():
            if field.required or chance.random() < 0.6:
                given[name] = self.value(field)
        if chance.random() < 0.3:
            given["preferred"] = chance.choice(list(self.process.channels))
        if chance.random() < 0.3:
            given["received"] = self.process.calendar.show(now - chance.randrange(86_400_000 * 2))
        return given

    def form(self, action_id: str) -> dict[str, Any]:
        chance, process = self.random, self.process
        action = process.actions[action_id]
        if not action.built_in:
            wanted = [name for name, required in action.form.items() if required or chance.random() < 0.5]
            return {name: self.value(values.editable(process, name)) for name in wanted}
        names = chance.sample(list(process.fields), min(2, len(process.fields)))
        fields = {name: self.value(process.fields[name]) for name in names}
        table = chance.choice(process.classify)
        reclassified = {table.name: chance.choice([str(value) for value in table.table.outcomes])}
        return {
            "edit": fields,
            "correct": {**fields, "reason": "错填"},
            "assign": {"to": chance.choice([*PEOPLE, "team:support"])},
            "reclassify": {**reclassified, "reason": "复核"},
            "comment": {"text": "记录"},
            "attach": {"file": "a.pdf"},
            "link": {"number": "SIM-1", "as": "相关"},
            "answer": {"survey": next(iter(process.surveys), "none")},
            "set_aside": {"reason": "重复"},
            "put_back": {},
        }[action_id]

    def value(self, field: Field) -> Any:
        chance = self.random
        if field.type == "choice":
            options = list(field.options)
            return chance.sample(options, chance.randint(1, len(options))) if field.many else chance.choice(options)
        if field.type in ("integer", "number", "rating"):
            low = 1 if field.type == "rating" else int(field.minimum or 0)
            high = field.of if field.type == "rating" else int(field.maximum or low + 10_000)
            return chance.randint(low, high)
        return {
            "boolean": chance.random() < 0.5,
            "date": f"2026-{chance.randint(3, 4):02}-{chance.randint(1, 28):02}",
            "datetime": self.process.calendar.show(START + chance.randrange(86_400_000 * 10)),
            "email": "kehu@example.com",
            "phone": "+86 10 8888 0000",
            "url": "https://example.com/1",
            "person": chance.choice(PEOPLE),
        }.get(field.type, chance.choice(["甲公司", "收费", "y"]))
