"""After the load: what was acknowledged, what is stored, what arrived, and what the policy says must have happened.

Each issue is computed anew from what was done to it, with nothing of what the server noted when time passed; the
lines that are stored must be those.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.advance import advance, next_due
from server.core.case import Case
from server.core.moments import Moment
from server.core.process import Process
from server.core.world import Kept
from server.events import compact
from server.evidence.verifying import verify
from server.policies import process_for
from server.recording import TIME
from server.sealing.checkpoints import Verifier
from server.store import database
from server.store.models import AuditEntry, Event, Issue, Message
from tests.faults.load import Ledger
from tests.faults.receiving import Arrival
from tests.workloads import counted, kept

TIMED: Final = frozenset({"clock_warned", "clock_breached", "escalated", "exhausted", "notified", "action"})
SHOWN: Final = 5

RULES: Final = (
    "acknowledged and lost",
    "second issues",
    "acknowledged actions not exactly once",
    "due moments not exactly once",
    "timelines that differ",
    "early",
    "messages never sent",
    "messages not planned exactly once",
    "marked as sent, never received",
    "re-sends with another id or content",
    "failures settled by a worker that had lost its claim",
    "changes without exactly one audit entry",
    "audit trail not as it was sealed",
    "wrong answers",
    "owners whose open issues are miscounted",
    "issues set apart",
    "points never hit",
)


@dataclass
class Verdict:
    """Figures, and what broke a rule: for each rule, sentences that say where."""

    figures: dict[str, str] = field(default_factory=dict)
    broken: dict[str, list[str]] = field(default_factory=lambda: {rule: [] for rule in RULES})

    def breaks(self, rule: str, where: str) -> None:
        """Note where a rule is broken."""
        self.broken[rule].append(where)

    @property
    def holds(self) -> bool:
        """Whether no rule is broken."""
        return not any(self.broken.values())

    def table(self) -> str:
        """All of it, to read."""
        width = max(map(len, [*self.figures, *self.broken]))
        lines = [f"{name:<{width}}  {value}" for name, value in self.figures.items()]
        for rule, cases in self.broken.items():
            lines.append(f"{rule:<{width}}  {len(cases)}{'   BROKEN' if cases else ''}")
            lines += [f"    {one}" for one in cases[:SHOWN]]
            lines += [f"    and {len(cases) - SHOWN} more"] if len(cases) > SHOWN else []
        return "\n".join(lines)


def judge(
    verdict: Verdict,
    ledger: Ledger,
    arrivals: Sequence[Arrival],
    until: Moment,
    ended: Moment,
    keys: Sequence[Verifier],
) -> None:
    """Compare everything. `until` is a moment up to which all that was due has happened, as the server says; `ended`
    when the kills ended: lateness is measured up to then; `keys` sign checkpoints. Only for a store on which nothing
    works any more."""
    with database.session():
        _acknowledged(verdict, ledger)
        events: dict[int, list[Any]] = defaultdict(list)
        for row in Event.select().order_by(Event.issue, Event.seq):
            events[row.issue_id].append(row)
        notes: Counter[tuple[str, str]] = Counter()
        again: Counter[str] = Counter()
        lateness: list[int] = []
        timed = 0
        for issue in Issue.select().order_by(Issue.id):
            if issue.problem is not None:
                verdict.breaks("issues set apart", f"{issue.number}: {issue.problem}")
            rows = events[issue.id]
            timed += _timeline(verdict, issue, rows, until)
            lateness += _early(verdict, issue, rows, ended)
            for row in rows:
                again[issue.external_id or ""] += row.kind == "again"
                for line in json.loads(row.entries):
                    if line["kind"] == "action" and (note := line["with"].get("note")):
                        notes[issue.number, note] += 1
        _acted(verdict, ledger, notes, again)
        _audited(verdict, events)
        _messages(verdict, events, arrivals, until)
        _counted(verdict)
    trail = verify(keys)
    for finding in trail.findings:
        verdict.breaks("audit trail not as it was sealed", str(finding))
    verdict.figures["audit trail"] = (
        f"{trail.entries} entries in {trail.blocks} blocks, {trail.unsealed} not sealed yet"
    )
    verdict.figures["issues"] = str(len(events))
    verdict.figures["events"] = str(sum(map(len, events.values())))
    verdict.figures["due moments"] = str(timed)
    verdict.figures["lateness p50, p99, max"] = ", ".join(f"{one / 1000:.3f} s" for one in _quantiles(lateness))
    for wrong in ledger.wrong:
        verdict.breaks("wrong answers", wrong)
    statuses = ", ".join(f"{count} × {status}" for status, count in sorted(ledger.statuses.items()))
    verdict.figures["answers"] = statuses


def _quantiles(values: Sequence[int]) -> tuple[int, int, int]:
    found = sorted(values) or [0]
    return found[len(found) // 2], found[len(found) * 99 // 100], found[-1]


# -- what was acknowledged -------------------------------------------------------------------------------------------


def _acknowledged(verdict: Verdict, ledger: Ledger) -> None:
    stored: dict[str, list[str]] = defaultdict(list)
    rows = Issue.select(Issue.number, Issue.source, Issue.external_id).where(Issue.external_id.is_null(False))
    for number, source, external_id in rows.tuples():
        stored[f"{source}: {external_id}"].append(number)
    for id, numbers in stored.items():
        if len(numbers) > 1:
            verdict.breaks("second issues", f"{id}: {', '.join(numbers)}")
    for id, answered in ledger.answers.items():
        found = stored.get(f"alarms: {id}", [])
        if not found:
            verdict.breaks("acknowledged and lost", f"{id}, answered with {answered[0]}")
        for number in set(answered) - set(found):
            verdict.breaks("acknowledged and lost", f"{id} was answered with {number}, is {', '.join(found)}")
    _recorded_by_hand(verdict, ledger)
    asked = sum(map(len, ledger.answers.values())) + sum(map(len, ledger.keys.values()))
    verdict.figures["acknowledged"] = (
        f"{len(ledger.answers)} ids and {len(ledger.keys)} keys, {asked} answers; "
        f"{len(ledger.acted)} actions, {len(ledger.resolved)} further deliveries"
    )


def _recorded_by_hand(verdict: Verdict, ledger: Ledger) -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for number, body in (
        Event.select(Issue.number, Event.body).join(Issue).where(Event.seq == 1, Issue.external_id.is_null()).tuples()
    ):
        found[json.loads(body)["event"]["facts"]["note"]].append(number)
    for key, numbers in found.items():
        if len(numbers) > 1:
            verdict.breaks("second issues", f"key {key}: {', '.join(numbers)}")
    for key, answered in ledger.keys.items():
        if set(answered) != set(found[key]):
            verdict.breaks("acknowledged and lost", f"key {key} was answered with {answered}, is {found[key]}")


def _acted(verdict: Verdict, ledger: Ledger, notes: Counter[tuple[str, str]], again: Counter[str]) -> None:
    rule = "acknowledged actions not exactly once"
    done = Counter(dict.fromkeys(ledger.tried, 0))
    for (_, note), count in notes.items():
        done[note] += count
    for note, issue in ledger.acted.items():
        if notes[issue, note] != 1:
            verdict.breaks(rule, f"{note} on {issue} happened {notes[issue, note]} times")
    for note in ledger.tried:
        if done[note] > 1:
            verdict.breaks(rule, f"{note} happened {done[note]} times")
    for id in ledger.resolved:
        if again[id] != 1:
            verdict.breaks(rule, f"the further delivery of {id} is recorded {again[id]} times")


# -- what time did ---------------------------------------------------------------------------------------------------


def expected(process: Process, rows: Sequence[Any], until: Moment) -> tuple[list[dict[str, Any]], Case]:
    """The lines of an issue and its case at `until`, from what was done to it. What the directory answered is taken
    from the record, in its order; of what time did, only how far it had gone before the next event."""
    bodies = [json.loads(row.body) for row in rows]
    answers = [answer for body in bodies for answer in body["answers"]]
    case: Case | None = None
    lines: list[dict[str, Any]] = []

    def happens(event: Mapping[str, Any], now: Moment) -> None:
        nonlocal case, answers
        done = advance(process, case, event, now, Kept(answers))
        answers = answers[len(done.answers) :]
        lines.extend(done.entries)
        case = done.case

    def passes(moment: Moment) -> None:
        while case is not None and (due := next_due(process, case)) is not None and due <= moment:
            happens(TIME, moment)

    for row, body in zip(rows, bodies, strict=True):
        if row.kind == "time":
            passes(row.at)  # a request that waited for its turn may come after what fell due meanwhile
        else:
            passes(body["now"] - 1)
            happens(body["event"], body["now"])
    passes(until)
    assert case is not None
    return lines, case


def _timeline(verdict: Verdict, issue: Any, rows: Sequence[Any], until: Moment) -> int:
    """Compare an issue's stored lines; give how many of them time caused."""
    stored = [line for row in rows for line in json.loads(row.entries)]
    process = process_for(issue.pins).process
    try:
        lines, case = expected(process, rows, max(until, *(row.at for row in rows)))
    except LookupError as error:
        verdict.breaks("timelines that differ", f"{issue.number}: {error}")
        return 0
    timed = Counter(compact(line) for line in stored if _is_timed(line))
    wanted = Counter(compact(line) for line in lines if _is_timed(line))
    for line in (timed - wanted).elements():
        verdict.breaks("due moments not exactly once", f"{issue.number}: not due, or again: {line}")
    for line in (wanted - timed).elements():
        verdict.breaks("due moments not exactly once", f"{issue.number}: did not happen: {line}")
    if [compact(line) for line in stored] != [compact(line) for line in lines]:
        verdict.breaks("timelines that differ", f"{issue.number}: {len(stored)} lines, and not the {len(lines)} it has")
    elif next_due(process, case) != issue.wake_at:
        verdict.breaks("timelines that differ", f"{issue.number}: wakes at {issue.wake_at}, not when it is due")
    return timed.total()


