"""Feishu (飞书) and Lark group robots: `url` is the robot's webhook address, `secret` its signing secret, if any."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Any

from server.channels.outgoing import Outcome, Outgoing, Way, for_everyone
from server.channels.robots import post_to_robot, text_of, within_bytes
from server.core.moments import Moment
from server.core.templates import one_line
from server.egress import Egress

GROUP = True
LONGEST = 18_000  # bytes of a text, of the 20 KB of a request
TRY_AGAIN = (9499, 11232, 99991400)  # too often


def signature(secret: str, seconds: int) -> str:
    """The robot's signature: here the time and the secret are the key, and what is signed is empty."""
    return base64.b64encode(hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Post one message that names everyone: by Feishu id where it is known, else by name."""
    # A customer's text must not speak to `<at user_id="all">`: only our own tags keep their bracket.
    text = re.sub("<(?=/?at)", "＜", within_bytes(text_of(message, way.max_length), LONGEST), flags=re.IGNORECASE)
    value: dict[str, Any] = {
        "msg_type": "text",
        "content": {"text": f"{text}\n{' '.join(_name(r.address, r.name or r.id) for r in message.to)}"},
    }
    if way.secret:
        seconds = now // 1000
        value |= {"timestamp": str(seconds), "sign": signature(way.secret, seconds)}
    found = post_to_robot(egress, way.url, value, now, code=("code", "StatusCode"), try_again=TRY_AGAIN)
    return for_everyone(message, found)


def _name(id_: str, name: str) -> str:
    plain = one_line(name).replace("<", "＜")
    return f'<at user_id="{id_}">{plain}</at>' if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", id_) else f"@{plain}"
