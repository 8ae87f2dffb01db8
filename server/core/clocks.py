"""Clocks: deadlines that start, move, stand still, warn, are met or breached (policy language, "clocks", rules 1–7).

A rule number in a comment or docstring is that of the page. Rule 8, what happens after downtime, follows from
time passing in order; folding messages is done where they are sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from server.core.case import Case, ClockState, Run
from server.core.moments import Moment
from server.core.process import Clock, Mark, Span
from server.core.turn import Happening, Turn

MANY_PAUSES = 500


def state_of(turn: Turn, clock: Clock) -> ClockState:
    """The clock's state on this issue."""
    clocks = turn.case.clocks
    state = clocks.get(clock.id)
    if state is None:
        state = clocks[clock.id] = ClockState()
    return state


def target(turn: Turn, clock: Clock, first: bool = False) -> Span | None:
    """What `within`, `every` or (for a first run) `first` gives this issue; None: the clock does not apply."""
    main = clock.span.value(turn.view)
    if main is not None and main.field:
        main = _on_issue(turn, clock, main)
    if first and main is not None and clock.first is not None:
        other = clock.first.value(turn.view)
        return (_on_issue(turn, clock, other) if other is not None and other.field else other) or main
    return main


def _on_issue(turn: Turn, clock: Clock, span: Span) -> Span | None:
    """What a span that names a field is on this issue; None: the field has no value."""
    at = moment_in(turn, clock, span.field, ending=True)
    return None if at is None else Span(f"{span.text}={at}", field=span.field, at=at)


def moment_in(turn: Turn, clock: Clock, field: str, ending: bool) -> Moment | None:
    """The moment in a field; a date means the midnight that begins it, or that ends it."""
    value = turn.known.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value:
        return clock.calendar.midnight_after(value) if ending else clock.calendar.midnight(value)
    return None


# -- step 3: durations that changed (rule 5) ----------------------------------------------------------------------


def note_spans(turn: Turn) -> None:
    """Remembers which clocks apply to a new issue; nothing runs yet."""
    states = turn.case.clocks
    for clock in turn.process.clocks.values():
        found = target(turn, clock)
        states[clock.id] = ClockState(span=None if found is None else found.text)


def change(turn: Turn, happening: Happening) -> None:
    """Rule 5: clocks whose duration is another after this event."""
    for clock in turn.process.clocks.values():
        change_one(turn, clock, happening)


def change_one(turn: Turn, clock: Clock, happening: Happening) -> None:
    """Rule 5 for one clock."""
    state = state_of(turn, clock)
    found = target(turn, clock)
    former, state.span = state.span, None if found is None else found.text
    if state.open is not None:
        _change_run(turn, clock, state, state.open)
    elif former is None and found is not None:
        if happening.entered is not None:  # the stage is the new one already: what starts here is paused by it
            _pause_or_resume(turn, clock, state, happening)
        start_afterwards(turn, clock, state, found, happening)


def _change_run(turn: Turn, clock: Clock, state: ClockState, run: Run) -> None:
    found = target(turn, clock, run.first)
    if found is None:
        leave_silently(turn, clock, state, cancelled=True)
        if state.open is not None:
            _end(turn, clock, state, state.open, "cancelled")
    elif found.text != run.span and run.state != "breached":
        measure(clock, run, found)
        run.marks_after = max(run.marks_after, turn.now - 1)
        if run.state == "running":
            due = moved(clock, state, run, run.base)
            if due != run.due:
                run.due = due
                turn.line("clock_moved", clock=clock.id, run=run.number, due=due)
            breach_if_past(turn, clock, state)


