"""`duban export`: the issues and events of a process for other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from server import exporting, policies
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, say, tell
from server.directory import snapshot


@click.command(help=say("help-export"))
@click.argument("process")
@click.option(
    "--format", "format_", type=click.Choice(list(exporting.FORMATS)), required=True, help=say("option-format")
)
@click.option("-o", "--output", metavar="FILE", default="-", help=say("option-output"))
@click.option("--private", is_flag=True, help=say("option-private"))
@click.option("--as", "by", metavar="LOGIN", help=say("option-export-as"))
def export(process: str, format_: str, output: str, private: bool, by: str | None) -> None:
    """Writes issues and events; who took them out is in the audit trail."""
    with opened():
        _require(by, private)
        try:
            with _to(output) as file:
                count = exporting.export(
                    process, format_, file, files.now(), private=private, by=by, progress=_progress
                )
        except exporting.UnknownProcess:
            fail("no-process", name=process, defined=", ".join(sorted(policies.in_force().processes)))
        except BrokenPipeError:
            sys.exit(1)
        except OSError as error:
            fail("cannot-write", file=output, why=error.strerror or str(error))
    if output != "-":
        tell("exported-issues", count=count, file=output)


def _require(by: str | None, private: bool) -> None:
    """Ends with 2 when this person may not: private fields are taken out by somebody who may read them, by name."""
    if by is None:
        if private:
            fail("private-by-whom")
        return
    people = snapshot()
    if people.active(by) is None:
        fail("export-nobody", login=by)
    for permission in ("issue.read", *(["private.read"] if private else [])):
        if permission not in people.permissions_of(by):
            fail("export-may-not", login=by, permission=permission)


@contextmanager
def _to(output: str) -> Iterator[BinaryIO]:
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with Path(output).open("wb") as file:
        yield file


def _progress(done: int, all: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{say('export-progress', done=done, all=all)}", err=True, nl=done >= all)
