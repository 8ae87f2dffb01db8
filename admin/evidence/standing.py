"""How the audit trail stands, in words: what the last verification found, whether one is under way, what the anchors
have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from admin import clock, formats
from admin.languages import gettext, language
from server import sealing, settings
from server.core.moments import Moment
from server.core.wording import duration_text
from server.evidence import standing
from server.evidence.telling import told_finding
from server.sealing import blocks
from server.store import database
from server.store.models import AuditAnchor, Verification


@dataclass(frozen=True, slots=True)
class AnchorShown:
    """An anchor: what it is, and whether it has what it should."""

    kind: str
    place: str
    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of the trail. `tone` is that of the notice: good, bad, warn, info."""

    tone: str
    text: str
    detail: str
    findings: Sequence[str] = ()
    more: int = 0
    anchors: Sequence[AnchorShown] = ()
    under_way: bool = False
    progress: int | None = None
    progress_text: str = ""
    failed: str = ""
    key: str = ""
    missing: Sequence[str] = field(default_factory=tuple)


def shown() -> Standing:
    """The state as it is now. Raises Unavailable."""
    with database.session():
        moment = clock.now()
        last, failed, waits = standing.latest(), standing.last_failed(), standing.under_way()
        newest = blocks.newest()
        found = _found(last, moment, 0 if newest is None else newest.last)
        keys = sealing.keys(settings.current())
        percent, said = _progress(waits, moment)
        return Standing(
            **found,
            anchors=_anchors(moment),
            under_way=waits is not None,
            progress=percent,
            progress_text=said,
            failed="" if failed is None else str((failed.result or {}).get("error", "")),
            key=keys[0].show() if keys else "",
        )


def _found(last: Any, moment: Moment, sealed: int) -> dict[str, Any]:
    if last is None:
        return {
            "tone": "info",
            "text": gettext("The trail has not been verified yet."),
            "detail": gettext("%(sealed)s entries are sealed.", sealed=formats.number(sealed)),
        }
    result = last.result or {}
    ago = duration_text(max(moment - last.ended_at, 0), language())
    findings = [told_finding(one, language()) for one in (result.get("findings") or [])[:20]]
    values = {"entries": formats.number(result.get("entries", 0)), "ago": ago}
    if last.state == Verification.TAMPERED:
        text = gettext("The trail was tampered with. Found %(ago)s ago; the first place:", **values)
        tone = "bad"
    else:
        text = gettext("Verified up to entry %(entries)s, %(ago)s ago: sound.", **values)
        tone = "good"
    since = max(sealed - int(result.get("entries", 0)), 0)
    stated = sum((result.get("checkpoints") or {}).values())
    outside = stated - int((result.get("checkpoints") or {}).get("store", 0))
    detail = gettext(
        "%(blocks)s blocks, %(events)s events of issues, %(store)s checkpoints in the store and %(outside)s outside "
        "were compared. Sealed and not verified since: %(since)s entries.",
        blocks=formats.number(result.get("blocks", 0)),
        events=formats.number(result.get("events", 0)),
        store=formats.number(stated - outside),
        outside=formats.number(outside),
        since=formats.number(since),
    )
    if passed_over := sum((result.get("foreign") or {}).values()):
        detail += " " + gettext(
            "%(count)s checkpoints of other keys were passed over.", count=formats.number(passed_over)
        )
    more = int(result.get("more", 0)) + max(len(result.get("findings") or []) - len(findings), 0)
    missing = tuple(result.get("anchors_missing") or ())
    return {"tone": tone, "text": text, "detail": detail, "findings": findings, "more": more, "missing": missing}


def _progress(waits: Any, moment: Moment) -> tuple[int | None, str]:
    if waits is None:
        return None, ""
    if waits.state == Verification.WAITING:
        if moment - waits.asked_at > standing.SILENT:
            return 0, gettext("No worker has taken up the verification yet. Is one running?")
        return 0, gettext("The verification waits for a worker.")
    total = max(int(waits.total), 1)
    percent = min(int(waits.read) * 100 // total, 99)
    return percent, gettext(
        "%(read)s of %(total)s entries read", read=formats.number(waits.read), total=formats.number(waits.total)
    )


def _anchors(moment: Moment) -> list[AnchorShown]:
    known = {row.url: row for row in AuditAnchor.select()}
    return [_anchor(one, known.get(one.url), moment) for one in settings.current().anchors]


def _anchor(anchor: Any, row: Any, moment: Moment) -> AnchorShown:
    kinds = {"file": gettext("file"), "webhook": gettext("webhook"), "mail": gettext("mailbox")}
    place = anchor.target
    if anchor.kind == "webhook":
        place = urlsplit(anchor.target).hostname or ""  # the rest of its address may be a secret
    if row is None or row.at is None:
        text, tone = gettext("has nothing yet"), "warn"
    else:
        ago = duration_text(max(moment - row.at, 0), language())
        text, tone = gettext("has %(size)s entries, since %(ago)s", size=formats.number(row.size), ago=ago), "good"
    if row is not None and row.failed_at is not None:
        since = clock.shown(row.failed_at)
        text, tone = gettext("fails since %(since)s: %(why)s", since=since, why=row.problem or ""), "bad"
    return AnchorShown(kinds.get(anchor.kind, anchor.kind), place, text, tone)