def start_afterwards(turn: Turn, clock: Clock, state: ClockState, found: Span, happening: Happening) -> None:
    """Rule 5: starts a clock that now applies, if it had an `on` event with no `until` event or final stage since."""
    if state.on_at is None or turn.final or happening.is_one_of(clock.until) or happening.is_one_of(clock.on):
        return
    if clock.recurring:
        first = target(turn, clock, first=True)
        assert first is not None
        _start(turn, clock, state, first, turn.now, turn.now, first_run=True)
        return
    since = _since(turn, clock)
    start = state.on_at if since is None else since
    if start not in state.spent:
        assert state.on_since is not None
        _start(turn, clock, state, found, start, state.on_since, marks_after=turn.now - 1)


# -- step 4: events ------------------------------------------------------------------------------------------------


def hear(turn: Turn, happening: Happening) -> None:
    """Step 4: clock by clock, leaving or entering a pause, `until`, `met_by`, `on`; then rule 7."""
    names, entered = happening.names, happening.entered is not None
    ends = entered and turn.final
    for clock in turn.process.clocks.values():
        if entered and clock.pause:
            _pause_or_resume(turn, clock, state_of(turn, clock), happening)
        if not clock.listens.isdisjoint(names):  # most events concern few clocks
            _listen(turn, clock, state_of(turn, clock), happening)
        if ends:
            stop(turn, clock)


def _listen(turn: Turn, clock: Clock, state: ClockState, happening: Happening) -> None:
    if happening.is_one_of(clock.until):
        _until(turn, clock, state)
    if happening.is_one_of(clock.met_by):
        _met_by(turn, clock, state)
    if not turn.final and happening.is_one_of(clock.on):
        _on(turn, clock, state, happening)


def _pause_or_resume(turn: Turn, clock: Clock, state: ClockState, happening: Happening) -> None:
    was, now_is = happening.left in clock.pause, happening.entered in clock.pause
    if now_is and not was:
        state.paused_at = turn.now
        if state.open is not None and state.open.state == "running":
            state.open.state = "paused"
            turn.line("clock_paused", clock=clock.id, run=state.open.number)
    elif was and not now_is:
        _note_pause(turn, clock, state)
        state.paused_at = None
        run = state.open
        if run is not None and run.state == "paused":
            run.state = "running"
            run.due = moved(clock, state, run, run.base)
            turn.line("clock_resumed", clock=clock.id, run=run.number, due=run.due)
            _catch_up(turn, clock, state, run)


def _note_pause(turn: Turn, clock: Clock, state: ClockState) -> None:
    if state.paused_at is None or (state.open is None and state.on_at is None):
        return
    begin = state.paused_at
    if state.pauses and state.pauses[-1][0] == begin:
        state.pauses[-1][1] = turn.now
    else:
        state.pauses.append([begin, turn.now])
    if len(state.pauses) > MANY_PAUSES:  # a case is bounded; the two oldest count as one of their joint length
        (begin, end), (other, last) = state.pauses[:2]
        state.pauses[:2] = [[begin, end + last - other]]


def _catch_up(turn: Turn, clock: Clock, state: ClockState, run: Run) -> None:
    """Rule 4: on leaving a pause, marks that are past are given, and a due time that is past breaches."""
    for mark, at in _open_marks(clock, state, run):
        if at < turn.now:
            _warn(turn, clock, run, mark)
    breach_if_past(turn, clock, state)


def leave_silently(turn: Turn, clock: Clock, state: ClockState, cancelled: bool = False) -> None:
    """Rule 4: a run that ends while paused ends as if it had left the pause first, without a line for that. Marks
    before a change of its duration, such as one that cancels it, are passed over (rule 6)."""
    run = state.open
    if run is not None and run.state == "paused":
        _note_pause(turn, clock, state)
        run.state = "running"
        run.due = moved(clock, state, run, run.base)
        if cancelled:
            breach_if_past(turn, clock, state)
        else:
            _catch_up(turn, clock, state, run)


