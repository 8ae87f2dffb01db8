"""Messages in words: who is told, by which channel, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from admin.languages import gettext
from admin.reading import Words
from server.core.moments import Moment
from server.core.vocabulary import say
from server.store.models import Message
from server.subscriptions import NOTICE


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as a list shows it. `subject` and `body` are empty for who may not read private fields."""

    id: int
    at: Moment
    occasion: str
    channel: str
    to: str
    state: str
    state_text: str
    tone: str
    reason: str
    subject: str
    body: str


_TONES: Final[Mapping[str, str]] = {
    Message.PENDING: "info",
    Message.SENT: "good",
    Message.FOLDED: "good",
    Message.CONFIRMED: "good",
    Message.DEAD: "bad",
    Message.UNSENT: "warn",
    Message.MANUAL: "info",
    Message.HELD: "warn",
}


def sent(row: Any, words: Words, open_to: bool) -> Sent:
    """A message in words. `open_to`: whether the reader may see what it says."""
    state = row.batch.state if row.state == Message.FOLDED and row.batch is not None else row.state
    return Sent(
        id=row.id,
        at=row.at,
        occasion=occasion(row.notice, words),
        channel=words.channel(row.channel),
        to=recipients(row, words),
        state=row.state,
        state_text=state_text(state) if row.state != Message.FOLDED else _folded(state),
        tone=_TONES.get(state, ""),
        reason=_reason(row),
        subject=row.subject if open_to else "",
        body=row.body if open_to else "",
    )


def recipients(row: Any, words: Words) -> str:
    """Who gets a message, by name; as the policy writes it where nobody is named."""
    named = [str(one.get("id")) for one in (row.payload or {}).get("to") or []]
    if not named and row.recipient:
        named = [row.recipient]
    if not named:
        named = [part.strip() for part in row.to.split(",") if part.strip()]
    return say("words.list", words.language).join(map(words.who, named))


def occasion(notice: str, words: Words) -> str:
    """What a message is about, by the `notice` of its row."""
    kind, _, rest = notice.partition(".")
    name, _, rung = rest.partition(".")
    if kind == "notice":
        return words.of("notify", name)
    if kind == "ladder":
        return gettext("%(ladder)s, rung %(rung)s", ladder=words.of("ladders", name), rung=rung or "?")
    if kind == "survey":
        return words.of("surveys", name)
    if notice.startswith(NOTICE):
        return gettext("event for another system: %(kind)s", kind=rest)
    return notice


def without_issue(notice: str, titles: Mapping[str, str]) -> str:
    """What a message that belongs to no issue is about: a document's draft, its review, a report."""
    kind, _, name = notice.partition(".")
    words = {
        "draft": gettext("a change of “%(document)s”"),
        "review": gettext("the review of “%(document)s”"),
        "report": gettext("the report “%(document)s”"),
    }
    return words[kind] % {"document": titles.get(name, name)} if kind in words else notice


def state_text(state: str) -> str:
    """A message's state in words."""
    words = {
        Message.PENDING: gettext("waiting"),
        Message.FOLDED: gettext("together with others"),
        Message.SENT: gettext("delivered"),
        Message.DEAD: gettext("given up"),
        Message.UNSENT: gettext("not sent"),
        Message.MANUAL: gettext("to be done by hand"),
        Message.CONFIRMED: gettext("done by hand"),
        Message.HELD: gettext("held back"),
        Message.CANCELLED: gettext("discarded"),
    }
    return words.get(state, state)


def _folded(state: str) -> str:
    return gettext("%(state)s, together with others", state=state_text(state))


def _reason(row: Any) -> str:
    reason = row.reason or ""
    if reason.startswith("instead:"):
        return gettext("instead of %(channel)s", channel=reason.removeprefix("instead:"))
    words = {
        "nobody": gettext("nobody was found to tell"),
        "no_address": gettext("no address is known"),
        "not_configured": gettext("the channel is not set up"),
        "held": gettext("held back"),
    }
    return words.get(reason, reason) or (row.last_error or "" if row.state == Message.DEAD else "")
