"""Standard Webhooks signatures, given and checked (github.com/standard-webhooks, specification 1.0).

`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several signatures stand side by side, one per secret,
while a secret is being changed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

PREFIX = "whsec_"


class NoUsableSecret(ValueError):
    """None of the secrets is base64, with or without `whsec_` before it."""


def keys(secrets: str) -> list[bytes]:
    """The keys of one or more secrets, separated by spaces. Raises NoUsableSecret when none of them is base64."""
    found = []
    for secret in secrets.split():
        text = secret.removeprefix(PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            continue
        if key:
            found.append(key)
    if not found:
        raise NoUsableSecret("a Standard Webhooks secret is whsec_ and base64")
    return found


def sign(secrets: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: a signature per secret. Raises NoUsableSecret."""
    return " ".join(_signature(key, message_id, str(timestamp), body) for key in keys(secrets))


def is_signed(secrets: str, message_id: str, timestamp: str, body: bytes, signatures: Sequence[str]) -> bool:
    """Whether any of the signatures fits any of the secrets; compared in constant time. Raises NoUsableSecret."""
    fits = False
    for key in keys(secrets):
        expected = _signature(key, message_id, timestamp, body).encode()
        for signature in signatures:
            fits |= hmac.compare_digest(expected, signature.encode("utf-8", "replace"))
    return fits


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