def _until(turn: Turn, clock: Clock, state: ClockState) -> None:
    leave_silently(turn, clock, state)
    run = state.open
    if run is not None and clock.recurring:
        _end(turn, clock, state, run, "stopped")
    elif run is not None:
        _end(turn, clock, state, run, "finished_late" if run.state == "breached" else "met")
    state.on_at = state.on_since = None
    state.spent.clear()


def _met_by(turn: Turn, clock: Clock, state: ClockState) -> None:
    leave_silently(turn, clock, state)
    run = state.open
    if run is not None and clock.recurring:
        _end(turn, clock, state, run, "met")
        _next_run(turn, clock, state, turn.now)


def _on(turn: Turn, clock: Clock, state: ClockState, happening: Happening) -> None:
    moment = turn.now
    if "received" in happening.names:  # as `received` or as the first stage, which is entered with it
        moment = turn.case.facts["received"]  # rule 1: it counts from the field
    if state.on_at is None:
        state.on_at, state.on_since = moment, turn.now
        if state.open is None:
            state.pauses.clear()
    found = target(turn, clock, first=True)
    if state.open is None and found is not None:
        since = _since(turn, clock)
        start, passed_over = (moment, None) if since is None else (since, turn.now)
        _start(turn, clock, state, found, start, turn.now, first_run=clock.recurring, marks_after=passed_over)


def stop(turn: Turn, clock: Clock) -> None:
    """Rule 7: in a final stage an open run is stopped."""
    state = state_of(turn, clock)
    leave_silently(turn, clock, state)
    if state.open is not None:
        _end(turn, clock, state, state.open, "stopped")
    state.on_at = state.on_since = None
    state.spent.clear()


# -- runs ----------------------------------------------------------------------------------------------------------


def _since(turn: Turn, clock: Clock) -> Moment | None:
    """Rule 1: the moment in the field `from`, from which a run counts instead of from its event."""
    return moment_in(turn, clock, clock.since, ending=False) if clock.since else None


def _start(
    turn: Turn,
    clock: Clock,
    state: ClockState,
    found: Span,
    start: Moment,
    since: Moment,
    first_run: bool = False,
    marks_after: Moment | None = None,
) -> None:
    state.runs += 1
    after = start if marks_after is None else max(start, marks_after)
    run = Run(
        number=state.runs,
        start=start,
        since=since,
        span="",
        base=0,
        due=0,
        working=False,
        fixed=False,
        first=first_run,
        marks_after=after,
        state="paused" if turn.case.stage in clock.pause else "running",
    )
    measure(clock, run, found)
    if clock.recurring:
        state.pauses = [pause for pause in state.pauses if pause[1] > since]
    run.due = moved(clock, state, run, run.base)
    state.open = run
    due = run.due if run.state == "running" else None
    turn.line("clock_started", clock=clock.id, run=run.number, due=due)
    breach_if_past(turn, clock, state)


def _next_run(turn: Turn, clock: Clock, state: ClockState, start: Moment) -> None:
    found = target(turn, clock)
    if found is not None and not turn.final:
        _start(turn, clock, state, found, start, start)


def measure(clock: Clock, run: Run, found: Span) -> None:
    """Sets a run's due time without pauses."""
    run.span = found.text
    run.fixed = found.at is not None
    run.working = found.duration is not None and found.duration.is_working
    if found.at is not None:
        run.base = found.at
    else:
        assert found.duration is not None
        run.base = clock.calendar.add(run.start, found.duration)


def moved(clock: Clock, state: ClockState, run: Run, moment: Moment, until: Moment | None = None) -> Moment:
    """Rule 4: a moment of the run, later by the pauses that began at or before it; `field:` ones do not move. `until`:
    as it stood then, by the pauses up to that time."""
    if run.fixed:
        return moment
    for begin, end in state.pauses:
        begin = max(begin, run.since)
        end = end if until is None else min(end, until)
        if begin >= end or begin > moment:
            continue
        if run.working:
            moment = clock.calendar.add_open(moment, clock.calendar.between(begin, end))
        else:
            moment += end - begin
    return moment


