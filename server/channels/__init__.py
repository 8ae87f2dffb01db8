"""One module per way out of the building."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, Protocol

from server.channels import dingtalk, email, feishu, manual, slack, sms, webhook, wecom
from server.channels.outgoing import Outcome, Outgoing, Way
from server.core.channels import Channel
from server.core.moments import Moment
from server.egress import Egress
from server.settings import named_value


class Sender(Protocol):
    """What the module of a channel is. `GROUP`: a message for several people leaves as one."""

    GROUP: bool

    def send(self, way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
        """Try once to send a message; an outcome for each recipient. Raises nothing for what is the other side's."""
        ...


SENDERS: Final[Mapping[str, Sender]] = {
    "email": email,
    "sms": sms,
    "webhook": webhook,
    "wecom": wecom,
    "dingtalk": dingtalk,
    "feishu": feishu,
    "slack": slack,
    "manual": manual,
}


def way_of(channel: Channel, environment: Mapping[str, str] = os.environ) -> Way | None:
    """The channel as it is set now; None when its address is not set (`unsent: not configured`)."""
    url = (named_value(channel.url or None, environment) or "").strip()
    if not url and channel.type != "manual":
        return None
    secret = (named_value(channel.secret or None, environment) or "").strip()
    if channel.secret and not secret:
        return None  # an unsigned message would be refused, or believed by a receiver that no longer checks
    return Way(channel.name, channel.type, url, secret, channel.max_length, trusted=channel.url.startswith("env:"))


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Try once to send a message over a channel; an outcome for each recipient."""
    return SENDERS[way.type].send(way, message, egress, now)


def leaves_as_one(type_: str) -> bool:
    """Whether one message of this kind of channel names everyone of a step."""
    return SENDERS[type_].GROUP
