"""What was so on an issue at a moment: which version judged it, by which rules and facts, what was due, why a clock
stood still, who had been told by then. From the recorded events alone: they are played again, up to that moment,
through the versions that the issue had. Of an issue whose private fields are erased, which cannot be played, its lines
tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from server import policies
from server.core.advance import advance, next_due
from server.core.case import Case, Run
from server.core.moments import Moment
from server.core.printing import facts_printed, printed, without
from server.core.process import Clock
from server.core.world import Kept, Unanswered
from server.evidence.recomputing import pins_of
from server.policies import Pinned
from server.recording import TIME, UnknownIssue
from server.store import database, sql
from server.store.models import Activation, Message, Version

__all__ = ["NotYet", "UnknownIssue", "at"]

_ISSUE: Final = 'SELECT "id", "pins", "erased_at" FROM "issue" WHERE "number" = ?'
_EVENTS: Final = 'SELECT "seq", "by", "body", "entries" FROM "event" WHERE "issue_id" = ? ORDER BY "seq"'
_TRAIL: Final = 'SELECT "at", "kind", "body" FROM "audit_entry" WHERE "issue_id" = ? ORDER BY "id"'


class NotYet(Exception):
    """The issue was not recorded yet at that moment; `recorded` is when it was."""

    def __init__(self, recorded: str) -> None:
        super().__init__(recorded)
        self.recorded = recorded


@dataclass(slots=True)
class _Then:
    """The issue at that moment: its versions, its case, the lines by then, the number of the last event that counts."""

    pinned: Pinned
    case: Case | None
    lines: list[Mapping[str, Any]]
    seq: int


def at(number: str, moment: Moment, *, private: bool = False) -> dict[str, Any]:
    """What was so at that moment, as JSON with ISO times; `private`: with the values of private fields. Raises
    UnknownIssue, and NotYet when the issue was recorded later."""
    with database.snapshot():
        row = sql.run(_ISSUE, number).fetchone()
        if row is None:
            raise UnknownIssue(number)
        id_, pins, erased_at = row
        trail = [(when, kind, json.loads(body)["body"]) for when, kind, body in sql.run(_TRAIL, id_).fetchall()]
        events = sql.run(_EVENTS, id_).fetchall()
        if erased_at is None:
            then = _then(events, json.loads(pins), trail, moment)
        else:
            then = _told_by_lines(number, events, policies.process_for(json.loads(pins)), moment)
        case, process = then.case, then.pinned.process
        show = process.calendar.show
        if case is None:
            first = next(iter(then.lines), None)
            raise NotYet("" if first is None else show(first["at"]))
        hidden = frozenset() if private else then.pinned.private
        lines = [without(line, hidden) for line in then.lines]
        due = None if erased_at is not None else next_due(process, case)
        clocks = [one for clock in process.clocks.values() for one in _clock(clock, then, moment)]
        return {
            "number": number,
            "process": case.process,
            "at": show(moment),
            "event": then.seq,
            "erased": None if erased_at is None else show(erased_at),
            "versions": list(_versions(then.pinned)),
            "in_force": _in_force(case.process, moment, show),
            "stage": case.stage,
            "final": process.is_final(case.stage),
            "team": case.team,
            "owner": case.owner,
            "severity": case.values.get("severity"),
            "values": {name: value for name, value in case.values.items() if name != "severity"},
            "because": _because(lines, then.pinned),
            "facts": facts_printed({name: one for name, one in case.facts.items() if name not in hidden}, process),
            "clocks": clocks if erased_at is None else _clocks_by_lines(then),
            "next": None if due is None else show(max(due, moment)),
            "told": list(_told(id_, trail, moment, show)),
            "last": printed(lines[-1], process) if lines else None,
        }


# -- the case ------------------------------------------------------------------------------------------------------


def _then(
    events: Sequence[Sequence[Any]], pins: Mapping[str, Any], trail: Sequence[tuple[Any, ...]], moment: Moment
) -> _Then:
    """Play what had happened by that moment."""
    named = {body["seq"]: body["pins"] for _, _, body in trail if "pins" in body and "seq" in body}
    pinned, case, lines, last = policies.process_for(pins), None, [], 0
    answers: Sequence[Any] = ()
    for seq, _, text, entries in events:
        body = json.loads(text)
        recorded = json.loads(entries)
        if seq in named and (kept := pins_of(named[seq])) is not None:
            of_event = policies.process_for(kept)
        else:
            of_event = pinned
        if body["now"] > moment:
            # What fell due by then may stand at the beginning of an event that was recorded later.
            lines += [line for line in recorded if line["at"] <= moment] if case is not None else recorded[:1]
            answers = body["answers"]
            break
        pinned = of_event
        case = advance(pinned.process, case, body["event"], body["now"], Kept(body["answers"]), copied=False).case
        lines += recorded
        last = seq
    return _Then(pinned, _passed(pinned, case, moment, answers), lines, last)


def _passed(pinned: Pinned, case: Case | None, moment: Moment, answers: Sequence[Any]) -> Case | None:
    """The case when time has passed to that moment; as it was at the last event where that asks what was not asked."""
    if case is None or case.moment >= moment:
        return case
    try:
        return advance(pinned.process, case, TIME, moment, Kept(answers)).case
    except Unanswered:
        return case


def _told_by_lines(number: str, events: Sequence[Sequence[Any]], pinned: Pinned, moment: Moment) -> _Then:
    """What the lines of an issue say of it, without computing anything."""
    case: Case | None = None
    told: list[Mapping[str, Any]] = []
    last = 0
    for seq, _, _, entries in events:
        for line in json.loads(entries):
            if line["at"] > moment and case is not None:
                return _Then(pinned, case, told, last)
            told.append(line)
            if line["at"] > moment:
                return _Then(pinned, None, told, 0)
            if case is None:
                case = Case(pinned.process.name, number, line["at"], None, line.get("stage", ""), line["at"])
            _follow(case, line)
        last = seq
    return _Then(pinned, case, told, last)


def _follow(case: Case, line: Mapping[str, Any]) -> None:
    """Let the case be as the line says."""
    kind = line["kind"]
    if kind == "received":
        case.values.update(line["values"], severity=line["severity"])
    if kind in ("received", "routed"):
        case.team, case.owner = line["team"], line["owner"]
    if kind in ("received", "action"):
        case.stage = line["stage"]
    if kind == "classified":
        case.values[line["name"]] = line["to"]


_STATES: Final[Mapping[str, str]] = {"started": "running", "resumed": "running", "moved": "running"}


def _clocks_by_lines(then: _Then) -> list[dict[str, Any]]:
    """The runs that the lines tell of, as they stood after the last one."""
    runs: dict[tuple[str, int], dict[str, Any]] = {}
    for line in then.lines:
        what = line["kind"].removeprefix("clock_")
        if what == line["kind"] or what == "warned":
            continue
        state = "paused" if what == "started" and line["due"] is None else _STATES.get(what, what)
        due = None if line.get("due") is None else then.pinned.process.calendar.show(line["due"])
        own = {"clock": line["clock"], "run": line["run"], "state": state, "due": due, "standing": None}
        runs[line["clock"], line["run"]] = own
    return list(runs.values())


# -- versions ------------------------------------------------------------------------------------------------------


def _versions(pinned: Pinned) -> Iterator[dict[str, Any]]:
    """The versions that judged the issue then."""
    ids = [pinned.pins["process"], *pinned.pins["calendars"].values(), pinned.pins["channels"]]
    rows = {row.id: row for row in Version.select().where(Version.id.in_(ids))}
    for id_ in ids:
        yield _version(rows[id_])


def _version(row: Any) -> dict[str, Any]:
    own = {"kind": row.kind, "name": row.name, "version": row.number, "sha256": row.sha256}
    return {**own, "origin": row.origin, "author": row.author, "approver": row.approver, "reason": row.reason}


def _in_force(process: str, moment: Moment, show: Any) -> dict[str, Any] | None:
    """The version of the process that new issues were judged by then."""
    query = Activation.select().where(Activation.name == process, Activation.from_at <= moment)
    row = query.where(Activation.until_at.is_null() | (Activation.until_at > moment)).first()
    if row is None:
        return None
    until = None if row.until_at is None else show(row.until_at)
    return {**_version(row.version), "from": show(row.from_at), "until": until}


# -- why -----------------------------------------------------------------------------------------------------------


def _because(lines: Sequence[Mapping[str, Any]], pinned: Pinned) -> list[dict[str, Any]]:
    """For each table, the reason of its last outcome: which rule, which facts, and when that was."""
    found: dict[str, dict[str, Any]] = {}
    for line in lines:
        if line["kind"] in ("received", "classified", "routed"):
            shown = printed(line, pinned.process)
            for reason in shown.get("because") or ():
                found[reason["table"]] = {**reason, "at": shown["at"]}
            if line["kind"] == "classified" and not line.get("because"):
                found[line["name"]] = {"table": line["name"], "value": line["to"], "by": line["by"], "at": shown["at"]}
    return list(found.values())


def _clock(clock: Clock, then: _Then, moment: Moment) -> Iterator[dict[str, Any]]:
    """The runs of a clock: the open one, and the last that ended."""
    case = then.case
    state = None if case is None else case.clocks.get(clock.id)
    for run in () if state is None else (state.last, state.open):
        if run is not None and state is not None:
            show = then.pinned.process.calendar.show
            yield {
                "clock": clock.id,
                "run": run.number,
                "state": run.state,
                "due": None if run.state == "paused" else show(run.due),
                "standing": _standing(clock, run, state.paused_at, then, moment),
            }


def _standing(clock: Clock, run: Run, paused_at: Moment | None, then: _Then, moment: Moment) -> dict[str, Any] | None:
    """Why a run stands still: the stage that pauses it and who brought the issue there, or the hours; None: it runs."""
    show = then.pinned.process.calendar.show
    if run.state == "paused" and then.case is not None:
        entered = [one for one in then.lines if one["kind"] in ("received", "action") and one["at"] == paused_at]
        last = next((one for one in reversed(entered) if one.get("stage") == then.case.stage), None)
        how = {} if last is None else {"action": last.get("action", "received"), "by": last.get("by")}
        return {
            "why": "stage",
            "stage": then.case.stage,
            "since": None if paused_at is None else show(paused_at),
            **how,
        }
    if run.state in ("running", "breached") and run.working and not clock.calendar.is_open(moment):
        opens = clock.calendar.add_open(moment, 1) - 1
        return {"why": "closed", "calendar": clock.calendar.name, "until": show(opens)}
    return None


# -- who had been told ---------------------------------------------------------------------------------------------


def _told(issue: int, trail: Sequence[tuple[Any, ...]], moment: Moment, show: Any) -> Iterator[dict[str, Any]]:
    """The messages that there were by then, each with the state that it had."""
    outcomes: dict[str, str] = {}
    for when, kind, body in trail:
        if when <= moment and kind.startswith("message.") and isinstance(body.get("message"), str):
            outcomes[body["message"]] = kind.removeprefix("message.")
    rows = list(Message.select().where(Message.issue == issue, Message.created_at <= moment).order_by(Message.id))
    batches = {row.id: row for row in Message.select().where(Message.id.in_([row.batch_id for row in rows]))}
    for row in rows:
        sent_at = row.sent_at if row.batch_id is None else batches[row.batch_id].sent_at
        sent = sent_at is not None and sent_at <= moment
        yield {
            "notice": row.notice,
            "to": row.to,
            "recipient": row.recipient,
            "channel": row.channel,
            "at": show(row.at),
            "state": _state(row, sent, outcomes.get(row.key)),
            "sent": show(sent_at) if sent else None,
        }


def _state(row: Any, sent: bool, outcome: str | None) -> str:
    """`sent`, `dead`, `unsent`, `manual`, `confirmed`, or `waiting`: on its way, or kept back."""
    if sent:
        return Message.CONFIRMED if row.state == Message.CONFIRMED else Message.SENT
    if outcome in (Message.DEAD, Message.UNSENT, Message.CANCELLED):
        return outcome
    if row.state in (Message.MANUAL, Message.CONFIRMED):
        return Message.MANUAL
    # What could be reached by no channel is known when it is made, and no entry tells of it.
    return Message.UNSENT if row.state == Message.UNSENT and outcome is None and not row.attempts else "waiting"
