"""Short messages, by a gateway that takes JSON over HTTP (docs/channels.md)."""

from __future__ import annotations

from server.channels.outgoing import Outcome, Outgoing, Recipient, Way, shortened
from server.channels.posting import encode, post, read_answer, shown, unless_accepted
from server.core.moments import Moment
from server.egress import Egress

GROUP = False
GOOD = (0, "0", "ok", "OK", "success")


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post one request per number; each has its own outcome."""
    return [_send(way, message, recipient, egress, now) for recipient in message.to]


def _send(way: Way, message: Outgoing, recipient: Recipient, egress: Egress, now: Moment) -> Outcome:
    if not recipient.address:
        return Outcome(recipient.id, "refused", "no telephone number")
    text = shortened(message.body or message.subject, way.max_length)
    id_ = message.id if len(message.to) == 1 else f"{message.id}/{recipient.id}"
    body = encode({"id": id_, "to": recipient.address, "text": text, "language": message.language})
    headers = {"Authorization": f"Bearer {way.secret}"} if way.secret else {}
    answer = post(egress, way.url, body, headers)
    if isinstance(answer, Outcome):
        return Outcome(recipient.id, answer.state, answer.detail)
    refused = unless_accepted(answer, now)
    if refused is not None:
        state = "refused" if answer.status in (400, 404, 410, 422) else refused.state
        return Outcome(recipient.id, state, refused.detail, retry_after=refused.retry_after)
    read = read_answer(answer)
    given = read if isinstance(read, dict) else {}
    code = given.get("code", 0)
    if isinstance(code, bool) or code not in GOOD:
        # A gateway that refuses says so in its body; HTTP 200 alone is not "delivered".
        return Outcome(recipient.id, "failed" if given.get("retry") is True else "refused", shown(answer))
    return Outcome(recipient.id, "delivered", provider_id=str(given.get("id", ""))[:200])
