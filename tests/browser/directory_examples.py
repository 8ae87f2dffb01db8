"""The directory's pages, and what lies in the store for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from server import directory
from server.core.moments import DAY, HOUR, show
from server.directory import Amendment, uploading
from server.store.models import DirectoryUpload

TEAM: Final = "front_line"
GOOD: Final = "id,names,phone\nc-1001,北辰商贸,400-1\nc-9,新客户,+86 10\n"
BAD: Final = "login,name,supervisor,phone\nXu,徐静,nobody,1.38E+10\n"


@dataclass(frozen=True)
class Made:
    """Two shifts that overlap, an absence, a file that can be imported and one that cannot."""

    shifts: tuple[str, str]
    absence: int
    uploads: tuple[int, int]


def make_up(at: int, visitor: str) -> Made:
    """Put it into the store."""
    begin = at // DAY * DAY
    shifts = [
        {"team": TEAM, "person": "gong", "from": show(begin), "to": show(begin + 2 * DAY)},
        {"team": TEAM, "person": "bai", "from": show(begin + DAY), "to": show(begin + 3 * DAY)},
    ]
    directory.amend([Amendment("rotas", None, one, "") for one in shifts], at, visitor)
    person = directory.item("people", "bai")
    assert person is not None
    absences = [{"from": show(begin), "until": show(begin + 3 * DAY)}, {"from": show(begin + 9 * DAY), "deputy": "ai"}]
    raw = {**directory.as_written("people", "bai", person), "away": absences}
    directory.amend([Amendment("people", "bai", raw, directory.mark(person))], at, visitor)
    good = uploading.keep("customers.csv", GOOD.encode(), False, visitor, at)
    more = {"removes": True, "by": visitor, "at": at + HOUR, "sha256": ""}
    bad = DirectoryUpload.create(name="people.csv", data=BAD.encode(), **more).id
    return Made(_ids(shifts), begin, (good, bad))


def _ids(shifts: list[dict[str, Any]]) -> tuple[str, str]:
    first, second = (f"{one['team']} {one['person']} {one['from']}" for one in shifts)
    return first, second


PAGES: Final[Mapping[str, Callable[[Any], list[str]]]] = {
    "panel_people.index": lambda made: ["/admin/people/"],
    "panel_people.tree": lambda made: ["/admin/people/tree"],
    "panel_people.person": lambda made: ["/admin/people/person/chen"],
    "panel_people.add": lambda made: ["/admin/people/add"],
    "panel_people.edit": lambda made: ["/admin/people/person/chen/edit"],
    "panel_people.disable": lambda made: ["/admin/people/person/chen/disable"],
    "panel_teams.index": lambda made: ["/admin/teams/"],
    "panel_teams.add": lambda made: ["/admin/teams/add"],
    "panel_teams.edit": lambda made: ["/admin/teams/team/front_line"],
    "panel_teams.remove": lambda made: ["/admin/teams/team/handling_group/remove"],
    "panel_rotas.index": lambda made: ["/admin/rotas/", "/admin/rotas/?team=front_line&week=2027-01-04"],
    "panel_rotas.add": lambda made: ["/admin/rotas/front_line/add"],
    "panel_rotas.shift": lambda made: [f"/admin/rotas/shift?id={quote(shift)}" for shift in made.directory.shifts[:1]],
    "panel_rotas.remove": lambda made: [
        f"/admin/rotas/remove?id={quote(shift)}" for shift in made.directory.shifts[:1]
    ],
    "panel_rotas.swap": lambda made: [
        "/admin/rotas/swap?first={}&second={}".format(*map(quote, made.directory.shifts))
    ],
    "panel_rotas.rotate": lambda made: ["/admin/rotas/front_line/rotation"],
    "panel_absences.index": lambda made: ["/admin/absences/"],
    "panel_absences.add": lambda made: ["/admin/absences/add", "/admin/absences/add?person=gong"],
    "panel_absences.edit": lambda made: [f"/admin/absences/of/bai/{made.directory.absence}"],
    "panel_customers.index": lambda made: ["/admin/customers/"],
    "panel_customers.add": lambda made: ["/admin/customers/add"],
    "panel_customers.edit": lambda made: ["/admin/customers/customer/c-1001"],
    "panel_customers.remove": lambda made: ["/admin/customers/remove/c-1001"],
    "panel_products.index": lambda made: ["/admin/products/"],
    "panel_directory_files.index": lambda made: ["/admin/directory-files/"],
    "panel_directory_files.look": lambda made: [f"/admin/directory-files/check/{id}" for id in made.directory.uploads],
    "panel_directory_checks.index": lambda made: ["/admin/directory-checks/"],
}
