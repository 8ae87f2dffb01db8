"""Messages that wait, and those that nobody got: sent once more, or dropped with a reason; one, or all of a kind."""

from __future__ import annotations

from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from peewee import JOIN
from werkzeug.datastructures import MultiDict

from admin import clock
from admin.clock import now
from admin.guard import expose, signed_in
from admin.languages import gettext, language, ngettext
from admin.reading import words_of
from admin.sent import sent, state_text, without_issue
from admin.system import SystemPage
from server import calling, delivery
from server.core.vocabulary import say
from server.delivery import deciding
from server.delivery.deciding import OPEN, NoReason, Which
from server.policies import Unusable, process_for
from server.store.models import Issue, Message

SIZE: Final = 50
STATES: Final = (*OPEN, Message.PENDING)


class QueueView(SystemPage):
    """The queue of messages and what did not go out."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Dead, unsent and held messages, or those that wait, newest first."""
        which = _which(request.args)
        before = request.args.get("after", type=int)
        found = deciding.ids(which, before if before is None or 0 < before < 2**62 else None, SIZE + 1)
        rows = {row.id: row for row in _rows(found[:SIZE])}
        return self.render(
            "panel/running/queue.html",
            rows=[_message(rows[id_]) for id_ in found[:SIZE] if id_ in rows],
            after=found[SIZE - 1] if len(found) > SIZE else None,
            chosen=_chosen(request.args),
            states=[(state, state_text(state)) for state in STATES],
        )

    @expose("/decide", methods=("GET", "POST"))
    def decide(self) -> ResponseReturnValue:
        """Before it is done: what it is about, and for dropping why; then it is done."""
        given = request.values
        do, one = given.get("do", ""), given.get("message", type=int)
        which = _which(given)
        if do not in ("retry", "drop") or which.states == (Message.PENDING,):
            abort(400)
        meant = _one(one) if one is not None else deciding.ids(which, None, deciding.MOST)
        reason = request.form.get("reason", "")
        if request.method == "POST":
            by = signed_in().login
            try:
                if do == "retry":
                    count = deciding.retry(meant, now(), by)
                    flash(
                        ngettext("%(num)s message is sent again.", "%(num)s messages are sent again.", count), "success"
                    )
                else:
                    count = deciding.drop(meant, now(), by, reason)
                    flash(ngettext("%(num)s message was dropped.", "%(num)s messages were dropped.", count), "success")
            except NoReason:
                return self._asked(given, meant, reason, gettext("Say why they are not wanted any more.")), 422
            return redirect(url_for(".index", **_chosen(given)), 303)
        return self._asked(given, meant, reason, "")

    def _asked(self, given: MultiDict[str, str], meant: list[int], reason: str, problem: str) -> str:
        rows = _rows(meant[:20]).order_by(Message.id.desc())
        return self.render(
            "panel/running/decide.html",
            do=given.get("do"),
            message=given.get("message", type=int),
            chosen=_chosen(given),
            count=len(meant),
            is_more=len(meant) >= deciding.MOST,
            rows=[_message(row) for row in rows],
            reason=reason,
            problem=problem,
        )

    @expose("/release", methods=("POST",))
    def release(self) -> ResponseReturnValue:
        """Let messages leave again: with those that wait, or without them."""
        decision = request.form.get("decision")
        if decision not in ("send", "skip"):
            abort(400)
        count = delivery.release_outgoing(now(), signed_in().login, send=decision == "send")
        if decision == "send":
            flash(ngettext("%(num)s message will leave.", "%(num)s messages will leave.", count), "success")
        else:
            flash(ngettext("%(num)s message was dropped.", "%(num)s messages were dropped.", count), "success")
        return redirect(url_for(".index"), 303)


def _chosen(given: MultiDict[str, str]) -> dict[str, Any]:
    found = {name: given.get(name, "").strip()[:200] for name in ("state", "channel", "process")}
    return {name: value for name, value in found.items() if value}


def _which(given: MultiDict[str, str]) -> Which:
    chosen = _chosen(given)
    state = chosen.get("state", "")
    return Which((state,) if state in STATES else OPEN, chosen.get("channel", ""), chosen.get("process", ""))


def _one(message: int) -> list[int]:
    if not 0 < message < 2**62 or Message.get_or_none(Message.id == message) is None:
        abort(404)
    return [message]


def _rows(wanted: list[int]) -> Any:
    """These messages, each with what is shown of its issue."""
    columns = (Message, Issue.id, Issue.number, Issue.pins)
    return Message.select(*columns).join(Issue, JOIN.LEFT_OUTER).where(Message.id.in_(wanted))


def _by_itself(row: Any) -> dict[str, str]:
    """What a message is about, for whom and by which channel, when no issue says so."""
    names = calling.names(language(), {})
    logins = [str(one.get("id")) for one in (row.payload or {}).get("to") or []] or [row.to]
    return {
        "about": without_issue(row.notice, names.documents),
        "to": say("words.list", language()).join(names.people.get(one, one) for one in logins),
        "channel": names.channels.get(row.channel, row.channel),
    }


def _message(row: Any) -> dict[str, Any]:
    issue = row.issue
    found: dict[str, Any] = {
        "issue": "" if issue is None else issue.number,
        "at": clock.shown(row.at),
        "sent": None,
        "next": clock.shown(row.next_at),
        "about": row.notice,
        "to": row.to,
        "channel": row.channel,
        **(_by_itself(row) if issue is None else {}),
    }
    try:
        if issue is not None:
            pinned = process_for(issue.pins)
            found["sent"] = sent(row, words_of(pinned.process), False)
    except Unusable as unusable:
        found["problem"] = str(unusable)
    return {**found, "row": row, "state": state_text(row.state), "open": row.state in OPEN}
