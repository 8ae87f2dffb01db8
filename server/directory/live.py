"""The live directory: what the interpreter asks about the world outside an issue (server.core.world.Directory)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from server.core.moments import Moment
from server.core.world import Place
from server.directory.snapshot import Snapshot, snapshot
from server.store import counters, sql

Numbering = Callable[[str, Moment], str]
Refusal = Callable[[str, Mapping[str, Any], Moment], bool]


class LiveDirectory:
    """Answers from the store. Made for one transaction: it looks at the directory once, when first asked.

    `numbering` gives a new issue's number (usually with `server.store.counters.next_serial`), `refusal` whether a
    process would refuse an issue; both need compiled processes, which are not the directory's business.
    """

    binding = True

    def __init__(self, numbering: Numbering | None = None, refusal: Refusal | None = None) -> None:
        self._numbering = numbering
        self._refusal = refusal
        self._snapshot: Snapshot | None = None

    @property
    def people(self) -> Snapshot:
        """The people, teams, roles and rotas that the answers come from."""
        if self._snapshot is None:
            self._snapshot = snapshot()
        return self._snapshot

    # -- the interpreter's questions ---------------------------------------------------------------------------

    def number(self, process: str, received: Moment) -> str:
        """The number of a new issue."""
        if self._numbering is None:
            raise LookupError("this directory gives no numbers")
        return self._numbering(process, received)

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        """Whether that process would refuse a new issue with these fields."""
        if self._refusal is None:
            raise LookupError("this directory knows no processes")
        return self._refusal(process, fields, now)

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        """How many issues with these values were received since, this one included (counted up to `count` + 1)."""
        return counters.in_window(process, watch, values, count, since, now)

    def fits(self, person: str, who: str, place: Place) -> bool:
        """Whether the person is `who`. Somebody disabled is nobody. Whoever stands in for an absent supervisor, lead
        or person on duty is one of those, too; a team or role has only those who are in it."""
        if self.people.active(person) is None:
            return False
        if who.startswith("role:"):
            return who[5:] in self.people.roles_of.get(person, ())
        team = self._team(who, place)
        if team is not None:
            return team in self.people.teams_of.get(person, ())
        return any(person in (named, self.people.stand_in(named, place.now)) for named in self._named(who, place))

    def persons(self, who: str, place: Place) -> list[str]:
        """Those who are `who`, first one first: present ones, and whoever stands in for an absent one, in the
        directory's order; somebody absent for whom nobody stands in comes last, rather than nobody at all."""
        found: list[str] = []
        absent: list[str] = []
        for login in self._named(who, place):
            instead = self.people.stand_in(login, place.now)
            if instead is not None:
                found.append(instead)
            elif self.people.active(login):
                absent.append(login)
        return list(dict.fromkeys(found + absent))

    def choose(self, team: str, how: str, place: Place) -> str | None:
        """The person of the team whose turn it is: `round_robin`, `least_busy` or `on_duty`; None: nobody is there."""
        team = team.removeprefix("team:")
        if how == "on_duty":
            on_duty = self.people.on_duty(team, place.now)
            return None if on_duty is None else self.people.stand_in(on_duty, place.now)
        present = [
            login
            for login in self.people.members.get(team, ())
            if (person := self.people.active(login)) and not person.is_away(place.now)
        ]
        if how == "round_robin":
            return self.take_turn(place.process, team, present)
        if how == "least_busy":
            return self.least_busy(present)
        raise ValueError(f"nobody is chosen by {how!r}")

    def take_turn(self, process: str, team: str, present: Sequence[str]) -> str | None:
        """Whose turn it is among those who are there; it is taken."""
        return counters.take_turn(process, team, present)

    def least_busy(self, present: Sequence[str]) -> str | None:
        """Whoever of those who are there owns the fewest issues that are not in a final stage; of equals, the first in
        the directory's order."""
        busy = owned(present)
        return min(present, key=lambda login: busy.get(login, 0), default=None)

    # -- who is who --------------------------------------------------------------------------------------------

    def supervisor(self, login: str | None, levels: int = 1) -> str | None:
        """The supervisor of the person, or that one's, so many levels up; None: there is none."""
        for _ in range(levels):
            person = self.people.people.get(login) if login is not None else None
            login = None if person is None else person.supervisor
        return login

    def _team(self, who: str, place: Place) -> str | None:
        if who == "team":
            return place.team or ""
        return who.removeprefix("team:") if who.startswith("team:") else None

    def _named(self, who: str, place: Place) -> Sequence[str]:
        """The people that `who` names, present or not."""
        team = self._team(who, place)
        if team is not None:
            return self.people.members.get(team, ())
        if who.startswith("role:"):
            return self.people.holders.get(who[5:], ())
        if who.startswith("duty:"):
            return _some(self.people.on_duty(who[5:], place.now))
        if who == "lead":
            return _some(self.people.leads.get(place.team or ""))
        if who == "owner":
            return _some(place.owner)
        if who == "receiver":
            return _some(place.receiver)
        if who == "supervisor" or who.startswith("supervisor+"):
            levels = int(who[11:] or 0) if who.startswith("supervisor+") else 0
            if place.owner is not None:
                return _some(self.supervisor(place.owner, levels + 1))
            return _some(self.supervisor(self.people.leads.get(place.team or ""), levels))
        return ()


def _some(login: str | None) -> Sequence[str]:
    return () if login is None else (login,)


def owned(members: Sequence[str]) -> dict[str, int]:
    """How many issues that are not in a final stage each of these owns; without those who never owned any."""
    if not members:
        return {}
    condition, values = sql.among(members)
    return dict(sql.run(_BUSY.format(condition), *values).fetchall())


_BUSY: Final = 'SELECT "owner", CAST(SUM("open") AS BIGINT) FROM "workload" WHERE "owner" {} GROUP BY "owner"'
