"""Which events a line of the timeline stands for (policy language, "Events")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

KINDS: Final = (
    "received", "action", "refused", "classified", "routed", "opened",
    "clock_started", "clock_moved", "clock_paused", "clock_resumed", "clock_warned", "clock_met", "clock_breached",
    "clock_finished_late", "clock_stopped", "clock_cancelled",
    "asked", "notified", "confirmed", "escalated", "exhausted", "surveyed", "answered", "expired",
    "check_failed", "set_aside", "put_back", "raised", "migrated",
)  # fmt: skip
"""Every kind of line that an issue's timeline has (contract, "A timeline")."""

_NAMED: Final[Mapping[str, tuple[str, str]]] = {
    "classified": ("classified.{}", "name"),
    "clock_warned": ("clock.{}.warned", "clock"),
    "clock_met": ("clock.{}.met", "clock"),
    "clock_breached": ("clock.{}.breached", "clock"),
    "escalated": ("ladder.{}.climbed", "ladder"),
    "exhausted": ("ladder.{}.exhausted", "ladder"),
    "confirmed": ("notice.{}.confirmed", "notice"),
    "answered": ("survey.{}.answered", "survey"),
    "expired": ("survey.{}.expired", "survey"),
    "check_failed": ("check.{}.failed", "check"),
    "raised": ("watch.{}.raised", "watch"),
}


def events_of(entries: Sequence[Mapping[str, Any]], stage: str | None) -> Iterator[frozenset[str]]:
    """For each line, the names of the events that it is; none for a line that is no event. `stage` is where the issue
    stood before them (None: a new issue): an action that leaves it there enters nothing."""
    for entry in entries:
        kind = entry["kind"]
        names: set[str] = set()
        if kind in ("received", "action"):
            names.add("received" if kind == "received" else entry["action"])
            if entry["stage"] != stage:
                names.add(f"stage.{entry['stage']}")
            stage = entry["stage"]
        elif kind == "migrated":
            stage = entry["stage"]  # nothing is entered: the stage has another name
        elif kind in _NAMED:
            pattern, key = _NAMED[kind]
            names.add(pattern.format(entry[key]))
            if kind == "clock_warned":
                names.add(f"clock.{entry['clock']}.warned.{entry['mark']}")
        yield frozenset(names)


def stage_after(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """Where these lines leave the issue; None when they do not say."""
    found = [entry["stage"] for entry in entries if entry["kind"] in ("received", "action", "migrated")]
    return found[-1] if found else None
