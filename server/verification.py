"""Does a delivery come from who it says? The five schemes of a source's `verify` (policy language, section 4).

Always before the body is parsed, always in constant time, never open because something is missing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from server import standard_webhooks
from server.core.moments import MINUTE, Moment
from server.core.sources import Verify

TOLERANCE = 5 * MINUTE
LONGEST_ID = 255

# Trap: str.isdigit() accepts '²' and '１', of which int() refuses the first; only these are digits here.
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)
_HEX = re.compile(r"(?:sha256=)?([0-9a-f]{64})", re.ASCII | re.IGNORECASE)


class Unverified(Exception):
    """A delivery that is not from who it says. `reason` is for the audit trail and the panel, never for the sender."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Verified:
    """A delivery that is. `delivery_id` is the sender's own id of it (`webhook-id`), None when the scheme has none."""

    scheme: str
    delivery_id: str | None = None


def verify(how: Verify, secret: str | None, headers: Mapping[str, str], body: bytes, now: Moment) -> Verified:
    """Check a delivery. `secret` is what `how.secret` stands for in the environment, or None; several active secrets
    are separated by spaces. Raises Unverified with the reason:

    `no-secret`, `unusable-secret`, `missing-header`, `bad-header`, `time-off` (more than five minutes), `no-match`.
    """
    if how.scheme == "none":
        return Verified("none", _delivery_id(headers))
    check = _CHECKS.get(how.scheme)
    if check is None:
        raise Unverified("unknown-scheme")
    if secret is None or not secret.split():
        raise Unverified("no-secret")
    return check(how, secret, {name.lower(): value for name, value in headers.items()}, body, now)


def _delivery_id(headers: Mapping[str, str]) -> str | None:
    found = next((value for name, value in headers.items() if name.lower() == "webhook-id"), "")
    return found if 0 < len(found) <= LONGEST_ID else None


def _standard(how: Verify, secret: str, headers: Mapping[str, str], body: bytes, now: Moment) -> Verified:
    message_id, time, signatures = (_header(headers, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    if not _SECONDS.fullmatch(time) or len(message_id) > LONGEST_ID:
        raise Unverified("bad-header")
    try:
        signed = standard_webhooks.is_signed(secret, message_id, time, body, signatures.split(" ")[:100])
    except standard_webhooks.NoUsableSecret as unusable:
        raise Unverified("unusable-secret") from unusable
    if not signed:
        raise Unverified("no-match")
    if abs(now - int(time) * 1000) > TOLERANCE:
        raise Unverified("time-off")
    return Verified("standard-webhooks", message_id)


def _hmac(how: Verify, secret: str, headers: Mapping[str, str], body: bytes, now: Moment) -> Verified:
    given = _HEX.fullmatch(_header(headers, how.header.lower()).strip())
    if given is None:
        raise Unverified("bad-header")
    fits = False
    for one in secret.split():
        expected = hmac.new(one.encode(), body, hashlib.sha256).hexdigest()
        fits |= hmac.compare_digest(expected, given[1].lower())
    if not fits:
        raise Unverified("no-match")
    return Verified("hmac-sha256")


def _bearer(how: Verify, secret: str, headers: Mapping[str, str], body: bytes, now: Moment) -> Verified:
    _require_one_of(secret, _credentials(headers, "bearer").encode("utf-8", "replace"))
    return Verified("bearer", _delivery_id(headers))


def _basic(how: Verify, secret: str, headers: Mapping[str, str], body: bytes, now: Moment) -> Verified:
    try:
        given = base64.b64decode(_credentials(headers, "basic"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unverified("bad-header") from error
    if b":" not in given:
        raise Unverified("bad-header")
    _require_one_of(secret, given)
    return Verified("basic", _delivery_id(headers))


def _credentials(headers: Mapping[str, str], scheme: str) -> str:
    given, _, credentials = _header(headers, "authorization").strip().partition(" ")
    if given.lower() != scheme or not credentials.strip():
        raise Unverified("bad-header")
    return credentials.strip()


def _require_one_of(secrets: str, given: bytes) -> None:
    # Hashes of equal length: compare_digest tells the length of what it is given.
    hashed = hashlib.sha256(given).digest()
    fits = False
    for one in secrets.split():
        fits |= hmac.compare_digest(hashlib.sha256(one.encode()).digest(), hashed)
    if not fits:
        raise Unverified("no-match")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise Unverified("missing-header")
    return value


_CHECKS = {"standard-webhooks": _standard, "hmac-sha256": _hmac, "bearer": _bearer, "basic": _basic}
