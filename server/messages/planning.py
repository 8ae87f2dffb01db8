"""Messages for what is to be told: rows, written in the transaction of the event that caused them.

Each recipient of a personal channel (e-mail, SMS) has a message of his own; a group's robot, another system and a
task by hand have one per step that names everyone. A channel that is not set, or has no address for somebody, hands
over to its `otherwise`; without one the message is kept, marked `unsent`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server import audit
from server.channels import leaves_as_one, way_of
from server.core.channels import Channel
from server.core.moments import show as show_utc
from server.core.people import CUSTOMER
from server.core.turn import Telling
from server.core.vocabulary import say
from server.core.wording import Reader
from server.messages.occasion import Occasion
from server.messages.recipients import Recipient, channel_for, find, reads_private
from server.messages.texts import Words, Writer
from server.store.models import Message
from server.store.writing import insert_messages

FOLD_FOR: Final = 30_000
"""Milliseconds that a message which time caused waits at most for what belongs to it (architecture, 8)."""

NOBODY: Final = "nobody"
NO_ADDRESS: Final = "no_address"
NOT_CONFIGURED: Final = "not_configured"

Row = dict[str, Any]
Writing = Callable[[Telling, Occasion], Writer]
Told = tuple[Iterable[Telling], Occasion]
"""What an event has to tell, and the event."""


def write(tellings: Iterable[Telling], occasion: Occasion, writer: Writing = Writer) -> int:
    """Plan and insert the messages of an event, within the caller's transaction; give how many there are. A template
    that could not be used is in the audit trail."""
    return write_all([(tellings, occasion)], writer)


def write_all(told: Iterable[Told], writer: Writing = Writer) -> int:
    """`write` for several events."""
    rows: list[Row] = []
    problems: list[audit.Entry] = []
    for tellings, occasion in told:
        planned = plan(tellings, occasion, writer)
        rows += planned
        problems += [_problem(row, occasion) for row in planned if (row["payload"] or {}).get("problem") is not None]
    insert_messages(rows)
    audit.record_all(problems)
    return len(rows)


def _problem(row: Row, occasion: Occasion) -> audit.Entry:
    body = {"message": row["key"], "notice": row["notice"], "problem": row["payload"]["problem"]}
    return audit.Entry("message.not_rendered", occasion.now, body, issue=occasion.issue_id)


def plan(tellings: Iterable[Telling], occasion: Occasion, writer: Writing = Writer) -> list[Row]:
    """The rows of table Message for what an event has to tell, in its order; `writer` finds the words. Raises nothing
    for what is wrong with one template, address or channel: the row says it."""
    steps: dict[tuple[Any, ...], _Step] = {}
    rows: list[Row] = []
    for telling in tellings:
        # One step's channels are tellings of their own, one after the other: each person once for all of them.
        key = (telling.kind, telling.id, telling.rung, telling.to, telling.template, occasion.at(telling))
        step = steps.setdefault(key, _Step(occasion, len(steps), writer))
        rows += step.tell(telling)
    return rows


@dataclass(slots=True)
class _Step:
    """A step of a notice, a rung or a survey while its messages are made; `told` is who got one by which channel."""

    occasion: Occasion
    number: int
    writer: Writing
    told: set[tuple[str, str]] = field(default_factory=set)

    def tell(self, telling: Telling) -> list[Row]:
        return _Telling(self, telling, self.writer(telling, self.occasion), {}).rows()


@dataclass(slots=True)
class _Telling:
    """One telling while its messages are made."""

    step: _Step
    telling: Telling
    writer: Writer
    worded: dict[tuple[Any, ...], Words]

    @property
    def occasion(self) -> Occasion:
        return self.step.occasion

    def rows(self) -> list[Row]:
        channels = self.occasion.channels.channels
        recipients = find(self.telling, self.occasion)
        if not recipients and self.telling.via not in channels:
            return [self._row(None, (), state=Message.UNSENT, reason=NOBODY)]
        if not recipients:
            return self._nobody(channels[self.telling.via])
        rows: list[Row] = []
        by_channel: dict[str, list[Recipient]] = {}
        for recipient in recipients:
            by_channel.setdefault(channel_for(recipient, self.telling.via, self.occasion), []).append(recipient)
        for name, group in by_channel.items():
            if name in channels:
                rows += self._by(channels[name], group, "")
            else:
                rows += [self._row(None, (one,), state=Message.UNSENT, reason=NO_ADDRESS) for one in group]
        return rows

    def _nobody(self, channel: Channel) -> list[Row]:
        """Nobody was found: kept and shown. A task by hand can still be confirmed, so it stays one."""
        if channel.type == "manual":
            return [self._task(channel, (), NOBODY, counted=True)]
        return [self._row(channel, (), state=Message.UNSENT, reason=NOBODY)]

    def _by(self, channel: Channel, group: Sequence[Recipient], instead: str) -> list[Row]:
        """Messages to these by this channel, or by the one that takes over. `instead` is the channel that gave up."""
        # A task by hand is one for each line of the timeline: the case counts what is to be confirmed.
        by_hand = channel.type == "manual" and not instead
        new = [one for one in group if by_hand or (channel.name, one.id) not in self.step.told]
        if not new:
            return []
        otherwise = self.occasion.channels.channels.get(channel.otherwise)
        if way_of(channel, self.occasion.environ) is None:
            if otherwise is not None:
                return self._by(otherwise, new, instead or channel.name)
            together = [tuple(new)] if leaves_as_one(channel.type) else [(one,) for one in new]
            self.step.told |= {(channel.name, one.id) for one in new}
            unset = {"state": Message.UNSENT, "reason": NOT_CONFIGURED, "instead": instead}
            return [self._row(channel, some, **unset) for some in together]
        reason = f"instead:{instead}" if instead else None
        self.step.told |= {(channel.name, one.id) for one in new}
        if channel.type == "manual":
            return [self._task(channel, tuple(new), reason, counted=not instead and self._is_counted())]
        if leaves_as_one(channel.type):
            return [self._row(channel, tuple(new), reason=reason)]
        rows: list[Row] = []
        for one in new:
            if one.addresses.get(channel.type):
                rows.append(self._row(channel, (one,), reason=reason))
            elif otherwise is not None:
                rows += self._by(otherwise, [one], instead or channel.name)
            else:
                rows.append(self._row(channel, (one,), state=Message.UNSENT, reason=NO_ADDRESS, instead=instead))
        return rows

    def _is_counted(self) -> bool:
        """Whether the case waits for this task's confirmation, as the interpreter counted from the document alone."""
        via = self.telling.via
        return via != "preferred" or self.telling.facts.get("preferred") in self.occasion.channels.channels

    # -- rows ------------------------------------------------------------------------------------------------------

    def _task(self, channel: Channel, group: Sequence[Recipient], reason: str | None, counted: bool) -> Row:
        """A task by hand, for the owner to do and confirm."""
        occasion = self.occasion
        people = occasion.directory.people
        owner = people.active(self.telling.facts.get("owner"))
        language = owner.language if owner is not None else occasion.settings.language
        row = self._row(channel, group, state=Message.MANUAL, reason=reason, language=language)
        reader = Reader(language, occasion.process.calendar, people.names(language))
        names = [_with_number(one) for one in group] or [reader.who(who) for who in self.telling.to]
        row["body"] = say(
            "words.task", language, to=say("words.list", language).join(names), text=row["body"] or row["subject"]
        )
        row["recipient"] = self.telling.facts.get("owner") or ""
        row["payload"] = {**row["payload"], "counted": counted}
        return row

    def _row(
        self,
        channel: Channel | None,
        group: Sequence[Recipient],
        state: str = Message.PENDING,
        reason: str | None = None,
        language: str = "",
        instead: str = "",
    ) -> Row:
        occasion, telling = self.occasion, self.telling
        at = occasion.at(telling)
        alone = group[0] if len(group) == 1 and not (channel and leaves_as_one(channel.type)) else None
        language = language or (alone.language if alone else "") or occasion.settings.language
        words = self._words(channel, alone, language)
        if state == Message.PENDING and occasion.held:
            state = Message.HELD
        waits = state in (Message.PENDING, Message.HELD)
        name = channel.name if channel is not None else telling.via
        address = alone.addresses.get(channel.type, "") if alone and channel else ""
        return {
            "key": self._key(name, group),
            "issue": occasion.issue_id,
            "event": occasion.event_id,
            "notice": f"{telling.kind}.{telling.id}" + (f".{telling.rung}" if telling.rung else ""),
            "step": self.step.number,
            "process": occasion.process.name,
            "channels": occasion.channels.name,
            "channel": name,
            "to": ", ".join(telling.to),
            "recipient": alone.id if alone and (alone.person or alone.id == CUSTOMER) else "",
            "address": address,
            "destination": f"{occasion.channels.name}/{name}",
            "language": language,
            "subject": words.subject,
            "body": words.body,
            "payload": {**self._payload(channel, group, words), **({"instead": instead} if instead else {})},
            "state": state,
            "reason": reason,
            "at": at,
            "created_at": occasion.now,
            "not_before": occasion.now + self._fold_for(channel) if waits else None,
            "next_at": min(at, occasion.now) if waits else None,
        }

    def _fold_for(self, channel: Channel | None) -> int:
        """For how long the message may be kept for what belongs to it; data and surveys are never folded."""
        folds = self.telling.kind != "survey" and channel is not None and channel.type != "webhook"
        return FOLD_FOR if self.telling.by_time and folds else 0

    def _key(self, channel: str, group: Sequence[Recipient]) -> str:
        """A key that follows from the event alone: planning it twice cannot make two messages."""
        occasion = self.occasion
        parts = [occasion.case.number, str(occasion.seq), str(self.telling.line), channel]
        made = "\0".join([*parts, *(one.id for one in group)])
        return "msg_" + hashlib.sha256(made.encode()).hexdigest()[:40]

    def _words(self, channel: Channel | None, alone: Recipient | None, language: str) -> Words:
        person = alone.id if alone is not None and alone.person else ""
        hidden = self._hidden(person)
        short = channel is not None and (channel.type == "sms" or bool(channel.max_length))
        reader = person or (CUSTOMER if alone is not None else "")
        limit = channel.max_length if channel is not None else 0
        key = (language, bool(hidden), short, reader == CUSTOMER, limit)
        if key not in self.worded:
            self.worded[key] = self.writer.fits(self.writer.words(language, reader, hidden, short), limit)
        return self.worded[key]

    def _hidden(self, person: str) -> frozenset[str]:
        private = frozenset(name for name, declared in self.occasion.process.fields.items() if declared.private)
        if not private or (person and reads_private(person, self.telling, self.occasion)):
            return frozenset()
        return private

    def _payload(self, channel: Channel | None, group: Sequence[Recipient], words: Words) -> Mapping[str, Any]:
        type_ = channel.type if channel is not None else ""
        found: dict[str, Any] = {
            "to": [_to(one, type_) for one in group],
            "line": words.line,
            "late": self.occasion.late(self.telling),
            "by_time": self.telling.by_time,
        }
        if type_ == "webhook":
            found["data"] = self._data(group, words)
        if words.problem is not None:
            found["problem"] = dict(words.problem)
        return found

    def _data(self, group: Sequence[Recipient], words: Words) -> Mapping[str, Any]:
        """What another system is told: the issue without its private fields."""
        facts, telling, process = self.telling.facts, self.telling, self.occasion.process
        private = {name for name, declared in process.fields.items() if declared.private}
        return {
            "process": process.name,
            "number": self.occasion.case.number,
            telling.kind: telling.id,
            "at": show_utc(self.occasion.at(telling)),
            "to": [one.id for one in group if one.person or one.id == CUSTOMER],
            "subject": words.subject,
            "body": words.body,
            "facts": {name: value for name, value in facts.items() if value is not None and name not in private},
        }


def _to(one: Recipient, type_: str) -> dict[str, Any]:
    """A recipient as it is kept with the message: all that another channel may need when it takes over."""
    return {
        "id": one.id,
        "name": one.name,
        "person": one.person,
        "address": one.addresses.get(type_, ""),
        "addresses": {} if one.person else dict(one.addresses),
        "number": one.addresses.get("sms", "") if type_ not in ("email", "webhook") else "",
    }


def _with_number(one: Recipient) -> str:
    number = one.addresses.get("manual", "")
    return f"{one.name or one.id} ({number})" if number and number != one.name else one.name or one.id
