"""The list of issues: filters from the address, a page of rows in words, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from admin import languages
from admin.deadlines import Deadline, next_due
from admin.reading import Words, words_of
from server import policies
from server.accounts import Caller
from server.core import case as cases
from server.core.moments import Moment
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.issues import BadCursor, Filters, listed
from server.policies import Unusable, process_for
from server.store.models import Issue

__all__ = ["BadCursor", "Listing", "page"]

SIZE = 50
STATES = ("open", "closed", "all")
NAMES = ("process", "stage", "severity", "team", "owner", "state", "q")

Option = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """An issue in the list."""

    number: str
    subject: str
    process: str
    severity: Mapping[str, Any] | None
    stage: str
    final: bool
    team: str
    owner: str
    received: str
    due: Deadline | None
    problem: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. `chosen` are the filters in use, by name; `next` the address of the next page."""

    rows: list[Row]
    chosen: Mapping[str, str]
    processes: list[Option]
    stages: list[Option]
    severities: list[Option]
    teams: list[Option]
    next: Mapping[str, str] | None
    is_first: bool

    @property
    def is_narrowed(self) -> bool:
        """Whether anything beyond the usual is filtered."""
        return any(value for name, value in self.chosen.items() if (name, value) != ("state", "open"))


def page(args: MultiDict[str, str], caller: Caller, now: Moment) -> Listing:
    """The page that the address asks for. Raises BadCursor."""
    chosen = {name: args.get(name, "").strip()[:200] for name in NAMES}
    if chosen["state"] not in STATES:
        chosen["state"] = "open"
    filters = Filters(
        process=chosen["process"] or None,
        stage=chosen["stage"] or None,
        severity=chosen["severity"] or None,
        team=chosen["team"] or None,
        owner=caller.login if chosen["owner"] == "me" else None,
        final={"open": False, "closed": True}.get(chosen["state"]),
        q=chosen["q"].replace("\x00", "") or None,
    )
    after = args.get("after") or None
    found = listed(filters, after, SIZE)
    return Listing(
        rows=_rows([one["number"] for one in found.issues], now),
        chosen=chosen,
        processes=processes(),
        stages=_stages(chosen["process"]),
        severities=_severities(chosen["process"]),
        teams=_teams(),
        next=None if found.next is None else {**{k: v for k, v in chosen.items() if v}, "after": found.next},
        is_first=after is None,
    )


def _rows(numbers: list[str], now: Moment) -> list[Row]:
    if not numbers:
        return []
    words: dict[str, Words | None] = {}
    rows = {row.number: row for row in Issue.select().where(Issue.number.in_(numbers))}
    return [_row(rows[number], words, now) for number in numbers if number in rows]


def _row(row: Any, known: dict[str, Words | None], now: Moment) -> Row:
    key = f"{row.process}/{row.version_id}"
    if key not in known:
        try:
            known[key] = words_of(process_for(row.pins).process)
        except Unusable:
            known[key] = None  # its policy does not compile any more; the list shows it all the same
    words = known[key]
    if words is None:
        return Row(
            row.number, row.subject, row.process, None, row.stage, row.final, row.team or "", row.owner or "",
            "", None, True,
        )  # fmt: skip
    due = None if row.final else next_due(cases.load(row.case), words, now)
    return Row(
        number=row.number,
        subject=row.subject,
        process=words.title,
        severity=words.severity(row.severity),
        stage=words.of("stages", row.stage),
        final=row.final,
        team="" if row.team is None else words.who(f"team:{row.team}").removeprefix("team:"),
        owner=words.who(row.owner),
        received=words.shown(row.received_at),
        due=due,
        problem=row.problem is not None,
    )


# -- what can be chosen ---------------------------------------------------------------------------------------------


def processes() -> list[Option]:
    """The processes in force by their titles."""
    language = languages.language()
    found = policies.in_force().processes
    return [(name, in_language(one.process.title, language, name)) for name, one in sorted(found.items())]


def _stages(process: str) -> list[Option]:
    found = policies.in_force().processes.get(process)
    if found is None:
        return []
    language = languages.language()
    return [(id, in_language(stage.title, language, id)) for id, stage in found.process.stages.items()]


def _severities(process: str) -> list[Option]:
    """The severities of the process; of all of them, without a title, when none is chosen."""
    found = policies.in_force().processes
    if process in found:
        words = words_of(found[process].process)
        return [(id, f"{id} {words.of('severities', id)}".strip()) for id in found[process].process.severities]
    every = dict.fromkeys(id for one in found.values() for id in one.process.severities)
    return [(id, id) for id in sorted(every)]


def _teams() -> list[Option]:
    language = languages.language()
    return sorted((id, in_language(title, language, id)) for id, title in snapshot().titles.items())
