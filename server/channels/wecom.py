"""WeCom (企业微信) group robots: the webhook address of the robot is the channel's `url`."""

from __future__ import annotations

from server.channels.outgoing import Outcome, Outgoing, Way, for_everyone
from server.channels.robots import names_of, post_to_robot, text_of, within_bytes
from server.core.moments import Moment
from server.egress import Egress

GROUP = True
LONGEST = 2048  # bytes of a text
TRY_AGAIN = (-1, 45009, 45033, 50001, 130101)  # busy; too often


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post one message that names everyone: by their WeCom id, by telephone number, and in the text by name."""
    names = names_of(message)
    text = within_bytes(text_of(message, way.max_length), LONGEST - len(names.encode()) - 1)
    value = {
        "msgtype": "text",
        "text": {
            "content": f"{text}\n{names}",
            "mentioned_list": [recipient.address for recipient in message.to if recipient.address],
            "mentioned_mobile_list": [r.number for r in message.to if r.number and not r.address],
        },
    }
    # WeCom answers 200 with errcode != 0 when it refuses; only errcode 0 is delivered.
    found = post_to_robot(egress, way.url, value, now, code=("errcode",), try_again=TRY_AGAIN)
    return for_everyone(message, found)
