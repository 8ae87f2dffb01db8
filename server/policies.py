"""Policy documents in the store: immutable versions, which of them is in force, and all of them compiled once.

An issue keeps the versions that judged it (`Pins`). Whoever puts a version in force changes the revision in the same
transaction; every reader compares it, which is one look-up by primary key, and compiles anew what is another one.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

import peewee

from server import audit
from server.core import documents
from server.core.calendars import BadCalendar, Calendar, compile_calendar
from server.core.channels import Channels, compile_channels
from server.core.compiling import compile_process
from server.core.difference_words import as_dicts
from server.core.differences import differences
from server.core.findings import Finding, has_errors
from server.core.library import channel_kinds
from server.core.moments import Moment
from server.core.process import Process
from server.core.sources import Source, compile_source
from server.core.vocabulary import Naming
from server.resources import policy_dir
from server.store import database, revisions, sql
from server.store.database import Store
from server.store.fields import canonical
from server.store.models import Activation, Version

log = logging.getLogger("duban.policies")

Pins = Mapping[str, Any]
"""The versions that judge an issue: {"process": id, "calendars": {name: id}, "channels": id}."""

T = TypeVar("T")


class Unusable(Exception):
    """A stored document that does not compile: `name` and the findings that say why."""

    def __init__(self, name: str, findings: list[Finding]) -> None:
        super().__init__(f"{name}: " + "; ".join(map(str, findings)))
        self.name = name
        self.findings = findings


class BadDocument(ValueError):
    """A text that cannot be stored as a document."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(map(str, findings)))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Pinned:
    """A process as the pinned versions make it. `private` names its private fields and questions; `hashes` are the
    pinned documents as the audit trail names them: kind, name, SHA-256, and of a calendar that of its dates."""

    process: Process
    channels: Channels
    version: int
    pins: Pins
    private: frozenset[str]
    hashes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class InForce:
    """All documents in force, compiled; those that do not compile are in `findings` only."""

    revision: str
    versions: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, Pinned] = field(default_factory=dict)
    sources: Mapping[str, Source] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


# -- versions ------------------------------------------------------------------------------------------------------


def load_shipped(now: Moment) -> list[str]:
    """Bring the documents that came with the product into force, where the store has none of that name yet; give
    their names. A document that does not compile is stored, too: `in_force` says what is wrong with it."""
    for _ in range(2):
        try:
            return _load_shipped(now)
        except peewee.IntegrityError:
            log.info("another process stored the shipped documents meanwhile")
    return _load_shipped(now)


def _load_shipped(now: Moment) -> list[str]:
    files = [(path.name, path.read_bytes()) for path in sorted(policy_dir().glob("*.y*ml"))]
    added = []
    with database.transaction():
        known = {row.name for row in Version.select(Version.name).distinct()}
        for file, data in files:
            document, found = documents.read(data, file)
            if document is None or not document.name:
                log.error("a shipped document cannot be read: %s", "; ".join(map(str, found)))
            elif document.name not in known:
                activate(add_version(data, now), now)
                added.append(document.name)
    return added


def add_version(
    data: bytes,
    now: Moment,
    *,
    origin: str = Version.SHIPPED,
    author: str | None = None,
    approver: str | None = None,
    reason: str = "",
    based_on: int | None = None,
) -> int:
    """Store a text as the next version of its document, not yet in force, and give the version's id. A calendar's
    carries the holidays that the data set gives now. Raises BadDocument; IntegrityError for one approved by nobody
    else than its author."""
    document, found = documents.read(data)
    if document is None or not document.name:
        raise BadDocument(found)
    with database.transaction():
        last = (
            Version.select(peewee.fn.COALESCE(peewee.fn.MAX(Version.number), 0))
            .where(Version.name == document.name)
            .scalar()
        )
        version = Version.create(
            kind=document.kind,
            name=document.name,
            number=last + 1,
            sha256=document.sha256,
            data=data,
            dates=_dates(document.value) if document.kind == "calendar" else None,
            origin=origin,
            author=author,
            approver=approver,
            reason=reason,
            approvals=approvals(document.value),
            based_on=based_on,
            created_at=now,
        )
        audit.record("policy.stored", now, _described(version), by=author)
    return int(version.id)


def approvals(value: Mapping[str, Any]) -> int:
    """How many others a document asks to approve a change of it."""
    found = value.get("approvals", 1)
    return found if isinstance(found, int) and found > 0 else 1


