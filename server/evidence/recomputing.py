"""Recorded issues computed anew: the recorded events and the kept answers of the directory, played through the pinned
versions, must give the recorded lines and the recorded case, bit for bit; and what is recorded must be what the audit
trail says of it. Each difference is named.

What `keep` has erased cannot be computed anew, and is said to be erased; of such an issue the lines are still compared
with the trail, as far as they are left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server import audit, policies
from server.core import case as cases
from server.core.advance import advance
from server.core.case import Case
from server.core.printing import without
from server.core.world import Kept
from server.events import compact, private_names, sealed
from server.evidence.events import tells_of_event
from server.policies import Pinned
from server.recording import UnknownIssue
from server.store import database, sql
from server.store.failures import Unavailable
from server.store.fields import canonical
from server.store.models import Version

__all__ = ["Difference", "Recomputed", "UnknownIssue", "one", "recompute"]

PAGE: Final = 500
MOST: Final = 1_000
"""Differences that are kept by name; the rest is counted."""

_ISSUES = 'SELECT "id" FROM "issue" WHERE "id" > ? ORDER BY "id" LIMIT ?'
_ISSUE = 'SELECT "number", "pins", "case", "erased_at" FROM "issue" WHERE "id" = ?'
_EVENTS = 'SELECT "seq", "kind", "by", "body", "entries" FROM "event" WHERE "issue_id" = ? ORDER BY "seq"'
_ENTRIES = 'SELECT "kind", "by", "body" FROM "audit_entry" WHERE "issue_id" = ? ORDER BY "id"'
_COUNT = 'SELECT COUNT(*) FROM "issue"'


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that computing anew gives otherwise. `seq`: the event, `line`: which of its lines, from 1; `keys` that
    differ, with what is recorded and what was computed (private values left out)."""

    code: str
    issue: str
    seq: int | None = None
    line: int | None = None
    keys: Sequence[str] = ()
    recorded: Any = None
    computed: Any = None
    why: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The difference as JSON, without a text."""
        own = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in own.items() if value not in (None, (), "")}


@dataclass(slots=True)
class Recomputed:
    """What computing anew came to: how many issues and events, which issues are erased, the differences (`more`:
    further ones that are not named)."""

    issues: int = 0
    events: int = 0
    erased: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    more: int = 0

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences

    def find(self, difference: Difference) -> None:
        """Take down a difference."""
        if len(self.differences) < MOST:
            self.differences.append(difference)
        else:
            self.more += 1


def recompute(progress: Callable[[int, int], object] = lambda done, all: None) -> Recomputed:
    """Compute every issue anew, while the server goes on; `progress` hears how many of how many. Raises Unavailable."""
    found, last = Recomputed(), 0
    with database.session():
        total = int(sql.run(_COUNT).fetchone()[0])
        while ids := [row[0] for row in sql.run(_ISSUES, last, PAGE).fetchall()]:
            for id_ in ids:
                _issue(id_, found)
                progress(found.issues, max(total, found.issues))
            last = ids[-1]
    return found


def one(number: str) -> Recomputed:
    """Compute one issue anew. Raises UnknownIssue, Unavailable."""
    found = Recomputed()
    with database.session():
        row = sql.run('SELECT "id" FROM "issue" WHERE "number" = ?', number).fetchone()
        if row is None:
            raise UnknownIssue(number)
        _issue(row[0], found)
    return found


def _issue(id_: int, found: Recomputed) -> None:
    with database.snapshot():
        row = sql.run(_ISSUE, id_).fetchone()
        if row is None:
            return
        number, pins, case, erased_at = row
        events = sql.run(_EVENTS, id_).fetchall()
        told = _told(id_)
        salts = audit.salts_of(id_)
        found.issues += 1
        found.events += len(events)
        if erased_at is not None:
            _erased(number, events, told, found)
            return
        try:
            pinned = policies.process_for(json.loads(pins))
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 (it is named among the differences)
            # Whatever is wrong with one issue, the others are computed.
            found.find(Difference("version-unusable", number, why=_said(error)))
            return
        for name in _changed_versions(pinned):
            found.find(Difference("version-changed", number, why=name))
        computing = _Computing(number, pinned, told, salts, found)
        for event in events:
            if not computing.event(*event):
                return  # what follows would be computed from another case
        computing.end(case, pinned)


def pins_of(hashes: Sequence[Mapping[str, Any]]) -> policies.Pins | None:
    """The versions that the trail names; None when one of them is not in the store (any more)."""
    ids: dict[str, Any] = {"calendars": {}}
    rows = list(Version.select().where(Version.sha256.in_([one.get("sha256") for one in hashes])))
    for one in hashes:
        row = next((row for row in rows if policies.hashes_of(row) == one), None)
        if row is None:
            return None
        if row.kind == "calendar":
            ids["calendars"][row.name] = row.id
        else:
            ids[row.kind] = row.id
    return ids


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _told(id_: int) -> dict[int, list[tuple[str, str | None, Mapping[str, Any]]]]:
    """What the trail says of the issue's events: kind, by and body, by the number of the event."""
    found: dict[int, list[tuple[str, str | None, Mapping[str, Any]]]] = {}
    for kind, by, text in sql.run(_ENTRIES, id_).fetchall():
        if tells_of_event(kind):
            try:
                body = json.loads(text)["body"]
                found.setdefault(int(body["seq"]), []).append((kind, by, body))
            except (ValueError, KeyError, TypeError):
                continue  # `duban audit verify` names it, and here the event has no entry
    return found


