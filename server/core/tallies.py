"""Reckoning measures over the issues of a period, one record after the other, in order of receipt.

Everything is a sum of whole numbers: shares keep numerator and denominator, times their sum and count. What is kept
grows with the groups, not with the issues.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.calendars import Calendar
from server.core.conditions import Condition
from server.core.measures import REPEATED_WITHIN, Between, Measure
from server.core.moments import Moment
from server.core.periods import Period, before, parts
from server.core.process import Process
from server.core.records import Asking, Length, Record, length, spans
from server.core.values import is_empty

MOST_GROUPS: Final = 100
"""Groups that a figure lists; the rest are summed up as `others`."""

LONGEST_VALUE: Final = 200
CUSTOMER, CATEGORY = "customer", "category"

Sums = tuple[int, ...]


@dataclass(slots=True)
class Window:
    """What is reckoned for: the process in force, the period, the one before it, its parts."""

    process: Process
    period: Period
    before: Period
    parts: tuple[Period, ...]

    @property
    def calendar(self) -> Calendar:
        """The process's calendar."""
        return self.process.calendar


def window(process: Process, period: Period) -> Window:
    """The window of a period."""
    return Window(process, period, before(period, process.calendar), parts(period, process.calendar))


class Tallies:
    """Several measures over the same issues. `add` takes records in order of receipt, from `since` on and whatever
    was open or had events later; those set aside are left out."""

    def __init__(self, measures: Iterable[Measure], window: Window) -> None:
        self.window = window
        self.tallies = [Tally(measure, window) for measure in measures]
        self._seen: dict[Hashable, Moment] = {}
        named = {tally.measure.name for tally in self.tallies}
        self.needs_history = any(tally.measure.needs_history for tally in self.tallies)
        self.since = window.period.start
        if "trend" in named:
            self.since = min(self.since, window.before.start)
        if "repeated" in named:
            self.since = min(self.since, window.period.start - REPEATED_WITHIN)

    def add(self, record: Record) -> None:
        """Take an issue into account."""
        if record.set_aside:
            return
        repeated = self._repeats(record)
        for tally in self.tallies:
            tally.add(record, repeated)

    def figures(self) -> list[dict[str, Any]]:
        """The figures, in the order of the measures, as plain data."""
        return [tally.figure() for tally in self.tallies]

    def _repeats(self, record: Record) -> bool:
        """Whether an issue with the same customer and category was received at most 30 days before."""
        customer = record.facts.get(CUSTOMER)
        if not isinstance(customer, str) or not customer.strip() or record.received < self.since:
            return False
        key = (customer.strip().casefold(), _hashable(record.facts.get(CATEGORY)))
        last = self._seen.pop(key, None)
        self._seen[key] = record.received  # at the end: the oldest stand first
        while (oldest := next(iter(self._seen))) is not key and self._is_over(self._seen[oldest], record.received):
            del self._seen[oldest]
        return last is not None and not self._is_over(last, record.received)

    @staticmethod
    def _is_over(moment: Moment, now: Moment) -> bool:
        return now - moment > REPEATED_WITHIN


