"""A file of the directory that somebody brought: kept while he looks at what it would change, then done exactly so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from server.core.findings import Finding
from server.core.moments import DAY, Moment
from server.directory.importing import Plan, carry_out, plan_of
from server.directory.reading import read
from server.directory.tables import read_tables
from server.store.database import transaction
from server.store.models import DirectoryUpload
from server.store.writing import insert

KEPT: Final = DAY
"""How long a file waits for its answer."""

_YAML: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file would do: the plan, or why there is none."""

    id: int
    name: str
    removes: bool
    plan: Plan | None
    findings: list[Finding]


class PlanChanged(Exception):
    """What the file would do is not what was shown any more."""


def keep(name: str, data: bytes, removes: bool, by: str, now: Moment) -> int:
    """Keep a file for whoever brought it; those that he brought before, and old ones, are forgotten."""
    with transaction():
        DirectoryUpload.delete().where((DirectoryUpload.by == by) | (DirectoryUpload.at < now - KEPT)).execute()
        sha256 = hashlib.sha256(data).hexdigest()
        row = {"name": name[:200], "sha256": sha256, "data": data, "removes": removes, "by": by, "at": now}
        return insert(DirectoryUpload, row)


def look(id_: int, by: str, now: Moment, zone: ZoneInfo) -> Looked | None:
    """What the file would do as the directory is now; None: it is not there, or not his."""
    upload = _found(id_, by, now)
    if upload is None:
        return None
    made, findings = _planned(upload, by, zone)
    return Looked(upload.id, upload.name, upload.removes, made, findings)


def finish(id_: int, sha256: str, by: str, now: Moment, zone: ZoneInfo) -> int | None:
    """Do what was shown under that hash; gives how many changes. None: the file is not there. Raises PlanChanged,
    DirectoryChanged."""
    upload = _found(id_, by, now)
    if upload is None:
        return None
    made, _ = _planned(upload, by, zone)
    if made is None or made.sha256 != sha256:
        raise PlanChanged
    with transaction():
        carry_out(made, now, by, {"name": upload.name, "sha256": upload.sha256})
        DirectoryUpload.delete().where(DirectoryUpload.id == id_).execute()
    return len(made.changes)


def forget(id_: int, by: str) -> None:
    """Do nothing with the file, and forget it."""
    with transaction():
        DirectoryUpload.delete().where((DirectoryUpload.id == id_) & (DirectoryUpload.by == by)).execute()


def _found(id_: int, by: str, now: Moment) -> DirectoryUpload | None:
    return DirectoryUpload.get_or_none(
        (DirectoryUpload.id == id_) & (DirectoryUpload.by == by) & (DirectoryUpload.at >= now - KEPT)
    )


def _planned(upload: DirectoryUpload, by: str, zone: ZoneInfo) -> tuple[Plan | None, list[Finding]]:
    return planned(bytes(upload.data), upload.name, zone, removes=upload.removes, by=by)


def planned(
    data: bytes, name: str, zone: ZoneInfo, *, removes: bool = True, by: str | None = None
) -> tuple[Plan | None, list[Finding]]:
    """What a file of any kind would change: YAML by its name's ending, else a CSV or XLSX table."""
    found = read(data, name) if name.lower().endswith(_YAML) else read_tables(data, name, zone)
    return plan_of(*found, removes=removes, by=by)
