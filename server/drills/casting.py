"""Who of the directory plays the people of an example: its script names people who need not be there (contract, "A
script")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from server.directory.snapshot import Snapshot

CUSTOMER = "customer"


def cast(script: Mapping[str, Any], directory: Snapshot) -> dict[str, Any]:
    """The script with somebody active of the directory for each of its people who is not there: of the teams and roles
    that `people` gives him, and nobody whom the script has already. Whom nobody fits keeps his name."""
    people = {
        login: [standing] if isinstance(standing, str) else list(standing)
        for login, standing in (script.get("people") or {}).items()
    }
    taken = {login for login in people if directory.active(login)}
    played: dict[str, str] = {}
    for login, standing in people.items():
        if login in taken or CUSTOMER in standing:
            continue
        somebody = next((one for one in _fitting(standing, people, directory) if one not in taken), None)
        if somebody is not None:
            played[login] = somebody
            taken.add(somebody)
    return {key: _renamed(value, played) for key, value in script.items()}


def _fitting(standing: Iterable[str], people: Mapping[str, list[str]], directory: Snapshot) -> Iterator[str]:
    """Everybody active who stands so, in the directory's order."""
    teams = [one.removeprefix("team:") for one in standing if one.startswith("team:")]
    roles = [one.removeprefix("role:") for one in standing if one.startswith("role:")]
    leads = {directory.leads.get(team) for team in _teams(people)} if "lead" in standing else None
    for login in directory.people:
        if (
            directory.active(login)
            and all(login in directory.members.get(team, ()) for team in teams)
            and all(login in directory.holders.get(role, ()) for role in roles)
            and (leads is None or login in leads)
        ):
            yield login


def _teams(people: Mapping[str, list[str]]) -> Iterator[str]:
    return (one.removeprefix("team:") for each in people.values() for one in each if one.startswith("team:"))


def _renamed(value: Any, played: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return played.get(value, value)
    if isinstance(value, Mapping):
        return {played.get(key, key): _renamed(one, played) for key, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, played) for one in value]
    return value