@dataclass(slots=True)
class Tally:
    """One measure while it is reckoned: sums for all issues and for each group."""

    measure: Measure
    window: Window
    total: list[int] = field(default_factory=list)
    groups: dict[Hashable, list[int]] = field(default_factory=dict)
    values: Counter[Hashable] = field(default_factory=Counter)
    values_by: dict[Hashable, Counter[Hashable]] = field(default_factory=dict)

    def add(self, record: Record, repeated: bool) -> None:
        """Take an issue into account."""
        if not all(condition.holds(record.view) for condition in self.measure.where):
            return
        if self.measure.form == "top":
            self._add_values(record)
            return
        sums = _SUMS[self.measure.name](self.measure, record, self.window, repeated)
        if sums is None:
            return
        _sum_up(self.total, sums)
        if self.measure.by:
            for group in _groups(record, self.measure.by, self.window):
                _sum_up(self.groups.setdefault(group, []), sums)

    def _add_values(self, record: Record) -> None:
        if not self.window.period.has(record.received) or not isinstance(self.measure.of, str):
            return
        values = [value for value in _groups(record, self.measure.of, self.window) if value is not None]
        self.values.update(values)
        if self.measure.by:
            for group in _groups(record, self.measure.by, self.window):
                self.values_by.setdefault(group, Counter()).update(values)

    def figure(self) -> dict[str, Any]:
        """The figure as plain data: `total`, and with `by` the `groups`; the longest tail of them as `others`."""
        found: dict[str, Any] = {"measure": self.measure.raw, "name": self.measure.name, "form": self.measure.form}
        if self.measure.form == "top":
            found["total"] = _top(self.values, self.measure.n)
            cells = {group: _top(values, self.measure.n) for group, values in self.values_by.items()}
            weights = {group: sum(values.values()) for group, values in self.values_by.items()}
        else:
            found["total"] = self._cell(self.total)
            cells = {group: self._cell(sums) for group, sums in self.groups.items()}
            weights = {group: _weight(self.measure.form, sums) for group, sums in self.groups.items()}
        if self.measure.by:
            order = _ordered(weights, self.measure.by, self.window.process)
            found["by"] = self.measure.by
            found["groups"] = [{"value": group, **cells[group]} for group in order[:MOST_GROUPS]]
            found["others"] = self._others(order[MOST_GROUPS:])
        return found

    def _others(self, groups: Sequence[Hashable]) -> dict[str, Any] | None:
        if not groups:
            return None
        if self.measure.form == "top":
            return {"groups": len(groups)}
        together: list[int] = []
        for group in groups:
            _sum_up(together, self.groups[group])
        return {"groups": len(groups), **self._cell(together)}

    def _cell(self, sums: Sequence[int]) -> dict[str, Any]:
        match self.measure.form:
            case "number":
                return {"number": sums[0] if sums else 0}
            case "share":
                return {"numerator": sums[0] if sums else 0, "denominator": sums[1] if sums else 0}
            case "duration":
                elapsed, count, working, working_count = sums or (0, 0, 0, 0)
                means = (("elapsed", elapsed, count), ("working", working, working_count))
                return {"means": [{"kind": kind, "ms": ms, "count": n} for kind, ms, n in means if n]}
        now, former, *following = sums or (0, 0, *(0 for _ in self.window.parts))
        by_part = [
            {"first": part.first, "last": part.last, "number": number}
            for part, number in zip(self.window.parts, following, strict=True)
        ]
        return {"number": now, "before": former, "parts": by_part}


def _sum_up(to: list[int], sums: Sums | Sequence[int]) -> None:
    if not to:
        to.extend(sums)
        return
    for index, number in enumerate(sums):
        to[index] += number


def _weight(form: str, sums: Sequence[int]) -> int:
    """What groups are ordered by: how many issues, runs or answers they stand for."""
    return sums[1] if form == "share" else sums[1] + sums[3] if form == "duration" else sums[0]


def _top(values: Counter[Hashable], n: int) -> dict[str, Any]:
    order = sorted(values.items(), key=lambda item: (-item[1], str(item[0])))
    return {"top": [{"value": value, "number": number} for value, number in order[:n]], "of": sum(values.values())}


# -- groups --------------------------------------------------------------------------------------------------------


def _groups(record: Record, name: str, window: Window) -> list[Hashable]:
    """The groups that an issue belongs to: the field's value now, each value of a list, the local date of a datetime;
    None without a value."""
    value = record.facts.get(name)
    if is_empty(value):
        return [None]
    if isinstance(value, list):
        return [_hashable(item) for item in dict.fromkeys(value)]
    kind = window.process.kinds.get(name)
    if kind is not None and kind.name == "datetime" and isinstance(value, int):
        return [window.calendar.date(value)]
    return [_hashable(value)]


