"""`duban calendar`: working-time sums (contract, "Command line")."""

from __future__ import annotations

import click

from server.cli import files
from server.cli.progress import counted
from server.cli.words import fail_with, language, say
from server.core import sums

policies_option = click.option("--policies", metavar="DIR", help=say("option-policies"))


@click.group(help=say("help-calendar"))
def calendar() -> None:
    """Working-time sums."""


@calendar.command("add", help=say("help-calendar-add"))
@click.argument("calendar")
@click.argument("start")
@click.argument("duration")
@policies_option
def add(calendar: str, start: str, duration: str, policies: str | None) -> None:
    """Prints the ISO time that lies a duration after the start."""
    found = files.calendar_of(files.loaded(policies), calendar)
    try:
        click.echo(sums.add(found, start, duration))
    except sums.BadSum as error:
        fail_with([error.finding.text(language())])


@calendar.command("between", help=say("help-calendar-between"))
@click.argument("calendar")
@click.argument("start", metavar="A")
@click.argument("end", metavar="B")
@policies_option
def between(calendar: str, start: str, end: str, policies: str | None) -> None:
    """Prints the seconds of open time between two times."""
    found = files.calendar_of(files.loaded(policies), calendar)
    try:
        click.echo(sums.between(found, start, end))
    except sums.BadSum as error:
        fail_with([error.finding.text(language())])


@calendar.command("batch", help=say("help-calendar-batch"))
@click.argument("file", metavar="FILE.jsonl")
@policies_option
def batch(file: str, policies: str | None) -> None:
    """A line of result or error for each line of the file."""
    library = files.loaded(policies)
    results = sums.batch(files.lines(file), library.calendars, language())
    for result in counted(results, "lines-progress"):
        click.echo(files.dumped(result))
