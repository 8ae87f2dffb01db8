"""`duban audit export`, `verify-bundle`, `recompute`, `at`: evidence about issues (docs/evidence.md)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from server import settings as environment
from server.cli import files
from server.cli.auditing import audit
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say, tell

__all__ = ["audit"]


@audit.command("export", help=say("help-audit-export"))
@click.option("--issue", "number", metavar="NUMBER", required=True, help=say("option-issue"))
@click.option("-o", "--output", metavar="FILE", required=True, help=say("option-output-file"))
@click.option("--private", is_flag=True, help=say("option-private"))
@click.option("--as", "by", metavar="LOGIN", help=say("option-export-as"))
def export(number: str, output: str, private: bool, by: str | None) -> None:
    """Writes the file of evidence about an issue; who took it is in the audit trail."""
    from server.evidence import bundle
    from server.sealing import Signer

    with opened():
        _require(by, private)
        key = environment.current().signing_key
        try:
            made = bundle.export(number, files.now(), None if key is None else Signer(key), by=by, private=private)
        except bundle.UnknownIssue:
            fail("no-issue", number=number)
        except bundle.NoKey:
            fail("no-signing-key")
        except bundle.NotSealed:
            fail("not-sealed")
    _write(output, made)
    tell("exported-evidence", number=number, file=output, size=f"{len(made):,}")


@audit.command("verify-bundle", help=say("help-audit-verify-bundle"))
@click.argument("file")
@click.option("--key", "keys", metavar="KEY", multiple=True, help=say("option-bundle-key"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def verify_bundle(file: str, keys: tuple[str, ...], as_json: bool) -> None:
    """Checks a file of evidence, with the script that lies in it."""
    from server.evidence.bundle import verify

    try:
        report = verify.check(verify.read(file), keys)
    except verify.Unreadable as error:
        fail_with([verify.text(verify.Finding(error.code, error.params), language())])
    if as_json:
        click.echo(files.dumped(report.as_dict(language())))
    else:
        for finding in report.findings:
            click.echo(verify.text(finding, language()))
        for note in report.notes:
            click.echo(verify.text(note, language()), err=True)
        click.echo(verify.summary(report, language()), err=True)
    sys.exit(0 if report.sound else 1)


@audit.command("recompute", help=say("help-audit-recompute"))
@click.option("--issue", "number", metavar="NUMBER", help=say("option-issue"))
@click.option("--all", "everything", is_flag=True, help=say("option-all-issues"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def recompute(number: str | None, everything: bool, as_json: bool) -> None:
    """Computes issues anew and compares; ends with 1 and names what differs."""
    from server.cli.progress import progress
    from server.evidence import recomputing

    if (number is None) is not everything:
        fail("issue-or-all")
    with opened():
        try:
            if number is not None:
                found = recomputing.one(number)
            else:
                with progress(lambda what, done, total: say("recompute-progress", done=done, total=total)) as show:
                    found = recomputing.recompute(lambda done, total: show("", done, total))
        except recomputing.UnknownIssue:
            fail("no-issue", number=number)
    if as_json:
        listed = [{**one.as_dict(), "message": _difference(one)} for one in found.differences]
        counts = {"issues": found.issues, "events": found.events, "erased": found.erased}
        click.echo(files.dumped({"ok": found.is_same, **counts, "differences": listed, "more": found.more}))
    else:
        for one in found.differences:
            click.echo(_difference(one))
        if found.more:
            click.echo(say("audit-more", count=found.more))
        for erased in found.erased:
            tell("recompute-erased", issue=erased)
        code = "recompute-same" if found.is_same else "recompute-differs"
        count = len(found.differences) + found.more
        tell(code, issues=found.issues, events=found.events, erased=len(found.erased), count=count)
    sys.exit(0 if found.is_same else 1)


@audit.command("at", help=say("help-audit-at"))
@click.argument("number")
@click.argument("time")
@click.option("--private", is_flag=True, help=say("option-at-private"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def at(number: str, time: str, private: bool, as_json: bool) -> None:
    """Says what was so on an issue at a moment, from the recorded events alone."""
    from server.cli.then import lines
    from server.evidence import at as then
    from server.recording import held

    with opened():
        try:
            moment = files.moment(time, held(number).pinned.process.calendar)
            if moment > files.now():
                fail("future-moment", text=time)
            found = then.at(number, moment, private=private)
        except then.UnknownIssue:
            fail("no-issue", number=number)
        except then.NotYet as error:
            fail("not-recorded-yet", number=number, recorded=error.recorded)
    if as_json:
        click.echo(files.dumped(found))
        return
    for line in lines(found):
        click.echo(line)


def _difference(one: Any) -> str:
    """A difference in words."""
    from server.evidence.telling import difference_text

    return difference_text(one, language())


def _require(by: str | None, private: bool) -> None:
    """Ends with 2 when this person may not: private fields are taken out by somebody who may read them, by name."""
    from server.directory import snapshot

    if by is None:
        if private:
            fail("private-by-whom")
        return
    people = snapshot()
    if people.active(by) is None:
        fail("export-nobody", login=by)
    for permission in ("audit.read", *(["private.read"] if private else [])):
        if permission not in people.permissions_of(by):
            fail("export-may-not", login=by, permission=permission)


def _write(output: str, made: bytes) -> None:
    try:
        if output == "-":
            sys.stdout.buffer.write(made)
            sys.stdout.buffer.flush()
        else:
            Path(output).write_bytes(made)
    except OSError as error:
        fail("cannot-write", file=output, why=error.strerror or str(error))
