"""What was so on an issue at a moment (`server.evidence.at`), in the reader's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from admin import clock
from admin.deadlines import state_text as run_state
from admin.languages import gettext
from admin.lines import because
from admin.reading import Words
from admin.sent import occasion, state_text
from server.core.wording import fact_text

_RUN_TONES = {"running": "info", "met": "good", "finished_late": "warn", "breached": "bad", "paused": "warn"}
_SENT_TONES = {"sent": "good", "confirmed": "good", "dead": "bad", "unsent": "warn"}


@dataclass(frozen=True, slots=True)
class Past:
    """An issue as it was."""

    at: str
    event: int
    erased: str
    stage: str
    final: bool
    severity: Mapping[str, Any] | None
    team: str
    owner: str
    versions: Sequence[Mapping[str, Any]]
    in_force: Mapping[str, Any] | None
    reasons: Sequence[str]
    clocks: Sequence[Mapping[str, Any]]
    next: str
    told: Sequence[Mapping[str, Any]]
    facts: Sequence[tuple[str, str]]


def past(found: Mapping[str, Any], words: Words) -> Past:
    """What `server.evidence.at` gives, in words."""
    return Past(
        at=short(found["at"]),
        event=found["event"],
        erased=short(found["erased"]),
        stage=words.of("stages", found["stage"]),
        final=bool(found["final"]),
        severity=words.severity(found["severity"]),
        team="" if found["team"] is None else words.who(f"team:{found['team']}").removeprefix("team:"),
        owner=words.who(found["owner"]),
        versions=[_version(one, words) for one in found["versions"]],
        in_force=_version(found["in_force"], words) if found["in_force"] else None,
        reasons=[_reason(one, words) for one in found["because"]],
        clocks=[_clock(one, words) for one in found["clocks"]],
        next=short(found["next"]),
        told=[_told(one, words) for one in found["told"]],
        facts=_facts(found["facts"], words),
    )


def short(iso: str | None) -> Markup:
    """An ISO time as every other on the page, to the second."""
    return clock.told(iso, "second")


def _version(one: Mapping[str, Any], words: Words) -> dict[str, Any]:
    shipped = one["origin"] == "shipped"
    by = gettext("shipped with the product")
    if not shipped:
        by = gettext(
            "by %(author)s, approved by %(approver)s",
            author=words.who(one["author"]),
            approver=words.who(one["approver"]),
        )
    return {**one, "by": by, "from": short(one.get("from")), "until": short(one.get("until"))}


def _reason(one: Mapping[str, Any], words: Words) -> str:
    at = short(one["at"])
    if "by" in one:
        value = "–" if one["value"] is None else words.phrases.constant(one["table"], str(one["value"]))
        values = {"table": words.label(one["table"]), "value": value, "who": words.who(one["by"]), "at": at}
        return gettext("%(table)s is %(value)s: set by %(who)s on %(at)s", **values)
    return gettext("%(reason)s (%(at)s)", reason=because(one, words), at=at)


def _clock(one: Mapping[str, Any], words: Words) -> dict[str, Any]:
    return {
        "title": words.of("clocks", one["clock"]),
        "run": one["run"],
        "state": run_state(one["state"]),
        "tone": _RUN_TONES.get(one["state"], ""),
        "due": short(one["due"]),
        "standing": _standing(one["standing"], words) if one["standing"] else "",
    }


def _standing(one: Mapping[str, Any], words: Words) -> str:
    """Why the clock stood still."""
    if one["why"] == "closed":
        return gettext(
            "stood still: outside the hours of the calendar %(calendar)s, until %(until)s",
            calendar=words.phrases.document(one["calendar"]),
            until=short(one["until"]),
        )
    stage, since = words.of("stages", one["stage"]), short(one["since"])
    action = one.get("action")
    if action is None:
        return gettext("stood still: in the stage %(stage)s since %(since)s", stage=stage, since=since)
    title = gettext("received") if action == "received" else words.of("actions", action)
    return gettext(
        "stood still: in the stage %(stage)s since %(since)s (%(action)s, %(who)s)",
        stage=stage, since=since, action=title, who=words.who(one.get("by")) or "–",
    )  # fmt: skip


def _told(one: Mapping[str, Any], words: Words) -> dict[str, Any]:
    state = one["state"]
    whom = words.who(one["recipient"]) if one["recipient"] else words.who(one["to"])
    return {
        "at": short(one["at"]),
        "what": occasion(one["notice"], words),
        "to": whom,
        "channel": words.channel(one["channel"]),
        "state": gettext("on its way") if state == "waiting" else state_text(state),
        "tone": _SENT_TONES.get(state, "info"),
        "sent": short(one["sent"]),
    }


def _facts(facts: Mapping[str, Any], words: Words) -> list[tuple[str, str]]:
    shown = []
    for name, value in facts.items():
        if name not in ("extra", "number"):
            text = fact_text(words.vocabulary, name, value, words.reader)
            if text:
                shown.append((words.label(name), text))
    return shown
