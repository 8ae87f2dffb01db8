"""`duban migration`: open issues go on under the version in force of their process, as the person named with `--as`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from server.accounts import Caller, NotPermitted
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, language, say, tell

STATES = {
    "proposed": "migration-state-proposed",
    "approved": "migration-state-approved",
    "rejected": "migration-state-rejected",
    "withdrawn": "migration-state-withdrawn",
    "done": "migration-state-done",
}
"""The words for the states of a plan."""

OUTCOMES = {"waiting": "migration-waiting", "migrated": "migration-migrated", "left": "migration-left"}
"""The words for what became of an issue."""

as_option = click.option("--as", "login", metavar="LOGIN", required=True, help=say("option-as"))
json_option = click.option("--json", "as_json", is_flag=True, help=say("option-json"))
reason_option = click.option("--reason", metavar="TEXT", default="", help=say("option-migration-reason"))
stage_option = click.option("--stage", "stages", metavar="OLD=NEW", multiple=True, help=say("option-stage"))
issue_option = click.option("--issue", "numbers", metavar="NUMBER", multiple=True, help=say("option-migration-issue"))
better_option = click.option("--better", is_flag=True, help=say("option-better"))


@click.group(help=say("help-migration"))
def migration() -> None:
    """Open issues and the versions of their process."""


@contextmanager
def _steps() -> Iterator[None]:
    from server.drafts import NotDone

    with opened():
        try:
            yield
        except NotDone as not_done:
            click.echo(not_done.text(language()), err=True)
            for finding in not_done.findings:
                click.echo(finding.text(language()), err=True)
            sys.exit(2 if not_done.status == 404 else 1)
        except NotPermitted as error:
            tell("policy-not-permitted", permission=error.permission)
            sys.exit(1)


def _caller(login: str) -> Caller:
    from server import drafts

    return drafts.caller(login)


def _table(stages: Iterable[str]) -> dict[str, str]:
    found = {}
    for one in stages:
        old, given, new = one.partition("=")
        if not (old and given and new):
            fail("bad-stage", text=one)
        found[old] = new
    return found


def _selection(numbers: tuple[str, ...], better: bool) -> Any:
    from server.migration import ALL, BETTER, SOME, Selection

    if numbers and better:
        fail("some-or-better")
    return Selection(BETTER if better else SOME if numbers else ALL, numbers)


@migration.command("preview", help=say("help-migration-preview"))
@click.argument("process")
@stage_option
@issue_option
@better_option
@json_option
def preview(process: str, stages: tuple[str, ...], numbers: tuple[str, ...], better: bool, as_json: bool) -> None:
    """What would become of each issue; nothing is written."""
    from server import migration as migrations
    from server.migration.selecting import target_of

    with _steps():
        looked = migrations.preview(process, _table(stages), _selection(numbers, better), files.now())
        compiled = target_of(process).process
        found = [migrations.look_shown(one, compiled, language()) for one in looked]
    for one in found:
        click.echo(files.dumped(one) if as_json else _looked(one))


def _looked(one: dict[str, Any]) -> str:
    if not one["possible"]:
        return f"{one['number']}\t" + "; ".join(problem["message"] for problem in one["problems"])
    parts = [f"{what} {' → '.join(one[what])}" for what in ("stage", "severity") if one[what][0] != one[what][1]]
    parts += [f"{clock['clock']} {clock['before'] or '-'} → {clock['after'] or '-'}" for clock in one["clocks"]]
    parts += [say("migration-breaches", clock=clock) for clock in one["breaches"]]
    parts += [f"{told['via']}: {', '.join(told['to'])}" for told in one["notices"] if "via" in told]
    parts += [say("migration-ends", what=what) for what in one["ended"]]
    parts += [say("migration-keeps", field=field) for field in one["kept"]]
    return f"{one['number']}\t" + ("; ".join(parts) or say("migration-nothing"))


@migration.command("propose", help=say("help-migration-propose"))
@click.argument("process")
@as_option
@reason_option
@stage_option
@issue_option
@better_option
@json_option
def propose(
    process: str,
    login: str,
    reason: str,
    stages: tuple[str, ...],
    numbers: tuple[str, ...],
    better: bool,
    as_json: bool,
) -> None:
    """Stores a plan, which somebody else has to approve."""
    from server import migration as migrations

    with _steps():
        chosen = _selection(numbers, better)
        plan = migrations.propose(process, _table(stages), chosen, _caller(login), files.now(), reason)
        _show(plan.id, as_json)


@migration.command("approve", help=say("help-migration-approve"))
@click.argument("plan", type=click.IntRange(1, 2**63 - 1))
@as_option
@click.option("--sha256", metavar="HASH", help=say("option-sha256"))
@click.option("--remark", metavar="TEXT", default="", help=say("option-remark"))
@json_option
def approve(plan: int, login: str, sha256: str | None, remark: str, as_json: bool) -> None:
    """Approves exactly one content; the worker then runs it."""
    from server import migration as migrations

    with _steps():
        digest = sha256 or migrations.one(plan).sha256
        migrations.approve(plan, _caller(login), digest, files.now(), remark)
        _show(plan, as_json)


@migration.command("reject", help=say("help-migration-reject"))
@click.argument("plan", type=click.IntRange(1, 2**63 - 1))
@as_option
@reason_option
@json_option
def reject(plan: int, login: str, reason: str, as_json: bool) -> None:
    """Turns a plan down."""
    from server import migration as migrations

    with _steps():
        migrations.reject(plan, _caller(login), files.now(), reason)
        _show(plan, as_json)


@migration.command("withdraw", help=say("help-migration-withdraw"))
@click.argument("plan", type=click.IntRange(1, 2**63 - 1))
@as_option
@json_option
def withdraw(plan: int, login: str, as_json: bool) -> None:
    """Takes one's own plan back."""
    from server import migration as migrations

    with _steps():
        migrations.withdraw(plan, _caller(login), files.now())
        _show(plan, as_json)


@migration.command("list", help=say("help-migration-list"))
@click.argument("process", required=False)
@json_option
def list_(process: str | None, as_json: bool) -> None:
    """The plans, newest first."""
    from server import migration as migrations

    with _steps():
        found = migrations.listed(process)
    for one in found:
        click.echo(files.dumped(one) if as_json else _line(one))


@migration.command("show", help=say("help-migration-show"))
@click.argument("plan", type=click.IntRange(1, 2**63 - 1))
@json_option
def show(plan: int, as_json: bool) -> None:
    """A plan with what became of each issue."""
    with _steps():
        _show(plan, as_json)


def _show(plan: int, as_json: bool) -> None:
    from server import migration as migrations

    found = migrations.shown(plan, language())
    if as_json:
        click.echo(files.dumped(found))
        return
    click.echo(_line(found))
    for issue in found["issues"]:
        why = "; ".join(problem["message"] for problem in issue["problems"])
        click.echo(f"{issue['number']}\t{say(OUTCOMES[issue['state']])}" + (f"\t{why}" if why else ""))


def _line(one: dict[str, Any]) -> str:
    counts = ", ".join(f"{say(OUTCOMES[state])} {count}" for state, count in one["counts"].items())
    people = f"{one['proposed_by']} / {one['decided_by'] or '-'}"
    state = say(STATES[one["state"]])
    return "\t".join((str(one["id"]), one["process"], str(one["to"]["version"]), state, people, counts, one["sha256"]))
