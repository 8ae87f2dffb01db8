"""DingTalk (钉钉) group robots: `url` is the robot's webhook address, `secret` its signing secret (加签), if any."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote_plus

from server.channels.outgoing import Outcome, Outgoing, Way, for_everyone
from server.channels.robots import names_of, post_to_robot, text_of, within_bytes
from server.core.moments import Moment
from server.egress import Egress

GROUP = True
LONGEST = 20_000  # bytes of a message
TRY_AGAIN = (-1, 130101, 410100, 660026)  # busy; too often


def signed(url: str, secret: str, now: Moment) -> str:
    """The address with time stamp and signature; the time stamp is in milliseconds and must be within an hour."""
    if not secret:
        return url
    made = hmac.new(secret.encode(), f"{now}\n{secret}".encode(), hashlib.sha256).digest()
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}timestamp={now}&sign={quote_plus(base64.b64encode(made))}"


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post one message that names everyone: by DingTalk id, by telephone number, and in the text by name."""
    text = within_bytes(text_of(message, way.max_length), LONGEST - 2_000)
    value = {
        "msgtype": "text",
        "text": {"content": f"{text}\n{names_of(message)}"},
        "at": {
            "atUserIds": [recipient.address for recipient in message.to if recipient.address],
            "atMobiles": [r.number for r in message.to if r.number and not r.address],
            "isAtAll": False,
        },
    }
    url = signed(way.url, way.secret, now)
    return for_everyone(message, post_to_robot(egress, url, value, now, code=("errcode",), try_again=TRY_AGAIN))
