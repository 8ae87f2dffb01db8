"""Channels by hand: in person, by telephone. Nothing is sent; the owner gets a task and confirms it."""

from __future__ import annotations

from server.channels.outgoing import Outcome, Outgoing, Way
from server.core.moments import Moment
from server.core.vocabulary import say
from server.egress import Egress

GROUP = True  # one task for all recipients


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """No outcome: a task is delivered when somebody confirms it."""
    return []


def task(message: Outgoing) -> str:
    """What the owner is asked to do, in the message's language."""
    names = say("words.list", message.language).join(recipient.name or recipient.id for recipient in message.to)
    return say("words.task", message.language, to=names, text=message.body or message.subject)
