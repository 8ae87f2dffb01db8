"""Reports in words: figures as a table of plain text, in either language (texts: `schemas/reports.yaml`).

Shares are printed in percent, rounded down to a tenth, beside their numerator and denominator; times rounded down.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from server.core.moments import HOUR, MINUTE, Moment
from server.core.vocabulary import Vocabulary, in_language
from server.core.vocabulary import say as say_word
from server.core.wording import Reader, duration_text, fact_text
from server.resources import texts_of

WIDEST_LABEL: Final = 44
INDENT: Final = "  "


@cache
def catalogue() -> Mapping[str, Any]:
    """The texts of reports."""
    return texts_of("reports")


def say(path: str, language: str, **values: object) -> str:
    """A text of reports, `path` such as `values.share`, with its values filled in."""
    found: Any = catalogue()
    for part in path.split("."):
        found = found[part]
    return in_language(found, language).format(**values)


def subject(words: Vocabulary, report: str, period: Mapping[str, Any], language: str) -> str:
    """A report's title: process, report, period."""
    return say(
        "title",
        language,
        process=in_language(words.document.get("title"), language, str(words.document.get("name", ""))),
        report=words.title("reports", report, language),
        period=period_text(period, language),
    )


def period_text(period: Mapping[str, Any], language: str) -> str:
    """A period by its dates."""
    first, last = period["first"], period["last"]
    return str(first) if first == last else say("period", language, first=first, last=last)


def body(words: Vocabulary, figures: Mapping[str, Any], reader: Reader) -> str:
    """Figures as a table; then the targets, each met or missed."""
    rows: list[tuple[str, str]] = []
    for figure in figures["figures"]:
        rows += _figure(words, figure, reader)
    lines = list(_table(rows))
    if figures.get("targets"):
        lines += ["", say("targets", reader.language)]
        judged = [row for target in figures["targets"] for row in _target(words, target, reader)]
        lines += _table((INDENT + label, value) for label, value in judged)
    if figures.get("unreadable"):
        lines += ["", say("unreadable", reader.language, count=figures["unreadable"])]
    return "\n".join(lines)


def remarks(said: Sequence[tuple[str, str, Moment, str]], reader: Reader) -> str:
    """Comments and proposals, (kind, by, at, text) each; empty when there are none."""
    if not said:
        return ""
    lines = [say("remarks", reader.language)]
    for kind, by, at, text in said:
        kind_text = say(f"kinds.{kind}", reader.language)
        lines.append(
            say("remark", reader.language, kind=kind_text, by=reader.who(by), at=reader.moment(at)[:16], text=text)
        )
    return "\n".join(lines)


# -- the table -----------------------------------------------------------------------------------------------------


