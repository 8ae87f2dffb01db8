"""Takes a directory file into the store: first what would change, then all of it or nothing.

A section that the file has is complete: what it leaves out is removed. A section that it lacks stays as it is.
Somebody who is removed is disabled, since history names him.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from peewee import fn

from server import audit
from server.core.findings import Finding, has_errors, in_order
from server.core.kinds import near
from server.core.moments import Moment
from server.directory.applying import apply_changes
from server.directory.content import SECTIONS, Attributes, Content, stored
from server.directory.reading import DirectoryFile, read
from server.directory.snapshot import changed, snapshot
from server.store.database import transaction
from server.store.models import Issue


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an import does: `how` is added, changed or removed; `keys` are the attributes concerned."""

    section: str
    id: str
    how: str
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "removed": "-"}[self.how]
        return f"{sign} {self.section} {self.id}" + (f": {', '.join(self.keys)}" if self.keys else "")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do, and on which revision of the directory it was reckoned."""

    changes: tuple[Change, ...]
    target: Content
    revision: str


class DirectoryChanged(Exception):
    """Somebody changed the directory after the plan was made; make it anew."""


def plan(data: bytes, file: str = "") -> tuple[Plan | None, list[Finding]]:
    """What importing the file would change, and everything wrong with it; with an error there is no plan."""
    read_file, findings = read(data, file)
    if read_file is None:
        return None, in_order(findings)
    revision = snapshot().revision
    before = stored()
    target = {section: read_file.content.get(section, before[section]) for section in SECTIONS}
    findings += _Check(read_file, before, target).findings()
    if has_errors(findings):
        return None, in_order(findings)
    return Plan(tuple(_changes(before, target, read_file.content)), target, revision), in_order(findings)


def carry_out(plan: Plan, now: Moment, by: str | None = None) -> None:
    """Do what the plan says, in one transaction, and record it. Raises DirectoryChanged."""
    with transaction():
        if snapshot().revision != plan.revision:
            raise DirectoryChanged
        if not plan.changes:
            return
        apply_changes([(change.section, change.id, change.how) for change in plan.changes], plan.target, now)
        changed()
        # Attributes by name only: addresses of people are not for a record that cannot forget.
        audit.record("directory.imported", now, {"changes": [str(change) for change in plan.changes]}, by=by)


def _changes(before: Content, target: Content, given: Content) -> Iterator[Change]:
    for section in SECTIONS:
        if section not in given:
            continue
        for id_, after in target[section].items():
            was = before[section].get(id_)
            if was is None:
                yield Change(section, id_, "added")
            elif keys := tuple(key for key in sorted(was.keys() | after.keys()) if was.get(key) != after.get(key)):
                yield Change(section, id_, "changed", keys)
        for id_, was in before[section].items():
            if id_ not in target[section] and not was.get("disabled"):
                yield Change(section, id_, "removed")


# Who names whom: section, attribute, the section that it names, the word for that.
_REFERENCES = (
    ("people", "supervisor", "people", "person"),
    ("people", "deputy", "people", "person"),
    ("people", "roles", "roles", "role_name"),
    ("teams", "lead", "people", "person"),
    ("teams", "members", "people", "person"),
    ("rotas", "team", "teams", "team_id"),
    ("rotas", "person", "people", "person"),
)


class _Check:
    """What a file can only be found wrong in beside the rest of the directory."""

    def __init__(self, file: DirectoryFile, before: Content, target: Content) -> None:
        self.file = file
        self.before = before
        self.target = target

    def findings(self) -> list[Finding]:
        return [*self._references(), *self._circles(), *self._administrators(), *self._open_issues()]

    def _found(self, code: str, section: str, id_: str, *rest: str | int, **params: str | int) -> Finding:
        place = self.file.places.get((section, id_))
        return self.file.document.placed(Finding(code, () if place is None else (*place, *rest), params))

    def _references(self) -> Iterator[Finding]:
        for section, key, named, word in _REFERENCES:
            for id_, attributes in self.target[section].items():
                for rest, name in _names(attributes, key):
                    yield from self._reference(section, id_, rest, named, word, name)

    def _reference(
        self, section: str, id_: str, rest: tuple[str | int, ...], named: str, word: str, name: str
    ) -> Iterator[Finding]:
        known = self.target[named]
        if name in known:
            if known[name].get("disabled") and not self.target[section][id_].get("disabled"):
                found = self._found("disabled-person", section, id_, *rest, value=name)
                yield Finding(found.code, found.path, found.params, "warning", found.file, found.line, found.column)
        elif section in self.file.content:
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
                yield self._found(
                    "supervisor-circle", "people", chain[-1], "supervisor", people=" → ".join(reversed(circle))
                )
            done.update(chain)

    def _administrators(self) -> Iterator[Finding]:
        if _administrators(self.before) and not _administrators(self.target):
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


def _names(attributes: Attributes, key: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    value = attributes.get(key)
    if isinstance(value, list):
        yield from (((key, index), name) for index, name in enumerate(value))
    elif value is not None:
        yield (key,), value


def _administrators(content: Content) -> list[str]:
    roles = {name for name, role in content["roles"].items() if "system" in role.get("permissions", ())}
    return [
        login
        for login, person in content["people"].items()
        if not person.get("disabled") and roles.intersection(person.get("roles", ()))
    ]
