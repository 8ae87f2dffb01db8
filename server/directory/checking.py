"""What a directory can only be found wrong in as a whole: who is named and not there, circles, what is still in use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from peewee import fn

from server.core.findings import Finding
from server.core.kinds import near
from server.directory.addresses import folded
from server.directory.content import Attributes, Content
from server.directory.mentions import mentions
from server.directory.reading import DirectoryFile
from server.store.models import CustomerName, Issue

# Who names whom: section, attribute, the section that it names, the word for that.
REFERENCES: Final = (
    ("people", "supervisor", "people", "person"),
    ("people", "deputy", "people", "person"),
    ("people", "away", "people", "person"),
    ("people", "roles", "roles", "role_name"),
    ("teams", "lead", "people", "person"),
    ("teams", "members", "people", "person"),
    ("rotas", "team", "teams", "team_id"),
    ("rotas", "person", "people", "person"),
)

_PIECE: Final = 500  # names in one statement's `IN`


class Check:
    """Compares what is to become of the directory with what it is. `before` and `target` hold every section but the
    customers, of whom those that are not concerned may be missing."""

    def __init__(self, file: DirectoryFile, before: Content, target: Content) -> None:
        self.file = file
        self.before = before
        self.target = target

    def findings(self) -> list[Finding]:
        """Everything that is wrong."""
        return [
            *self._references(),
            *self._circles(),
            *self._administrators(),
            *self._open_issues(),
            *self._mentioned(),
            *self._customer_names(),
        ]

    def unknown_names(self) -> list[Finding]:
        """Names of nobody and nothing, of a file that has other errors: an item that is there but could not be read is
        no such name."""
        there: dict[str, set[str]] = {}
        for section, id_ in self.file.unread:
            there.setdefault(section, set()).add(id_)
        return [
            self._found("unknown-reference", section, id_, *rest, what=word, value=name, near=near(name, known))
            for section, key, named, word in REFERENCES
            for id_, attributes in self.file.content.get(section, {}).items()
            for rest, name in names(attributes, key)
            if name not in (known := self.target[named]) and name not in there.get(named, ())
        ]

    def _found(self, code: str, section: str, id_: str, *rest: str | int, **params: str | int) -> Finding:
        place = self.file.places.get((section, id_))
        return self.file.document.placed(Finding(code, () if place is None else (*place, *rest), params))

    def _references(self) -> Iterator[Finding]:
        for section, key, named, word in REFERENCES:
            for id_, attributes in self.target[section].items():
                for rest, name in names(attributes, key):
                    yield from self._reference(section, id_, rest, named, word, name)

    def _reference(
        self, section: str, id_: str, rest: tuple[str | int, ...], named: str, word: str, name: str
    ) -> Iterator[Finding]:
        known = self.target[named]
        if name in known:
            if known[name].get("disabled") and not self.target[section][id_].get("disabled"):
                yield replace(self._found("disabled-person", section, id_, *rest, value=name), level="warning")
        elif (section, id_) in self.file.places:
            yield self._found("unknown-reference", section, id_, *rest, what=word, value=name, near=near(name, known))
        elif not self.target[section][id_].get("disabled"):
            yield self.file.document.finding(
                "still-named", (named,), True, what=word, value=name, by=f"{section} {id_}"
            )

    def _circles(self) -> Iterator[Finding]:
        people = self.target["people"]
        done: set[str] = set()
        for login in people:
            chain: list[str] = []
            following: str | None = login
            while following in people and following not in done and following not in chain:
                chain.append(following)
                following = people[following].get("supervisor")
            if following in chain:
                circle = [*chain[chain.index(following) :], following]
                at = next((one for one in circle if ("people", one) in self.file.places), chain[-1])
                yield self._found("supervisor-circle", "people", at, "supervisor", people=" → ".join(reversed(circle)))
            done.update(chain)

    def _administrators(self) -> Iterator[Finding]:
        if administrators(self.before) and not administrators(self.target):
            section = "people" if "people" in self.file.content else "roles"
            yield self.file.document.finding("nobody-administers", (section,), True)

    def _open_issues(self) -> Iterator[Finding]:
        removed = self.before["teams"].keys() - self.target["teams"].keys()
        if not removed:
            return
        open_issues: Any = (
            Issue.select(Issue.team, fn.COUNT(Issue.id))
            .where(Issue.team.in_(sorted(removed)), Issue.final == False)  # noqa: E712 (SQL, not Python)
            .group_by(Issue.team)
            .order_by(Issue.team)
            .tuples()
        )
        for team, count in open_issues:
            yield self.file.document.finding("team-in-use", ("teams",), True, team=team, count=count)

    def _mentioned(self) -> Iterator[Finding]:
        """Policies in force that count on what is left out."""
        for section, code, word in (("teams", "team-mentioned", "team"), ("roles", "role-mentioned", "role")):
            for id_ in sorted(self.before[section].keys() - self.target[section].keys()):
                if found := mentions(section, id_):
                    documents = {word: id_, "documents": ", ".join(found)}
                    yield self.file.document.finding(code, (section,), True, level="warning", **documents)

    def _customer_names(self) -> Iterator[Finding]:
        """Names that belong to customers whom the file does not have."""
        given = self.file.content.get("customers", {})
        wanted = {
            folded(name): id_
            for id_ in given
            if id_ in self.target["customers"] and self.before["customers"].get(id_) != given[id_]
            for name in [id_, *self.target["customers"][id_]["names"]]
        }
        listed = sorted(wanted)
        for start in range(0, len(listed), _PIECE):
            rows = CustomerName.select().where(CustomerName.name.in_(listed[start : start + _PIECE]))
            for row in rows:
                id_, other = wanted[row.name], row.customer_id
                stays = other in self.target["customers"] or other not in self.before["customers"]
                if other != id_ and other not in given and stays:
                    yield self._found("shared-name", "customers", id_, "names", value=row.name, other=other)


def names(attributes: Attributes, key: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What an item's attribute names, each with its place."""
    value = attributes.get(key)
    if not isinstance(value, list):
        if value is not None:
            yield (key,), value
        return
    for index, one in enumerate(value):
        if not isinstance(one, Mapping):
            yield (key, index), one
        elif "deputy" in one:
            yield (key, index, "deputy"), one["deputy"]


def administrators(content: Content) -> list[str]:
    """The active people who may do everything."""
    roles = {name for name, role in content["roles"].items() if "system" in role.get("permissions", ())}
    return [
        login
        for login, person in content["people"].items()
        if not person.get("disabled") and roles.intersection(person.get("roles", ()))
    ]
