"""`duban check`, `decide`, `simulate`: policies tried without a server (contract, "Command line")."""

from __future__ import annotations

import sys

import click

from server.cli import files
from server.cli.progress import counted, progress
from server.cli.words import fail, fail_with, language, say, tell
from server.core.findings import Finding, has_errors


@click.command(help=say("help-check"))
@click.argument("paths", metavar="[FILE…]", nargs=-1)
@click.option("--live", is_flag=True, help=say("option-live"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def check(paths: tuple[str, ...], live: bool, as_json: bool) -> None:
    """Schema, references, examples, lint; ends with 1 if any error. `live`: also what the store shows."""
    from server.core.checking import check as check_documents

    if live:
        given, findings = _checked_live(paths)
    else:
        given = [(path, files.read(path)) for path in paths] if paths else files.documents(None)
        with progress(lambda _, done, total: say("documents-progress", done=done, total=total)) as told:
            context = files.beside(paths) if paths else []
            findings = check_documents(given, files.now(), context, told=lambda done: told("", done, len(given)))
    for finding in findings:
        click.echo(files.dumped(finding.as_dict(language())) if as_json else finding.line_in(language()))
    errors = sum(finding.level == "error" for finding in findings)
    tell("checked", count=len(given), errors=errors, warnings=len(findings) - errors)
    sys.exit(1 if has_errors(findings) else 0)


def _checked_live(paths: tuple[str, ...]) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """The files, or without any the documents in force, checked by themselves and beside the server's own people,
    rotas, channels and secrets."""
    from server import checkup
    from server.cli.stores import opened
    from server.core.checking import check as check_documents
    from server.core.findings import in_order

    with opened():
        others = checkup.in_force()
        given = [(path, files.read(path)) for path in paths] if paths else others
        context = others if paths else []
        found = check_documents(given, files.now(), context)
        found += checkup.check(given, files.now(), context)
    return given, in_order(found)


@click.command(help=say("help-decide"))
@click.argument("process")
@click.argument("issue", metavar="ISSUE.json")
@click.option("--at", metavar="T", help=say("option-at"))
@click.option("--policies", metavar="DIR", help=say("option-policies"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def decide(process: str, issue: str, at: str | None, policies: str | None, as_json: bool) -> None:
    """Judges one issue, stores nothing."""
    from server.core.deciding import Refused
    from server.core.deciding import decide as judge

    given = files.json_object(issue)
    library = files.loaded(policies)
    found = files.process_of(library, process)
    try:
        decision = judge(found, given, files.moment(at, found.calendar))
    except Refused as error:
        fail_with(f"{problem.at or '/'}: {problem.text(language())}" for problem in error.problems)
    if as_json:
        click.echo(files.dumped(decision))
    else:
        _show_decision(decision)


def _show_decision(decision: dict[str, object]) -> None:
    import json

    click.echo(json.dumps(decision, ensure_ascii=False, indent=2))


@click.command(help=say("help-simulate"))
@click.argument("scripts", metavar="SCRIPT.yaml…", nargs=-1, required=True)
@click.option("--policies", metavar="DIR", help=say("option-policies"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def simulate(scripts: tuple[str, ...], policies: str | None, as_json: bool) -> None:
    """Plays scripts and prints their timelines as JSON Lines."""
    from server.core import documents
    from server.core.scripts import BadScript, read_script
    from server.core.simulate import play, timeline

    library = files.loaded(policies)
    for path in counted(scripts, "scripts-progress", len(scripts)):
        document, found = documents.read(files.read(path), path)
        if document is None or has_errors(found):
            fail_with(finding.line_in(language()) for finding in found)
        name = document.value.get("process") if isinstance(document.value, dict) else None
        if not isinstance(name, str):
            fail("script-without-process", file=path)
        process = files.process_of(library, name)
        try:
            simulation = play(read_script(document.value, process), process, library.processes)
        except BadScript as error:
            fail_with(_located(document, finding).line_in(language()) for finding in error.findings)
        for line in timeline(simulation):
            click.echo(files.dumped({"script": path, **line} if len(scripts) > 1 else line))


def _located(document: object, finding: Finding) -> Finding:
    from server.core.library import located

    return located(document, finding)  # type: ignore[arg-type]