def _is_timed(line: Mapping[str, Any]) -> bool:
    return line["kind"] in TIMED and (line["kind"] != "action" or line["by"] == "system")


def _early(verdict: Verdict, issue: Any, rows: Sequence[Any], ended: Moment) -> Iterator[int]:
    """Note what was recorded before it was due; give by how many milliseconds what time caused by `ended` was late."""
    gone = 0  # what is done late, after more had fallen due, is timed at the issue's last moment
    for row in rows:
        moments = [row.at, *(line["at"] for line in json.loads(row.entries))]
        if max(moments) > (row.recorded_at if row.kind == "time" else max(row.recorded_at, gone)):
            verdict.breaks("early", f"{issue.number}, event {row.seq} at {max(moments)}: recorded at {row.recorded_at}")
        gone = row.at
        if row.kind == "time" and row.recorded_at <= ended:
            yield row.recorded_at - row.at


def _counted(verdict: Verdict) -> None:
    there, told = counted(), kept()
    for owner in sorted({*there, *told}):
        if there.get(owner, 0) != told.get(owner, 0):
            where = f"{owner} owns {there.get(owner, 0)}, counted are {told.get(owner, 0)}"
            verdict.breaks("owners whose open issues are miscounted", where)


# -- the audit trail -------------------------------------------------------------------------------------------------


