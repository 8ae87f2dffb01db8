"""Which documents in force name a team or a role."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from server import policies
from server.core.process import Process

_WHO: Final = re.compile(r"(team|duty|role):([A-Za-z][A-Za-z0-9_]*)", re.ASCII)
_SECTIONS: Final = {"team": "teams", "duty": "teams", "role": "roles"}


def mentions(section: str, id_: str) -> list[str]:
    """The names of the processes in force that name the team (`teams`) or role (`roles`), in order."""
    return sorted(name for name, found in _named().items() if (section, id_) in found)


def _named() -> dict[str, set[tuple[str, str]]]:
    return {name: named_in(pinned.process) for name, pinned in policies.in_force().processes.items()}


def named_in(process: Process) -> set[tuple[str, str]]:
    """The teams and roles that a process names, as (section, id)."""
    found = {(_SECTIONS[kind], id_) for text in _texts(process.raw) for kind, id_ in _WHO.findall(text)}
    found |= {("teams", route.to) for route in process.route if route.to}
    owner = process.raw.get("owner")
    if isinstance(owner, str) and owner:
        found.add(("teams", owner.removeprefix("team:")))
    return found


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield str(key)
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
