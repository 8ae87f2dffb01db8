"""An issue's clocks as people look at them: what is due next, how long that is from now, what is overdue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from admin.languages import gettext
from admin.reading import Words
from server.core.case import Case, Run
from server.core.moments import MINUTE, Moment
from server.core.wording import duration_text


@dataclass(frozen=True, slots=True)
class Deadline:
    """A run of a clock, in words. `tone`: how it is marked."""

    clock: str
    title: str
    run: int
    state: str
    state_text: str
    tone: str
    due: Moment | None
    due_text: str
    distance: str
    open: bool


def deadlines(case: Case, words: Words, now: Moment) -> list[Deadline]:
    """The clocks of an issue: open runs by their due time, then the ended ones in the document's order."""
    found = list(_all(case, words, now))
    running = [one for one in found if one.open]
    running.sort(key=lambda one: (one.due is None, one.due or 0))
    return running + [one for one in found if not one.open]


def next_due(case: Case, words: Words, now: Moment) -> Deadline | None:
    """The open deadline that comes first: an overdue one before all others; paused ones only when nothing else is."""
    running = [one for one in deadlines(case, words, now) if one.open]
    return running[0] if running else None


def _all(case: Case, words: Words, now: Moment) -> Iterator[Deadline]:
    for name in words.process.clocks:
        state = case.clocks.get(name)
        if state is None:
            continue
        for run, is_open in ((state.last, False), (state.open, True)):
            if run is not None:
                yield _one(name, run, is_open, words, now)


def _one(name: str, run: Run, is_open: bool, words: Words, now: Moment) -> Deadline:
    due = None if run.state == "paused" else run.due
    overdue = is_open and due is not None and (run.state == "breached" or due < now)
    return Deadline(
        clock=name,
        title=words.of("clocks", name),
        run=run.number,
        state=run.state,
        state_text=gettext("overdue") if overdue else state_text(run.state),
        tone="bad" if overdue else _TONES.get(run.state, ""),
        due=due,
        due_text=words.shown(due),
        distance="" if due is None or not is_open else distance(due, now, words.language),
        open=is_open,
    )


def distance(due: Moment, now: Moment, language: str) -> str:
    """How far a due time is from now: `in 2 hours 5 minutes`, `3 hours ago`."""
    length = abs(due - now)
    if length >= MINUTE:
        length -= length % MINUTE  # seconds beside hours are noise
    duration = duration_text(length, language)
    return (
        gettext("in %(duration)s", duration=duration) if due >= now else gettext("%(duration)s late", duration=duration)
    )


_TONES = {"running": "info", "met": "good", "finished_late": "warn", "breached": "bad"}


def state_text(state: str) -> str:
    """The state of a run in words."""
    words = {
        "running": gettext("running"),
        "paused": gettext("paused"),
        "breached": gettext("missed"),
        "met": gettext("met"),
        "stopped": gettext("stopped"),
        "cancelled": gettext("no longer applies"),
        "finished_late": gettext("finished late"),
    }
    return words.get(state, state)
