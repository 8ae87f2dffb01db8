"""How the server is, for whoever runs it: the same facts as /readyz and /metrics, in words; and what is wrong, on every
page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from admin import clock, formats
from admin.clock import now
from admin.guard import expose
from admin.languages import gettext, ngettext
from admin.running.troubles import shown as troubles_shown
from admin.system import SystemPage
from server import clock as server_clock
from server import health, settings, working
from server.core.moments import Moment
from server.metrics import Family, figure


class HealthView(SystemPage):
    """The health of the server."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What is wrong, who works, how much waits, how large and how old."""
        at = now()
        found = health.look(settings.current(), at)
        return self.render(
            "panel/running/health.html",
            troubles=troubles_shown(found.troubles),
            workers=[_worker(one, at) for one in found.workers],
            at_work=_at_work(found, at),
            duties=[(_duty(one.name), one.holder.rpartition("/")[0] or one.holder) for one in found.leases],
            work=_work(found.figures),
            queue=_queue(found.figures),
            store=_store(found, at),
            deliveries=_deliveries(found.figures),
            clock_held=server_clock.held() is not None,
        )


def ago(moment: Moment | None, at: Moment) -> str:
    """How long ago, in words."""
    if moment is None:
        return gettext("never")
    return gettext("%(duration)s ago", duration=formats.duration(max(at - moment, 0)))


def _at_work(found: health.Health, at: Moment) -> tuple[str, str]:
    """Whether somebody works, in words, with the tone."""
    there = sum(at - one.seen_at < working.SILENT for one in found.workers)
    if not there:
        last = max((one.seen_at for one in found.workers), default=None)
        return gettext("No worker is at work; the last one was heard of: %(when)s.", when=ago(last, at)), "bad"
    silent = len(found.workers) - there
    if silent:
        return ngettext("%(num)s worker was not heard of for a minute.",
                        "%(num)s workers were not heard of for a minute.", silent), "warn"  # fmt: skip
    return ngettext("%(num)s worker is at work.", "%(num)s workers are at work.", there), "good"


def _worker(one: Any, at: Moment) -> dict[str, Any]:
    there = at - one.seen_at < working.SILENT
    return {
        "name": one.holder,
        "release": one.release,
        "since": clock.shown(one.started_at),
        "seen": ago(one.seen_at, at),
        "state": gettext("at work") if there else gettext("not heard of"),
        "tone": "good" if there else "warn",
    }


def _duty(name: str) -> str:
    words = {
        "sweep": gettext("what falls due on issues"),
        "schedules": gettext("schedules and reports"),
        "seal": gettext("sealing the audit trail"),
        "anchor": gettext("giving checkpoints to anchors"),
        "verify": gettext("verifying the audit trail"),
    }
    return words.get(name, name)


def _work(found: Sequence[Family]) -> list[tuple[str, str, str]]:
    """Label, value and tone of what the sweep has to do."""
    behind = figure(found, "duban_sweep_behind_seconds")
    apart = int(figure(found, "duban_issues_set_apart"))
    return [
        (gettext("Sweep behind"), formats.duration(int(behind * 1000)), "bad" if behind > 60 else "good"),
        (gettext("Late by more than a second"), _late(found), ""),
        (gettext("Open issues"), formats.number(int(figure(found, "duban_issues_open"))), ""),
        (gettext("Overdue issues"), formats.number(int(figure(found, "duban_issues_overdue"))), ""),
        (gettext("Issues set apart"), formats.number(apart), "warn" if apart else ""),
    ]


def _late(found: Sequence[Family]) -> str:
    """Of the due moments that there were, how many the sweep took up more than a second late."""
    samples = [one for family in found if family.name == "duban_sweep_lateness_seconds" for one in family.samples]
    every = sum(one.value for one in samples if one.suffix == "_count")
    punctual = sum(one.value for one in samples if one.suffix == "_bucket" and one.labels.get("le") == "1")
    return gettext(
        "%(late)s of %(count)s", late=formats.number(int(every - punctual)), count=formats.number(int(every))
    )


def _queue(found: Sequence[Family]) -> list[tuple[str, str, str, str]]:
    """Label, value, tone and link of what waits."""
    oldest = figure(found, "duban_messages_pending_oldest_seconds")
    pending = int(figure(found, "duban_messages_pending"))
    text = formats.number(pending)
    if pending:
        text = gettext(
            "%(count)s, the oldest for %(duration)s", count=text, duration=formats.duration(int(oldest * 1000))
        )
    rows = [(gettext("Messages that wait"), text, "", url_for("panel_queue.index", state="pending"))]
    for state, label in (
        ("dead", gettext("Given up")),
        ("unsent", gettext("Not sent")),
        ("held", gettext("Held back")),
        ("manual", gettext("To be done by hand")),
    ):
        count = int(figure(found, "duban_messages_open", state=state))
        link = "" if state == "manual" else url_for("panel_queue.index", state=state)
        rows.append((label, formats.number(count), "bad" if state == "dead" and count else "", link))
    kept = int(figure(found, "duban_intake_kept"))
    rows.append((gettext("Kept deliveries"), formats.number(kept), "warn" if kept else "", url_for("panel_kept.index")))
    return rows


def _store(found: health.Health, at: Moment) -> list[tuple[str, str, str]]:
    made = found.backup
    codes = {one.code for one in found.troubles}
    unsigned = ngettext("%(num)s entry since", "%(num)s entries since", found.unsigned)
    pending = ngettext("%(num)s step is missing", "%(num)s steps are missing", len(found.pending))
    return [
        (gettext("Database"), found.about["database"], ""),
        (gettext("Size"), formats.size(found.size), ""),
        (
            gettext("Steps taken"),
            f"{found.step} ({pending})" if found.pending else found.step,
            "bad" if found.pending else "",
        ),
        (
            gettext("Last backup"),
            _judged(
                gettext("none yet") if made is None else ago(made["at"], at), made is None or "old-backup" in codes
            ),
            "warn" if made is None or "old-backup" in codes else "good",
        ),
        (
            gettext("Last checkpoint"),
            _checkpoint(found, at, unsigned, "checkpoint-late" in codes),
            "warn" if "checkpoint-late" in codes else "" if found.checkpoint_at is None else "good",
        ),
        (gettext("Release"), f"Duban {found.about['release']}, Python {found.about['python']}", ""),
    ]


def _checkpoint(found: health.Health, at: Moment, unsigned: str, late: bool) -> str:
    """When the newest was signed, and what came after it. That there is none yet is good or bad only by its age."""
    if found.checkpoint_at is None and not late:
        return gettext("none yet")
    when = gettext("none yet") if found.checkpoint_at is None else ago(found.checkpoint_at, at)
    return _judged(f"{when} · {unsigned}", late)


def _judged(text: str, attention: bool) -> str:
    """A value with its state in words."""
    state = gettext("needs attention") if attention else gettext("good")
    return gettext("%(name)s: %(value)s", name=state, value=text)


def _deliveries(found: Sequence[Family]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Attempts by channel and what they came to, since the store was made."""
    words = {
        "sent": gettext("delivered"),
        "retried": gettext("tried again"),
        "dead": gettext("given up"),
        "unsent": gettext("not sent"),
    }
    table: dict[str, Mapping[str, float]] = defaultdict(dict)
    for family in found:
        if family.name == "duban_deliveries_total":
            for one in family.samples:
                table[one.labels["channel"]] = {**table[one.labels["channel"]], one.labels["outcome"]: one.value}
    rows = [(name, [formats.number(int(known.get(key, 0))) for key in words]) for name, known in sorted(table.items())]
    return list(words.values()), rows
