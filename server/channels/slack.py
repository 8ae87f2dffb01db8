"""Slack incoming webhooks: `url` is the webhook address. Slack answers `ok` in plain text, and an error with a 4xx."""

from __future__ import annotations

import re

from server.channels.outgoing import Outcome, Outgoing, Way, for_everyone
from server.channels.posting import encode, post, shown, unless_accepted
from server.channels.robots import text_of
from server.core.moments import Moment
from server.core.templates import one_line
from server.egress import Egress

GROUP = True
LONGEST = 38_000  # characters; Slack cuts at 40,000


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post one message that names everyone: by Slack id where it is known, else by name."""
    text = text_of(message, min(way.max_length or LONGEST, LONGEST))
    names = " ".join(_name(recipient.address, recipient.name or recipient.id) for recipient in message.to)
    return for_everyone(message, _post(way, f"{_escaped(text)}\n{names}", egress, now))


def _post(way: Way, text: str, egress: Egress, now: Moment) -> Outcome:
    answer = post(egress, way.url, encode({"text": text}), {})
    if isinstance(answer, Outcome):
        return answer
    problem = unless_accepted(answer, now)
    if problem is not None and 400 <= answer.status < 500 and answer.status != 429:
        return Outcome("", "refused", problem.detail)  # no_service, invalid_token, channel_is_archived
    if problem is not None:
        return problem
    if answer.body.strip() == b"ok":
        return Outcome("", "delivered")
    return Outcome("", "refused", f"not ok: {shown(answer)}")


def _escaped(text: str) -> str:
    # `<!channel>` in a customer's text would call everybody.
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _name(id_: str, name: str) -> str:
    return f"<@{id_}>" if re.fullmatch(r"[A-Z0-9]{2,32}", id_) else f"@{_escaped(one_line(name))}"
