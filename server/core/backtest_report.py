"""A back-test as JSON gives it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.core.backtest import Change, Entry, Judgement, Tally, severity, side_by_side
from server.core.printing import printed, reason_printed, without
from server.core.process import Process
from server.core.replaying import Replayed


class Shown:
    """One issue's timelines as they are printed: moments in the zone of the process that made each, without the
    values of `hidden` fields."""

    def __init__(self, before: Process, after: Process, hidden: Collection[str]) -> None:
        self.before = before
        self.after = after
        self.hidden = hidden

    def issue(self, number: str, change: Change, replayed: Replayed, level: str) -> dict[str, Any]:
        """An issue with what is otherwise on it."""
        show, was = self.after.calendar.show, self.before.calendar.show
        found: dict[str, Any] = {"number": number, "severity": level}
        found["judged"] = [self._judgement(one) for one in change.judged]
        found["clocks"] = [
            {
                "clock": one.clock,
                "run": one.run,
                "from": one.before,
                "to": one.after,
                "due_from": None if one.due_before is None else was(one.due_before),
                "due_to": None if one.due_after is None else show(one.due_after),
            }
            for one in change.clocks
        ]
        found["notices"] = [
            {"to": to, "via": via, "before": left, "after": right} for (to, via), (left, right) in change.told.items()
        ]
        found["escalations"] = [
            {"ladder": ladder, "rung": rung, "before": left, "after": right}
            for (ladder, rung), (left, right) in change.escalated.items()
        ]
        found["lines"] = change.lines
        if replayed.cut:
            found["compared_until"] = show(replayed.until)
        return found

    def timelines(self, before: Sequence[Entry], after: Sequence[Entry]) -> list[dict[str, Any]]:
        """Both timelines side by side; a line that is on one only has null on the other side."""
        return [
            {"before": self._entry(left, self.before), "after": self._entry(right, self.after)}
            for left, right in side_by_side(before, after)
        ]

    def _entry(self, entry: Entry | None, process: Process) -> dict[str, Any] | None:
        return None if entry is None else printed(without(entry, self.hidden), process)

    def _judgement(self, one: Judgement) -> dict[str, Any]:
        return {
            "name": one.name,
            "from": one.before,
            "to": one.after,
            "at_receipt": one.first,
            "because_from": self._reason(one.because_before, self.before),
            "because": self._reason(one.because_after, self.after),
        }

    def _reason(self, reason: Entry | None, process: Process) -> dict[str, Any] | None:
        return None if reason is None else reason_printed(without(reason, self.hidden), process)


def totals(tally: Tally) -> dict[str, Any]:
    """What is otherwise over all issues, in an order that does not depend on theirs."""
    numbers = tally.numbers
    return {
        "issues": tally.issues,
        "changed": tally.changed,
        "judged_otherwise": tally.judged_otherwise,
        "compared_in_part": tally.cut,
        "left_out": [
            {"why": why, "issues": count, "numbers": numbers[("left_out", why)]}
            for why, count in sorted(tally.left_out.items())
        ],
        "by_severity": [
            {"severity": level, **{name: counts[name] for name in BY_SEVERITY}}
            for level, counts in sorted(tally.by_severity.items())
        ],
        "judged": [
            {"name": name, "from": left or None, "to": right or None, "issues": count}
            for (name, left, right), count in _most(tally.judged)
        ],
        "clocks": [
            {"clock": clock, "from": left or None, "to": right or None, "runs": count}
            for (clock, left, right), count in _most(tally.clocks)
        ],
        "notices": [{"to": to, "via": via, **_weights(counts)} for (to, via), counts in _weighty(tally.told)],
        "escalations": [
            {"ladder": ladder, "rung": rung, **_weights(counts)} for (ladder, rung), counts in _weighty(tally.escalated)
        ],
        "refused": [
            {"action": action, "why": why, "issues": count, "numbers": numbers[("refused", action, why)]}
            for (action, why), count in _most(tally.refused)
        ],
        "unanswered": [
            {"question": json.loads(text), "times": count, "numbers": numbers[("unanswered", text)]}
            for text, count in _most(tally.unanswered)
        ],
        "unknown_facts": [
            {"field": name, "times": count, "numbers": numbers[("unknown", name)]}
            for name, count in _most(tally.unknown)
        ],
    }


BY_SEVERITY = (
    "issues",
    "changed",
    "judged_otherwise",
    "more_late",
    "fewer_late",
    "more_notices",
    "fewer_notices",
    "more_escalations",
    "fewer_escalations",
)
"""What is counted for each severity (the one that was recorded): issues, runs that are late, lines."""


def level_of(entries: Sequence[Entry]) -> str:
    """The severity under which an issue is counted: the last one that was recorded."""
    return severity(entries) or ""


def _most(counts: Counter[Any]) -> list[tuple[Any, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def _weighty(found: Mapping[Any, Counter[str]]) -> list[tuple[Any, Counter[str]]]:
    """Those that are told more or less often, the most changed first."""
    otherwise = [(key, counts) for key, counts in found.items() if counts["more"] or counts["fewer"]]
    return sorted(otherwise, key=lambda pair: (-pair[1]["more"] - pair[1]["fewer"], pair[0]))


def _weights(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in ("before", "after", "more", "fewer")}