def _table(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    rows = list(rows)
    widest = min(max((_width(label) for label, value in rows if value), default=0), WIDEST_LABEL)
    for label, value in rows:
        yield f"{label}{' ' * max(0, widest - _width(label))}  {value}".rstrip()


def _width(text: str) -> int:
    """How many columns a text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _figure(words: Vocabulary, figure: Mapping[str, Any], reader: Reader) -> Iterator[tuple[str, str]]:
    label = measure_text(words, figure["measure"], reader)
    form = figure["form"]
    if form == "top":
        yield label, ""
        yield from _top(words, figure, figure["total"], reader, INDENT)
    else:
        yield label, value_text(form, figure["total"], reader.language)
        yield from (
            (INDENT + period_text(part, reader.language), str(part["number"]))
            for part in figure["total"].get("parts", ())
        )
    if "groups" not in figure:
        return
    for group in figure["groups"]:
        name = _value(words, figure["by"], group["value"], reader)
        if form == "top":
            yield INDENT + name, ""
            yield from _top(words, figure, group, reader, INDENT * 2)
        else:
            yield INDENT + name, value_text(form, group, reader.language)
    if figure["others"]:
        others = figure["others"]
        text = "" if form == "top" else value_text(form, others, reader.language)
        yield INDENT + say("others", reader.language, count=others["groups"]), text


def _top(
    words: Vocabulary, figure: Mapping[str, Any], cell: Mapping[str, Any], reader: Reader, indent: str
) -> Iterator[tuple[str, str]]:
    _, field, _ = _parts(figure["measure"])
    for place, item in enumerate(cell["top"], 1):
        yield f"{indent}{place}. {_value(words, str(field), item['value'], reader)}", str(item["number"])
    if not cell["top"]:
        yield indent + say("values.nothing", reader.language), ""


def _value(words: Vocabulary, field: str, value: object, reader: Reader) -> str:
    return fact_text(words, field, value, reader) or say("without", reader.language)


def _target(words: Vocabulary, target: Mapping[str, Any], reader: Reader) -> Iterator[tuple[str, str]]:
    language = reader.language
    wanted = say("values.and", language).join(
        say(f"wanted.{key}", language, limit=target[key]) for key in ("at_least", "at_most") if key in target
    )

    def judged(outcome: str, cell: Mapping[str, Any]) -> str:
        value = value_text(target["form"], cell, language)
        return say("judged", language, outcome=say(f"outcomes.{outcome}", language), value=value, wanted=wanted)

    label = in_language((words.document["targets"].get(target["id"]) or {}).get("title"), language)
    yield (
        label or measure_text(words, target["measure"], reader, target.get("where")),
        judged(target["outcome"], target["total"]),
    )
    for group in target.get("groups", ()):
        yield INDENT + _value(words, target["by"], group["value"], reader), judged(group["outcome"], group)


# -- values --------------------------------------------------------------------------------------------------------


def value_text(form: str, cell: Mapping[str, Any], language: str) -> str:
    """A figure's value: a number, `91.6% (11/12)`, `2 hours 5 minutes (of 8)`, `12 (before: 9, +3)`."""
    if form == "number":
        return str(cell["number"])
    if form == "share":
        return _share(cell["numerator"], cell["denominator"], language)
    if form == "duration":
        means = [_mean(mean, language) for mean in cell["means"]]
        return say("values.and", language).join(means) or say("values.nothing", language)
    change = cell["number"] - cell["before"]
    change_text = f"{change:+d}" if change else say("values.same", language)
    return say("values.trend", language, number=cell["number"], before=cell["before"], change=change_text)


def _share(numerator: int, denominator: int, language: str) -> str:
    if not denominator:
        return say("values.nothing", language)
    tenths = 1000 * numerator // denominator
    percent = f"{tenths // 10}.{tenths % 10}"
    return say("values.share", language, percent=percent, numerator=numerator, denominator=denominator)


def _mean(mean: Mapping[str, Any], language: str) -> str:
    ms = mean["ms"] // mean["count"]
    text = duration_text(ms, language)
    if mean["kind"] == "working":  # a "day" of working time would say nothing
        text = say("values.hours", language, hours=ms // HOUR, minutes=ms % HOUR // MINUTE)
    return say(f"values.{mean['kind']}", language, duration=text, count=mean["count"])


# -- measures in words ---------------------------------------------------------------------------------------------


def _parts(raw: Any) -> tuple[str, Any, Mapping[str, Any]]:
    """A measure's name, what it is of, and its limits."""
    if isinstance(raw, str):
        return raw, None, {}
    name, argument = next(iter(raw.items()))
    if isinstance(argument, Mapping) and (name != "share" or "of" in argument):
        return name, argument.get("of", argument), argument
    return name, argument, {}


def measure_text(words: Vocabulary, raw: Any, reader: Reader, where: Any = None) -> str:
    """A measure's label; `where` limits it further."""
    language = reader.language
    name, of, limits = _parts(raw)
    if name == "complete" and limits.get("key_only"):
        label = say("measures.complete_key", language)
    elif name == "mean" and isinstance(of, Mapping):
        begin, end = (reader.phrases(words).event_in_sentence(str(of[key])) for key in ("from", "to"))
        label = say("measures.between", language, begin=begin, end=end)
    else:
        label = say(f"measures.{name}", language, of=_of(words, name, of, reader))
    conditions = [reader.phrases(words).condition(one) for one in (limits.get("where"), where) if one is not None]
    if conditions:
        label = say("limited", language, label=label, where=say_word("conditions.all", language).join(conditions))
    return say("by", language, label=label, by=words.label(limits["by"], language)) if limits.get("by") else label


def _of(words: Vocabulary, name: str, of: Any, reader: Reader) -> str:
    if name == "share":
        return reader.phrases(words).condition(of)
    if name in ("on_time", "mean"):
        return words.title("clocks", str(of), reader.language)
    if name == "returned":
        return words.title("surveys", str(of), reader.language)
    return words.label(of, reader.language) if isinstance(of, str) else ""
