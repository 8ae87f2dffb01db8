"""What happens if nobody acts: a real issue played on from how it stands, looked at at any moment, acted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import bundles, clock, inputs
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from admin.reading import Words, words_of
from admin.trying import outcome, trial
from admin.trying.keeping import drafts_for, keep
from admin.trying.page import PART, may_try
from server import drafts, issues, policies, settings
from server.core.migration import NotPossible
from server.core.moments import Moment, OutOfRange
from server.core.process import Process
from server.core.scripts import BadScript
from server.core.values import Problem
from server.directory import snapshot
from server.drafts import NotDone
from server.drills.playing import Plan, in_force
from server.events import Held
from server.recording import held
from server.store.models import Draft
from server.trying import Played, begins, beside, play_on

Answer = tuple[str, int]

PINNED: Final = ""
IN_FORCE: Final = "in_force"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: under which version, from when on, what is done, which moment is looked at."""

    by: str
    since: Moment | None
    events: list[dict[str, Any]]
    cursor: Moment | None
    problem: str = ""


class WhatIfView(Page):
    """The future of an issue, for whoever may read it. What is posted is a question: nothing is stored."""

    needs = ("issue.read",)

    def is_visible(self) -> bool:
        return False

    def may_change(self) -> bool:
        """Whoever may look may ask; writing an example asks for more where it is done."""
        return self.is_accessible()

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Issues have the link that leads here."""
        return redirect(url_for("panel_issues.index"), 303)

    @expose("/<number>", methods=("GET", "POST"))
    def issue(self, number: str) -> ResponseReturnValue:
        """What would happen from now on, with what is chosen to be done."""
        return self._shown(number)

    @expose("/<number>/example", methods=("POST",))
    def example(self, number: str) -> ResponseReturnValue:
        """Make the issue, with what was done here, an example of a draft of its process."""
        found = held(number)
        asked = _asked(words_of(found.pinned.process))
        name = request.form.get("example_name", "").strip()
        if not drafts_for(found):
            return self.inaccessible_callback("")
        made = keep(found, request.form.get("draft", ""), name, asked.events, asked.cursor)
        if made.problem:
            return self._shown(number, made.problem)
        flash(gettext("The example is in the draft now. Look it over: it expects what happens today."), "success")
        return redirect(url_for("panel_trying.examples", draft=made.draft), 303)

    def _shown(self, number: str, problem: str = "") -> Answer:
        found = held(number)
        problems, plan = [problem] if problem else [], None
        try:
            plan = _plan(found, request.values.get("by", PINNED))
            course = _course(found, plan)
            problems += course.problems
        except _Unusable:
            course = Course(_asked(words_of(found.pinned.process)), begins(found, None, clock.now()))
            problems.append(gettext("The text cannot be used yet: mend its errors first."))
        words = words_of(found.pinned.process if plan is None else plan.process)
        hidden = _hidden(found, words.process)
        body = self.render(
            "panel/trying/real_part.html" if request.headers.get(PART) else "panel/trying/real.html",
            number=found.number,
            subject=str(found.case.facts.get("subject") or ""),
            words=words,
            final=found.pinned.process.is_final(found.case.stage),
            choices=_choices(found),
            by=course.asked.by,
            since=course.start,
            events=trial.events_text(course.asked.events),
            problems=problems,
            it=course.played and outcome.outcome(course.played, course.asked.events, words, hidden, gettext("now")),
            hidden=hidden is not None,
            keepers=drafts_for(found),
            scripts=bundles.entries(),
            actor=request.form.get("actor", ""),
            to_begin=gettext("To now"),
        )
        return body, 422 if problems else 200


@dataclass(frozen=True, slots=True)
class Course:
    """What was asked, from when on, and what was played; not played where there are problems."""

    asked: Asked
    start: Moment
    played: Played | None = None
    problems: Sequence[str] = ()


def _course(found: Held, plan: Plan | None) -> Course:
    words = words_of(found.pinned.process if plan is None else plan.process)
    asked = _asked(words)
    start = begins(found, asked.since, clock.now())
    try:
        asked, played = _played(found, plan, asked, start, words)
        return Course(asked, start, played, [asked.problem] if asked.problem else [])
    except NotPossible as error:
        problems = [one.text(words.language) for one in error.problems]
    except BadScript as error:
        problems = [inputs.problem_text(Problem("", one.code, one.params)) for one in error.findings]
    except OutOfRange:
        problems = [gettext("That leads too far into the future.")]
    return Course(asked, start, problems=problems)


def _hidden(found: Held, process: Process) -> frozenset[str] | None:
    """The private fields, of either version, for a reader who may not see them; None: he may."""
    if issues.sees_private(signed_in().login, found.case, snapshot()):
        return None
    mine = {name for name, one in {**process.fields, **process.questions}.items() if one.private}
    return found.pinned.private | mine


def _asked(words: Words) -> Asked:
    """What was posted; of what cannot be read, nothing."""
    since = request.form.get("since", "")
    events, problem = trial.events_of(request.form.get("events", ""))
    return Asked(
        request.values.get("by", PINNED),
        int(since) if since.isascii() and since.isdigit() and len(since) < 16 else None,
        events,
        trial.looked_at(request.form, words),
        problem,
    )


def _played(found: Held, plan: Plan | None, asked: Asked, start: Moment, words: Words) -> tuple[Asked, Played]:
    """The issue played on after what the pressed button does: a further action, one taken back, another moment."""
    known, events = settings.current(), list(asked.events)
    undo = request.form.get("undo", "")
    if undo.isascii() and undo.isdigit() and int(undo) < len(events):
        del events[int(undo)]
    played = play_on(found, plan, events, start, asked.cursor, known)
    event = trial.done(request.form, played, words)
    if event is not None:
        events.append(event)
        played = play_on(found, plan, events, start, played.cursor, known)
    elif request.form.get("go"):
        moment = outcome.gone(played, request.form["go"])
        if moment != played.cursor:
            played = play_on(found, plan, events, start, moment, known)
    return Asked(asked.by, start, events, played.cursor, asked.problem), played


# -- versions --------------------------------------------------------------------------------------------------------


class _Unusable(Exception):
    """A draft that is chosen, and has errors."""


def _plan(found: Held, by: str) -> Plan | None:
    """The version that is chosen; None: the one that judges the issue. Raises _Unusable."""
    if by == PINNED:
        return None
    if by == IN_FORCE:
        plan = in_force(found.case.process)
        if plan is None:
            abort(404)
        return plan
    row = _draft(found, by)
    tried = beside(row.name, bytes(row.data))
    if tried.process is None:
        raise _Unusable
    return tried.plan


def _draft(found: Held, by: str) -> Draft:
    """The draft of the issue's process of that number, if the reader may try it."""
    try:
        row = drafts.one(int(by), found.case.process)
    except (NotDone, ValueError):
        abort(404)
    if not may_try(signed_in(), row):
        abort(404)
    return row


def _choices(found: Held) -> list[tuple[str, str]]:
    """The versions under which the issue can be looked at, each with what it is called."""
    choices = [(PINNED, gettext("the version that judges it"))]
    standing = policies.in_force().processes.get(found.case.process)
    if standing is not None and standing.pins != found.pinned.pins:
        choices.append((IN_FORCE, gettext("the version in force")))
    rows = [row for row in drafts.drafts(found.case.process, open_only=True) if may_try(signed_in(), row)]
    return choices + [(str(row.id), gettext("draft %(number)s", number=row.id)) for row in rows]
