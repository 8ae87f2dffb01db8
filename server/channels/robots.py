"""What the group robots have in common: they answer HTTP 200 also when they refuse, and say so in the body."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from server.channels.outgoing import Outcome, Outgoing, shortened
from server.channels.posting import encode, post, read_answer, shown, unless_accepted
from server.core.moments import Moment
from server.core.templates import one_line
from server.egress import Egress

LIMITED = 60  # seconds to wait when a robot says that it was spoken to too often


def text_of(message: Outgoing, limit: int) -> str:
    """Subject and body in one text of at most `limit` characters."""
    subject = one_line(message.subject)
    text = f"{subject}\n{message.body}" if message.body and subject and subject not in message.body else ""
    return shortened(text or message.body or subject, limit)


def within_bytes(text: str, limit: int) -> str:
    """The text in at most `limit` bytes of UTF-8: some robots count so."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 3].decode("utf-8", "ignore") + "…"


def names_of(message: Outgoing) -> str:
    """Everyone by name: the message of a group names all whom it is for."""
    return " ".join(f"@{one_line(recipient.name or recipient.id)}" for recipient in message.to)


def post_to_robot(
    egress: Egress,
    url: str,
    value: Mapping[str, Any],
    now: Moment,
    *,
    code: Collection[str],
    try_again: Collection[int],
) -> Outcome:
    """Post, and read the answer: only a code of 0 in the body is delivered.

    `code` are the names that the code may have; with one of `try_again` (too often, busy) the message is tried again,
    with any other (wrong key, a word that is not allowed) it is refused, so that another channel takes over.
    """
    answer = post(egress, url, encode(value), {})
    if isinstance(answer, Outcome):
        return answer
    problem = unless_accepted(answer, now)
    if problem is not None:
        return problem
    read = read_answer(answer)
    given = next((read[name] for name in code if name in read), None) if isinstance(read, dict) else None
    if isinstance(given, bool) or not isinstance(given, int):
        return Outcome("", "failed", f"no code in the answer: {shown(answer)}")
    if given == 0:
        return Outcome("", "delivered")
    if given in try_again:
        return Outcome("", "failed", shown(answer), retry_after=LIMITED)
    return Outcome("", "refused", shown(answer))
