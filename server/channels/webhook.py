"""Webhooks to other systems: Standard Webhooks, signed, with an id that stays the same over every attempt."""

from __future__ import annotations

from server.channels.outgoing import Outcome, Outgoing, Way, for_everyone
from server.channels.posting import encode, post, unless_accepted
from server.core.moments import Moment, show
from server.egress import Egress
from server.standard_webhooks import NoUsableSecret, sign

GROUP = True  # one request for all recipients


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post the message. Delivered is a 2xx; 410 asks never to be called again; anything else may be tried again."""
    return for_everyone(message, _send(way, message, egress, now))


def content(message: Outgoing) -> bytes:
    """What is posted: `type`, `timestamp` and `data`; the same bytes at every attempt."""
    data = message.data
    if data is None:
        data = {"subject": message.subject, "body": message.body, "to": [recipient.id for recipient in message.to]}
    return encode({"type": message.kind, "timestamp": show(message.at), "data": data})


def _send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> Outcome:
    body, seconds = content(message), now // 1000
    headers = {"webhook-id": message.id, "webhook-timestamp": str(seconds)}
    if way.secret:
        try:
            headers["webhook-signature"] = sign(way.secret, message.id, seconds, body)
        except NoUsableSecret as unusable:
            return Outcome("", "refused", str(unusable))
    answer = post(egress, way.url, body, headers)
    if isinstance(answer, Outcome):
        return answer
    return unless_accepted(answer, now) or Outcome("", "delivered", f"HTTP {answer.status}")