def _dates(value: Mapping[str, Any]) -> dict[str, str] | None:
    try:
        return compile_calendar(value).dates
    except BadCalendar:
        return None  # `in_force` says what is wrong with it


def _described(version: Any) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": version.number,
        "sha256": version.sha256,
        "origin": version.origin,
        "approver": version.approver,
    }


def activate(version: int, now: Moment, by: str | None = None, **more: Any) -> None:
    """Put a version in force instead of the one that was. Issues that an earlier one judged keep it. `more` is what
    the audit trail says of it, too. Raises IntegrityError for one that nobody approved."""
    with database.transaction():
        found = Version.get_by_id(version)
        Activation.update(until_at=now).where(Activation.name == found.name, Activation.until_at.is_null()).execute()
        Activation.create(name=found.name, version=found, from_at=now, by=by)
        revisions.renew(revisions.POLICIES)
        audit.record("policy.activated", now, {**_described(found), **more}, by=by)


def changes(before: Any, after: Any, names: Naming | None = None) -> list[dict[str, Any]]:
    """What is another in the text of a later version row, in its meaning and in words (`difference_words.as_dicts`)."""
    older, newer = _value(before), _value(after)
    found = differences(after.kind, older, newer)
    return as_dicts(found, after.kind, older, newer, standing(after.name), names)


def standing(process: str) -> dict[str, int]:
    """How many open issues of the process stand in each of its stages."""
    query = 'SELECT "stage", COUNT(*) FROM "issue" WHERE "process" = ? AND NOT "final" GROUP BY "stage"'
    with database.session():
        return dict(sql.run(query, process).fetchall())


# -- in force ------------------------------------------------------------------------------------------------------

_lock = threading.RLock()
_latest: WeakKeyDictionary[Store, InForce] = WeakKeyDictionary()
_pinned: WeakKeyDictionary[Store, dict[str, Pinned]] = WeakKeyDictionary()
_parts: dict[tuple[Any, ...], Any] = {}
MOST_PARTS: Final = 2_000  # compiled documents that a process keeps


def revision() -> str:
    """What changes whenever other versions come into force."""
    return revisions.revision(revisions.POLICIES)


def in_force() -> InForce:
    """The documents in force, compiled once per revision."""
    store = database.current()
    now = revision()
    latest = _latest.get(store)
    if latest is not None and latest.revision == now:
        return latest
    with _lock:
        latest = _latest.get(store)
        if latest is None or latest.revision != now:
            with store.session():
                latest = _compile_all(now, _rows_in_force())
            _latest[store] = latest
    return latest


def last_seen() -> InForce:
    """The documents that this process saw in force last, without asking whether they still are: whoever goes by them
    looks again (`revision`) in the transaction that makes it count."""
    return _latest.get(database.current()) or in_force()


def process_for(pins: Pins) -> Pinned:
    """The process as the versions that an issue keeps make it. Raises Unusable when they do not compile (any more)."""
    key = canonical(pins)
    known = _pinned.setdefault(database.current(), {})
    found = known.get(key)
    if found is None:
        with _lock:
            ids = [pins["process"], pins["channels"], *pins["calendars"].values()]
            rows = {row.id: row for row in Version.select().where(Version.id.in_(ids))}
            calendars = {name: (rows[id], _calendar(rows[id])) for name, id in pins["calendars"].items()}
            channels = rows[pins["channels"]]
            found = _process(rows[pins["process"]], calendars, (channels, _channels(channels)))
            known[key] = found
    return found


def texts_in_force() -> tuple[list[tuple[str, bytes]], dict[str, dict[str, str]]]:
    """The documents in force as `library.load` takes them: (file name, text), and the holidays that calendars carry."""
    with database.session():
        rows = _rows_in_force()
    return [(f"{row.name}.yaml", bytes(row.data)) for row in rows], {row.name: row.dates for row in rows if row.dates}


def _rows_in_force() -> list[Any]:
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    return list(query.order_by(Version.name))


