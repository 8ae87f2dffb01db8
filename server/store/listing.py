"""Which issues a page of a list shows, newest first, or a walk through a process comes by, oldest first, found along an
index in which those that are meant lie side by side: it costs no more among a million than among a few, however they
are mixed.

Left to itself, PostgreSQL goes back by the ids of all issues and leaves out the others, as long as it takes them for
well mixed. So it is asked for an order that the indexes for lists have and the one of the ids has not: ids that are
missing, of which there are none, come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

from server.store import sql
from server.store.database import current
from server.store.models.issues import LONG_SUBJECT, SHORT_SUBJECT


@dataclass(frozen=True, slots=True)
class Filters:
    """Which issues a page shows; None: any. `problem`: set apart or not; `q` is looked for in number and subject."""

    process: str | None = None
    stage: str | None = None
    severity: str | None = None
    owner: str | None = None
    team: str | None = None
    final: bool | None = None
    problem: bool | None = None
    q: str | None = None


COLUMNS: Final = ("process", "stage", "severity", "owner", "team", "final")

ALONG: Final[Mapping[str, Sequence[str]]] = {
    "owner": ("owner", "final"),
    "stage": ("process", "stage"),
    "severity": ("process", "severity", "final"),
    "team": ("team", "final"),
    "process": ("process", "final"),
    "final": ("process", "final"),
}
"""What the index to go along is in the order of before the id, by what is asked for: the first of these that is."""

# From one process to the next by the index.
_PROCESSES: Final = """
    WITH RECURSIVE "found" ("process") AS (
        SELECT MIN("process") FROM "issue"
        UNION ALL
        SELECT (SELECT MIN("process") FROM "issue" WHERE "process" > "found"."process") FROM "found"
        WHERE "found"."process" IS NOT NULL
    ) SELECT "process" FROM "found" WHERE "process" IS NOT NULL
"""

Statement = tuple[str, Sequence[Any]]
"""A text with `?` for each of the values."""

ALONG_AN_INDEX: Final = '"id" DESC NULLS LAST'
BACK_ALONG_IT: Final = '"id" NULLS FIRST'
BY_ID: Final = '"id" DESC'


def newest(filters: Filters, before: int, limit: int) -> Statement:
    """What finds the ids of at most `limit` of these issues, those below `before` alone, highest first."""
    given = {name: value for name in COLUMNS if (value := getattr(filters, name)) is not None}
    if filters.q or filters.problem or not given:
        ways = list(_by_text(filters.q)) if filters.q else [('"problem" IS NOT NULL' if filters.problem else "", [])]
        rest, order = _looked_up(_conditions(given, filters.problem)), BY_ID
    else:
        along = next(columns for name, columns in ALONG.items() if name in given)
        every = product(*([given[name]] if name in given else _every(name) for name in along))
        ways = [_conditions(dict(zip(along, values, strict=True)), None) for values in every]
        rest = _conditions({name: given[name] for name in given if name not in along}, filters.problem)
        order = ALONG_AN_INDEX
    pages = [_page([way, ('"id" < ?', [before]), rest], order, limit) for way in ways]
    return pages[0] if len(pages) == 1 else _merged(pages, BY_ID, limit)


def oldest(process: str, after: int, limit: int) -> Statement:
    """What finds the ids of at most `limit` issues of the process, those above `after` alone, lowest first."""
    ways = [_conditions({"process": process, "final": final}, None) for final in (False, True)]
    return _merged([_page([way, ('"id" > ?', [after])], BACK_ALONG_IT, limit) for way in ways], '"id"', limit)


def _page(conditions: Sequence[Statement], order: str, limit: int) -> Statement:
    """The first of those for which all conditions hold."""
    where = " AND ".join(text for text, _ in conditions if text)
    values = [value for _, some in conditions for value in some]
    return f'SELECT "id" FROM "issue" WHERE {where} ORDER BY {order} LIMIT {limit}', values


def _merged(pages: Sequence[Statement], order: str, limit: int) -> Statement:
    """The first of all. Without a page, as long as there is no process, there is none."""
    texts = [f'SELECT "id" FROM ({text}) AS "page"' for text, _ in pages] or ['SELECT "id" FROM "issue" WHERE 0 = 1']
    values = [value for _, some in pages for value in some]
    return f'SELECT "id" FROM ({" UNION ALL ".join(texts)}) AS "pages" ORDER BY {order} LIMIT {limit}', values


def _every(column: str) -> Sequence[str | bool]:
    """The values of a column of an index that is not asked for."""
    return [False, True] if column == "final" else [row[0] for row in sql.run(_PROCESSES).fetchall()]


def _by_text(text: str) -> Iterator[Statement]:
    """By the numbers and subjects of all issues, in an index of their own; by the long ones, which are few."""
    found, values = _matches("LIKE", text, begins=True)
    if current().is_postgresql and text.lower() != text.upper():
        found, values = _matches("ILIKE", text, begins=True)
        # ILIKE takes several times as long: first, what has the longest part without letters of two cases, such as the
        # digits of a number.
        plain = max("".join(one if one.lower() == one.upper() else "\n" for one in text).split("\n"), key=len)
        if plain:
            first, more = _matches("LIKE", plain, begins=False)
            found, values = f"{first} AND {found}", [*more, *values]
    for length in (SHORT_SUBJECT, LONG_SUBJECT):
        yield f"{length} AND {found}", values


def _matches(like: str, text: str, begins: bool) -> Statement:
    """That the number begins with the text, or has it, or the subject does."""
    for letter in "!%_":
        text = text.replace(letter, "!" + letter)
    found = f"""("number" {like} ? ESCAPE '!' OR "subject" {like} ? ESCAPE '!')"""
    return found, [f"{text}%" if begins else f"%{text}%", f"%{text}%"]


def _conditions(given: Mapping[str, Any], problem: bool | None) -> Statement:
    """That the columns have these values; empty when nothing is asked for."""
    conditions = [f'"{name}" = ?' for name in given]
    if problem is not None:
        conditions.append(f'"problem" IS {"NOT " if problem else ""}NULL')
    return " AND ".join(conditions), list(given.values())


def _looked_up(conditions: Statement) -> Statement:
    """The same of an issue that was found, so that no other index than that one is tempted by it."""
    where, values = conditions
    return where and f'(SELECT {where} FROM "issue" AS "whole" WHERE "whole"."id" = "issue"."id")', values
