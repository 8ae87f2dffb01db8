"""A rotation planned for a team: shown before it is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from admin import clock
from admin.directory.people import name_of
from admin.languages import gettext
from server.core.moments import BadTime, Moment, OutOfRange, parse
from server.directory import Amendment, duty, snapshot
from server.store.fields import canonical

SHOWN: Final = 60
"""Shifts of a plan that the page lists; it says how many more there are."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A rotation as it was asked for: its shifts, or what cannot be read. `sha256` stands for exactly these shifts."""

    team: str
    given: MultiDict[str, str]
    shifts: list[dict[str, Any]]
    problems: dict[str, str]

    @property
    def relieve(self) -> bool:
        """Whether those who are on duty in that time leave it free."""
        return bool(self.given.get("relieve"))

    @property
    def sha256(self) -> str:
        """The hash of what is shown."""
        return hashlib.sha256(canonical([self.shifts, self.relieve]).encode()).hexdigest() if self.shifts else ""

    @property
    def confirmed(self) -> bool:
        """Whether exactly this was shown before."""
        return bool(self.shifts) and self.given.get("sha256") == self.sha256

    @property
    def done(self) -> str:
        """What to say when it is in the rota."""
        return gettext("The rotation is in the rota: %(count)s shifts.", count=len(self.shifts))

    def rows(self) -> list[dict[str, str]]:
        """The first shifts in words."""
        return [
            {
                "name": name_of(one["person"], snapshot()),
                "from": clock.shown(one["from"]),
                "to": clock.shown(one["to"]),
            }
            for one in self.shifts[:SHOWN]
        ]

    def members(self) -> list[dict[str, str]]:
        """The team's active members with the places that they were given."""
        people = snapshot()
        places = dict(zip(self.given.getlist("login"), self.given.getlist("place"), strict=False))
        active = [login for login in people.members.get(self.team, ()) if people.active(login)]
        return [
            {
                "login": login,
                "name": name_of(login, people),
                "place": places.get(login, "" if self.given else str(number)),
            }
            for number, login in enumerate(active, 1)
        ]

    def amendments(self) -> list[Amendment]:
        """What the directory is to become."""
        cut = partial(duty.relieved, self.team, zone=clock.zone()) if self.relieve else None
        return duty.planned(self.shifts, cut)


def asked(team: str, posted: MultiDict[str, str] | None) -> Plan:
    """The plan of a form; None: of an empty one."""
    problems: dict[str, str] = {}
    shifts = [] if posted is None else _planned(team, posted, problems)
    return Plan(team, MultiDict() if posted is None else posted, shifts, problems)


def _planned(team: str, given: MultiDict[str, str], problems: dict[str, str]) -> list[dict[str, Any]]:
    """The shifts that were asked for; what cannot be read is put into `problems`."""
    order = sorted(
        (int(place), number, login)
        for number, (login, place) in enumerate(zip(given.getlist("login"), given.getlist("place"), strict=False))
        if place.strip().isdecimal() and len(place.strip()) < 7 and snapshot().active(login)
    )
    start, end = (_moment(given, name, problems) for name in ("from", "to"))
    every = given.get("every", "").strip()
    if not every.isdecimal() or not 1 <= int(every[:6]) <= 1000:
        problems["every"] = gettext("A whole number from 1 to 1000.")
    if given.get("unit") not in duty.UNITS:
        problems["every"] = gettext("Choose hours, days or weeks.")
    if not order:
        problems["place"] = gettext("Give at least one person a place.")
    if start is not None and end is not None and end <= start:
        problems["to"] = gettext("The end must come after the beginning.")
    if problems or start is None or end is None:
        return []
    logins = [login for _, _, login in order]
    shifts = duty.rotation(team, logins, start, end, int(every), given["unit"], clock.zone())
    if len(shifts) > duty.MOST:
        problems["to"] = gettext("These are more than %(most)s shifts: plan a shorter time.", most=duty.MOST)
        return []
    return shifts


def _moment(given: MultiDict[str, str], name: str, problems: dict[str, str]) -> Moment | None:
    try:
        return parse(given.get(name, ""), clock.zone()) // 1000 * 1000
    except (BadTime, OutOfRange):
        problems[name] = gettext("Give a date and a time.")
        return None
