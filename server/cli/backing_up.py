"""`duban backup`, `duban restore`: the whole store in one file, and back."""

from __future__ import annotations

from pathlib import Path

import click

from server import backup as backups
from server import settings as environment
from server.backup import Manifest, NoBackup, NotEmpty, OtherSteps, TooNewBackup
from server.cli import files
from server.cli.configured import read_settings
from server.cli.progress import progress
from server.cli.stores import opened
from server.cli.words import fail, say, tell
from server.store import database
from server.store.failures import Unavailable, UnsafeStore
from server.store.migrating import TooNew

json_option = click.option("--json", "as_json", is_flag=True, help=say("option-json"))


@click.command(help=say("help-backup"))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Writes a consistent copy of the store while the server runs."""
    with opened(old=True):
        try:
            with progress(_shown) as show:
                manifest = backups.write(database.current(), file, files.now(), show)
            backups.made(manifest, files.now())
        except FileExistsError:
            fail("exists", file=str(file))
        except OSError as error:
            fail("cannot-write", file=str(file), why=error.strerror or str(error))
    tell("backed-up", file=str(file), **_counts(manifest))
    if as_json:
        click.echo(files.dumped(manifest.as_json()))


@click.command(help=say("help-restore"))
@click.argument("file", type=click.Path(path_type=Path))
@json_option
def restore(file: Path, as_json: bool) -> None:
    """Reads a backup back into an empty store."""
    settings = read_settings()
    environment.use(settings)
    environment.make_data_folder(settings)
    try:
        store = database.open(settings.database)
        try:
            with progress(_shown) as show:
                manifest = backups.restore(store, file, files.now(), show)
            is_behind = backups.notice(settings, files.now()) is not None
        finally:
            store.close()
    except NoBackup as error:
        fail("no-backup", file=str(file), why=str(error))
    except TooNewBackup as error:
        fail("backup-too-new", file=str(file), why=str(error))
    except NotEmpty:
        fail("not-empty", place=_place(settings.database))
    except OtherSteps as error:
        fail("other-steps", place=_place(settings.database), why=str(error))
    except (Unavailable, UnsafeStore, TooNew) as error:
        fail("cannot-open", why=str(error))
    except OSError as error:
        fail("cannot-read", file=str(file), why=error.strerror or str(error))
    tell("restored", made=manifest.made, place=_place(settings.database), **_counts(manifest))
    tell("store-behind" if is_behind else "restored-held")
    if as_json:
        click.echo(files.dumped(manifest.as_json()))


def _counts(manifest: Manifest) -> dict[str, int]:
    return {"issues": manifest.count("issue"), "events": manifest.count("event"), "rows": manifest.rows}


def _place(url: str) -> str:
    """The database's address without its password."""
    before, at, after = url.rpartition("@")
    return f"{before.rpartition(':')[0]}@{after}" if at and before.count(":") > 1 else url


def _shown(what: str, done: int, total: int | None) -> str:
    if not what:
        return say("checking-file", percent=100 if not total else done * 100 // total)
    return (
        say("at-table", table=what, done=f"{done:,}")
        if total is None
        else say("of-table", table=what, done=f"{done:,}", total=f"{total:,}")
    )
