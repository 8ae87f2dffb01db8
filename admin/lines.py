"""The lines of a timeline in words, each with its because: which table, which rule, which facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from admin import clock
from admin.languages import gettext
from admin.reading import Words
from server.core.vocabulary import say
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
    table = words.label(reason["table"])
    value = words.vocabulary.option(reason["table"], str(reason["value"]), words.language)
    facts = facts_text(reason.get("facts") or {}, words)
    match reason.get("rule"):
        case int(rule):
            how = gettext("rule %(number)s", number=rule)
        case None:
            how = gettext("no rule fits: otherwise")
        case keys:
            how = gettext("row %(keys)s", keys=", ".join(map(str, keys)))
    if not facts:
        return gettext("%(table)s is %(value)s: %(how)s", table=table, value=value, how=how)
    return gettext("%(table)s is %(value)s: %(how)s, because %(facts)s", table=table, value=value, how=how, facts=facts)


def facts_text(facts: Mapping[str, Any], words: Words) -> str:
    """The facts that a decision looked at, each by its label."""
    parts = []
    for name, value in facts.items():
        shown = fact_text(words.vocabulary, name, value, words.reader) or gettext("not given")
        parts.append(f"{words.label(name)} = {shown}")
    return say("words.pairs", words.language).join(parts)
