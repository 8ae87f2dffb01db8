"""Posting JSON, and what an answer's status means; what channels that speak HTTP have in common."""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Mapping
from typing import Any

from server.channels.outgoing import Outcome
from server.core.moments import Moment
from server.egress import Answer, Egress, Failed, Refused

LONGEST_WAIT = 24 * 3600  # seconds that a receiver may ask us to wait
SHOWN = 300  # characters of an answer that are kept


def encode(value: Any) -> bytes:
    """A value as JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def post(egress: Egress, url: str, body: bytes, headers: Mapping[str, str]) -> Answer | Outcome:
    """Post JSON; the answer, or the outcome when there is none. Nothing is raised: one bad address is one message's."""
    try:
        return egress.request("POST", url, {"Content-Type": "application/json; charset=utf-8", **headers}, body)
    except Refused as refused:
        return Outcome("", "refused", str(refused))
    except Failed as failed:
        return Outcome("", "failed", str(failed))


def unless_accepted(answer: Answer, now: Moment) -> Outcome | None:
    """None for a 2xx. 410: refused, and disable. 429 and 5xx, 408 and 425: failed, after Retry-After. A redirect is not
    followed and is a failure, as any other status (Standard Webhooks, "Operational considerations")."""
    if 200 <= answer.status < 300:
        return None
    detail = f"HTTP {answer.status}: {shown(answer)}"
    if answer.status == 410:
        return Outcome("", "refused", detail, disable=True)
    return Outcome("", "failed", detail, retry_after=retry_after(answer, now))


def retry_after(answer: Answer, now: Moment) -> int | None:
    """The seconds that the answer asks to wait: a number or an HTTP date (RFC 9110, 10.2.3), at most a day."""
    text = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        return min(int(text), LONGEST_WAIT)
    try:
        then = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(int(then.timestamp()) - now // 1000, 0), LONGEST_WAIT)


def read_answer(answer: Answer) -> Any:
    """The JSON of an answer; None when it is none."""
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def shown(answer: Answer) -> str:
    """The beginning of an answer, printable."""
    text = answer.body[: 4 * SHOWN].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text)[:SHOWN].strip()
