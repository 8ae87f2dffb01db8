"""Writing a backup: every table in one consistent snapshot, row by row, while the server goes on working."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import secrets
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

import peewee

from server.backup.file import BLOCK, MANIFEST, Content, Manifest, Progress, member, seal, unsealed_comment
from server.backup.tables import Table, tables
from server.core.moments import Moment, show
from server.store import migrating
from server.store.database import Store

_LEVEL: Final = 3
"""Of the compression: higher ones take several times as long for a few per cent."""

_TYPES: Final = {"integer": "int8", "real": "float8", "text": "text", "bytes": "bytea"}


def write(store: Store, path: Path, now: Moment, progress: Progress = lambda *_: None) -> Manifest:
    """Write a backup of the store to a new file, which only its owner can read; nothing is there until all of it is.

    Readers and writers go on meanwhile. Raises FileExistsError and other OSErrors, Unavailable, TooNew.
    """
    _refuse_existing(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as file:
            manifest = _fill(store, file, now, progress)
            file.flush()
            os.fsync(file.fileno())
        _refuse_existing(path)
        beside.rename(path)
        _keep_names(path.parent)
    finally:
        beside.unlink(missing_ok=True)
    return manifest


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _keep_names(folder: Path) -> None:
    """The name of a new file is on disk when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(store: Store, file: IO[bytes], now: Moment, progress: Progress) -> Manifest:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        archive.comment = unsealed_comment()
        with store.snapshot():
            step = migrating.last_step(store)
            contents = tuple(_copy(store, archive, table, progress) for table in tables(store))
        manifest = Manifest(version("duban"), step, now, show(now), contents)
        archive.writestr(MANIFEST, json.dumps(manifest.as_json(), indent=1))
    seal(file, progress)
    return manifest


def _copy(store: Store, archive: zipfile.ZipFile, table: Table, progress: Progress) -> Content:
    digest, count = hashlib.sha256(), 0
    blobs = [place for place, kind in enumerate(table.columns.values()) if kind == "bytes"]
    rows = _rows_of_postgresql if store.is_postgresql else _rows_of_sqlite
    with archive.open(member(table.name), "w", force_zip64=True) as raw, io.BufferedWriter(raw, BLOCK) as lines:
        for row in rows(store, table):
            values = list(row)
            for place in blobs:
                if values[place] is not None:
                    values[place] = b64encode(values[place]).decode("ascii")
            line = json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
            digest.update(line)
            lines.write(line)
            count += 1
            progress(table.name, count, None)
    return Content(table.name, dict(table.columns), count, digest.hexdigest())


def _rows_of_sqlite(store: Store, table: Table) -> Iterator[Any]:
    """The rows in the order of their key."""
    yield from store.db.execute_sql(f'SELECT {_names(table.columns)} FROM "{table.name}" ORDER BY {_names(table.key)}')


def _rows_of_postgresql(store: Store, table: Table) -> Iterator[Any]:
    """The rows in the order of their key, as SQLite has it: texts by their bytes."""
    shown = ", ".join(
        f'"{name}"::int::int8' if name in table.flags else f'"{name}"::{_TYPES[kind]}'
        for name, kind in table.columns.items()
    )
    order = ", ".join(f'"{name}" COLLATE "C"' if table.columns[name] == "text" else f'"{name}"' for name in table.key)
    query = f'COPY (SELECT {shown} FROM "{table.name}" ORDER BY {order}) TO STDOUT (FORMAT BINARY)'
    # Row by row from the server: the result of a plain query would all be in memory first.
    with peewee.__exception_wrapper__, store.db.cursor().copy(query) as copy:  # type: ignore[attr-defined]
        copy.set_types([_TYPES[kind] for kind in table.columns.values()])
        yield from copy.rows()


def _names(columns: Any) -> str:
    return ", ".join(f'"{name}"' for name in columns)
