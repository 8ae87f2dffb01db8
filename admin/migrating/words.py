"""Migrations in the reader's words: states, what would become of an issue, what will happen."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from admin.drafting.meaning import Sentence
from admin.languages import gettext, ngettext
from admin.reading import Words
from server.exporting.tables import cell
from server.migration import Looked
from server.store.models import Migration, MigrationIssue


@dataclass(frozen=True, slots=True)
class Look:
    """What would become of one issue: `changes` in words, `bad` what would be worse, `problems` why it cannot be."""

    number: str
    changes: Sequence[str]
    bad: Sequence[str]
    problems: Sequence[str]


def look(seen: Looked, words: Words) -> Look:
    """A look at an issue as a row of a table."""
    return Look(
        seen.number,
        list(_changes(seen, words)),
        [
            *(gettext("%(clock)s is missed at once", clock=words.of("clocks", one)) for one in seen.breaches),
            *(gettext("%(what)s no longer waits", what=one) for one in seen.ended),
        ],
        [problem.text(words.language) for problem in seen.problems],
    )


def as_csv(looks: Sequence[Look]) -> str:
    """The looks as a table, safe to open in a spreadsheet."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(
        [gettext("Issue"), gettext("not possible"), gettext("What would be another"), gettext("What would be worse")]
    )
    for one in looks:
        rest = ("; ".join(part) for part in (one.problems, one.changes, one.bad))
        table.writerow([cell(part) for part in (one.number, *rest)])
    return text.getvalue()


def _changes(seen: Looked, words: Words) -> list[str]:
    found = []
    if seen.stage[0] != seen.stage[1]:
        found.append(f"{words.of('stages', seen.stage[0])} → {words.of('stages', seen.stage[1])}")
    if seen.severity[0] != seen.severity[1]:
        before, after = (words.of("severities", one) if one else "—" for one in seen.severity)
        found.append(f"{before} → {after}")
    for one in seen.clocks:
        before, after = (_time(one[key], words) for key in ("before", "after"))
        found.append(f"{words.of('clocks', one['clock'])}: {before} → {after}")
    if seen.notices:
        count = len(seen.notices)
        found.append(ngettext("%(num)s notice goes out", "%(num)s notices go out", count))
    found += [gettext("%(field)s is kept without a field", field=field) for field in seen.kept]
    return found


def _time(moment: int | None, words: Words) -> str:
    return gettext("no due time") if moment is None else words.reader.moment(moment)


# -- plans ----------------------------------------------------------------------------------------------------------


def state_text(state: str) -> str:
    """A state of a plan in words."""
    words = {
        Migration.PROPOSED: gettext("waits for approval"),
        Migration.APPROVED: gettext("under way"),
        Migration.REJECTED: gettext("turned down"),
        Migration.WITHDRAWN: gettext("withdrawn"),
        Migration.DONE: gettext("done"),
    }
    return words.get(state, state)


TONES: Mapping[str, str] = {
    Migration.PROPOSED: "warn",
    Migration.APPROVED: "info",
    Migration.REJECTED: "bad",
    Migration.DONE: "good",
}


def issue_text(state: str) -> str:
    """What became of an issue of a plan."""
    words = {
        MigrationIssue.WAITING: gettext("waits for its turn"),
        MigrationIssue.MIGRATED: gettext("migrated"),
        MigrationIssue.LEFT: gettext("left as it is"),
    }
    return words.get(state, state)


ISSUE_TONES: Mapping[str, str] = {MigrationIssue.MIGRATED: "good", MigrationIssue.LEFT: "warn"}


def selection_text(selection: str) -> str:
    """Which issues a plan takes."""
    words = {
        "all": gettext("all open issues that stand on other versions"),
        "some": gettext("some issues, by number"),
        "better": gettext("only issues for which it is better for the customer"),
    }
    return words.get(selection, selection)


def approving(plan: Mapping[str, Any]) -> list[Sentence]:
    """What it means to approve a plan."""
    count = sum(plan["counts"].values())
    version = plan["to"]["version"]
    return [
        Sentence(
            "fa-exchange",
            ngettext(
                "%(num)s open issue goes on under version %(version)s, from now on, one after the other.",
                "%(num)s open issues go on under version %(version)s, from now on, one after the other.",
                count,
                version=version,
            ),
        ),
        Sentence("fa-clock-o", gettext("Its clocks, notices and severities apply to them; what is due then happens.")),
        Sentence("fa-ban", gettext("An issue for which it is not possible any more is left as it is, and listed.")),
        Sentence("fa-book", gettext("It stands on the timeline of each issue, and cannot be undone by itself.")),
    ]


def closing() -> list[Sentence]:
    """What it means to turn a plan down, or to take it back."""
    return [Sentence("fa-pause", gettext("No issue is changed: each keeps the version that judged it."))]
