"""What is exported, issue by issue in the order of receipt, as the interface gives it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from peewee import fn

from server import policies
from server.core import case as cases
from server.core.moments import Moment
from server.core.moments import show as show_utc
from server.core.printing import facts_printed, printed, without
from server.core.process import Process
from server.policies import Pinned
from server.store import listing, sql
from server.store.fields import canonical
from server.store.models import Event, Issue

log = logging.getLogger("duban.exporting")

AT_ONCE: Final = 100


class UnknownProcess(LookupError):
    """No such process is in force, and no issue is one of it."""


@dataclass(frozen=True, slots=True)
class Exported:
    """An issue as the interface gives it, with the lines of its timeline; and the facts that it was received with.
    `process` is None, and there are no lines, when it cannot be read: then `issue` has its `problem`."""

    issue: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    received: Mapping[str, Any]
    process: Process | None


class Export:
    """The issues of one process, of those received `since` then and before `until`. `private`: with private fields.
    Raises UnknownProcess."""

    def __init__(
        self,
        process: str,
        private: bool,
        progress: Callable[[int, int], None],
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> None:
        self.process = process
        self._private = private
        self._progress = progress
        self._since, self._until = since, until
        self._these = Issue.process == process
        if since is not None:
            self._these &= Issue.received_at >= since
        if until is not None:
            self._these &= Issue.received_at < until
        # All in one: asked for the first and the last alone, PostgreSQL may look for them among all issues.
        figures = fn.COUNT(Issue.id), fn.MIN(Issue.id), fn.MAX(Issue.id)
        count, first, last = Issue.select(*figures).where(self._these).scalar(as_tuple=True)
        self.count, self._first, self._last = int(count), int(first or 0), int(last or 0)
        if not self.count and process not in policies.in_force().processes and not self._is_known():
            raise UnknownProcess(process)

    def _is_known(self) -> bool:
        return bool(Issue.select().where(Issue.process == self.process).exists())

    def issues(self, say: bool = True) -> Iterator[Exported]:
        """Every issue that there was when the export began. `say`: tell how far it is."""
        done, last = 0, self._first - 1
        while True:
            text, values = listing.oldest(self.process, last, AT_ONCE)
            ids = [id for (id,) in sql.run(text, *values).fetchall() if id <= self._last]
            if not ids:
                return
            for row in Issue.select().where(Issue.id.in_(ids)).order_by(Issue.id):
                if self._is_meant(row):
                    done += 1
                    yield self._exported(row)
            last = ids[-1]
            if say:
                self._progress(min(done, self.count), self.count)

    def _is_meant(self, row: Any) -> bool:
        """Whether it was received in the time that is asked for; of the process, nearly all that come by were."""
        late_enough = self._since is None or row.received_at >= self._since
        return bool(late_enough and (self._until is None or row.received_at < self._until))

    def _exported(self, row: Any) -> Exported:
        try:
            pinned = policies.process_for(row.pins)
            case = cases.load(row.case)
        except Exception as error:
            # What cannot be read any more is said of it, and holds up no other.
            log.exception("issue %s cannot be read", row.number)
            problem = {"number": row.number, "process": row.process, "problem": type(error).__name__}
            return Exported({**problem, "received": show_utc(row.received_at)}, (), {}, None)
        process, show = pinned.process, pinned.process.calendar.show
        hidden = self.hidden(pinned)
        lines, received = self._lines(row.id, process, hidden)
        facts = {name: value for name, value in case.facts.items() if name not in hidden and name != "number"}
        issue = {
            "number": row.number,
            "process": row.process,
            "version": f"sha256:{process.sha256}",
            "stage": case.stage,
            "final": row.final,
            "severity": case.values.get("severity"),
            "values": {name: value for name, value in case.values.items() if name != "severity"},
            "team": case.team,
            "owner": case.owner,
            "receiver": case.receiver,
            "received": show(row.received_at),
            "recorded": show(row.recorded_at),
            "closed": None if row.closed_at is None else show(row.closed_at),
            "times_reopened": case.times_reopened,
            "facts": facts_printed(facts, process),
        }
        return Exported(issue, lines, facts_printed(received, process), process)

    def hidden(self, pinned: Pinned) -> frozenset[str]:
        """The fields that are left out."""
        return frozenset() if self._private else pinned.private

    def _lines(
        self, issue: int, process: Process, hidden: frozenset[str]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        lines: list[dict[str, Any]] = []
        received: dict[str, Any] = {}
        for row in Event.select(Event.seq, Event.body, Event.entries).where(Event.issue == issue).order_by(Event.seq):
            lines += [printed(without(entry, hidden), process) for entry in json.loads(row.entries)]
            if row.seq == 1:
                given = json.loads(row.body)["event"].get("facts") or {}
                received = {name: value for name, value in given.items() if name not in hidden}
        return lines, received

    @cached_property
    def processes(self) -> list[Process]:
        """Every version of the process that an exported issue is judged by, and the one in force, oldest first."""
        rows = Issue.select(Issue.version, Issue.pins).where(self._these).distinct()
        pins = {canonical(row.pins): row.pins for row in rows.order_by(Issue.version)}
        found = []
        for one in pins.values():
            try:
                found.append(policies.process_for(one).process)
            except Exception:
                log.exception("a version of %s cannot be read", self.process)
        current = policies.in_force().processes.get(self.process)
        return [*found, current.process] if current else found

    @cached_property
    def fields(self) -> dict[str, str]:
        """The type of each field that is exported, by name: those of every issue, declared ones, questions."""
        found = dict.fromkeys(("subject", "description", "channel", "source", "external_id", "preferred"), "text")
        for process in self.processes:
            for name, field in {**process.fields, **process.questions}.items():
                if self._private or not field.private:
                    found[name] = field.type
        return found
