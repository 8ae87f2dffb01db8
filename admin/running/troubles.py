"""What somebody should look after, in words: on the page of the server's health, and what is bad on every page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import url_for

from admin import clock, languages
from admin.languages import gettext, ngettext
from server import health, settings
from server.core.moments import SECOND
from server.core.wording import duration_text
from server.health import Trouble
from server.store.failures import Unavailable


@dataclass(frozen=True, slots=True)
class Shown:
    """A trouble as a sentence, and where to look."""

    text: str
    tone: str
    link: str


def everywhere() -> list[Shown]:
    """What is so bad that administrators are told on every page. Nothing when it cannot be known now: the page of that
    failure shows this, too."""
    try:
        found = health.troubles(settings.current(), clock.now())
    except Unavailable:
        return []
    return shown(one for one in found if one.level == health.BAD)


def shown(troubles: Iterable[Trouble]) -> list[Shown]:
    """Troubles in words."""
    return [Shown(_text(one), one.level, _link(one.code)) for one in troubles]


def _text(one: Trouble) -> str:
    count = int(one.params.get("count", 0))
    since = clock.shown(one.params.get("since") or one.params.get("at"))
    match one.code:
        case "no-sweeper":
            return gettext("No worker lets time pass: nothing falls due, and nobody is told. Start one.")
        case "sweep-late":
            late = duration_text(int(one.params["seconds"]) * SECOND, languages.language())
            return gettext("What falls due is %(duration)s late.", duration=late)
        case "dead-messages":
            return ngettext("%(num)s message was given up.", "%(num)s messages were given up.", count)
        case "issues-apart":
            return ngettext("%(num)s issue is set apart.", "%(num)s issues are set apart.", count)
        case "schedules-apart":
            return ngettext("%(num)s schedule is set apart.", "%(num)s schedules are set apart.", count)
        case "kept-deliveries":
            return ngettext("%(num)s delivery could not be taken.", "%(num)s deliveries could not be taken.", count)
        case "anchor-failed":
            return gettext(
                "An anchor of the audit trail (%(kind)s) fails since %(since)s.", kind=one.params["kind"], since=since
            )
        case "no-anchor":
            return gettext("The audit trail has no anchor outside (DUBAN_ANCHORS).")
        case "tampered":
            return gettext("The audit trail was tampered with; found on %(since)s.", since=since)
        case "clock-held":
            return gettext("The clock has jumped and is held.")
        case "no-backup":
            return gettext("No backup was made yet (duban backup FILE).")
        case "checkpoint-late":
            return gettext(
                "Entries of the audit trail have waited for a signed checkpoint since %(since)s.", since=since
            )
        case "old-backup":
            return gettext("The last backup is of %(since)s.", since=since)
    return one.code


def _link(code: str) -> str:
    pages = {
        "dead-messages": "panel_queue.index",
        "issues-apart": "panel_apart.index",
        "schedules-apart": "panel_schedules.index",
        "kept-deliveries": "panel_kept.index",
        "anchor-failed": "panel_trail.index",
        "no-anchor": "panel_trail.index",
        "tampered": "panel_trail.index",
        "checkpoint-late": "panel_trail.index",
        "clock-held": "panel_clock.index",
    }
    return url_for(pages.get(code, "panel_health.index"))
