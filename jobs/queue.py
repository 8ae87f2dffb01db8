"""The queue between web and worker processes: it carries wake-ups and nothing else.

Huey loses what a killed consumer was doing; therefore the truth lives in the tables, and a lost wake-up costs at most
one second (architecture, "How one issue travels", 3). Messages are JSON: whoever can write to the queue must not be
able to run code, which a pickle would allow.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote, urlsplit

from huey import RedisHuey, SqliteHuey
from huey.api import Huey
from huey.registry import Message
from huey.serializer import Serializer
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

NAME = "duban"


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Writes a task's message as a JSON object and reads nothing else."""

    def _serialize(self, data: Message) -> bytes:
        return json.dumps(data._asdict()).encode()

    def _deserialize(self, data: bytes) -> Message:
        return Message(**json.loads(data))


def open_queue(url: str) -> Huey:
    """The queue at `sqlite:///path` or `redis://host:port/db`. Raises ValueError for another address."""
    options: dict[str, Any] = {"serializer": JsonSerializer(), "results": False, "utc": True}
    if url.startswith("sqlite:"):
        # A wake-up need not survive a power cut: the tables do.
        path = unquote(urlsplit(url).path).removeprefix("/")
        return SqliteHuey(NAME, filename=path, fsync=False, **options)
    if url.startswith(("redis://", "rediss://")):
        # Whoever waits for Redis can do without it: no attempt is repeated.
        pool = ConnectionPool.from_url(url, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 0))
        return RedisHuey(NAME, connection_pool=pool, **options)
    raise ValueError(f"no queue: {url}")
