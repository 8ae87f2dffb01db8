"""Takes a directory file into the store: first what would change, then all of it or nothing.

A section that the file has is complete: what it leaves out is removed, unless it is only to add and change. A section
that it lacks stays as it is. Somebody who is removed is disabled, since history names him.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from server import audit
from server.core.findings import Finding, has_errors, in_order
from server.core.moments import Moment
from server.directory.applying import apply_changes
from server.directory.checking import Check
from server.directory.content import SECTIONS, Attributes, Content, stored
from server.directory.reading import DirectoryFile, read
from server.directory.rights import beyond_rights
from server.directory.snapshot import changed, hold, snapshot
from server.store.database import transaction
from server.store.fields import canonical


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
    before: Content
    target: Content
    revision: str

    @property
    def sha256(self) -> str:
        """The same for the same changes from the same to the same, whatever else is in the directory."""
        said = [
            [str(one), self.before[one.section].get(one.id), self.target[one.section].get(one.id)]
            for one in self.changes
        ]
        return hashlib.sha256(canonical(said).encode("utf-8")).hexdigest()


class DirectoryChanged(Exception):
    """Somebody changed the directory after the plan was made; make it anew."""


def plan(data: bytes, file: str = "") -> tuple[Plan | None, list[Finding]]:
    """What importing the file would change, and everything wrong with it; with an error there is no plan."""
    return plan_of(*read(data, file))


def plan_of(
    file: DirectoryFile | None, read_so_far: list[Finding], *, removes: bool = True, by: str | None = None
) -> tuple[Plan | None, list[Finding]]:
    """The same for what was read already, with what was found then. Without `removes` nothing is removed; `by` may give
    only rights that he has (None: somebody at the server's shell, who may do everything)."""
    if file is None:
        return None, in_order(read_so_far)
    if has_errors(read_so_far):
        # Whom the readable items name can be told already: he who mends the file mends all of it at once.
        target = {section: _section(section, file, items, False) for section, items in stored().items()}
        return None, in_order([*read_so_far, *Check(file, {}, target).unknown_names()])
    made, found = _planned(file, removes, by)
    return made, in_order([*read_so_far, *found])


def _planned(file: DirectoryFile, removes: bool, by: str | None) -> tuple[Plan | None, list[Finding]]:
    revision = snapshot().revision
    before = stored()
    target = {section: _section(section, file, before[section], removes) for section in SECTIONS}
    findings = [*Check(file, before, target).findings(), *beyond_rights(file, before, target, by)]
    if has_errors(findings):
        return None, findings
    return Plan(tuple(changes(before, target, file.content)), before, target, revision), findings


def _section(section: str, file: DirectoryFile, before: dict[str, Attributes], removes: bool) -> dict[str, Attributes]:
    if section not in file.content:
        return before
    given = {
        id_: {**attributes, **_kept(before.get(id_, {}), file.left_open.get((section, id_), frozenset()))}
        for id_, attributes in file.content[section].items()
    }
    return given if removes else {**before, **given}


def _kept(attributes: Attributes, keys: frozenset[str]) -> Attributes:
    return {key: value for key, value in attributes.items() if key in keys}


def carry_out(plan: Plan, now: Moment, by: str | None = None, source: Mapping[str, str] | None = None) -> None:
    """Do what the plan says, in one transaction, and record it, with the `source` that it was made of. Raises
    DirectoryChanged."""
    with transaction():
        hold()
        if snapshot().revision != plan.revision:
            raise DirectoryChanged
        if not plan.changes:
            return
        apply_changes([(change.section, change.id, change.how) for change in plan.changes], plan.target, now)
        changed()
        # Attributes by name only: addresses of people are not for a record that cannot forget.
        said: dict[str, Any] = {"changes": [str(change) for change in plan.changes]}
        audit.record("directory.imported", now, said if source is None else {**said, "file": dict(source)}, by=by)


def changes(before: Content, target: Content, given: Content) -> Iterator[Change]:
    """What is another one in the sections that were given."""
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