def _compile_all(revision: str, rows: list[Any]) -> InForce:
    findings: list[Finding] = []

    def compiled(kind: str, compile_one: Callable[[Any], T]) -> dict[str, tuple[Any, T]]:
        found = {}
        for row in rows:
            if row.kind == kind:
                try:
                    found[row.name] = (row, compile_one(row))
                except Unusable as unusable:
                    log.error("a document in force cannot be used: %s", unusable)
                    findings.extend(unusable.findings)
                except Exception:
                    # Whatever a document does to the compiler, the others go on (What must hold, 6).
                    log.exception("a document in force cannot be compiled: %s", row.name)
                    findings.append(_finding(row, (), "document-not-usable", {"name": row.name}))
        return found

    calendars = compiled("calendar", _calendar)
    channels = compiled("channels", _channels)
    processes = compiled("process", lambda row: _process(row, calendars, channels.get(_channels_named(row))))
    sources = compiled("source", _source)
    return InForce(
        revision=revision,
        versions={row.name: row.id for row in rows},
        processes={name: pinned for name, (_, pinned) in processes.items()},
        sources={name: source for name, (_, source) in sources.items()},
        calendars={name: calendar for name, (_, calendar) in calendars.items()},
        findings=tuple(findings),
    )


# -- compiling, once per content -----------------------------------------------------------------------------------


def _kept(key: tuple[Any, ...], make: Callable[[], T]) -> T:
    if key not in _parts:
        made = make()
        if len(_parts) >= MOST_PARTS:
            _parts.clear()
        _parts[key] = made
    found: T = _parts[key]
    return found


def _value(row: Any) -> dict[str, Any]:
    document, found = documents.read(bytes(row.data), f"{row.name}.yaml")
    if document is None:
        raise Unusable(row.name, found)
    return document.value


def _kept_value(row: Any) -> dict[str, Any]:
    return _kept(("value", row.sha256), lambda: _value(row))


def _calendar(row: Any) -> Calendar:
    def make() -> Calendar:
        try:
            return compile_calendar(_value(row), row.dates)
        except BadCalendar as bad:
            raise Unusable(row.name, [_finding(row, *problem) for problem in bad.problems]) from bad

    return _kept(("calendar", row.sha256, _dates_digest(row)), make)


def _dates_digest(row: Any) -> str:
    return hashlib.sha256(canonical(row.dates).encode()).hexdigest()


def _channels(row: Any) -> Channels:
    def make() -> Channels:
        channels, problems = compile_channels(_value(row))
        return _usable(row, channels, [_finding(row, *problem) for problem in problems])

    return _kept(("channels", row.sha256), make)


def _source(row: Any) -> Source:
    def make() -> Source:
        source, problems = compile_source(_value(row))
        return _usable(row, source, [_finding(row, *problem) for problem in problems])

    return _kept(("source", row.sha256), make)


def _channels_named(row: Any) -> str:
    return str(_kept_value(row).get("channels") or "default")


def _process(row: Any, calendars: Mapping[str, tuple[Any, Calendar]], channels: tuple[Any, Channels] | None) -> Pinned:
    value = _kept_value(row)
    names = {
        value["calendar"],
        *(clock["calendar"] for clock in value.get("clocks", {}).values() if "calendar" in clock),
    }
    missing = [name for name in sorted(names) if name not in calendars]
    if missing or channels is None:
        what = missing[0] if missing else str(value.get("channels") or "default")
        kind = "calendar" if missing else "channels"
        raise Unusable(row.name, [Finding("document-not-usable", (kind,), {"name": what}, file=f"{row.name}.yaml")])
    used = {name: calendars[name] for name in sorted(names)}
    key = (*((name, calendar.sha256, _dates_digest(calendar)) for name, (calendar, _) in used.items()),)

    def make() -> Process:
        compiled = {name: calendar for name, (_, calendar) in used.items()}
        process, found = compile_process(value, row.sha256, compiled, channel_kinds(channels[1]))
        return _usable(row, process, found)

    process = _kept(("process", row.sha256, key, channels[0].sha256), make)
    pins = {
        "process": row.id,
        "calendars": {name: calendar.id for name, (calendar, _) in used.items()},
        "channels": channels[0].id,
    }
    private = {name for name, one in {**process.fields, **process.questions}.items() if one.private}
    documents = (row, *(calendar for calendar, _ in used.values()), channels[0])
    return Pinned(process, channels[1], row.id, pins, frozenset(private), tuple(map(hashes_of, documents)))


def hashes_of(row: Any) -> dict[str, Any]:
    """A version row as the audit trail names it where it judges an issue."""
    found = {"kind": row.kind, "name": row.name, "sha256": row.sha256}
    return {**found, "dates": _dates_digest(row)} if row.kind == "calendar" else found


def _usable(row: Any, made: T | None, found: list[Finding]) -> T:
    if made is None or has_errors(found):
        raise Unusable(row.name, found)
    return made


def _finding(row: Any, path: tuple[str | int, ...], code: str, params: Mapping[str, str | int]) -> Finding:
    return Finding(code, tuple(path), params, file=f"{row.name}.yaml")