def _end(turn: Turn, clock: Clock, state: ClockState, run: Run, how: str) -> None:
    """Ends a run; `how` is what it is from now on and the kind of its line."""
    run.state = how
    state.last, state.open = run, None
    turn.line(f"clock_{how}", clock=clock.id, run=run.number, due=run.due)
    if how == "met":
        turn.raise_event(f"clock.{clock.id}.met")


def breach_if_past(turn: Turn, clock: Clock, state: ClockState) -> None:
    """Rules 1, 4, 5: a due time already past breaches at once; a recurring clock's next run starts now."""
    run = state.open
    if run is not None and run.state == "running" and run.due < turn.now:
        _breach(turn, clock, state, run, turn.now)


def _breach(turn: Turn, clock: Clock, state: ClockState, run: Run, next_start: Moment) -> None:
    run.state = "breached"
    turn.line("clock_breached", clock=clock.id, run=run.number, due=run.due)
    turn.raise_event(f"clock.{clock.id}.breached")
    if clock.recurring:
        state.last, state.open = run, None
        _next_run(turn, clock, state, next_start)
    elif run.start not in state.spent:
        state.spent = [*state.spent[-9:], run.start]


def _warn(turn: Turn, clock: Clock, run: Run, mark: Mark) -> None:
    run.given.append(mark.text)
    turn.line("clock_warned", clock=clock.id, run=run.number, mark=mark.text)
    turn.raise_event(f"clock.{clock.id}.warned", f"clock.{clock.id}.warned.{mark.text}")


# -- time (rules 3 and 6) ------------------------------------------------------------------------------------------


def _mark_at(clock: Clock, state: ClockState, run: Run, mark: Mark, until: Moment | None = None) -> Moment:
    """Rule 6: when a mark falls; moved by pauses as the due time is (`until`: by those up to that time)."""
    if mark.percent is None:
        return (run.due if until is None else moved(clock, state, run, run.base, until)) - mark.before
    at = clock.calendar.percent_of(run.start, run.base, mark.percent, run.working)
    return moved(clock, state, run, at, until)


def _open_marks(clock: Clock, state: ClockState, run: Run) -> Iterator[tuple[Mark, Moment]]:
    """The marks that are still to be given, with when each falls. One that was passed over stays so, even when a later
    pause moves the due time."""
    after = run.marks_after
    paused_since = bool(state.pauses) and state.pauses[-1][1] > after
    for mark in clock.warn:
        if mark.text in run.given or (at := _mark_at(clock, state, run, mark)) <= after:
            continue
        if not paused_since or _was_ahead(clock, state, run, mark):
            yield mark, at


def _was_ahead(clock: Clock, state: ClockState, run: Run, mark: Mark) -> bool:
    """Whether the mark was still to come when the run started, and when its duration changed last."""
    starts, changes = run.start, run.marks_after + 1
    return _mark_at(clock, state, run, mark, starts) > starts and _mark_at(clock, state, run, mark, changes) >= changes


def next_moment(case: Case, clock: Clock) -> Moment | None:
    """When time next matters to this clock: a mark or the due time of a run that is neither paused nor breached."""
    state = case.clocks.get(clock.id)
    run = None if state is None else state.open
    if state is None or run is None or run.state != "running":
        return None
    return min((run.due, *(at for _, at in _open_marks(clock, state, run)))) if clock.warn else run.due


def pass_time(turn: Turn, clock: Clock) -> None:
    """Gives the first mark that is due, or breaches the run: at one instant marks come first, in listed order."""
    state = state_of(turn, clock)
    run = state.open
    assert run is not None
    for mark, at in _open_marks(clock, state, run):  # in listed order: of an issue recorded late several may be past
        if at <= min(turn.now, run.due):
            _warn(turn, clock, run, mark)
            return
    _breach(turn, clock, state, run, run.due)
