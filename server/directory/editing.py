"""Changes single items of the directory: a person, a team, a shift, a customer; several at once where they belong
together. Whoever changes one says what he saw of it, and is told when somebody else changed it meanwhile.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from zoneinfo import ZoneInfo

from server import audit
from server.core.findings import Finding, Path, has_errors
from server.core.moments import Moment, show
from server.directory import importing
from server.directory.applying import apply_changes
from server.directory.checking import Check
from server.directory.content import Attributes, Content, customers, stored
from server.directory.importing import Change
from server.directory.items import Reader
from server.directory.reading import DirectoryFile
from server.directory.rights import beyond_rights
from server.directory.snapshot import changed, hold
from server.store.database import transaction
from server.store.fields import canonical

NEW: Final = ""
"""The mark of what was not there."""

_CONNECTED: Final = ("roles", "people", "teams", "rotas")
# What an entry of the audit trail must not hold, since it cannot forget: addresses of people.
_ADDRESSES: Final = frozenset({"email", "phone", "channel_ids", "names"})


@dataclass(frozen=True, slots=True)
class Amendment:
    """What shall become of one item. `raw`: its attributes as a file would have them, None: it is removed (people are
    not: they are disabled). `seen`: the mark of what whoever asks saw of it. Without an `id` the raw one counts, and it
    must be new."""

    section: str
    id: str | None
    raw: Mapping[str, Any] | None
    seen: str


class Overtaken(Exception):
    """Somebody else changed the item meanwhile: `now` is what it is now, None when it is gone."""

    def __init__(self, section: str, id_: str, now: Attributes | None) -> None:
        super().__init__(f"{section} {id_}")
        self.section = section
        self.id = id_
        self.now = now


class Unfit(Exception):
    """What was asked for cannot be: the findings say why. Their paths begin with the amendment's number, from 0."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = list(findings)


class _Form:
    """Where an attribute stands: in the amendment of a number."""

    def __init__(self, numbers: Mapping[str, Sequence[int]]) -> None:
        self._numbers = numbers  # section -> number of the amendment, by its place among those of the section

    def placed(self, found: Finding, key: bool = False) -> Finding:
        section, *rest = found.path or ("",)
        listed = self._numbers.get(str(section), ())
        if rest and isinstance(rest[0], int) and rest[0] < len(listed):
            return replace(found, path=(listed[rest[0]], *rest[1:]))
        return found

    def finding(self, code: str, path: Path, key: bool = False, level: str = "error", **params: str | int) -> Finding:
        return self.placed(Finding(code, path, params, level))


def mark(attributes: Attributes | None) -> str:
    """What tells one state of an item from another."""
    return NEW if attributes is None else hashlib.sha256(canonical(attributes).encode("utf-8")).hexdigest()[:20]


def item(section: str, id_: str) -> Attributes | None:
    """An item as it is; None: there is none."""
    return (customers([id_]) if section == "customers" else stored([section])[section]).get(id_)


def amend(
    amendments: Sequence[Amendment], now: Moment, by: str, zone: ZoneInfo | None = None, *, what: str = "changed"
) -> list[Change]:
    """Do all of it, in one transaction, and record it; give what changed. Moments without an offset are in `zone`.

    Raises Overtaken, Unfit.
    """
    with transaction():
        hold()
        before = _before(amendments)
        for one in amendments:
            if one.section == "people" and one.raw is None:
                raise ValueError("people are disabled, never removed")
            if one.id is not None and mark(before[one.section].get(one.id)) != one.seen:
                raise Overtaken(one.section, one.id, before[one.section].get(one.id))
        file, target = _wanted(amendments, before, zone)
        findings = [*Check(file, before, target).findings(), *beyond_rights(file, before, target, by)]
        if has_errors(findings):
            raise Unfit([finding for finding in findings if finding.level == "error"])
        done = list(importing.changes(before, target, {section: {} for section in before}))
        if done:
            apply_changes([(one.section, one.id, one.how) for one in done], target, now)
            changed()
            audit.record(f"directory.{what}", now, {"changes": [_told(one, before, target) for one in done]}, by=by)
        return done


def _before(amendments: Sequence[Amendment]) -> Content:
    before = stored(_CONNECTED)
    wanted = {str(one.id or (one.raw or {}).get("id", "")) for one in amendments if one.section == "customers"}
    before["customers"] = customers(wanted) if wanted else {}
    return before


def _wanted(amendments: Sequence[Amendment], before: Content, zone: ZoneInfo | None) -> tuple[DirectoryFile, Content]:
    """What is to be: the amendments as a file, and the whole. Raises Unfit."""
    numbers: dict[str, list[int]] = {}
    for number, one in enumerate(amendments):
        if one.raw is not None:
            numbers.setdefault(one.section, []).append(number)
    form = _Form(numbers)
    reader = Reader(form, zone)
    target = {section: dict(items) for section, items in before.items()}
    for one in amendments:
        if one.id is not None:
            target[one.section].pop(one.id, None)
    content: Content = {section: {} for section in numbers}
    for section, listed in numbers.items():
        for place, number in enumerate(listed):
            raw, id_ = amendments[number].raw, amendments[number].id
            known = set(content[section])
            reader.item(section, raw, (section, place), content[section])
            for new in content[section].keys() - known:
                if id_ is not None and id_ != new and section != "rotas":
                    raise ValueError("what history names keeps its id")
                if new in target[section] or (section == "people" and new in before["people"] and id_ != new):
                    reader.found("repeated-item", (section, place), value=new)
    if has_errors(reader.findings):
        raise Unfit(reader.findings)
    for section, items in content.items():
        target[section].update(items)
    return DirectoryFile(form, content, reader.places), target


def _told(change: Change, before: Content, target: Content) -> dict[str, Any]:
    """A change as the audit trail has it: from what to what, but for addresses, of which it says only that."""
    was = before[change.section].get(change.id, {})
    now = target[change.section].get(change.id, {})
    told: dict[str, Any] = {"what": str(change)}
    keys = [key for key in sorted(was.keys() | now.keys()) if was.get(key) != now.get(key) and key not in _ADDRESSES]
    if change.section != "customers" and keys:
        told["was"] = {key: _shown(key, was[key]) for key in keys if key in was}
        told["now"] = {key: _shown(key, now[key]) for key in keys if key in now}
    return told


def _shown(key: str, value: Any) -> Any:
    if key in ("from", "to"):
        return show(value)
    if key == "away":
        return [{name: one if name == "deputy" else show(one) for name, one in absence.items()} for absence in value]
    return value
