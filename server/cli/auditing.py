"""`duban audit`: what the audit trail proves (contract, "Command line"; docs/evidence.md)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from server import settings as environment
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, language, say, tell


@click.group(help=say("help-audit"))
def audit() -> None:
    """The audit trail."""


@audit.command("verify", help=say("help-audit-verify"))
@click.option("--anchor", "anchors", metavar="FILE", multiple=True, help=say("option-anchor"))
@click.option("--key", "keys", metavar="KEY", multiple=True, help=say("option-key"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def verify(anchors: tuple[str, ...], keys: tuple[str, ...], as_json: bool) -> None:
    """Verifies the whole trail; ends with 1 and names what is not as it was sealed."""
    from server import sealing
    from server.evidence.verifying import verify as verified
    from server.sealing.checkpoints import BadKey, read_key

    try:
        given = tuple(map(read_key, keys))
    except BadKey as bad:
        fail("bad-key", text=str(bad))
    with opened():
        settings = environment.current()
        known = (*sealing.keys(settings), *given)
        outside = _outside(settings, anchors)
        found = verified(known, outside, _progress())
    if as_json:
        click.echo(files.dumped(_as_json(found, [key.show() for key in known])))
    else:
        _show(found)
    sys.exit(0 if found.is_sound else 1)


@audit.command("key", help=say("help-audit-key"))
def key() -> None:
    """Prints the public key by which checkpoints can be checked elsewhere."""
    from server import sealing
    from server.cli.configured import read_settings

    found = sealing.keys(read_settings())
    if not found:
        fail("no-signing-key")
    click.echo(found[0].show())


def _outside(settings: environment.Settings, given: tuple[str, ...]) -> list[Any]:
    """The checkpoints in the file anchors that are configured, and in files given; ends with 2 when one of these
    cannot be read."""
    from server.evidence.verifying import Outside
    from server.sealing import checkpoints

    paths = dict.fromkeys([*given, *(anchor.target for anchor in settings.anchors if anchor.kind == "file")])
    found = []
    for path in paths:
        if path not in given and not Path(path).exists():
            tell("anchor-not-there", file=path)
            continue
        text = files.read(path).decode("utf-8", "replace")
        found.append(Outside(path, list(checkpoints.read(text))))
    return found


def _progress() -> Callable[[int], object]:
    """Shows on a terminal how many entries have been read."""
    if not sys.stderr.isatty():
        return lambda read: None

    def show(read: int) -> None:
        click.echo("\r" + say("audit-progress", read=f"{read:,}"), err=True, nl=False)

    return show


def _as_json(found: Any, keys: list[str]) -> dict[str, Any]:
    first = found.findings[0] if found.findings else None
    return {
        "ok": found.is_sound,
        "entries": found.entries,
        "unsealed": found.unsealed,
        "blocks": found.blocks,
        "events": found.events,
        "hash": found.hash.hex(),
        "checkpoints": found.checkpoints,
        "foreign": found.foreign,
        "keys": keys,
        "first": None if first is None else {**first.as_dict(), "message": _text(first)},
        "findings": [{**finding.as_dict(), "message": _text(finding)} for finding in found.findings],
        "more": found.more,
    }


def _text(finding: Any) -> str:
    from server.evidence.telling import finding_text

    return finding_text(finding, language())


def _show(found: Any) -> None:
    if sys.stderr.isatty():
        click.echo("", err=True)
    for finding in found.findings:
        click.echo(_text(finding))
    if found.more:
        click.echo(say("audit-more", count=found.more))
    for place, count in found.foreign.items():
        tell("audit-foreign", anchor=place, count=count)
    outside = sum(count for place, count in found.checkpoints.items() if place != "store")
    if not outside:
        tell("audit-not-anchored")
    code = "audit-sound" if found.is_sound else "audit-tampered"
    tell(
        code,
        entries=found.entries,
        blocks=found.blocks,
        unsealed=found.unsealed,
        checkpoints=found.checkpoints.get("store", 0),
        outside=outside,
        findings=len(found.findings) + found.more,
    )
