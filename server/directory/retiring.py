"""Somebody leaves, or a team ends: what names them is handed on, or removed with them; all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from server.core.moments import Moment, show
from server.directory.content import Attributes, Content, rota_id, stored
from server.directory.editing import Amendment, amend, mark
from server.directory.exporting import as_written
from server.store.database import transaction
from server.store.fields import canonical
from server.store.models import Issue


@dataclass(frozen=True, slots=True)
class Uses:
    """What somebody is named in. `shifts` are the ids of those that have not ended; `issues` counts the open ones that
    he owns."""

    leads: tuple[str, ...]
    member_of: tuple[str, ...]
    supervises: tuple[str, ...]
    deputises_for: tuple[str, ...]
    shifts: tuple[str, ...]
    issues: int

    @property
    def mark(self) -> str:
        """What tells these from others."""
        return hashlib.sha256(canonical(asdict(self)).encode("utf-8")).hexdigest()[:20]

    @property
    def any(self) -> bool:
        """Whether there is anything."""
        return any(asdict(self).values())


class UsesChanged(Exception):
    """He is named in something else than whoever disables him saw."""


def uses(login: str, now: Moment) -> Uses:
    """What the person is named in now."""
    return _uses(stored(("people", "teams", "rotas")), login, now)


def _uses(content: Content, login: str, now: Moment) -> Uses:
    active = {id_: one for id_, one in content["people"].items() if not one.get("disabled")}
    open_issues = Issue.select().where(Issue.owner == login, Issue.final == False)  # noqa: E712 (SQL, not Python)
    return Uses(
        leads=tuple(id_ for id_, team in content["teams"].items() if team.get("lead") == login),
        member_of=tuple(id_ for id_, team in content["teams"].items() if login in team.get("members", ())),
        supervises=tuple(id_ for id_, one in active.items() if one.get("supervisor") == login),
        deputises_for=tuple(id_ for id_, one in active.items() if login in _deputies(one)),
        shifts=tuple(id_ for id_, one in content["rotas"].items() if one["person"] == login and one["to"] > now),
        issues=open_issues.count(),
    )


def _deputies(person: Attributes) -> set[str]:
    return {one["deputy"] for one in [person, *person.get("away", ())] if one.get("deputy")}


def retire(login: str, successor: str | None, seen: str, uses_seen: str, now: Moment, by: str) -> None:
    """Disable the person; the successor takes over the reports, teams, absences and shifts. Raises UsesChanged,
    Overtaken, Unfit."""
    with transaction():
        content = stored(("people", "teams", "rotas"))
        found = _uses(content, login, now)
        if found.mark != uses_seen:
            raise UsesChanged
        person = content["people"].get(login)
        kept = {key: value for key, value in (person or {}).items() if key not in ("roles", "away")}
        if successor is not None:
            kept["deputy"] = successor  # hears what comes for the issues that he still owns
        gone = Amendment("people", login, as_written("people", login, {**kept, "disabled": True}), seen)
        handed = [*_people(content, found, login, successor), *_teams(content, found, login, successor)]
        shifts = _shifts(content, found, successor, now)
        amend([gone, *handed, *shifts], now, by, what="person_retired")


def _people(content: Content, found: Uses, login: str, successor: str | None) -> Iterator[Amendment]:
    above = content["people"][login].get("supervisor")
    for id_ in dict.fromkeys([*found.supervises, *found.deputises_for]):
        person = content["people"][id_]
        # Whoever is above the successor anyway stays above him.
        instead = {"supervisor": above if successor is None or _is_under(content, successor, id_) else successor}
        instead["deputy"] = None if successor == id_ else successor
        new = _replaced(person, login, instead)
        if "away" in new:
            new["away"] = [_replaced(one, login, {"deputy": instead["deputy"]}) for one in new["away"]]
        yield Amendment("people", id_, as_written("people", id_, new), mark(person))


def _is_under(content: Content, login: str, other: str) -> bool:
    """Whether the other is the person himself or one of those above him."""
    seen: set[str] = set()
    following: str | None = login
    while following is not None and following not in seen:
        if following == other:
            return True
        seen.add(following)
        following = content["people"].get(following, {}).get("supervisor")
    return False


def _replaced(attributes: Attributes, login: str, instead: dict[str, str | None]) -> Attributes:
    new: Attributes = {}
    for key, value in attributes.items():
        if key in instead and value == login:
            if instead[key] is not None:
                new[key] = instead[key]
        else:
            new[key] = value
    return new


def _teams(content: Content, found: Uses, login: str, successor: str | None) -> Iterator[Amendment]:
    for id_ in dict.fromkeys([*found.leads, *found.member_of]):
        team = content["teams"][id_]
        new = _replaced(team, login, {"lead": successor})
        if members := [one for one in new.pop("members", ()) if one != login]:
            new["members"] = members
        yield Amendment("teams", id_, as_written("teams", id_, new), mark(team))


def _shifts(content: Content, found: Uses, successor: str | None, now: Moment) -> Iterator[Amendment]:
    taken = set(content["rotas"])
    second = now // 1000 * 1000
    for id_ in found.shifts:
        shift = content["rotas"][id_]
        past: dict[str, Any] | None = None
        if shift["from"] < second:
            past = {**as_written("rotas", id_, shift), "to": show(second)}
        yield Amendment("rotas", id_, past, mark(shift))
        start = max(shift["from"], second)
        if successor is not None and rota_id(shift["team"], successor, start) not in taken:
            new = {**shift, "person": successor, "from": start}
            yield Amendment("rotas", None, as_written("rotas", "", new), "")


def open_issues(team: str) -> int:
    """How many issues of the team are not in a final stage."""
    return int(Issue.select().where(Issue.team == team, Issue.final == False).count())  # noqa: E712 (SQL, not Python)


def remove_team(team: str, seen: str, now: Moment, by: str) -> None:
    """Remove a team with its shifts. Raises Overtaken, and Unfit while it has open issues."""
    with transaction():
        shifts = {id_: one for id_, one in stored(["rotas"])["rotas"].items() if one["team"] == team}
        gone = [Amendment("rotas", id_, None, mark(one)) for id_, one in shifts.items()]
        amend([Amendment("teams", team, None, seen), *gone], now, by, what="team_removed")
