"""`Idempotency-Key`: a request that is sent again is not done again, and gets the same answer for 24 hours.

The key, what was done and the answer are written in one transaction: two equal requests at once, on whichever
machines, are one. What fails leaves nothing behind, the key included.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import peewee
from flask import Response, request

from server.accounts import Caller
from server.api.answers import raw
from server.api.problems import Failed, said
from server.core.moments import DAY, Moment
from server.crash_points import crash_point
from server.store import database
from server.store.models import IdempotencyKey

KEPT_FOR: Final = DAY
ATTEMPTS: Final = 12
HEADERS: Final = ("Location", "ETag")
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


def once(caller: Caller, body: bytes, now: Moment, do: Callable[[], Response]) -> Response:
    """The answer of `do`, which writes to the store; of the first time, when the request's key was used before. Raises
    Failed: 400 for what is no key, 422 for the key with another body."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return do()
    if not _KEY.fullmatch(key):
        raise Failed(400, "bad-parameter", name="Idempotency-Key", why=said("parameter-key"))
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode() + body).hexdigest()
    for attempt in range(ATTEMPTS):
        try:
            with database.transaction():
                done = _first(caller.owner, key, digest, now, do) or _again(caller.owner, key, digest)
                crash_point("idempotency.before_commit")
            crash_point("idempotency.before_answer")
            return done
        except peewee.IntegrityError:
            # On PostgreSQL two issues may be given the same number at the same time; the later one takes the next.
            if attempt + 1 == ATTEMPTS:
                raise
    raise AssertionError("not reached")


def _first(owner: str, key: str, digest: str, now: Moment, do: Callable[[], Response]) -> Response | None:
    IdempotencyKey.delete().where(IdempotencyKey.at <= now - KEPT_FOR).execute()
    # Where another request with this key is under way, the database lets us wait here for its end.
    made = (
        IdempotencyKey.insert(owner=owner, key=key, body_sha256=digest, at=now)
        .on_conflict_ignore()
        .as_rowcount()
        .execute()
    )
    if not made:
        return None
    done = do()
    kept = {name: done.headers[name] for name in HEADERS if name in done.headers}
    IdempotencyKey.update(status=done.status_code, headers=kept, answer=done.get_data()).where(
        IdempotencyKey.owner == owner, IdempotencyKey.key == key
    ).execute()
    return done


def _again(owner: str, key: str, digest: str) -> Response:
    row: Any = IdempotencyKey.get(IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    if row.body_sha256 != digest:
        raise Failed(422, "key-reused")
    return raw(bytes(row.answer), row.status, {**row.headers, "Idempotency-Replayed": "true"})
