"""A chunk of past issues played through the draft and compared; what the chunks gave is put together in their order."""

from __future__ import annotations

import heapq
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from server.core.backtest import Tally, compare
from server.core.backtest_report import Shown, level_of
from server.core.process import Process
from server.core.replaying import Past, Replayed, World, judged, replay

log = logging.getLogger("duban.backtesting")

MOST_CHANGED: Final = 10
LONGEST: Final = 500
"""Rows of two timelines side by side that are shown."""


class Given(NamedTuple):
    """A past issue with the world that it is played in; or (`past` None) why it is left out."""

    number: str
    past: Past | None
    world: World | None = None
    why: str = ""
    problem: str = ""


@dataclass(slots=True)
class Part:
    """What a chunk gave: totals, a JSON line for each issue that changed, and the most changed ones, each with its
    place in the order and its two timelines."""

    tally: Tally = field(default_factory=Tally)
    lines: list[str] = field(default_factory=list)
    most: list[tuple[int, int, dict[str, Any]]] = field(default_factory=list)


class Comparer:
    """Compares issues with what `draft` would have made of them. `decisions`: only how they were judged at receipt."""

    def __init__(self, draft: Process, decisions: bool) -> None:
        self.draft = draft
        self._decisions = decisions
        self._hidden: dict[int, frozenset[str]] = {}

    def compare(self, issues: Iterable[tuple[int, Given]]) -> Part:
        """What is otherwise on these issues, each with its place in the order of all."""
        part = Part()
        for place, given in issues:
            if given.past is None or given.world is None:
                part.tally.leave_out(given.number, given.why)
                continue
            try:
                self._compare(part, place, given.past, given.world)
            except Exception:
                # One issue that cannot be computed is said, and holds up no other.
                log.exception("issue %s cannot be played through the draft", given.number)
                part.tally.leave_out(given.number, "failed")
        return part

    def _compare(self, part: Part, place: int, past: Past, world: World) -> None:
        if self._decisions:
            self._compare_decision(part, place, past, world)
            return
        done = replay(self.draft, past, world)
        before: list[Any] = [entry for happened in past.events for entry in happened.entries]
        after: list[Any] = done.entries
        level = level_of(before)
        if done.cut:
            before, after = ([one for one in lines if one["at"] < done.until] for lines in (before, after))
        self._note(part, place, past, done, level, before, after)

    def _compare_decision(self, part: Part, place: int, past: Past, world: World) -> None:
        done = judged(self.draft, past, world)
        recorded = past.events[0].entries[0]
        before = [{key: value for key, value in recorded.items() if key not in ("owner", "stage")}]
        self._note(part, place, past, done, level_of(before), before if done.entries else [], done.entries)

    def _note(
        self, part: Part, place: int, past: Past, done: Replayed, level: str, before: list[Any], after: list[Any]
    ) -> None:
        tally = part.tally
        change = compare(before, after)
        tally.count(level, before, after, change)
        tally.cut += done.cut
        if done.refused is not None:
            tally.list_refused(past.number, done.refused.action, done.refused.why)
        tally.list_unanswered(past.number, done.unanswered)
        for name in done.unknown:
            tally.list_unknown(past.number, name)
        if change is None:
            return
        shown = Shown(past.process, self.draft, self._hidden_of(past.process))
        issue = shown.issue(past.number, change, done, level)
        part.lines.append(json.dumps(issue, ensure_ascii=False))
        if len(part.most) < MOST_CHANGED or change.lines > part.most[0][0]:
            timeline = shown.timelines(before, after)
            both = {**issue, "timeline": timeline[:LONGEST], "rows": len(timeline)}
            keep(part.most, (change.lines, -place, both))

    def _hidden_of(self, before: Process) -> frozenset[str]:
        """Private fields of either version."""
        if id(before) not in self._hidden:
            fields = [*before.fields.values(), *before.questions.values()]
            fields += [*self.draft.fields.values(), *self.draft.questions.values()]
            self._hidden[id(before)] = frozenset(one.id for one in fields if one.private)
        return self._hidden[id(before)]


def keep(most: list[tuple[int, int, dict[str, Any]]], one: tuple[int, int, dict[str, Any]]) -> None:
    """Keeps the most changed issues; of equally changed ones the first. No two have the same place."""
    if len(most) < MOST_CHANGED:
        heapq.heappush(most, one)
    else:
        heapq.heappushpop(most, one)
