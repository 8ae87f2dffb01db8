"""What no document shows by itself: whether the people, rotas, channels and secrets that documents count on are there
(`duban check --live`, the panel's page of checks)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from server.channels import way_of
from server.core import library, lint_telling
from server.core.channels import Channel
from server.core.documents import Document
from server.core.findings import Finding, Path, in_order
from server.core.library import Library, located
from server.core.moments import DAY, Moment
from server.core.process import Process
from server.core.sources import Source
from server.directory import LiveDirectory, Snapshot, duty
from server.settings import named_value
from server.store import database, sql
from server.store.models import Activation, Version

AHEAD: Final = 30
"""Days in which a duty rota is looked at."""

SHOWN: Final = 5
"""People whom one finding names."""

_ENV: Final = "env:"
_SUPERVISOR: Final = "supervisor"

File = tuple[str, bytes]

# A message that waits after a try is failing now; of those given up only today's count. In two parts, each of which
# has an index (that of open ones is partial, so its condition is repeated).
_FAILING: Final = """
    SELECT "channels", "channel", COUNT(*), MAX("last_error") FROM (
        SELECT "channels", "channel", "last_error" FROM "message" WHERE "state" = 'pending' AND "attempts" > 0
        UNION ALL
        SELECT "channels", "channel", "last_error" FROM "message"
        WHERE "state" = 'dead' AND "state" NOT IN ('sent', 'folded', 'pending') AND "attempts" > 0 AND "created_at" >= ?
    ) AS "failing"
    GROUP BY "channels", "channel"
"""
_SENT: Final = """
    SELECT 1 FROM "message" WHERE "destination" = ? AND "state" = 'sent' AND "sent_at" >= ? ORDER BY "id" DESC LIMIT 1
