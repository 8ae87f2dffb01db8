"""What every channel is given and what it answers: a message, and an outcome for each recipient."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from server.core.moments import Moment

State = Literal["delivered", "failed", "refused"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for: `id` a login or `customer`, `address` an e-mail address, a number or a robot's id of the
    person; `number` a telephone number, for robots that know people by it."""

    id: str
    address: str = ""
    name: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message. Its `id` stays the same over every attempt, so that a receiver can tell a second delivery.

    `at` is when what caused it happened; `kind` and `data` are for receivers that take data rather than text.
    """

    id: str
    to: tuple[Recipient, ...]
    subject: str
    body: str
    at: Moment
    language: str = "zh"
    kind: str = "notified"
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """A channel as it is set now: `url` and `secret` with their values. `trusted`: whoever runs the server gave the
    address, not the author of a document."""

    name: str
    type: str
    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    max_length: int = 0
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message for one recipient.

    `delivered`: the provider's own success code came. `failed`: may be tried again, not before `retry_after` seconds.
    `refused`: trying again is of no use. `disable`: the receiver wants nothing more (410).
    """

    recipient: str
    state: State
    detail: str = ""
    provider_id: str = ""
    retry_after: int | None = None
    disable: bool = False


def for_everyone(message: Outgoing, outcome: Outcome) -> list[Outcome]:
    """The same outcome for each recipient of a message that left as one."""
    return [replace(outcome, recipient=recipient.id) for recipient in message.to] or [outcome]


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters, the last of them `…` when something was left out (0: no limit).

    Nothing is cut between a character and what belongs to it: accents, variation selectors, joined emoji.
    """
    if not limit or len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and _belongs_to_former(text, end):
        end -= 1
    return text[:end] + "…"


def _belongs_to_former(text: str, index: int) -> bool:
    letter = text[index]
    return (
        unicodedata.combining(letter) != 0
        or letter in "\u200d\ufe0e\ufe0f\u20e3"
        or "\U0001f3fb" <= letter <= "\U0001f3ff"
        or text[index - 1] == "\u200d"
    )
