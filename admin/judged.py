"""Why an issue was judged so: for each judged name the last decision, with its rule in words and the facts it saw, and
the versions of the documents that judged it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from admin import clock
from admin.documents import kept
from admin.languages import gettext, language
from admin.lines import facts_text, row_text
from admin.reading import Words
from server.recording import Held
from server.store.models import Version

RULES: Final = "rules"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One name: its value, when it was judged, by which rule (or by whom), and the facts that the table looked at."""

    name: str
    value: str
    at: str
    how: str
    facts: str


@dataclass(frozen=True, slots=True)
class Judge:
    """A version that judges the issue: its document, its title, its number, and what it decides."""

    name: str
    title: str
    number: int
    text: str


def judgements(entries: Sequence[Mapping[str, Any]], found: Held, words: Words) -> list[Judgement]:
    """The last decision about each name that has a value, in the order of the document."""
    latest: dict[str, Judgement] = {}
    said: Mapping[str, Any] = {}
    # What an earlier version decided has rules of its own; those of the present one would be the wrong words.
    migrated = max((place for place, entry in enumerate(entries) if entry["kind"] == "migrated"), default=-1)
    for place, entry in enumerate(entries):
        at = clock.told(entry["at"])
        if entry["kind"] == "action":
            said = entry
        for reason in entry.get("because") or ():
            latest[reason["table"]] = _by_rule(reason, at, words, place > migrated)
        if entry["kind"] == "classified" and entry.get("by") not in (None, RULES):
            latest[entry["name"]] = _by_hand(entry, said, at, words)
    values = found.case.values
    return [latest[table.name] for table in words.process.classify if table.name in values and table.name in latest]


def _by_rule(reason: Mapping[str, Any], at: str, words: Words, in_words: bool) -> Judgement:
    table, rule = reason["table"], reason.get("rule")
    if isinstance(rule, int):
        how = gettext("rule %(number)s", number=rule)
        condition = _condition(table, rule, words) if in_words else None
        if condition is not None:
            how = gettext("rule %(number)s: %(condition)s", number=rule, condition=condition)
    elif rule is None:
        how = gettext("no rule fits: otherwise")
    else:
        how = row_text(table, rule, words)
    value = words.phrases.constant(table, str(reason["value"]))
    return Judgement(words.label(table), value, at, how, facts_text(reason.get("facts") or {}, words))


def _condition(table: str, rule: int, words: Words) -> str | None:
    rules = words.process.raw.get("classify", {}).get(table)
    if not isinstance(rules, list) or not 0 < rule <= len(rules):
        return None
    when = rules[rule - 1].get("when")
    if when is None:
        return gettext("in all other cases")
    return words.phrases.condition(when)


def _by_hand(entry: Mapping[str, Any], said: Mapping[str, Any], at: str, words: Words) -> Judgement:
    name = str(entry["name"])
    how = gettext("set by hand by %(who)s", who=words.who(entry["by"]))
    reason = (said.get("with") or {}).get("reason") if said.get("at") == entry["at"] else None
    if reason:
        how = gettext("set by hand by %(who)s: %(reason)s", who=words.who(entry["by"]), reason=reason)
    return Judgement(words.label(name), words.vocabulary.option(name, str(entry["to"]), words.language), at, how, "")


def judges(found: Held) -> list[Judge]:
    """The versions that judge the issue: the process first, then its calendars and its channels."""
    pins = found.pinned.pins
    ids = [pins["process"], *pins["calendars"].values(), pins["channels"]]
    fields = (Version.id, Version.name, Version.number, Version.sha256)
    rows = {row.id: row for row in Version.select(*fields).where(Version.id.in_(ids))}
    titles = kept.titles(((row.id, row.name, row.sha256) for row in rows.values()), language())
    texts = {pins["process"]: gettext("judges and times it"), pins["channels"]: gettext("sends its messages")}
    return [
        Judge(rows[id].name, titles[rows[id].name], rows[id].number, texts.get(id, gettext("says when people work")))
        for id in dict.fromkeys(ids)
        if id in rows
    ]