def _changed_versions(pinned: Pinned) -> Iterator[str]:
    """The pinned documents whose text is not what its hash says."""
    ids = [pinned.pins["process"], pinned.pins["channels"], *pinned.pins["calendars"].values()]
    for row in Version.select().where(Version.id.in_(ids)):
        if hashlib.sha256(bytes(row.data)).hexdigest() != row.sha256:
            yield f"{row.name} {row.number}"


def _erased(number: str, events: Sequence[Sequence[Any]], told: Mapping[int, Any], found: Recomputed) -> None:
    """An issue whose private fields are gone: the lines that are left are still those that the trail knows."""
    found.erased.append(number)
    if not any(kind == "issue.erased" for entries in told.values() for kind, _, _ in entries):
        found.find(Difference("erased-without-entry", number))
    for seq, _, _, _, entries in events:
        _, _, body = next(iter(told.get(seq, ())), (None, None, None))
        if body is None:
            found.find(Difference("event-without-entry", number, seq))
            continue
        left = [(line.get("at"), line.get("kind")) for line in json.loads(entries)]
        then = [(line.get("at"), line.get("kind")) for line in body.get("entries", ())]
        if left != then:
            found.find(Difference("entry-differs", number, seq, keys=("entries",)))


class _Computing:
    """One issue, event after event."""

    def __init__(
        self,
        number: str,
        pinned: Pinned,
        told: Mapping[int, Sequence[tuple[str, str | None, Mapping[str, Any]]]],
        salts: Mapping[str, bytes],
        found: Recomputed,
    ) -> None:
        self._number = number
        self._pinned = pinned
        self._told = told
        self._salts = salts
        self._found = found
        self._case: Case | None = None

    def event(self, seq: int, kind: str, by: str | None, body: str, entries: str) -> bool:
        """Compute an event; whether the next one can be."""
        try:
            recorded, lines = json.loads(body), json.loads(entries)
            event, now, answers = recorded["event"], recorded["now"], recorded["answers"]
        except (ValueError, KeyError, TypeError) as error:
            self._find("event-unreadable", seq, why=_said(error))
            return False
        if not self._pin(seq):
            return False
        self._compare_with_trail(seq, kind, by, event, lines, answers, now)
        try:
            done = advance(self._pinned.process, self._case, event, now, Kept(answers), copied=False)
        except Exception as error:  # noqa: BLE001 (it is named among the differences)
            # A question that was not asked then, or an event that the version does not know: named, and the end.
            self._find("not-computed", seq, why=_said(error))
            return False
        self._case = done.case
        if compact(done.entries) != entries:
            self._name_lines(seq, lines, json.loads(compact(done.entries)))
        if compact(done.answers) != compact(answers):
            self._find("answers-differ", seq)
        return True

    def _pin(self, seq: int) -> bool:
        """Go on with the versions that the trail names with this event, if it does; whether they can be used."""
        entries = self._told.get(seq, ())
        hashes = entries[0][2].get("pins") if entries else None
        if not hashes:
            return True
        try:
            pins = pins_of(hashes)
            if pins is None:
                self._find("version-changed", seq, why="; ".join(f"{one['kind']} {one['name']}" for one in hashes))
                return False
            self._pinned = policies.process_for(pins)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 (it is named among the differences)
            self._find("version-unusable", seq, why=_said(error))
            return False
        return True

    def end(self, case: str, pinned: Pinned) -> None:
        """Compare the case after the last event, and the versions of the issue's row."""
        if self._pinned.hashes != pinned.hashes:
            self._find("case-differs", None, keys=["pins"])
        computed = None if self._case is None else self._case.dump()
        try:
            # Earlier releases wrote what is as it begins, too.
            if case == computed or cases.load(case).dump() == computed:
                return
            there = json.loads(case)
            made = {} if computed is None else json.loads(computed)
            keys = [key for key in sorted({*there, *made}) if there.get(key) != made.get(key)]
        except (ValueError, TypeError):
            keys = []
        self._find("case-differs", None, keys=keys)

    def _find(self, code: str, seq: int | None, line: int | None = None, **more: Any) -> None:
        self._found.find(Difference(code, self._number, seq, line, **more))

    def _name_lines(self, seq: int, recorded: Any, computed: Sequence[Mapping[str, Any]]) -> None:
        """Name each line that is another, missing or too many; the whole text when it is only written otherwise."""
        lines = recorded if isinstance(recorded, list) else []
        before = len(self._found.differences) + self._found.more
        for at in range(max(len(lines), len(computed))):
            one = lines[at] if at < len(lines) else None
            other = computed[at] if at < len(computed) else None
            if one is not None and other is not None and compact(one) == compact(other):
                continue
            code = "line-added" if other is None else "line-missing" if one is None else "line-differs"
            keys = self._keys(one, other)
            self._find(code, seq, at + 1, keys=keys, recorded=self._shown(one, keys), computed=self._shown(other, keys))
        if len(self._found.differences) + self._found.more == before:
            self._find("line-differs", seq)

    @staticmethod
    def _keys(one: Any, other: Any) -> list[str]:
        if not isinstance(one, dict) or not isinstance(other, dict):
            return []
        return [key for key in {**other, **one} if one.get(key) != other.get(key) or (key in one) != (key in other)]

    def _shown(self, line: Any, keys: Sequence[str]) -> Any:
        if not isinstance(line, dict):
            return line
        shown = without(line, self._pinned.private)
        return {key: shown[key] for key in keys if key in shown} if keys else shown

    def _compare_with_trail(
        self, seq: int, kind: str, by: str | None, event: Any, lines: Any, answers: Any, now: Any
    ) -> None:
        """The recorded event is what its entry in the trail says."""
        entries = self._told.get(seq, ())
        if not entries:
            self._find("event-without-entry", seq)
            return
        told_kind, told_by, told = entries[0]
        said = sealed(seq, self._pinned, self._number, event, lines, answers, now)
        try:
            given = audit.hidden(said, private_names(self._pinned, event, answers), self._salts)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            self._find("entry-differs", seq, why=_said(error))
            return
        keys = [key for key in told if canonical(told[key]) != canonical(given.get(key))]
        if (told_kind, told_by) != (f"issue.{kind}", by):
            keys.append("kind" if told_kind != f"issue.{kind}" else "by")
        if keys:
            self._find("entry-differs", seq, keys=keys)
