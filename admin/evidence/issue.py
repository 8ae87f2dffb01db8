"""The evidence of one issue: what was so at a moment, whether computing it anew gives the same, and the file that
proves it elsewhere."""

from __future__ import annotations

from typing import Any, Final

from flask import Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock
from admin.clock import now
from admin.evidence.past import Past, past
from admin.evidence.wording import Wording
from admin.guard import Page, expose, signed_in
from admin.languages import gettext, language
from admin.reading import Words, words_of
from server import settings
from server.attachments import as_download
from server.core.moments import BadTime, OutOfRange
from server.events import Held
from server.evidence import at as then
from server.evidence import bundle, recomputing, searching
from server.evidence.searching import Filters
from server.evidence.telling import difference_text
from server.recording import UnknownIssue, held
from server.sealing import Signer
from server.store.models import AuditEntry, Event, Message

STEPS: Final = 60
"""Moments of an issue's history that are offered to look back from, the last ones."""


class EvidenceView(Page):
    """Evidence; to take it out is noted in the trail, and changes nothing else."""

    needs = ("audit.read",)
    changes = "audit.read"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Which issue? And what was taken out before."""
        number = request.args.get("number", "").strip()[:200]
        problem = ""
        if number:
            try:
                return redirect(url_for(".issue", number=held(number).number), 303)
            except UnknownIssue:
                problem = gettext("There is no issue %(number)s.", number=number)
        words = Wording()
        taken = searching.search(Filters(kind="evidence.exported"), None, 20)
        rows = [
            {"id": one.id, "at": clock.shown(one.at, "second"), "by": words.who(one.by), "text": words.sentence(one)}
            for one in taken
        ]
        page = self.render("panel/evidence/choose.html", number=number, problem=problem, rows=rows)
        return (page, 404) if problem else page

    @expose("/<number>")
    def issue(self, number: str) -> ResponseReturnValue:
        """One issue: what the file holds, and what was so at the moment that is asked for."""
        found = held(number)
        words = words_of(found.pinned.process)
        given = request.args.get("at", "").strip()[:100]
        seen, problem = _then(found, given, words)
        return self.render(
            "panel/evidence/issue.html",
            number=number,
            subject=found.case.facts.get("subject", "") if "subject" not in found.pinned.private else "",
            words=words,
            holds=_holds(found),
            steps=_steps(found, words),
            zone=found.pinned.process.calendar.zone.key,
            given=given,
            past=seen,
            problem=problem,
            recomputed=_recomputed(number) if "recompute" in request.args else None,
        )

    @expose("/<number>/file", methods=("POST",))
    def file(self, number: str) -> ResponseReturnValue:
        """The file of evidence, to be saved; who took it is in the trail."""
        key = settings.current().signing_key
        private = bool(request.form.get("private")) and signed_in().may("private.read")
        try:
            made = bundle.export(
                number, now(), None if key is None else Signer(key), by=signed_in().login, private=private
            )
        except bundle.NoKey:
            flash(gettext("There is no key to sign evidence with (DUBAN_SIGNING_KEY)."), "danger")
            return redirect(url_for(".issue", number=number), 303)
        except bundle.NotSealed:
            flash(gettext("The trail is being sealed by somebody who is busy. Try again in a few seconds."), "danger")
            return redirect(url_for(".issue", number=number), 303)
        return Response(made, mimetype="application/zip", headers=as_download(f"{number}.zip"))


def _then(found: Held, given: str, words: Words) -> tuple[Past | None, str]:
    """What was so; or what is wrong with the moment."""
    if not given:
        return None, ""
    try:
        moment = found.pinned.process.calendar.parse(given)
    except (BadTime, OutOfRange):
        return None, gettext("“%(given)s” is no moment; one is written 2026-03-02T14:00.", given=given)
    if moment > now():
        return None, gettext("This moment has not come yet.")
    try:
        seen = then.at(found.number, moment, private=signed_in().may("private.read"))
    except then.NotYet as error:
        return None, gettext(
            "The issue was not there yet; it was recorded on %(recorded)s.",
            recorded=clock.told_text(error.recorded, "second"),
        )
    return past(seen, words), ""


def _holds(found: Held) -> dict[str, int]:
    """How much of what the file will hold."""
    pins = found.pinned.pins
    return {
        "events": Event.select().where(Event.issue == found.id).count(),
        "entries": AuditEntry.select().where(AuditEntry.issue == found.id).count(),
        "versions": 2 + len(pins["calendars"]),
        "messages": Message.select().where(Message.issue == found.id).count(),
    }


def _steps(found: Held, words: Words) -> list[tuple[str, str]]:
    """The last moments at which something happened, each with what it was."""
    kinds = Wording()
    rows = Event.select(Event.at, Event.kind, Event.by).where(Event.issue == found.id).order_by(Event.seq.desc())
    steps: dict[str, str] = {}
    for row in rows.limit(STEPS):
        # A moment is shown to the second, rounded down: what happened within it has happened at the next one.
        at = words.process.calendar.show(row.at - row.at % 1000 + 1000)
        text = f"{clock.told_text(at, 'second')} · {_event(row.kind)} · {kinds.who(row.by)}"
        steps.setdefault(at[:19], text)
    return list(steps.items())


def _event(kind: str) -> str:
    from admin.evidence.kinds import kind_text

    return kind_text(f"issue.{kind}")


def _recomputed(number: str) -> dict[str, Any]:
    result = recomputing.one(number)
    return {
        "same": result.is_same,
        "events": result.events,
        "erased": bool(result.erased),
        "differences": [difference_text(one, language()) for one in result.differences],
        "more": result.more,
    }
