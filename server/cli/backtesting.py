"""`duban backtest`: what a draft would have changed on past issues."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click

from server import backtesting
from server.backtesting import Outcome
from server.cli import files
from server.cli.forecasting import said
from server.cli.progress import progress
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say


@click.command(help=say("help-backtest"))
@click.argument("process")
@click.option("--draft", metavar="FILE", required=True, help=say("option-draft"))
@click.option("--issues", metavar="FILE.jsonl", help=say("option-issues"))
@click.option("--policies", metavar="DIR", help=say("option-policies"))
@click.option("--from", "start", metavar="T", help=say("option-from"))
@click.option("--to", "end", metavar="T", help=say("option-to"))
@click.option("--sample", metavar="P%", help=say("option-sample"))
@click.option("--decisions", is_flag=True, help=say("option-decisions"))
@click.option("--processes", type=click.IntRange(1, 256), metavar="N", help=say("option-processes"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def backtest(
    process: str,
    draft: str,
    issues: str | None,
    policies: str | None,
    start: str | None,
    end: str | None,
    sample: str | None,
    decisions: bool,
    processes: int | None,
    as_json: bool,
) -> None:
    """Plays past issues through a draft and says what would be otherwise."""
    file = (draft, files.read(draft))
    many = processes or backtesting.all_cores()
    if issues is not None and (start, end, sample) != (None, None, None):
        fail("backtest-file-whole")
    with _failures(process), progress(_shown) as told:

        def done(count: int, total: int | None) -> None:
            told("", count, total)

        if issues is not None:
            documents = files.enough(policies)
            if process not in (defined := [one.name for one in files.read_all(documents) if one.kind == "process"]):
                fail("no-process", name=process, defined=", ".join(defined))
            outcome = backtesting.of_lines(
                process,
                file,
                documents,
                files.lines(issues),
                files.now(),
                decisions=decisions,
                processes=many,
                progress=done,
            )
        else:
            with opened():
                calendar = _calendar(process)
                outcome = backtesting.of_store(
                    process,
                    file,
                    files.now(),
                    start=None if start is None else files.moment(start, calendar),
                    end=None if end is None else files.moment(end, calendar),
                    percent=_percent(sample),
                    decisions=decisions,
                    processes=many,
                    progress=done,
                )
    with outcome:
        if as_json:
            _dump(outcome)
        else:
            _tell(outcome.summary)


@contextmanager
def _failures(process: str) -> Iterator[None]:
    try:
        yield
    except backtesting.UnusableDraft as unusable:
        fail_with(finding.line_in(language()) for finding in unusable.findings)
    except backtesting.WrongProcess as wrong:
        fail("backtest-other-process", name=wrong.name, process=process)


def _calendar(process: str) -> Any:
    from server import policies

    found = policies.in_force()
    if process not in found.processes:
        fail("no-process", name=process, defined=", ".join(sorted(found.processes)))
    return found.processes[process].process.calendar


def _percent(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        share = -1.0
    if not 0 < share <= 100:
        fail("bad-percent", text=text)
    return share


def _shown(_: str, done: int, total: int | None) -> str:
    return say("backtest-progress", done=done) if total is None else say("backtest-progress-of", done=done, total=total)


def _dump(outcome: Outcome) -> None:
    """One JSON document, whose list of issues is written as it is read."""
    head = files.dumped(outcome.summary)
    sys.stdout.write(head[:-1] + ', "changed_issues": [')
    for index, text in enumerate(outcome.texts()):
        sys.stdout.write((", " if index else "") + text)
    sys.stdout.write("]}\n")


# -- in words ------------------------------------------------------------------------------------------------------

_SECTIONS: Final = {
    "judged": ("backtest-judged", "backtest-judged-row"),
    "clocks": ("backtest-clocks", "backtest-clocks-row"),
    "notices": ("backtest-notices", "backtest-notices-row"),
    "escalations": ("backtest-escalations", "backtest-escalations-row"),
    "refused": ("backtest-refused", "backtest-refused-row"),
    "unanswered": ("backtest-unanswered", "backtest-unanswered-row"),
    "unknown_facts": ("backtest-unknown", "backtest-unknown-row"),
    "left_out": ("backtest-left-out", "backtest-left-out-row"),
}
"""Lists of the summary, each with its heading and the text of a row."""

_WHY: Final = {
    "erased": "backtest-why-erased",
    "unreadable": "backtest-why-unreadable",
    "failed": "backtest-why-failed",
    "refused": "backtest-why-refused",
    "other-issue": "backtest-why-other-issue",
}


def _tell(summary: Mapping[str, Any]) -> None:
    click.echo(say("backtest-all", **{key: summary[key] for key in ("issues", "changed", "judged_otherwise")}))
    if summary["compared_in_part"]:
        click.echo(say("backtest-in-part", count=summary["compared_in_part"]))
    for row in summary["by_severity"]:
        click.echo("  " + say("backtest-severity", **row))
    for name, (title, row) in _SECTIONS.items():
        _tell_section(title, row, summary[name])
    if summary["most_changed"]:
        click.echo(say("backtest-most"))
    for issue in summary["most_changed"]:
        click.echo(f"\n{issue['number']}  {issue['severity']}  {say('backtest-lines', count=issue['lines'])}")
        for row in issue["timeline"]:
            _tell_row(row["before"], row["after"])


def _tell_section(title: str, text: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        click.echo(say(title))
    for row in rows:
        shown = {key: "–" if value is None else value for key, value in row.items()}
        shown["numbers"] = ", ".join(row.get("numbers", ()))
        if text == "backtest-left-out-row":
            shown["why"] = say(_WHY[row["why"]])
        if "question" in row:
            shown["question"] = " ".join(map(str, row["question"]))
        click.echo("  " + say(text, **shown))


def _tell_row(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
    if _said(before) == _said(after):
        click.echo(f"    {_said(before)}")
        return
    for sign, entry in (("-", before), ("+", after)):
        if entry is not None:
            click.echo(f"  {sign} {_said(entry)}")


def _said(entry: Mapping[str, Any] | None) -> str:
    return "" if entry is None else said(entry)