def _audited(verdict: Verdict, events: Mapping[int, Sequence[Any]]) -> None:
    there = Counter((row.issue_id, row.seq) for rows in events.values() for row in rows)
    noted: Counter[tuple[int, int]] = Counter()
    kinds = sorted({f"issue.{row.kind}" for rows in events.values() for row in rows})
    for issue, body in AuditEntry.select(AuditEntry.issue, AuditEntry.body).where(AuditEntry.kind.in_(kinds)).tuples():
        noted[issue, json.loads(body)["body"]["seq"]] += 1
    for issue, seq in set(there) | set(noted):
        if there[issue, seq] != noted[issue, seq]:
            verdict.breaks(
                "changes without exactly one audit entry",
                f"issue {issue}, event {seq}: {there[issue, seq]} events, {noted[issue, seq]} entries",
            )


# -- messages --------------------------------------------------------------------------------------------------------

PER_LINE: Final[Mapping[tuple[str, str], int]] = {("sms", "team:desk"): 2}
"""Messages that a `notified` line makes: one for each reader of a personal channel, else one."""


def _messages(
    verdict: Verdict, events: Mapping[int, Sequence[Any]], arrivals: Sequence[Arrival], until: Moment
) -> None:
    rows = {row.id: row for row in Message.select()}
    _planned(verdict, events, rows)
    taken = {one.id for one in arrivals if one.taken}
    for row in rows.values():
        where = f"{row.key} ({row.notice}, {row.channel}, {row.state}, {row.attempts} attempts, {row.last_error})"
        leaves_as = row if row.batch_id is None else rows.get(row.batch_id)
        if leaves_as is None or leaves_as.state != Message.SENT:
            if row.created_at <= until:
                verdict.breaks("messages never sent", where)
        elif leaves_as.key not in taken:
            verdict.breaks("marked as sent, never received", where)
    _arrived(verdict, rows, arrivals)
    sent = Counter(
        json.loads(body)["body"]["message"]
        for (body,) in AuditEntry.select(AuditEntry.body).where(AuditEntry.kind == "message.sent").tuples()
    )
    for row in rows.values():
        if sent[row.key] != (row.state == Message.SENT):
            verdict.breaks(
                "changes without exactly one audit entry", f"{row.key} is {row.state}, noted {sent[row.key]} times"
            )
    batches = sum(1 for row in rows.values() if row.event_id is None)
    folded = sum(1 for row in rows.values() if row.state == Message.FOLDED)
    verdict.figures["messages"] = f"{len(rows) - batches}, of which {folded} left in {batches} batches"
    extra = sum(1 for one in arrivals if one.taken) - len(taken)
    verdict.figures["arrivals"] = (
        f"{len(arrivals)}, of which {len(taken)} messages taken, {extra} again with the same id"
    )


