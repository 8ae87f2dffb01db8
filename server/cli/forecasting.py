"""`duban what-if`: what lies ahead of an issue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import click

from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say


@click.command("what-if", help=say("help-what-if"))
@click.argument("process")
@click.argument("issue_file", metavar="[ISSUE.json]", required=False)
@click.option("--severity", metavar="S", help=say("option-severity"))
@click.option("--issue", "number", metavar="NUMBER", help=say("option-issue"))
@click.option("--at", metavar="T", help=say("option-what-if-at"))
@click.option("--until", metavar="T", help=say("option-until"))
@click.option("--policies", metavar="DIR", help=say("option-policies"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def what_if(
    process: str,
    issue_file: str | None,
    severity: str | None,
    number: str | None,
    at: str | None,
    until: str | None,
    policies: str | None,
    as_json: bool,
) -> None:
    """Prints the timeline ahead if nobody acts, and if everybody acts at the last moment."""
    from server import forecasting
    from server.core.deciding import Refused
    from server.recording import UnknownIssue

    if sum(one is not None for one in (issue_file, severity, number)) != 1:
        fail("what-if-of-what")
    with ExitStack() as stack:
        if number is not None:
            stack.enter_context(opened())
            from server import policies as documents

            found = documents.in_force().processes.get(process)
            if found is None:
                fail("no-process", name=process, defined=", ".join(sorted(documents.in_force().processes)))
            calendar = found.process.calendar
        else:
            library = files.loaded(policies)
            judge = files.process_of(library, process)
            calendar = judge.calendar
        now = files.moment(at, calendar)
        end = None if until is None else files.moment(until, calendar)
        try:
            if number is not None:
                lines = forecasting.of_issue(process, number, end, hidden=False)
            elif severity is not None:
                lines = forecasting.of_severity(judge, severity, now, end)
            else:
                assert issue_file is not None
                lines = forecasting.of_facts(judge, files.json_object(issue_file), now, end, library.processes)
        except Refused as error:
            fail_with(f"{problem.at or '/'}: {problem.text(language())}" for problem in error.problems)
        except forecasting.UnknownSeverity:
            fail("no-severity", name=severity, defined=", ".join(judge.severities))
        except (UnknownIssue, forecasting.OtherProcess):
            fail("no-issue-of-process", number=number, process=process)
        if as_json:
            for line in lines:
                click.echo(files.dumped(line))
        else:
            _tell(lines)


def _tell(lines: Iterable[Mapping[str, Any]]) -> None:
    titles = {"nobody": say("what-if-nobody"), "everybody": say("what-if-everybody")}
    for line in lines:
        if line["if"] in titles:
            click.echo(titles.pop(line["if"]))
        click.echo(f"  {said(line)}")


def said(entry: Mapping[str, Any]) -> str:
    """A line of a timeline in short."""
    rest = [
        f"{key}={files.dumped(value) if isinstance(value, dict | list) else value}"
        for key, value in entry.items()
        if key not in ("at", "number", "kind", "because", "with", "values", "if") and value is not None
    ]
    return " ".join((str(entry["at"]), str(entry["kind"]), *rest))
