"""The examples of a draft in words: which pass, and of one that fails, what is otherwise than expected."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from admin import findings, languages
from admin.languages import gettext
from admin.lines import Line, lines
from admin.reading import Words
from server.core.example_words import expected_text
from server.core.examples import Expected
from server.core.vocabulary import in_language
from server.trying import Beside, ExampleShown, examples


@dataclass(frozen=True, slots=True)
class Marked:
    """A line of an example's timeline. `mark`: `met` (expected), `unwanted` (must not be there), `near` (the nearest
    to something that is missing), or empty; `notes`: what was expected instead."""

    line: Line
    mark: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExampleWorded:
    """An example: its name, whether it passes, what is wrong in sentences, its timeline with what was expected."""

    index: int
    number: int
    name: str
    passes: bool
    source_line: int
    problems: Sequence[str]
    lines: Sequence[Marked]
    missing: Sequence[str]
    count: int


def worded(tried: Beside, words: Words | None, only: Collection[int] | None = None) -> list[ExampleWorded]:
    """Every example of the text, or `only` those at these places in it, played."""
    if words is None:
        return []
    return [_one(one, words) for one in examples(tried, only)]


def _one(one: ExampleShown, words: Words) -> ExampleWorded:
    language = languages.language()
    number = one.index + 1
    return ExampleWorded(
        index=one.index,
        number=number,
        name=in_language(one.name, language, gettext("Example %(number)s", number=number)),
        passes=one.passes,
        source_line=one.line,
        problems=_problems(one, words),
        lines=_marked(one, words),
        missing=[said(row, words) for row in one.expected if not row.unwanted and row.place is None],
        count=len(one.expected),
    )


def _marked(one: ExampleShown, words: Words) -> list[Marked]:
    found = [Marked(line, "", ()) for line in lines(one.lines, words)]
    for row in one.expected:
        if row.place is None:
            continue
        marked = found[row.place]
        if row.met and not row.unwanted:
            found[row.place] = replace(marked, mark=marked.mark or "met")
        elif row.unwanted and not row.met:
            note = gettext("This must not be here: %(line)s", line=said(row, words))
            found[row.place] = replace(marked, mark="unwanted", notes=[*marked.notes, note])
        elif not row.met:
            note = gettext("Expected instead: %(line)s", line=said(row, words))
            found[row.place] = replace(marked, mark="near", notes=[*marked.notes, note])
    return found


def _problems(one: ExampleShown, words: Words) -> list[str]:
    """What is otherwise than expected; of an example that cannot be played, why."""
    if not one.expected:
        return [findings.text(finding, "process") for finding in one.findings]
    told = []
    for row in one.expected:
        if not row.met:
            text = (
                gettext("This must not happen: %(line)s") if row.unwanted else gettext("This does not happen: %(line)s")
            )
            told.append(text % {"line": said(row, words)})
    return told


def said(row: Expected, words: Words) -> str:
    """What was expected, key by key: only that is sure of a line that is not there."""
    return expected_text(words.vocabulary, row.wanted, words.reader)
