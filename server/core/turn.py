"""One turn of the interpreter: the case that is worked on, the lines it causes, and the events still to be heard.

A turn is one call of `advance`. What happened together is a Happening (an action and the stage it enters are one);
what it raises is queued and heard one after the other (policy language, "What one event sets off", step 9).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from server.core.case import Case
from server.core.judged import View
from server.core.moments import Moment
from server.core.process import Automation, Process
from server.core.world import Asked, Place


class Happening(NamedTuple):
    """Events that happened as one. `left` and `entered` are stages when the stage changed; `assign` and `by` come
    from the action that it is."""

    names: frozenset[str]
    left: str | None = None
    entered: str | None = None
    assign: str | None = None
    by: str | None = None

    def is_one_of(self, names: frozenset[str]) -> bool:
        """Whether any of the names happened."""
        return not names.isdisjoint(self.names)


@dataclass(slots=True)
class Telling:
    """Something to be sent that a `notified` line stands for: what is needed to find recipients and words later.
    `line` is its place among the turn's entries; `facts` the issue as it was then."""

    line: int
    kind: str
    id: str
    via: str
    to: tuple[str, ...]
    template: str
    rung: int
    by_time: bool
    actor: str | None
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Turn:
    """The working state of one call of `advance`."""

    process: Process
    case: Case
    directory: Asked
    now: Moment
    entries: list[dict[str, Any]] = field(default_factory=list)
    tellings: list[Telling] = field(default_factory=list)
    queue: deque[Happening | Automation] = field(default_factory=deque)
    changed: set[str] = field(default_factory=set)
    acted: int = 0
    actor: str | None = None
    by_time: bool = False
    known: dict[str, Any] = field(default_factory=dict)
    view: View = field(init=False)

    def __post_init__(self) -> None:
        case = self.case
        self.known.update(case.facts)
        self.known.update(case.values)
        self.known.update(
            number=case.number,
            recorded=case.recorded,
            stage=case.stage,
            team=case.team,
            owner=case.owner,
            times_reopened=case.times_reopened,
            now=self.now,
        )
        self.view = View(self.known, self.now, case.happened)

    # -- time and lines -------------------------------------------------------------------------------------------

    def at(self, moment: Moment) -> None:
        """Goes on at that moment; time never goes back on one issue."""
        self.now = self.case.moment = max(moment, self.case.moment)
        self.known["now"] = self.view.now = self.now

    def line(self, kind: str, /, **keys: Any) -> dict[str, Any]:
        """Writes a line of the timeline."""
        entry = {"at": self.now, "number": self.case.number, "kind": kind, **keys}
        self.entries.append(entry)
        self.case.lines += 1
        return entry

    def happens(self, *names: str) -> frozenset[str]:
        """Notes that these events have happened: their line is written."""
        for name in names:
            self.case.happened[name] = self.case.lines
        return frozenset(names)

    def raise_event(self, *names: str) -> None:
        """Queues an event, with all its names, to be heard after what is being heard now."""
        self.queue.append(Happening(self.happens(*names)))

    # -- the issue ------------------------------------------------------------------------------------------------

    @property
    def final(self) -> bool:
        """Whether the issue stands in a final stage: nothing new is timed."""
        return self.process.stages[self.case.stage].final

    @property
    def place(self) -> Place:
        """Where questions to the directory are asked from."""
        case = self.case
        return Place(case.process, case.number, case.team, case.owner, case.receiver, self.now)

    def set_fact(self, name: str, value: Any) -> None:
        """Sets a recorded field (None: no value) and notes the change."""
        if _same(self.case.facts.get(name), value):
            return
        if value is None:
            self.case.facts.pop(name, None)
        else:
            self.case.facts[name] = value
        self.known[name] = value
        self.changed.add(name)

    def set_value(self, name: str, value: Any) -> None:
        """Sets a classified name (None: no value) and notes the change."""
        if value is None:
            self.case.values.pop(name, None)
        else:
            self.case.values[name] = value
        self.known[name] = value
        self.changed.add(name)

    def set_stage(self, stage: str) -> None:
        """Moves the issue to a stage."""
        self.case.stage = self.known["stage"] = stage
        self.changed.add("stage")

    def set_team(self, team: str | None) -> None:
        """Gives the issue to a team."""
        if team != self.case.team:
            self.case.team = self.known["team"] = team
            self.changed.add("team")

    def set_owner(self, owner: str | None) -> None:
        """Gives the issue to an owner, or to nobody."""
        if owner != self.case.owner:
            self.case.owner = self.known["owner"] = owner
            self.changed.add("owner")

    def reopen(self) -> None:
        """Adds one to `times_reopened`."""
        self.case.times_reopened += 1
        self.known["times_reopened"] = self.case.times_reopened
        self.changed.add("times_reopened")


def _same(one: Any, other: Any) -> bool:
    """Whether two facts are the same recorded value (1 and True are not)."""
    return type(one) is type(other) and bool(one == other)
