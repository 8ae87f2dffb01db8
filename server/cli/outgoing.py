"""`duban outgoing`: whether messages leave, and the decision about those that were held back."""

from __future__ import annotations

import click

from server import delivery
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, say, tell
from server.core.moments import show


@click.group(help=say("help-outgoing"))
def outgoing() -> None:
    """Messages as a whole."""


@outgoing.command("status", help=say("help-outgoing-status"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def status(as_json: bool) -> None:
    """Says whether messages are held back, since when and why; 1 if they are."""
    with opened():
        hold, waiting = delivery.outgoing_hold(), delivery.waiting()
    if as_json:
        since = None if hold is None else show(hold.at)
        reason = None if hold is None else hold.reason
        click.echo(files.dumped({"held": hold is not None, "since": since, "reason": reason, "waiting": waiting}))
    elif hold is None:
        click.echo(say("outgoing-leaving", waiting=waiting))
    else:
        click.echo(say("outgoing-held", since=show(hold.at), why=_why(hold.reason), waiting=waiting))
    if hold is not None:
        raise SystemExit(1)


@outgoing.command("hold", help=say("help-outgoing-hold"))
@click.option("--reason", metavar="TEXT", required=True, help=say("option-reason"))
def hold(reason: str) -> None:
    """Holds everything back from now on."""
    with opened():
        delivery.hold_outgoing(files.now(), reason)
    tell("outgoing-now-held")


@outgoing.command("release", help=say("help-outgoing-release"))
@click.option("--send", "decision", flag_value="send", help=say("option-send"))
@click.option("--skip", "decision", flag_value="skip", help=say("option-skip"))
def release(decision: str | None) -> None:
    """Lets messages leave again: with those that wait, or without them."""
    if decision is None:
        raise click.UsageError(say("send-or-skip"))
    send = decision == "send"
    with opened():
        if delivery.outgoing_hold() is None:
            fail("outgoing-not-held")
        count = delivery.release_outgoing(files.now(), None, send=send)
    tell("outgoing-released" if send else "outgoing-skipped", count=count)


def _why(reason: str) -> str:
    words = {delivery.RESTORED: say("held-restored"), delivery.BEHIND: say("held-behind")}
    return words.get(reason, reason)
