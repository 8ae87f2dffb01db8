"""When a channel has given up on a message: `otherwise` takes over; where nothing does, an alarm goes to those with
the permission `system` and to the team that owns the process, by another channel (policy language, section 5;
architecture, "What must hold", 4)."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from server import audit, policies, subscriptions
from server.channels import leaves_as_one
from server.core.channels import Channel
from server.core.moments import HOUR, Moment
from server.core.vocabulary import say
from server.delivery.ways import Channelling
from server.directory import snapshot
from server.messages.recipients import someone
from server.store.models import Issue, Message

log = logging.getLogger("duban.delivery")

ALARM: Final = "alarm"
TEST: Final = "test"
"""A message by which somebody tries a channel: he is told what became of it, nobody else."""

_SYSTEM: Final = "system"

To = Mapping[str, Any]


def hand_over(message: Message, gone: Sequence[To], channelling: Channelling, now: Moment) -> list[str]:
    """Within the caller's transaction: messages to `gone` by the channels that take over; whoever has no address there
    goes on to the next. Gives the names of those whom nothing reaches, and raises the alarm for them."""
    if message.notice == TEST:
        return []
    left = list(gone)
    for channel in channelling.following(message.channels, message.channel):
        if not left:
            return []
        if channelling.way(channel) is None:
            continue
        reached = [(one, where) for one in left if (where := _address(one, channel)) or leaves_as_one(channel.type)]
        if not reached:
            continue
        _write(message, channel, reached, now)
        ids = {one["id"] for one, _ in reached}
        left = [one for one in left if one["id"] not in ids]
    if left or not gone:
        alarm(message, channelling, now)
    return [str(one.get("name") or one["id"]) for one in left]


def _address(one: To, channel: Channel) -> str:
    if one.get("person"):
        person = snapshot().active(str(one["id"]))
        return "" if person is None else someone(person).addresses.get(channel.type, "")
    return str((one.get("addresses") or {}).get(channel.type, ""))


def _write(message: Message, channel: Channel, reached: Sequence[tuple[To, str]], now: Moment) -> None:
    groups = [list(reached)] if leaves_as_one(channel.type) else [[one] for one in reached]
    for group in groups:
        by_hand = channel.type == "manual"
        to = [{**one, "address": where} for one, where in group]
        key = _key(message.key, channel.name, *(str(one["id"]) for one in to))
        row = {
            "key": key,
            "issue": message.issue_id,
            "event": message.event_id,
            "notice": message.notice,
            "step": message.step,
            "process": message.process,
            "channels": message.channels,
            "channel": channel.name,
            "to": message.to,
            "recipient": _recipient(message, to, channel),
            "address": "" if leaves_as_one(channel.type) else to[0]["address"],
            "destination": f"{message.channels}/{channel.name}",
            "language": message.language,
            "subject": message.subject,
            "body": _task(message, to) if by_hand else message.body,
            "payload": {**(message.payload or {}), "to": to},
            "state": Message.MANUAL if by_hand else Message.PENDING,
            "reason": f"instead:{message.channel}",
            "at": message.at,
            "created_at": now,
            "not_before": None if by_hand else now,
            "next_at": None if by_hand else min(message.at, now),
            "replaces": message.id,
        }
        Message.insert(row).on_conflict_ignore().execute()
        body = {"message": message.key, "by": key, "from": message.channel, "to": channel.name}
        audit.record("message.handed_over", now, {"hand_over": body}, issue=message.issue_id)


def _recipient(message: Message, to: Sequence[To], channel: Channel) -> str:
    if channel.type == "manual":
        issue = Issue.get_or_none(Issue.id == message.issue_id) if message.issue_id else None
        return "" if issue is None else str(issue.owner or "")
    one = to[0]
    if leaves_as_one(channel.type) or not (one.get("person") or one["id"] == "customer"):
        return ""
    return str(one["id"])


def _task(message: Message, to: Sequence[To]) -> str:
    names = say("words.list", message.language).join(str(one.get("name") or one["id"]) for one in to)
    return say("words.task", message.language, to=names, text=message.body or message.subject)


# -- the alarm -----------------------------------------------------------------------------------------------------


def alarm(message: Message, channelling: Channelling, now: Moment) -> None:
    """Within the caller's transaction: tell those with the permission `system`, and the team that owns the process, of
    a message that nobody got; one alarm for each of them per channel and hour, however many messages it stands for. An
    alarm that is itself not delivered is logged: nobody is left to tell."""
    log.error("message %s by %s was given up: %s", message.key, message.channel, message.last_error)
    if message.notice == ALARM:
        return
    people = snapshot()
    document = _document(message)
    for login, because in _alarmed(message).items():
        person = people.people[login]
        by_right = because == f"permission:{_SYSTEM}"
        recipient = someone(person)
        channel = _other(message, document, recipient.addresses, channelling)
        if channel is None:
            log.error("the alarm of message %s reaches %s by no channel", message.key, login)
        name = "" if channel is None else channel.name
        address = "" if channel is None else recipient.addresses.get(channel.type, "")
        values = {
            "channel": message.channel,
            # What a message says, and where it went, may be private; where to look is not.
            "to": message.recipient or (message.address if by_right else "") or message.to,
            "subject": (message.subject if by_right else _about(message)) or message.notice,
            "attempts": message.attempts,
            "error": (message.last_error or "") if by_right else "…",
        }
        row = {
            "key": _key(ALARM, message.destination, str(now // HOUR), login),
            "issue": message.issue_id,
            "notice": ALARM,
            "process": message.process,
            "channels": document,
            "channel": name,
            "to": because,
            "recipient": login,
            "address": address,
            "destination": f"{document}/{name}",
            "language": person.language,
            "subject": say("messages.alarm.subject", person.language, **values),
            "body": say("messages.alarm.body", person.language, **values),
            "payload": {"to": [{"id": login, "name": person.name, "person": True, "address": address}]},
            "state": Message.UNSENT if channel is None else Message.PENDING,
            "reason": "no_address" if channel is None else None,
            "at": now,
            "created_at": now,
            "next_at": None if channel is None else now,
        }
        Message.insert(row).on_conflict_ignore().execute()


def _alarmed(message: Message) -> dict[str, str]:
    """Who is told of a message that nobody got, and why he is: logins of people who are there."""
    people = snapshot()
    found = {
        login: f"permission:{_SYSTEM}"
        for login in people.people
        if people.active(login) is not None and _SYSTEM in people.permissions_of(login)
    }
    pinned = policies.in_force().processes.get(message.process)
    owner = "" if pinned is None else str(pinned.process.raw.get("owner") or "")
    for login in people.members.get(owner.removeprefix("team:"), ()) if owner.startswith("team:") else ():
        if people.active(login) is not None:
            found.setdefault(login, owner)
    return found


def _about(message: Message) -> str:
    issue = Issue.get_or_none(Issue.id == message.issue_id) if message.issue_id else None
    return str(message.notice if issue is None else issue.number)


def _document(message: Message) -> str:
    """The channels document by which people are told: a subscription has none of its own."""
    if message.channels != subscriptions.DOCUMENT:
        return message.channels
    found = policies.in_force().processes.get(message.process)
    return "default" if found is None else found.channels.name


def _other(message: Message, document: str, addresses: Mapping[str, str], channelling: Channelling) -> Channel | None:
    """A channel for the alarm, other than the one that gave up: one that reaches this person, else a group's robot."""
    others = [
        channel
        for channel in channelling.all(document)
        if channel.name != message.channel and channelling.way(channel) is not None
    ]
    personal = [one for one in others if not leaves_as_one(one.type) and addresses.get(one.type)]
    groups = [one for one in others if leaves_as_one(one.type) and one.type not in ("manual", "webhook")]
    return next(iter([*personal, *groups]), None)


def _key(*parts: str) -> str:
    return "msg_" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]
