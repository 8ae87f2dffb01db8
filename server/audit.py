"""The audit trail: every change writes one entry, in the same transaction.

An entry is one canonical JSON text (sorted keys, no NaN). Values of private fields stand in it as salted digests:
whoever knows a value can show that it is the one, and deleting the salts lets the values be forgotten while the
entries stay as they are (docs: reliability, audit chain).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from server.core.moments import Moment
from server.store import sql
from server.store.fields import canonical
from server.store.models import AuditEntry, PrivateValue
from server.store.writing import insert_audit, insert_many

# Where an entry's body holds facts under their fields' names; elsewhere `name` or `from` are words of the entry itself.
_HOLDERS = frozenset({"with", "fields", "facts", "values", "issue", "set", "answers", "before", "after", "asked"})

_SALT_BYTES = 16
_SALTS = 'SELECT "field", "salt" FROM "private_value" WHERE "issue_id" = ?'


def record(
    kind: str,
    at: Moment,
    body: Mapping[str, Any],
    *,
    by: str | None = None,
    issue: int | None = None,
    private: Collection[str] = (),
    new: bool = False,
) -> int:
    """Write an entry within the caller's transaction and give its id.

    `kind` says what happened (`received`, `action`, `directory.imported` …), `by` who did it, `issue` the id of the
    issue concerned, `private` the names of fields whose values are hidden, `new` whether this is the issue's first
    entry: then it has no salts yet. Raises ValueError for what is not JSON, and when there are private values but no
    issue to keep their salts with.
    """
    salts: list[Row] = []
    row = _row(Entry(kind, at, body, by, issue, private, new), salts)
    insert_many(PrivateValue, salts)
    return insert_audit(row)


class Entry(NamedTuple):
    """An entry to be written; what its parts are, `record` says. `plain`: the keys of `body` under which nothing
    private stands, whatever `private` names."""

    kind: str
    at: Moment
    body: Mapping[str, Any]
    by: str | None = None
    issue: int | None = None
    private: Collection[str] = ()
    new: bool = False
    plain: Collection[str] = ()


def record_all(entries: Iterable[Entry]) -> None:
    """Write several entries within the caller's transaction, in their order. Raises what `record` raises."""
    salts: list[Row] = []
    rows = [_row(entry, salts) for entry in entries]
    insert_many(PrivateValue, salts)
    insert_many(AuditEntry, rows)


Row = dict[str, Any]


def _row(entry: Entry, salts: list[Row]) -> Row:
    """The entry's row; salts that it needs and that there were not are added to `salts`."""
    kind, at, body, by, issue, private, new, plain = entry
    if private:
        if issue is None:
            raise ValueError("private values need an issue that keeps their salts")
        looked_at = {key: item for key, item in body.items() if key not in plain}
        body = {**body, **_hidden(looked_at, _Salts(issue, frozenset(private), new, salts), False)}
    whole = {"at": at, "kind": kind, "by": by, "issue": issue, "body": body}
    return {"at": at, "kind": kind, "by": by, "issue": issue, "body": canonical(whole)}


def hidden(body: Mapping[str, Any], private: Collection[str], salts: Mapping[str, bytes]) -> Any:
    """What `record` would write for this body with an issue's salts (`salts_of`). Raises KeyError for a private field
    that has none."""
    return json.loads(canonical(_hidden(dict(body), _Known(private, salts), False)))


def salts_of(issue: int) -> dict[str, bytes]:
    """The salts of an issue's private fields."""
    return {name: bytes(salt) for name, salt in sql.run(_SALTS, issue).fetchall()}


def digest(salt: bytes, value: Any) -> str:
    """The digest that stands for a private value."""
    return "sha256:" + hashlib.sha256(salt + canonical(value).encode("utf-8")).hexdigest()


def forget(issue: int) -> int:
    """Delete the salts of an issue: its digests mean nothing any more. Gives how many there were."""
    return int(PrivateValue.delete().where(PrivateValue.issue == issue).execute())


class _Known:
    """Salts that are known, and none else."""

    def __init__(self, private: Collection[str], salts: Mapping[str, bytes]) -> None:
        self.fields = frozenset(private)
        self._salts = salts

    def hide(self, field: str, value: Any) -> dict[str, str]:
        return {"digest": digest(self._salts[field], value)}


class _Salts:
    """The salts of one issue, made when first needed; those that are to be written are in `made`."""

    def __init__(self, issue: int, fields: frozenset[str], new: bool, made: list[Row]) -> None:
        self.issue = issue
        self.fields = fields
        self._made = made
        self._known: dict[str, bytes] | None = {} if new else None

    def hide(self, field: str, value: Any) -> dict[str, str]:
        return {"digest": digest(self._salt(field), value)}

    def _salt(self, field: str) -> bytes:
        if self._known is None:
            waiting = {row["field"]: row["salt"] for row in self._made if row["issue"] == self.issue}
            self._known = {**salts_of(self.issue), **waiting}
        if field not in self._known:
            self._known[field] = secrets.token_bytes(_SALT_BYTES)
            self._made.append({"issue": self.issue, "field": field, "salt": self._known[field]})
        return self._known[field]


_PLAIN = frozenset({str, int, float, bool, type(None)})
_LISTS = (list, tuple)


def _hidden(value: Any, salts: _Salts | _Known, inside: bool) -> Any:
    # Most of an entry is plain, for which nothing is called; asking an abstract class takes longer than the rest.
    if isinstance(value, _LISTS):
        return [item if type(item) in _PLAIN else _hidden(item, salts, inside) for item in value]
    if type(value) is dict or isinstance(value, Mapping):
        made = {}
        for key, item in value.items():
            if inside and key in salts.fields and item is not None:
                made[key] = salts.hide(key, item)
            elif type(item) in _PLAIN:
                made[key] = item
            else:
                made[key] = _hidden(item, salts, inside or key in _HOLDERS)
        return made
    return value
