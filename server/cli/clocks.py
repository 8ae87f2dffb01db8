"""`duban clock`: the clock that all processes of a store go by."""

from __future__ import annotations

import sys

import click

from server.accounts import Caller
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, say, tell


@click.group(help=say("help-clock"))
def clock() -> None:
    """The clock that all processes go by."""


@clock.command("show", help=say("help-clock-show"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def show(as_json: bool) -> None:
    """What time it is, and whether the clock is held; ends with 1 if it is."""
    from server import clock as clocks
    from server.core.moments import show as shown

    with opened():
        reading, held = clocks.current().read(), clocks.held()
    if as_json:
        found = held and {"since": shown(held.since), "jumped_ms": held.by, "holder": held.holder}
        click.echo(files.dumped({"shows": shown(reading.wall), "held": found}))
    else:
        click.echo(shown(reading.wall))
        if held is not None:
            tell("clock-held", since=shown(held.since), seconds=held.by // 1000)
    sys.exit(0 if held is None else 1)


@clock.command("confirm", help=say("help-clock-confirm"))
@click.option("--as", "login", metavar="LOGIN", required=True, help=say("option-as"))
def confirm(login: str) -> None:
    """Says that the clock is right; ends with 1 when it is not held."""
    from server import clock as clocks
    from server.directory import snapshot

    with opened():
        who = snapshot().active(login)
        if who is None or not Caller(login, snapshot().permissions_of(login)).may("system"):
            fail("may-not", login=login, permission="system")
        done = clocks.confirm(login)
    tell("clock-confirmed" if done else "clock-not-held")
    sys.exit(0 if done else 1)
