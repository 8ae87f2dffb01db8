"""`duban drill`: a script played against the live directory, and the drills that were kept (docs/drills.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from server.accounts import Caller
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say, tell
from server.core.findings import has_errors
from server.core.vocabulary import in_language

MAY: tuple[str, ...] = ("policy.propose", "system")
"""One of these is enough to play a drill."""

SHOWN = 100
_DEFAULT = "play"


class _Drill(click.Group):
    """`list` and `show`; any other word is a script to play."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Drill, help=say("help-drill"))
def drill() -> None:
    """Drills."""


@drill.command(_DEFAULT, help=say("help-drill"), hidden=True)
@click.argument("script", metavar="SCRIPT.yaml")
@click.option("--policies", metavar="DIR", help=say("option-drill-policies"))
@click.option("--as", "login", metavar="LOGIN", help=say("option-as"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def play(script: str, policies: str | None, login: str | None, as_json: bool) -> None:
    """Plays a script, keeps what it shows, prints it."""
    from server import drills
    from server.core import documents
    from server.core.library import located
    from server.core.scripts import BadScript, read_script

    data = files.read(script)
    document, found = documents.read(data, script)
    if document is None or has_errors(found):
        fail_with(finding.line_in(language()) for finding in found)
    name = document.value.get("process") if isinstance(document.value, dict) else None
    if not isinstance(name, str):
        fail("script-without-process", file=script)
    with opened():
        if login is not None:
            _must_be_allowed(login)
        plan = _plan(name, policies)
        try:
            made = drills.run(
                plan,
                read_script(document.value, plan.process),
                data.decode("utf-8"),
                files.now(),
                name=in_language(document.value.get("name"), language(), script),
                by=login,
            )
        except BadScript as error:
            fail_with(located(document, finding).line_in(language()) for finding in error.findings)
    _print(made, as_json)


def _must_be_allowed(login: str) -> None:
    from server.directory import snapshot

    who = snapshot().active(login)
    if who is None or not any(Caller(login, snapshot().permissions_of(login)).may(one) for one in MAY):
        fail("may-not", login=login, permission=" / ".join(MAY))


def _plan(name: str, folder: str | None) -> Any:
    from server import drills, policies

    if folder is not None:
        library = files.loaded(folder)
        return drills.of_library(library, files.process_of(library, name))
    found = drills.in_force(name)
    if found is None:
        fail("no-process", name=name, defined=", ".join(policies.in_force().processes))
    return found


@drill.command("list", help=say("help-drill-list"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def listed(as_json: bool) -> None:
    """The drills that were played, newest first."""
    from server import drills

    with opened():
        rows = [drills.brief(row) for row in drills.newest(SHOWN)]
    for row in rows:
        if as_json:
            click.echo(files.dumped(row))
        else:
            click.echo(f"{row['drill']}\t{row['at']}\t{row['process']}\t{row['name']}\t{_figures(row['totals'])}")


@drill.command("show", help=say("help-drill-show"))
@click.argument("drill_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def show(drill_id: int, as_json: bool) -> None:
    """One drill with its report."""
    from server import drills

    with opened():
        try:
            found = drills.shown(drills.kept(drill_id))
        except drills.UnknownDrill:
            fail("no-drill", id=drill_id)
    _print(found, as_json)


# -- words ---------------------------------------------------------------------------------------------------------


def _print(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(files.dumped(found))
        return
    for line in _lines(found):
        click.echo(line)
    tell("drill-kept", id=found["drill"])


def _figures(totals: Mapping[str, int]) -> str:
    return say("drill-figures", **totals)


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    version = say("drill-in-force" if found["in_force"] else "drill-of-folder")
    yield say("drill-head", id=found["drill"], process=found["process"], version=version, start=found["start"])
    yield _figures(found["totals"])
    for message in found["messages"]:
        yield ""
        yield f"{message['at']} {message['number']} {message['notice']}: {_way(message)}"
        yield f"  {_names(message['recipients']) or ', '.join(message['to'])}"
        yield from (f"  | {line}" for line in (message["body"] or message["subject"]).splitlines())
    for head, line, rows in _parts(found):
        if rows:
            yield ""
            yield say(head)
            yield from (f"  {say(line, **_flat(row))}" for row in rows)
    odd = [one for one in found["people"] if one["name"] is None or one["is_not"]]
    if odd:
        yield ""
        yield say("drill-people")
    for one in odd:
        code = "drill-unknown" if one["name"] is None else "drill-is-not"
        yield f"  {say(code, login=one['login'], whos=', '.join(one['is_not']))}"


def _parts(found: Mapping[str, Any]) -> Iterator[tuple[str, str, list[Mapping[str, Any]]]]:
    gaps = found["gaps"]
    yield "drill-missed", "drill-missed-line", found["missed"]
    yield "drill-escalations", "drill-escalation-line", found["escalations"]
    yield "drill-refused", "drill-refused-line", found["refused"]
    yield "drill-gaps-channels", "drill-channel-line", gaps["channels"]
    yield "drill-gaps-addresses", "drill-address-line", gaps["addresses"]
    yield "drill-gaps-nobody", "drill-nobody-line", gaps["nobody"]


_OUTCOMES: Mapping[str, str] = {"told": "drill-told", "by_hand": "drill-by-hand", "not_told": "drill-not-told"}
_REASONS: Mapping[str, str] = {
    "nobody": "drill-nobody",
    "no_address": "drill-no-address",
    "not_configured": "drill-not-configured",
}


def _way(message: Mapping[str, Any]) -> str:
    text = say(_OUTCOMES[message["outcome"]], channel=message["channel"])
    if message["instead_of"]:
        text += say("drill-instead", channel=message["instead_of"])
    return text + (say(_REASONS[message["reason"]]) if message["reason"] else "")


def _names(recipients: list[Mapping[str, Any]]) -> str:
    return ", ".join(
        f"{one['name'] or one['id']} <{one['address']}>" if one["address"] else one["name"] or one["id"]
        for one in recipients
    )


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: ", ".join(value) if isinstance(value, list) else value for key, value in row.items()}
    if "ladder" in flat:
        flat["rung"] = say("drill-rung", **flat) if row["rung"] else say("drill-exhausted")
    return flat