"""


def in_force() -> list[File]:
    """The documents in force, each as a file NAME.yaml."""
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    with database.session():
        return [(f"{row.name}.yaml", bytes(row.data)) for row in query.order_by(Version.name)]


def check(
    files: Iterable[File], now: Moment, context: Iterable[File] = (), environ: Mapping[str, str] = os.environ
) -> list[Finding]:
    """What the files count on that is not there, as warnings by file, line and column. Documents that do not load are
    passed over: `server.core.checking` says what is wrong with them. `context`: what they may refer to."""
    own = list(files)
    names = {name for name, _ in own}
    loaded = _loaded(tuple(own), tuple(context))
    with database.session():
        found = list(_Checkup(loaded, now, environ).findings())
    return in_order(finding for finding in found if finding.file in names)


@lru_cache(maxsize=8)
def _loaded(own: tuple[File, ...], context: tuple[File, ...]) -> Library:
    # Texts stay the same from one look at a draft to the next, and compiling two dozen of them takes most of the time.
    return library.load([*own, *_others(own, context)])


def _others(own: Sequence[File], context: Iterable[File]) -> Iterator[File]:
    """The context without documents whose names are taken; of two of one name the first counts."""
    from server.core import documents

    taken = {document.name for document, _ in (documents.read(data, name) for name, data in own) if document}
    for name, data in context:
        document, _ = documents.read(data, name)
        if document is not None and document.name not in taken:
            taken.add(document.name)
            yield name, data


@dataclass(slots=True)
class _Checkup:
    library: Library
    now: Moment
    environ: Mapping[str, str]
    directory: LiveDirectory = field(default_factory=LiveDirectory)

    def findings(self) -> Iterator[Finding]:
        used: dict[tuple[str, str], list[str]] = {}
        for name, process in self.library.processes.items():
            document = self.library.documents[name]
            people = _People(process, self.directory, self.now)
            yield from (located(document, finding) for finding in people.findings())
            for via in _channels_of(process):
                used.setdefault((str(process.raw.get("channels") or "default"), via), []).append(name)
        for name, channels in self.library.channels.items():
            document = self.library.documents[name]
            for channel in channels.channels.values():
                if (name, channel.name) in used:
                    yield from self._not_set(document, channel, used[name, channel.name])
        yield from self._failing()
        for name, source in self.library.sources.items():
            yield from self._secret(self.library.documents[name], source)

    def _not_set(self, document: Document, channel: Channel, processes: Sequence[str]) -> Iterator[Finding]:
        if way_of(channel, self.environ) is not None:
            return
        chain = self.library.channels[document.name].chain(channel.name)[1:]
        otherwise = next((one.name for one in chain if way_of(one, self.environ) is not None), "")
        unset = [text for text in (channel.url, channel.secret) if text and not named_value(text, self.environ)]
        params: dict[str, str | int] = {
            "processes": ", ".join(sorted(processes)),
            "variables": ", ".join(text.removeprefix(_ENV) for text in unset),
            "otherwise": otherwise,
        }
        yield located(document, Finding("channel-not-set", ("channels", channel.name), params, "warning"))

    def _failing(self) -> Iterator[Finding]:
        since = self.now - DAY
        for name, channel, count, error in sql.run(_FAILING, since).fetchall():
            known = self.library.channels.get(name)
            if known is None or channel not in known.channels:
                continue  # a subscription, or a channel that is not there any more
            if sql.run(_SENT, f"{name}/{channel}", since).fetchone() is None:
                params: dict[str, str | int] = {"count": int(count), "error": error or ""}
                finding = Finding("channel-failing", ("channels", channel), params, "warning")
                yield located(self.library.documents[name], finding)

    def _secret(self, document: Document, source: Source) -> Iterator[Finding]:
        secret = "" if source.verify is None else source.verify.secret
        if secret.startswith(_ENV) and not named_value(secret, self.environ):
            params: dict[str, str | int] = {"variable": secret.removeprefix(_ENV)}
            yield located(document, Finding("source-secret-not-set", ("verify", "secret"), params, "warning"))


def _channels_of(process: Process) -> list[str]:
    """The channels that a process names, each once."""
    found = [via for step, _ in lint_telling.steps(process) for via in step.via]
    found += [via for survey in process.surveys.values() for via in survey.via]
    found += [via for report in (process.raw.get("reports") or {}).values() for via in _listed(report.get("via"))]
    return [via for via in dict.fromkeys(found) if via in process.channels]


def _listed(value: Any) -> list[str]:
    return [] if value is None else [str(one) for one in value] if isinstance(value, list) else [str(value)]


class _People:
    """The people that one process counts on. Each lack is said once, where the document names it first."""

    def __init__(self, process: Process, directory: LiveDirectory, now: Moment) -> None:
        self.process = process
        self.directory = directory
        self.people: Snapshot = directory.people
        self.now = now
        self._said: set[tuple[str, str]] = set()

    def findings(self) -> Iterator[Finding]:
        for index, route in enumerate(self.process.route):
            path: Path = ("route", index)
            if route.to:
                yield from self._who(f"team:{route.to}", (*path, "to"))
            if route.to and route.assign == "on_duty":
                yield from self._who(f"duty:{route.to}", (*path, "assign"))
        for path, who in self._told():
            yield from self._who(who, path)

    def _told(self) -> Iterator[tuple[Path, str]]:
        """Everyone who is told something, with where that is written."""
        for step, path in lint_telling.steps(self.process):
            yield from (((*path, "to"), who) for who in step.to)
        for id, ladder in self.process.ladders.items():
            for number, rung in enumerate(ladder.rungs):
                yield from ((("ladders", id, "rungs", number, "to"), who) for who in rung.to)
        for id, report in (self.process.raw.get("reports") or {}).items():
            for key in ("to", "draft_for"):
                yield from ((("reports", id, key), who) for who in _listed(report.get(key)))

    def _who(self, who: str, path: Path) -> Iterator[Finding]:
        kind, _, name = who.partition(":")
        if kind == "team" and name and not any(map(self.people.active, self.people.members.get(name, ()))):
            yield from self._say("team-without-people", path, team=name)
        elif kind == "role" and not any(map(self.people.active, self.people.holders.get(name, ()))):
            yield from self._say("role-without-people", path, role=name)
        elif kind == "duty":
            yield from self._duty(name, path)
        elif who == "lead":
            for team in self._teams:
                if self.people.active(self.people.leads.get(team)) is None:
                    yield from self._say("team-without-lead", path, team=team)
        elif who == _SUPERVISOR or who.startswith(f"{_SUPERVISOR}+"):
            yield from self._chain(who, path)

    def _say(self, code: str, path: Path, **params: str | int) -> Iterator[Finding]:
        about = (code, str(params.get("who") or params.get("team") or params.get("role")))
        if about not in self._said:
            self._said.add(about)
            yield Finding(code, path, params, "warning")

    @property
    def _teams(self) -> list[str]:
        return list(dict.fromkeys(route.to for route in self.process.route if route.to))

    # -- duty ------------------------------------------------------------------------------------------------------

    def _duty(self, team: str, path: Path) -> Iterator[Finding]:
        until = self.now + AHEAD * DAY
        gaps = duty.gaps(self.people, team, self.now, until)
        if gaps == [(self.now, until)]:
            yield from self._say("duty-without-rota", path, team=team, days=AHEAD)
        elif gaps:
            show = self.process.calendar.show
            (start, end), more = gaps[0], len(gaps) - 1
            said = {"team": team, "start": show(start), "end": show(end), "more": more or ""}
            yield from self._say("rota-gap", path, **said)

    # -- supervisors -----------------------------------------------------------------------------------------------

    def _chain(self, who: str, path: Path) -> Iterator[Finding]:
        """Whoever may own an issue (a member of a team to which issues go) and has nobody so many levels above."""
        levels = 1 + int(who.partition("+")[2] or 0)
        owners = [login for team in self._teams for login in self.people.members.get(team, ())]
        ended = [
            login
            for login in dict.fromkeys(owners)
            if self.people.active(login) and not self._is_there(self.directory.supervisor(login, levels))
        ]
        if ended:
            named = ", ".join(ended[:SHOWN]) + (" …" if len(ended) > SHOWN else "")
            yield from self._say("chain-ends", path, who=who, people=named)

    def _is_there(self, login: str | None) -> bool:
        return login is not None and (
            self.people.active(login) is not None or self.people.stand_in(login, self.now) is not None
        )
