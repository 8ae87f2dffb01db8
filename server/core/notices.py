"""Notices: telling people, step by step (policy language, "notify").

A notice that has begun stays as it began when the severity changes: its state keeps the variant of the steps.
"""

from __future__ import annotations

from server.core.case import Case, NoticeState
from server.core.moments import Moment
from server.core.process import Notice, Step
from server.core.turn import Happening, Telling, Turn

PREFERRED = "preferred"


def state_of(turn: Turn, notice: Notice) -> NoticeState:
    """The notice's state on this issue."""
    return turn.case.notices.setdefault(notice.id, NoticeState())


def hear(turn: Turn, happening: Happening) -> None:
    """Step 5: for each notice `until`, then `on`."""
    names = happening.names
    for notice in turn.process.notices.values():
        if not notice.until.isdisjoint(names) and notice.id in turn.case.notices:
            state = state_of(turn, notice)
            _end_steps(state)
            state.asked = None
        if not notice.on.isdisjoint(names) and (notice.when is None or notice.when.holds(turn.view)):
            _begin(turn, notice)


def sending(turn: Turn, notice: Notice) -> tuple[str, str]:
    """How the notice goes out for this issue (`always`, `ask`, `never`) and the variant of its steps."""
    send = "always" if notice.send is None else notice.send.value(turn.view) or "never"
    variant = "" if "" in notice.steps else turn.case.values["severity"]
    return (send if notice.steps.get(variant) else "never"), variant


def _begin(turn: Turn, notice: Notice) -> None:
    send, variant = sending(turn, notice)
    if send == "never":
        return
    state = state_of(turn, notice)
    _end_steps(state)
    if send == "ask":
        state.asked = variant
        turn.line("asked", notice=notice.id)
    else:
        _go(turn, notice, state, variant, 0)


def _end_steps(state: NoticeState) -> None:
    """Waiting steps end. Only an `until` event withdraws a question besides."""
    state.variant = state.at = None
    state.step = 0


def end_waiting(turn: Turn) -> None:
    """A final stage: waiting steps end."""
    for state in turn.case.notices.values():
        _end_steps(state)


def send_asked(turn: Turn, notice_id: str) -> bool:
    """Sends the notice that was asked about; False when there is nothing to send."""
    notice = turn.process.notices.get(notice_id)
    state = turn.case.notices.get(notice_id)
    if notice is None or state is None or state.asked is None:
        return False
    variant, state.asked = state.asked, None
    _end_steps(state)
    _go(turn, notice, state, variant, 0)
    return True


def confirm(turn: Turn, notice_id: str) -> bool:
    """Notes that a manual step was done; False when there is none to confirm."""
    state = turn.case.notices.get(notice_id)
    if state is None or not state.tasks:
        return False
    state.tasks -= 1
    turn.line("confirmed", notice=notice_id)
    return True


def _go(turn: Turn, notice: Notice, state: NoticeState, variant: str, index: int) -> None:
    """Takes steps in order from `index` until one has to wait."""
    steps = notice.steps[variant]
    for number in range(index, len(steps)):
        step = steps[number]
        if step.wait is not None and (number != index or state.at is None):
            until = step.wait.until(turn.now, turn.process.calendar)
            if until > turn.now and turn.final:
                break  # nothing new is timed
            if until > turn.now:
                state.variant, state.step, state.at = variant, number, until
                return
        for via in step.via:
            turn.line("notified", notice=notice.id, via=via, to=list(step.to))
            tell(turn, "notice", notice.id, via, step)
            if is_manual(turn, via):
                state.tasks += 1
        state.at = None
    state.variant = state.at = None
    state.step = 0


def next_moment(case: Case, notice: Notice) -> Moment | None:
    """When the waiting step of the notice is taken."""
    state = case.notices.get(notice.id)
    return None if state is None else state.at


def pass_time(turn: Turn, notice: Notice) -> None:
    """Takes the waiting step, and those after it that need not wait."""
    state = state_of(turn, notice)
    assert state.variant is not None
    _go(turn, notice, state, state.variant, state.step)


def tell(turn: Turn, kind: str, id: str, via: str, step: Step, rung: int = 0) -> None:
    """Notes what the `notified` line just written asks to be sent."""
    turn.tellings.append(
        Telling(
            line=len(turn.entries) - 1,
            kind=kind,
            id=id,
            via=via,
            to=step.to,
            template=step.template,
            rung=rung,
            by_time=turn.by_time,
            actor=turn.actor,
            facts=dict(turn.known),
        )
    )


def is_manual(turn: Turn, via: str) -> bool:
    """Whether what goes by this channel is a task that somebody confirms."""
    return turn.process.is_manual(resolved(turn, via))


def resolved(turn: Turn, via: str) -> str:
    """The channel that `preferred` means on this issue: the customer's, else the first channel, in the order of the
    channels document, for which the issue has an address."""
    if via != PREFERRED:
        return via
    chosen = turn.known.get(PREFERRED)
    if chosen in turn.process.channels:
        return str(chosen)
    kinds = {field.type for field in turn.process.fields.values() if turn.known.get(field.id)}
    for name, channel in turn.process.channels.items():
        if (channel.type == "email" and "email" in kinds) or (channel.type == "sms" and "phone" in kinds):
            return name
    return via