def _hashable(value: Any) -> Hashable:
    if isinstance(value, str):
        return value.strip()[:LONGEST_VALUE] or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, Hashable) else str(value)


def _ordered(weights: Mapping[Hashable, int], by: str, process: Process) -> list[Hashable]:
    """Options in the document's order, then other values, the most frequent first; without a value last."""
    kind = process.kinds.get(by)
    options = {option: place for place, option in enumerate((kind.options if kind is not None else None) or ())}
    last = len(options)

    def place(group: Hashable) -> tuple[bool, int, int, str]:
        return group is None, options.get(str(group), last), -weights[group], str(group)

    return sorted(weights, key=place)


# -- what an issue adds --------------------------------------------------------------------------------------------

Contribution = Callable[[Measure, Record, Window, bool], Sums | None]


def _count(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    return (1,) if window.period.has(record.received) else None


def _open(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    end = window.period.end
    return (1,) if record.received < end and record.is_open_at(end) else None


def _trend(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    received = record.received
    if window.before.has(received):
        return (0, 1, *(0 for _ in window.parts))
    if window.period.has(received):
        return (1, 0, *(int(part.has(received)) for part in window.parts))
    return None


def _on_time(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    runs = record.runs.get(str(measure.of), {}).values()
    ended = [run for run in runs if run.decided is not None and window.period.has(run.decided)]
    return (sum(run.breached is None for run in ended), len(ended)) if ended else None


def _mean(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    elapsed = count = working = working_count = 0
    for one in _lengths(measure, record, window):
        if one.working:
            working, working_count = working + one.ms, working_count + 1
        else:
            elapsed, count = elapsed + one.ms, count + 1
    return (elapsed, count, working, working_count) if count or working_count else None


def _lengths(measure: Measure, record: Record, window: Window) -> Iterator[Length]:
    if isinstance(measure.of, Between):
        for begin, end in spans(record, measure.of.begin, measure.of.end):
            if window.period.has(end):
                ms = window.calendar.between(begin, end) if measure.working else end - begin
                yield Length(ms, bool(measure.working))
        return
    clock = record.process.clocks.get(str(measure.of))
    for run in record.runs.get(str(measure.of), {}).values():
        if clock is None or run.ended is None or run.how not in ("met", "finished_late"):
            continue
        if window.period.has(run.ended) and (found := length(record, clock, run, measure.working)) is not None:
            yield found


def _share(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    if not window.period.has(record.received) or not isinstance(measure.of, Condition):
        return None
    return int(measure.of.holds(record.view)), 1


def _satisfaction(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    name = str(measure.of)
    question = record.process.questions.get(name)
    if question is None:  # a rating that is recorded with the issue
        question = record.process.fields.get(name)
        values = [record.facts.get(name)] if window.period.has(record.received) else []
    else:
        values = [answer.given.get(name) for answer in record.answers if window.period.has(answer.at)]
    if question is None:
        return None
    ratings = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    up = sum(4 * (value - 1) >= 3 * (question.of - 1) for value in ratings)
    return (up, len(ratings)) if ratings else None


def _returned(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    out: list[Asking] = [
        asking for asking in record.askings if asking.survey == measure.of and window.period.has(asking.asked)
    ]
    return (sum(asking.answered is not None for asking in out), len(out)) if out else None


def _complete(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    if not window.period.has(record.received):
        return None
    wanted = [one.id for one in window.process.fields.values() if one.key or not measure.key_only]
    return sum(not is_empty(record.facts.get(name)) for name in wanted), len(wanted)


def _repeated(measure: Measure, record: Record, window: Window, repeated: bool) -> Sums | None:
    return (int(repeated), 1) if window.period.has(record.received) else None


_SUMS: Final[Mapping[str, Contribution]] = {
    "count": _count,
    "open": _open,
    "trend": _trend,
    "on_time": _on_time,
    "mean": _mean,
    "share": _share,
    "satisfaction": _satisfaction,
    "returned": _returned,
    "complete": _complete,
    "repeated": _repeated,
}
