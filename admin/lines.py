"""The lines of a timeline in words, each with its because: which table, which rule, which facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from admin import clock
from admin.languages import gettext
from admin.reading import Words
from server.core.vocabulary import quoted, say
from server.core.wording import entry_text, fact_text


@dataclass(frozen=True, slots=True)
class Line:
    """One line: when, what kind, in words, and why."""

    at: Markup
    kind: str
    icon: str
    tone: str
    text: str
    reasons: Sequence[str]


_ICONS: Final[Mapping[str, tuple[str, str]]] = {
    "received": ("fa-inbox", "info"),
    "action": ("fa-check", "info"),
    "refused": ("fa-ban", "warn"),
    "classified": ("fa-balance-scale", "info"),
    "routed": ("fa-share", "info"),
    "opened": ("fa-link", "info"),
    "clock_started": ("fa-clock-o", ""),
    "clock_moved": ("fa-clock-o", ""),
    "clock_paused": ("fa-pause", ""),
    "clock_resumed": ("fa-play", ""),
    "clock_warned": ("fa-bell-o", "warn"),
    "clock_met": ("fa-clock-o", "good"),
    "clock_breached": ("fa-exclamation", "bad"),
    "clock_finished_late": ("fa-clock-o", "warn"),
    "clock_stopped": ("fa-stop", ""),
    "clock_cancelled": ("fa-stop", ""),
    "asked": ("fa-question", "warn"),
    "notified": ("fa-envelope-o", ""),
    "confirmed": ("fa-check-square-o", "good"),
    "escalated": ("fa-level-up", "bad"),
    "exhausted": ("fa-level-up", "bad"),
    "surveyed": ("fa-comment-o", ""),
    "answered": ("fa-comments-o", "good"),
    "expired": ("fa-comment-o", "warn"),
    "check_failed": ("fa-exclamation-triangle", "warn"),
    "set_aside": ("fa-archive", "warn"),
    "put_back": ("fa-undo", ""),
    "raised": ("fa-bullhorn", "bad"),
    "migrated": ("fa-exchange", ""),
}


def lines(entries: Sequence[Mapping[str, Any]], words: Words) -> list[Line]:
    """The timeline, oldest first."""
    return [_line(entry, words) for entry in entries]


def _line(entry: Mapping[str, Any], words: Words) -> Line:
    icon, tone = _ICONS.get(entry["kind"], ("fa-circle-o", ""))
    return Line(
        at=clock.told(entry["at"]),
        kind=entry["kind"],
        icon=icon,
        tone=tone,
        text=entry_text(words.vocabulary, entry, words.reader),
        reasons=[because(reason, words) for reason in entry.get("because") or ()],
    )


def because(reason: Mapping[str, Any], words: Words) -> str:
    """A decision in words: what it gave, by which rule of which table, and the facts that the table looked at."""
    table = words.phrases.field(reason["table"])
    value = words.phrases.constant(reason["table"], str(reason["value"]))
    facts = facts_text(reason.get("facts") or {}, words)
    match reason.get("rule"):
        case int(rule):
            how = gettext("rule %(number)s", number=rule)
        case None:
            how = gettext("no rule fits: otherwise")
        case keys:
            how = row_text(reason["table"], keys, words)
    if not facts:
        return gettext("%(table)s is %(value)s: %(how)s", table=table, value=value, how=how)
    return gettext("%(table)s is %(value)s: %(how)s, because %(facts)s", table=table, value=value, how=how, facts=facts)


def row_text(table: str, keys: Sequence[Any], words: Words) -> str:
    """A row of a look-up table by the values of the fields that it looks up."""
    rules = words.process.raw.get("classify", {}).get(table)
    looked_up = rules.get("from") if isinstance(rules, dict) else None
    names = [looked_up] if isinstance(looked_up, str) else list(looked_up or ())
    said = [
        words.vocabulary.option(str(names[place]), str(key), words.language) if place < len(names) else str(key)
        for place, key in enumerate(keys)
    ]
    listed = say("words.list", words.language).join(quoted(one, words.language) for one in said)
    return gettext("looked up under %(keys)s", keys=listed)


def facts_text(facts: Mapping[str, Any], words: Words) -> str:
    """The facts that a decision looked at, each by its label."""
    parts = []
    for name, value in facts.items():
        if name in words.vocabulary.classified and isinstance(value, str):
            shown = words.phrases.constant(name, value)
        else:
            shown = fact_text(words.vocabulary, name, value, words.reader) or gettext("not given")
        parts.append(f"{words.label(name)} = {shown}")
    return say("words.pairs", words.language).join(parts)
