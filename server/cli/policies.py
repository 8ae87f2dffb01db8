"""`duban policy`: the life of policy documents from the shell, as the person named with `--as` (contract, "Command
line")."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from server.accounts import Caller, NotPermitted
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say, tell
from server.core.moments import BadTime, Moment, OutOfRange, parse

STATES = {
    "draft": "draft-draft",
    "submitted": "draft-submitted",
    "scheduled": "draft-scheduled",
    "active": "draft-active",
    "superseded": "draft-superseded",
    "rejected": "draft-rejected",
    "withdrawn": "draft-withdrawn",
    "refused": "draft-refused",
}
"""The words for the states of a draft."""

as_option = click.option("--as", "login", metavar="LOGIN", required=True, help=say("option-as"))
json_option = click.option("--json", "as_json", is_flag=True, help=say("option-json"))
reason_option = click.option("--reason", metavar="TEXT", default="", help=say("option-why"))
at_option = click.option("--at", metavar="T", help=say("option-effective"))
acknowledge_option = click.option(
    "--acknowledge", "acknowledged", metavar="CODE@PLACE", multiple=True, help=say("option-acknowledge")
)


@click.group(help=say("help-policy"))
def policy() -> None:
    """Policy documents."""


@contextmanager
def _steps() -> Iterator[None]:
    """The store for a step; what is not done is said, and ends with 1, or with 2 when nothing of that name is there."""
    from server.drafts import NotDone

    with opened():
        try:
            yield
        except NotDone as not_done:
            click.echo(not_done.text(language()), err=True)
            for one in not_done.conflicts:
                click.echo(f"{one['mine'][language()]}\n    ↔ {one['theirs'][language()]}", err=True)
            for finding in not_done.findings:
                click.echo(finding.line_in(language()), err=True)
                if finding.level != "error":
                    at = "/" + "/".join(map(str, finding.path))
                    click.echo(f"    --acknowledge '{finding.code}@{at}'", err=True)
            sys.exit(2 if not_done.status == 404 else 1)
        except NotPermitted as error:
            tell("policy-not-permitted", permission=error.permission)
            sys.exit(1)


def _caller(login: str) -> Caller:
    from server import drafts

    return drafts.caller(login)


# -- reading -------------------------------------------------------------------------------------------------------


@policy.command("list", help=say("help-policy-list"))
@json_option
def list_(as_json: bool) -> None:
    """Every document in force."""
    from server import drafts

    with _steps():
        found = drafts.documents()
        waiting = [drafts.shown(draft) for draft in drafts.drafts(open_only=True)]
    if as_json:
        click.echo(files.dumped({"policies": found, "drafts": waiting}))
        return
    for one in found:
        click.echo(f"{one['name']}\t{one['kind']}\t{one['version']}\t{one['origin']}\t{one['since']}\t{one['sha256']}")
    for draft in waiting:
        click.echo(_line(draft))


@policy.command("history", help=say("help-policy-history"))
@click.argument("name")
@json_option
def history(name: str, as_json: bool) -> None:
    """The versions of a document and its drafts, newest first."""
    from server import drafts

    with _steps():
        found = drafts.versions(name)
        all_drafts = [drafts.shown(draft) for draft in drafts.drafts(name)]
    if as_json:
        click.echo(files.dumped({"versions": found, "drafts": all_drafts}))
        return
    for one in found:
        times = ", ".join(f"{time['from']} – {time['until'] or ''}".rstrip() for time in one["in_force"])
        people = f"{one['author'] or one['origin']} / {one['reviewer'] or '-'}"
        click.echo(f"{one['version']}\t{people}\t{times or '-'}\t{one['reason'] or '-'}\t{one['sha256']}")
    for draft in all_drafts:
        click.echo(_line(draft))


@policy.command("show", help=say("help-policy-show"))
@click.argument("name")
@click.argument("version", required=False, type=int)
@click.option("--draft", type=int, metavar="DRAFT", help=say("option-draft-number"))
@json_option
def show(name: str, version: int | None, draft: int | None, as_json: bool) -> None:
    """A version as it was written: the one in force if none is named; or a draft."""
    from server import drafts

    with _steps():
        if draft is not None:
            found = drafts.read(drafts.one(draft, name), files.now(), language())
        else:
            standing = drafts.in_force(name)
            if version is None and standing is None:
                raise drafts.NotDone(404, "unknown-document", name=name)
            found = drafts.version(name, version if version is not None else standing.number)
    if as_json:
        click.echo(files.dumped(found))
    else:
        click.echo(found["yaml"], nl=False)


@policy.command("diff", help=say("help-policy-diff"))
@click.argument("name")
@click.argument("first", type=int, required=False)
@click.argument("second", type=int, required=False)
@click.option("--draft", type=int, metavar="DRAFT", help=say("option-draft-number"))
@json_option
def diff(name: str, first: int | None, second: int | None, draft: int | None, as_json: bool) -> None:
    """What differs between two versions, or between a version (the one in force) and a draft."""
    from server import drafts, policies

    with _steps():
        standing = drafts.in_force(name)
        if standing is None and first is None:
            raise drafts.NotDone(404, "unknown-document", name=name)
        before = standing if first is None else drafts.version_row(name, first)
        if draft is not None:
            after: Any = drafts.one(draft, name)
        elif second is not None:
            after = drafts.version_row(name, second)
        else:
            after = standing if first is not None else fail("policy-diff-of-what")
        try:
            found = drafts.difference(before, after)
        except policies.Unusable as unusable:
            fail_with(finding.line_in(language()) for finding in unusable.findings)
    if as_json:
        named = {"draft": after.id} if draft is not None else {"to": after.number}
        click.echo(files.dumped({"from": before.number, **named, **found}))
        return
    _say_changes(found["changes"])


def _say_changes(changes: Iterable[dict[str, Any]]) -> None:
    changes = list(changes)
    for change in changes:
        click.echo(change["text"][language()])
    if not changes:
        click.echo(say("policy-no-change"))


@policy.command("check", help=say("help-policy-check"))
@click.argument("draft", metavar="DRAFT")
@json_option
def check(draft: str, as_json: bool) -> None:
    """What is found on a draft beside the documents in force; ends with 1 if any error."""
    from server import drafts

    with _steps():
        found = drafts.check(_draft(draft), files.now())
    for finding in found:
        click.echo(files.dumped(finding.as_dict(language())) if as_json else finding.line_in(language()))
    sys.exit(1 if any(finding.level == "error" for finding in found) else 0)


# -- steps ---------------------------------------------------------------------------------------------------------


@policy.command("propose", help=say("help-policy-propose"))
@click.argument("paths", metavar="FILE…", nargs=-1, required=True)
@as_option
@reason_option
@at_option
@acknowledge_option
@json_option
def propose(
    paths: tuple[str, ...], login: str, reason: str, at: str | None, acknowledged: tuple[str, ...], as_json: bool
) -> None:
    """Submits the files for approval, as one act: all of them or none."""
    from server import drafts

    given = [(path, files.read(path)) for path in paths]
    with _steps():
        done = drafts.propose(given, _caller(login), files.now(), reason, _places(acknowledged), _moment(at))
        found = [drafts.shown(draft) for draft in done]
    _show(found, as_json)
    if not found:
        tell("policy-nothing-new")


@policy.command("submit", help=say("help-policy-submit"))
@click.argument("draft", metavar="DRAFT")
@as_option
@reason_option
@at_option
@acknowledge_option
@json_option
def submit(draft: str, login: str, reason: str, at: str | None, acknowledged: tuple[str, ...], as_json: bool) -> None:
    """Asks for approval of a draft."""
    from server import drafts

    with _steps():
        places = _places(acknowledged)
        _show_one(drafts.submit(_draft(draft).id, _caller(login), files.now(), reason, places, _moment(at)), as_json)


@policy.command("approve", help=say("help-policy-approve"))
@click.argument("draft", metavar="DRAFT")
@as_option
@click.option("--sha256", metavar="HASH", help=say("option-sha256"))
@click.option("--remark", metavar="TEXT", default="", help=say("option-remark"))
@at_option
@json_option
def approve(draft: str, login: str, sha256: str | None, remark: str, at: str | None, as_json: bool) -> None:
    """Approves exactly one text of a draft."""
    from server import drafts

    with _steps():
        found = _draft(draft)
        digest = sha256 or found.sha256
        _show_one(drafts.approve(found.id, _caller(login), digest, files.now(), remark, _moment(at)), as_json)


@policy.command("reject", help=say("help-policy-reject"))
@click.argument("draft", metavar="DRAFT")
@as_option
@reason_option
@json_option
def reject(draft: str, login: str, reason: str, as_json: bool) -> None:
    """Turns a draft down."""
    from server import drafts

    with _steps():
        _show_one(drafts.reject(_draft(draft).id, _caller(login), files.now(), reason), as_json)


@policy.command("withdraw", help=say("help-policy-withdraw"))
@click.argument("draft", metavar="DRAFT")
@as_option
@reason_option
@json_option
def withdraw(draft: str, login: str, reason: str, as_json: bool) -> None:
    """Takes a draft back."""
    from server import drafts

    with _steps():
        _show_one(drafts.withdraw(_draft(draft).id, _caller(login), files.now(), reason), as_json)


@policy.command("rebase", help=say("help-policy-rebase"))
@click.argument("draft", metavar="DRAFT")
@as_option
@json_option
def rebase(draft: str, login: str, as_json: bool) -> None:
    """Puts what a draft changes onto what is in force now."""
    from server import drafts

    with _steps():
        _show_one(drafts.rebase(_draft(draft).id, _caller(login), files.now()), as_json)


@policy.command("rollback", help=say("help-policy-rollback"))
@click.argument("name")
@click.argument("version", type=int)
@as_option
@reason_option
@acknowledge_option
@json_option
def rollback(name: str, version: int, login: str, reason: str, acknowledged: tuple[str, ...], as_json: bool) -> None:
    """Submits the text of an earlier version for approval."""
    from server import drafts

    with _steps():
        by, now = _caller(login), files.now()
        draft = drafts.rollback(name, version, by, now, reason)
        _show_one(drafts.submit(draft.id, by, now, reason, _places(acknowledged)), as_json)


@policy.command("emergency", help=say("help-policy-emergency"))
@click.argument("name")
@as_option
@reason_option
def emergency(name: str, login: str, reason: str) -> None:
    """Puts the version before the one in force back in force at once."""
    from server import drafts

    with _steps():
        version = drafts.emergency(name, _caller(login), files.now(), reason)
    tell("policy-went-back", name=name, version=version.number)


@policy.command("export", help=say("help-policy-export"))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def export(folder: Path) -> None:
    """Writes what is in force to a folder, byte for byte."""
    from server import drafts

    with _steps():
        found = drafts.files_in_force()
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in found:
        (folder / name).write_bytes(data)
    tell("policy-exported", count=len(found), folder=folder)


# -- what is given and shown ---------------------------------------------------------------------------------------


def _draft(text: str) -> Any:
    """The draft of that number; of a document's name, its only one that is not settled yet."""
    from server import drafts

    if text.isascii() and text.isdigit() and len(text) <= 18:
        return drafts.one(int(text))
    found = drafts.drafts(text, open_only=True)
    if len(found) != 1:
        fail("policy-which-draft", name=text, drafts=", ".join(str(draft.id) for draft in found) or "-")
    return found[0]


def _places(given: Iterable[str]) -> list[dict[str, str]]:
    return [{"code": one.partition("@")[0], "at": one.partition("@")[2]} for one in given]


def _moment(text: str | None) -> Moment | None:
    if text is None:
        return None
    try:
        return parse(text)
    except (BadTime, OutOfRange):
        fail("bad-moment", text=text)


def _show_one(draft: Any, as_json: bool) -> None:
    from server import drafts

    found = drafts.shown(draft)
    click.echo(files.dumped(found) if as_json else _line(found))


def _show(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        click.echo(files.dumped({"drafts": found}))
        return
    for one in found:
        click.echo(_line(one))


def _line(draft: dict[str, Any]) -> str:
    """A draft on one line."""
    effective = draft["effective"] or "-"
    approvals = f"{len(draft['approvals'])}/{draft['needs']}"
    who = draft["submitted_by"] or draft["author"] or draft["origin"]
    state = say(STATES[draft["state"]])
    return say(
        "policy-draft", draft=draft["draft"], name=draft["name"], state=state, who=who, approvals=approvals,
        effective=effective, sha256=draft["sha256"], reason=draft["reason"] or "-",
    )  # fmt: skip
