"""What a draft would do, for whoever is to decide about it: on a page of its own, and as a part of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from admin import clock
from admin.reading import Words, words_of
from admin.trying import changed, examples
from admin.trying.changed import Asked, Diff
from admin.trying.examples import ExampleWorded
from server import drafts
from server.backtesting import kept
from server.core.findings import Finding
from server.core.moments import Moment
from server.store.models import Draft
from server.trying import Beside, beside


@dataclass(frozen=True, slots=True)
class Summary:
    """What the draft changes, what is found about it, how many examples it has and which fail, and the newest back-test
    of exactly its text. `is_process`: whether it has examples and past issues at all."""

    draft: int
    file: str
    sha256: str
    is_process: bool
    diff: Diff
    errors: Sequence[Finding]
    warnings: Sequence[Finding]
    examples: int
    failing: Sequence[ExampleWorded]
    backtest: Asked | None


def summary(draft: Draft, now: Moment | None = None) -> Summary:
    """What the draft would do, in the reader's words."""
    tried = beside(draft.name, bytes(draft.data))
    found = drafts.check(draft, clock.now() if now is None else now)
    words = None if tried.process is None else words_of(tried.process)
    return Summary(
        draft=int(draft.id),
        file=f"{draft.name}.yaml",
        sha256=draft.sha256,
        is_process=draft.kind == "process",
        diff=changed.diff(tried),
        errors=[one for one in found if one.level == "error"],
        warnings=[one for one in found if one.level != "error"],
        examples=0 if tried.process is None else len(tried.process.raw.get("examples", [])),
        failing=_failing(tried, words, found),
        backtest=backtest_of(tried, words),
    )


def _failing(tried: Beside, words: Words | None, found: Sequence[Finding]) -> list[ExampleWorded]:
    """The examples that do not pass. The check has played them all, unless something else is wrong."""
    errors = [one.path for one in found if one.level == "error"]
    failing = {int(path[1]) for path in errors if path[:1] == ("examples",) and len(path) > 1}
    played = all(path[:1] == ("examples",) for path in errors)
    return [one for one in examples.worded(tried, words, failing if played else None) if not one.passes]


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
