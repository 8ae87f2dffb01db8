"""Timeline entries and facts as outsiders read them: moments in the calendar's zone, to the second (contract)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from server.core.process import Process

_MOMENTS = ("at", "due")
_HOLDERS = ("with", "fields", "values", "facts")
"""Keys of an entry under which facts stand by name."""


def printed(entry: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """A timeline entry with its keys in the contract's order and its moments as ISO times."""
    shown: dict[str, Any] = {}
    for key, value in entry.items():
        if key in _MOMENTS and value is not None:
            shown[key] = process.calendar.show(value)
        elif key == "because":
            shown[key] = [reason_printed(reason, process) for reason in value]
        elif key == "values":
            shown[key] = facts_printed(value, process)
        else:
            shown[key] = value
    return shown


def reason_printed(reason: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """A decision's reason, its facts as they are given in an issue."""
    return {**reason, "facts": facts_printed(reason["facts"], process)}


def facts_printed(facts: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """Facts as they are given in an issue: datetimes as ISO times."""
    return {name: fact_printed(name, value, process) for name, value in facts.items()}


def fact_printed(name: str, value: Any, process: Process) -> Any:
    """One fact as it is given in an issue."""
    kind = process.kinds.get(name)
    if kind is not None and kind.name == "datetime" and isinstance(value, int):
        return process.calendar.show(value)
    return value


def without(entry: Mapping[str, Any], hidden: Collection[str]) -> dict[str, Any]:
    """The entry without the values of these fields."""
    if not hidden:
        return dict(entry)
    shown: dict[str, Any] = {}
    for key, value in entry.items():
        if key in _HOLDERS and isinstance(value, Mapping):
            shown[key] = {name: one for name, one in value.items() if name not in hidden}
        elif key == "because":
            shown[key] = [without(reason, hidden) for reason in value]
        else:
            shown[key] = value
    return shown
