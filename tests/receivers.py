"""A real HTTP server on this machine that answers as it is told and keeps what it got.

with receiver() as there:
    there.answers(Reply(500), Reply(200, b"ok"))
    ...
    assert there.requests[0].json() == {...}
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What to answer. `delay`: seconds before it; `hang`: never, until the receiver ends; `drip`: seconds between the
    bytes of the body; `raw`: these bytes instead of an HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    hang: bool = False
    drip: float = 0
    raw: bytes | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


@dataclass(frozen=True)
class Request:
    """What arrived, from whom and when (seconds since the epoch); `headers` by lower-case name."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    peer: str = ""
    at: float = field(default_factory=time.time)

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """The server and what it got. The last reply it was told is given again and again; at first 200 without a body."""

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.requests: list[Request] = []
        self._replies: deque[Reply] = deque([Reply()])
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((host, 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
            self._scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return self.at("127.0.0.1")

    def at(self, host: str, path: str = "/hook") -> str:
        """The address of this receiver under another name of this machine."""
        return f"{self._scheme}://{host}:{self.port}{path}"

    def answers(self, *replies: Reply) -> None:
        """Answer with these from now on, one after the other."""
        with self._lock:
            self._replies = deque(replies)

    def wait_for(self, count: int, seconds: float = 10) -> list[Request]:
        """Wait until that many requests arrived. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while len(self.requests) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self.requests)} of {count} requests arrived")
            time.sleep(0.01)
        return self.requests

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def _next(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            return self._replies.popleft() if len(self._replies) > 1 else self._replies[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(length)
                reply = receiver._next(Request(self.command, self.path, headers, body, self.client_address[0]))
                receiver._ended.wait(600 if reply.hang else reply.delay)
                try:
                    self.answer(reply)
                except OSError:  # whoever asked has gone
                    self.close_connection = True

            def answer(self, reply: Reply) -> None:
                if reply.raw is not None:
                    self.wfile.write(reply.raw)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if not reply.drip:
                    self.wfile.write(reply.body)
                for byte in reply.body if reply.drip else b"":
                    self.wfile.write(bytes([byte]))
                    if receiver._ended.wait(reply.drip):
                        return

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver for the length of a `with`."""
    there = Receiver(tls)
    try:
        yield there
    finally:
        there.close()
