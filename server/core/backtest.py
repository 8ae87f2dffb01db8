"""Two timelines of one issue compared: as it was recorded, and as a draft of its process would have made it.

`compare` gives what a process owner asks about one issue, `Tally` adds it up over many. A reason that names another
rule is no difference as long as the outcome is the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from server.core.moments import Moment

Entry = Mapping[str, Any]

EXAMPLES: Final = 10
"""Numbers of issues that are given as examples of what is listed."""

_ENDED: Final = {
    "clock_met": "met",
    "clock_breached": "breached",
    "clock_stopped": "stopped",
    "clock_cancelled": "cancelled",
    "clock_started": "open",
}


class ClockChange(NamedTuple):
    """A run of a clock that ended otherwise (`before`, `after`: `met`, `breached`, `stopped`, `cancelled`, `open`;
    None: there is no such run), or was due at another time."""

    clock: str
    run: int
    before: str | None
    after: str | None
    due_before: Moment | None
    due_after: Moment | None


class Judgement(NamedTuple):
    """A name that was judged otherwise, with the reasons of both (None: by hand, or without a value). `first`: at the
    receipt already."""

    name: str
    before: Any
    after: Any
    because_before: Entry | None
    because_after: Entry | None
    first: bool


class Change(NamedTuple):
    """What is otherwise on one issue. `lines`: how many lines stand on one of the timelines only."""

    judged: Sequence[Judgement]
    clocks: Sequence[ClockChange]
    told: Mapping[tuple[str, str], tuple[int, int]]
    escalated: Mapping[tuple[str, int], tuple[int, int]]
    lines: int


def compare(before: Sequence[Entry], after: Sequence[Entry]) -> Change | None:
    """What is otherwise on `after`; None when nothing is."""
    lines = _only_one(before, after)
    if not lines:
        return None
    return Change(
        judged=list(_judged(before, after)),
        clocks=list(_clocks(before, after)),
        told=_otherwise(_told(before), _told(after)),
        escalated=_otherwise(_escalated(before), _escalated(after)),
        lines=lines,
    )


def severity(entries: Iterable[Entry]) -> str | None:
    """The last severity on a timeline."""
    found = None
    for entry in entries:
        if entry["kind"] == "received":
            found = entry["severity"]
        elif entry["kind"] == "classified" and entry["name"] == "severity":
            found = entry["to"]
    return found


def side_by_side(before: Sequence[Entry], after: Sequence[Entry]) -> list[tuple[Entry | None, Entry | None]]:
    """Both timelines in order of time: what is on both stands in one row; at one moment, so does what is of a kind."""
    rows: list[tuple[Entry | None, Entry | None]] = []
    moments = sorted({entry["at"] for entry in (*before, *after)})
    left, right = _by_moment(before), _by_moment(after)
    for moment in moments:
        rows += _paired(left.get(moment, []), right.get(moment, []))
    return rows


# -- one issue -----------------------------------------------------------------------------------------------------


def _identity(entry: Entry) -> str:
    """A line without its reasons."""
    return json.dumps({key: value for key, value in entry.items() if key != "because"}, ensure_ascii=False)


def _only_one(before: Sequence[Entry], after: Sequence[Entry]) -> int:
    if before == after:
        return 0
    left, right = Counter(map(_identity, before)), Counter(map(_identity, after))
    return (left - right).total() + (right - left).total()


def _judged(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[Judgement]:
    first_left, first_right = _values(before[:1]), _values(after[:1])
    last_left, last_right = _values(before), _values(after)
    for name in dict.fromkeys((*first_left, *first_right, *last_left, *last_right)):
        for first, left, right in ((True, first_left, first_right), (False, last_left, last_right)):
            one, other = left.get(name, (None, None)), right.get(name, (None, None))
            if one[0] != other[0]:
                yield Judgement(name, one[0], other[0], one[1], other[1], first)
                break


def _values(entries: Iterable[Entry]) -> dict[str, tuple[Any, Entry | None]]:
    """The classified names after these lines, each with its reason."""
    found: dict[str, tuple[Any, Entry | None]] = {}
    for entry in entries:
        if entry["kind"] == "received":
            because = {reason["table"]: reason for reason in entry["because"]}
            judged = {"severity": entry["severity"], **entry["values"]}
            found = {name: (value, because.get(name)) for name, value in judged.items()}
        elif entry["kind"] == "classified":
            reasons = entry["because"]
            found[entry["name"]] = (entry["to"], reasons[0] if reasons else None)
    return found


def _clocks(before: Sequence[Entry], after: Sequence[Entry]) -> Iterator[ClockChange]:
    left, right = _runs(before), _runs(after)
    for clock, run in sorted({*left, *right}):
        one, other = left.get((clock, run), (None, None)), right.get((clock, run), (None, None))
        if one != other:
            yield ClockChange(clock, run, one[0], other[0], one[1], other[1])


def _runs(entries: Iterable[Entry]) -> dict[tuple[str, int], tuple[str, Moment | None]]:
    """How each run of a clock stands after these lines, and when it was due. One that is late stays late."""
    found: dict[tuple[str, int], tuple[str, Moment | None]] = {}
    for entry in entries:
        if "run" in entry:
            run = (entry["clock"], entry["run"])
            state, due = found.get(run, ("open", None))
            if state != "breached":
                state = _ENDED.get(entry["kind"], state)
            found[run] = (state, entry.get("due", due) or due)
    return found


def _told(entries: Iterable[Entry]) -> Counter[tuple[str, str]]:
    """How often each recipient is told over each channel, as written."""
    return Counter((to, entry["via"]) for entry in entries if entry["kind"] == "notified" for to in entry["to"])


def _escalated(entries: Iterable[Entry]) -> Counter[tuple[str, int]]:
    return Counter((entry["ladder"], entry["rung"]) for entry in entries if entry["kind"] == "escalated")


def _otherwise(left: Counter[Any], right: Counter[Any]) -> dict[Any, tuple[int, int]]:
    return {key: (left[key], right[key]) for key in sorted({*left, *right}) if left[key] != right[key]}


# -- two timelines -------------------------------------------------------------------------------------------------


def _by_moment(entries: Iterable[Entry]) -> dict[Moment, list[Entry]]:
    found: dict[Moment, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry["at"], []).append(entry)
    return found


def _paired(left: list[Entry], right: list[Entry]) -> Iterator[tuple[Entry | None, Entry | None]]:
    """Rows of one moment: first the same line, then the same kind of the same thing, in the order of the left."""
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for alike in (_identity, _what):
        keys = [alike(entry) for entry in right]
        for index, entry in enumerate(left):
            if index not in partners:
                key = alike(entry)
                found = next((place for place, one in enumerate(keys) if one == key and place not in taken), None)
                if found is not None:
                    partners[index] = found
                    taken.add(found)
    for index, entry in enumerate(left):
        yield entry, right[partners[index]] if index in partners else None
    for place, entry in enumerate(right):
        if place not in taken:
            yield None, entry


def _what(entry: Entry) -> str:
    return json.dumps([entry["kind"], *(entry.get(key) for key in ("action", "name", "clock", "notice", "ladder"))])


# -- many issues ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What is otherwise over many issues. Counts are of issues, those of `clocks` of runs, those of `told` and
    `escalated` of lines: before, after, and how many more and fewer. Tallies of parts add up to that of the whole."""

    issues: int = 0
    changed: int = 0
    judged_otherwise: int = 0
    cut: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    by_severity: dict[str, Counter[str]] = field(default_factory=dict)
    judged: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    clocks: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    told: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    escalated: dict[tuple[str, int], Counter[str]] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    numbers: dict[tuple[Any, ...], list[str]] = field(default_factory=dict)

    def count(self, level: str, before: Sequence[Entry], after: Sequence[Entry], change: Change | None) -> None:
        """Adds one issue of that severity."""
        self.issues += 1
        of = self.by_severity.setdefault(level, Counter())
        of["issues"] += 1
        for found, left, right in (
            (self.told, _told(before), _told(after)),
            (self.escalated, _escalated(before), _escalated(after)),
        ):
            for key in {*left, *right}:
                _weigh(found.setdefault(key, Counter()), left[key], right[key])
        if change is not None:
            self._count_change(change, of)

    def _count_change(self, change: Change, of: Counter[str]) -> None:
        self.changed += 1
        of["changed"] += 1
        if change.judged:
            self.judged_otherwise += 1
            of["judged_otherwise"] += 1
        for one in change.judged:
            self.judged[(one.name, _text(one.before), _text(one.after))] += 1
        for clock in change.clocks:
            if clock.before != clock.after:
                self.clocks[(clock.clock, clock.before or "", clock.after or "")] += 1
                of["more_late"] += clock.after == "breached"
                of["fewer_late"] += clock.before == "breached"
        for name, counted in (("notices", change.told), ("escalations", change.escalated)):
            for left, right in counted.values():
                of[f"more_{name}"] += max(0, right - left)
                of[f"fewer_{name}"] += max(0, left - right)

    def list_refused(self, number: str, action: str, why: str) -> None:
        """Notes an event that the draft refuses."""
        self.refused[(action, why)] += 1
        self._example(("refused", action, why), number)

    def list_unanswered(self, number: str, questions: Iterable[Sequence[Any]]) -> None:
        """Notes the questions of an issue that were not asked then; of those about a person, about whom is left out."""
        for question in questions:
            shown = ["fits", question[2]] if question[0] == "fits" else list(question[:3])
            text = json.dumps(shown, ensure_ascii=False)
            self.unanswered[text] += 1
            self._example(("unanswered", text), number)

    def list_unknown(self, number: str, name: str) -> None:
        """Notes a fact that the draft does not take."""
        self.unknown[name] += 1
        self._example(("unknown", name), number)

    def leave_out(self, number: str, why: str) -> None:
        """Notes an issue that cannot be compared."""
        self.left_out[why] += 1
        self._example(("left_out", why), number)

    def _example(self, key: tuple[Any, ...], number: str) -> None:
        numbers = self.numbers.setdefault(key, [])
        if len(numbers) < EXAMPLES and number not in numbers:
            numbers.append(number)

    def add(self, other: Tally) -> None:
        """Adds the tally of the part that follows."""
        for one in fields(self):
            mine, theirs = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, int):
                setattr(self, one.name, mine + theirs)
            elif isinstance(mine, Counter):
                mine.update(theirs)
            elif one.name == "numbers":
                for key, numbers in theirs.items():
                    for number in numbers:
                        self._example(key, number)
            else:
                for key, counts in theirs.items():
                    mine.setdefault(key, Counter()).update(counts)


def _weigh(counts: Counter[str], left: int, right: int) -> None:
    counts["before"] += left
    counts["after"] += right
    counts["more"] += max(0, right - left)
    counts["fewer"] += max(0, left - right)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
