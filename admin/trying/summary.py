"""What a draft would do, for whoever is to decide about it: on a page of its own, and as a part of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from admin import clock
from admin.reading import Words, words_of
from admin.trying import changed, examples
from admin.trying.changed import Asked, Diff
from admin.trying.examples import ExampleWorded
from server import drafts, policies
from server.backtesting import kept
from server.core.findings import Finding
from server.core.moments import DAY, Moment
from server.store.models import Draft
from server.trying import Beside, beside

MOST_FINDINGS = 500


@dataclass(frozen=True, slots=True)
class Summary:
    """What the draft changes, what is found about it, its examples, and the newest back-test of exactly its text.
    `is_process`: whether it has examples and past issues at all."""

    draft: int
    file: str
    sha256: str
    is_process: bool
    diff: Diff
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
    examples: Sequence[ExampleWorded]
    backtest: Asked | None

    @property
    def failing(self) -> Sequence[ExampleWorded]:
        """Examples that do not pass."""
        return [one for one in self.examples if not one.passes]


def summary(draft: Draft, now: Moment | None = None) -> Summary:
    """What the draft would do, in the reader's words."""
    tried = beside(draft.name, bytes(draft.data))
    found = findings(draft, clock.now() if now is None else now)
    words = None if tried.process is None else words_of(tried.process)
    return Summary(
        draft=int(draft.id),
        file=f"{draft.name}.yaml",
        sha256=draft.sha256,
        is_process=draft.kind == "process",
        diff=changed.diff(tried),
        errors=[one for one in found if one.level == "error"],
        warnings=[one for one in found if one.level != "error"],
        examples=examples.worded(tried, words),
        backtest=backtest_of(tried, words),
    )


@dataclass(frozen=True, slots=True)
class PastIssues:
    """What `panel/trying/summary.html` shows on the page of a draft: the newest back-test of exactly its text."""

    draft: int
    sha256: str
    backtest: Asked | None


def past_issues(draft: int) -> PastIssues | None:
    """The newest back-test of the draft's text; None for a document that judges no issues."""
    row = drafts.one(draft)
    if row.kind != "process":
        return None
    tried = beside(row.name, bytes(row.data))
    words = None if tried.process is None else words_of(tried.process)
    return PastIssues(draft, row.sha256, backtest_of(tried, words))


def backtest_of(tried: Beside, words: Words | None) -> Asked | None:
    """The newest back-test of exactly that text."""
    row = kept.newest(tried.name, tried.sha256)
    return None if row is None else changed.asked(row, words, row.summary)


_checked: dict[tuple[Any, ...], list[Finding]] = {}


def findings(draft: Draft, now: Moment) -> list[Finding]:
    """What the check says of a draft; kept as long as neither it nor what is in force is another."""
    # Some depend on the date: a year without holidays.
    key = (policies.revision(), draft.name, draft.sha256, now // DAY)
    if key not in _checked:
        if len(_checked) > MOST_FINDINGS:
            _checked.clear()
        _checked[key] = drafts.check(draft, now)
    return _checked[key]
