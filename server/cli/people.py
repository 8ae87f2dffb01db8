"""`duban user`, `duban directory`: people, their roles, passwords and tokens; the directory as a file."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from server import accounts, audit
from server import directory as directories
from server.cli import files
from server.cli.stores import opened
from server.cli.words import fail, fail_with, language, say, tell
from server.core.durations import BadDuration, parse_duration
from server.core.findings import has_errors
from server.core.moments import BadTime, Moment, OutOfRange, parse
from server.core.vocabulary import in_language
from server.store import database

MOST = 4096
"""Bytes of a password that are read."""

password_option = click.option("--password-stdin", is_flag=True, help=say("option-password-stdin"))


@click.group(help=say("help-user"))
def user() -> None:
    """People as users."""


@user.command("add", help=say("help-user-add"))
@click.argument("login")
@click.option("--role", "roles", metavar="R", multiple=True, required=True, help=say("option-role"))
@click.option("--team", "teams", metavar="T", multiple=True, help=say("option-team"))
@click.option("--name", metavar="N", help=say("option-name"))
@click.option("--email", metavar="E", help=say("option-email"))
@click.option("--language", "speaks", type=click.Choice(["zh", "en"]), help=say("option-language"))
@password_option
def add(
    login: str,
    roles: tuple[str, ...],
    teams: tuple[str, ...],
    name: str | None,
    email: str | None,
    speaks: str | None,
    password_stdin: bool,
) -> None:
    """Adds a person; one who was disabled comes back."""
    password = _password() if password_stdin else None
    with opened():
        accounts.add_user(
            login,
            files.now(),
            roles=roles,
            teams=teams,
            password=password,
            name=name,
            email=email,
            language=speaks or language(),
        )
    tell("user-added", login=login)
    if password is None:
        tell("user-without-password", login=login)


@user.command("list", help=say("help-user-list"))
@click.option("--json", "as_json", is_flag=True, help=say("option-json"))
def list_(as_json: bool) -> None:
    """Everybody in the directory, by login."""
    with opened():
        people = directories.snapshot()
    for login, person in sorted(people.people.items()):
        roles = sorted(people.roles_of.get(login, ()))
        teams = sorted(people.teams_of.get(login, ()))
        if as_json:
            line = {"login": login, "name": person.name, "roles": roles, "teams": teams, "disabled": person.disabled}
            click.echo(files.dumped(line))
            continue
        titles = ", ".join(in_language(people.role_titles[role], language(), role) for role in roles)
        mark = f" ({say('user-disabled-mark')})" if person.disabled else ""
        click.echo(f"{login}\t{person.name}{mark}\t{titles}\t{', '.join(teams)}")


@user.command("disable", help=say("help-user-disable"))
@click.argument("login")
def disable(login: str) -> None:
    """Disables a person: nothing of his works any more; history keeps his name."""
    with opened():
        accounts.disable_user(login, files.now())
    tell("user-disabled", login=login)


@user.command("password", help=say("help-user-password"))
@click.argument("login")
@click.option("--password-stdin", is_flag=True, required=True, help=say("option-password-stdin"))
def password_(login: str, password_stdin: bool) -> None:
    """Gives a person a new password; his sessions and tokens end."""
    del password_stdin
    password = _password()
    with opened():
        accounts.set_password(login, password, files.now())
    tell("password-set", login=login)


@user.command("token", help=say("help-user-token"))
@click.argument("login")
@click.option("--scope", "scopes", metavar="S", multiple=True, required=True, help=say("option-scope"))
@click.option("--expires", metavar="D", help=say("option-expires"))
def token(login: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """Makes a token of a person and prints it alone."""
    now = files.now()
    expires_at = None if expires is None else _expiry(expires, now)
    with opened():
        text = accounts.issue_token(login, scopes, now, expires_at=expires_at)
    click.echo(text)


def _password() -> str:
    """The first line of standard input; ends with 2 when there is none, or it is no text."""
    try:
        text = sys.stdin.buffer.readline(MOST).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        fail("bad-password")
    if not text:
        fail("bad-password")
    return text


def _expiry(text: str, now: Moment) -> Moment:
    """The moment of `--expires`: a duration from now in weeks, days, hours, or a date or time; ends with 2 when it is
    neither, or past."""
    moment = _moment(text, now)
    if moment is None or moment <= now:
        fail("bad-expiry", text=text)
    return moment


def _moment(text: str, now: Moment) -> Moment | None:
    try:
        found = parse_duration(text)
        if not found.months and not found.is_working and not found.ending:
            return now + found.clock_ms + found.days * 86_400_000
        return None
    except BadDuration:
        pass  # then it is a date
    try:
        return parse(text)
    except OutOfRange:
        return None
    except BadTime:
        pass  # perhaps without an offset
    try:
        # Without an offset, the wall clock of this machine is meant.
        return round(datetime.fromisoformat(text).astimezone().timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None


@click.group(help=say("help-directory"))
def directory() -> None:
    """The directory as a file."""


@directory.command("import", help=say("help-directory-import"))
@click.argument("file")
@click.option("--yes", is_flag=True, help=say("option-yes"))
def import_(file: str, yes: bool) -> None:
    """Shows what would change, asks, and does all of it or nothing."""
    data = files.read(file)
    with opened():
        plan, findings = directories.plan(data, file)
        if plan is None or has_errors(findings):
            fail_with(finding.line_in(language()) for finding in findings)
        for finding in findings:
            click.echo(finding.line_in(language()), err=True)
        for change in plan.changes:
            click.echo(str(change))
        if not plan.changes:
            tell("nothing-changes")
            return
        if not yes and not _agreed(len(plan.changes)):
            tell("nothing-changed")
            sys.exit(1)
        try:
            directories.carry_out(plan, files.now())
        except directories.DirectoryChanged:
            tell("directory-changed")
            sys.exit(1)
    tell("imported", count=len(plan.changes))


def _agreed(count: int) -> bool:
    try:
        return click.confirm(say("ask-import", count=count), err=True)
    except click.Abort:
        click.echo(err=True)
        return False


@directory.command("export", help=say("help-directory-export"))
@click.argument("file")
def export(file: str) -> None:
    """Writes the directory to a file (`-`: standard output)."""
    with opened():
        text = directories.export()
        # It is of everybody: that somebody took it is for the audit trail, whatever becomes of the file.
        with database.transaction():
            audit.record("directory.exported", files.now(), {})
    if file == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(file).write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:  # ValueError: a name with NUL in it
        fail("cannot-write", file=file, why=getattr(error, "strerror", None) or str(error))
    tell("exported", file=file)