def _planned(verdict: Verdict, events: Mapping[int, Sequence[Any]], rows: Mapping[int, Any]) -> None:
    planned = Counter(row.event_id for row in rows.values() if row.event_id is not None)
    for event in (event for found in events.values() for event in found):
        told = [line for line in json.loads(event.entries) if line["kind"] == "notified"]
        wanted = sum(PER_LINE.get((line["via"], line["to"][0]), 1) for line in told)
        if planned[event.id] != wanted:
            where = f"issue {event.issue_id}, event {event.seq}: {planned[event.id]} messages, not {wanted}"
            verdict.breaks("messages not planned exactly once", where)


def _arrived(verdict: Verdict, rows: Mapping[int, Any], arrivals: Sequence[Arrival]) -> None:
    by_key = {row.key: row for row in rows.values()}
    digests: dict[str, str] = {}
    for one in arrivals:
        row = by_key.get(one.id)
        if row is None or row.batch_id is not None:
            verdict.breaks("re-sends with another id or content", f"{one.id} is no message, or part of another")
        elif one.at < row.at:
            verdict.breaks("early", f"{one.id} arrived at {one.at}, is due at {row.at}")
        if digests.setdefault(one.id, one.digest) != one.digest:
            verdict.breaks("re-sends with another id or content", f"{one.id} came with other bytes")
