"""A real `duban serve` and clients that break the rules of HTTP, say nothing, or never close: each gets a clear answer
or a closed connection, the others go on, and nothing of what was sent shows up in the log. Sizes and slow senders stand
in test_real_server.py."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

MIB = 1 << 20
TOKEN = "sockets-sesame"
AUTHORIZED = f"Authorization: Bearer {TOKEN}\r\n"
HOOK = f"POST /hooks/alertmanager HTTP/1.1\r\nHost: localhost\r\n{AUTHORIZED}Content-Type: application/json\r\n"


class Server:
    """Where the server listens, and what it has logged."""

    def __init__(self, address: str, log: Path) -> None:
        self.at = (str(urlsplit(address).hostname), int(urlsplit(address).port or 0))
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def connect(self, timeout: float = 30) -> socket.socket:
        return socket.create_connection(self.at, timeout=timeout)

    def answers(self) -> float:
        """Seconds that an ordinary request takes."""
        began = time.monotonic()
        with closing(self.connect()) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert everything(connection).startswith(b"HTTP/1.1 200 ")
        return time.monotonic() - began


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sockets")
    with serving(folder, env={"ALERT_TOKEN": TOKEN, "DUBAN_LANGUAGE": "en"}) as address:
        found = Server(address, folder / "serve.log")
        yield found
        assert found.answers() < 5
        assert "Traceback" not in found.log
        assert TOKEN not in found.log


def everything(connection: socket.socket) -> bytes:
    """All that arrives until the other side closes, or resets because it did not read all that was sent."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        assert received, "reset before an answer"
    return received


def exchange(server: Server, sent: bytes) -> bytes:
    """What comes back for these bytes, until the server closes the connection."""
    with closing(server.connect()) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):  # when it has answered already, and listens no more
            connection.sendall(sent)
        return everything(connection)


def statuses(received: bytes) -> list[int]:
    """The status of each answer in what was received."""
    return [int(part.split(b" ", 1)[0]) for part in received.split(b"HTTP/1.1 ")[1:]]


def hook(body: bytes, *more: str) -> bytes:
    headers = "".join(f"{line}\r\n" for line in ("Connection: close", *more))
    return f"{HOOK}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_who_waits_to_be_told_to_go_on_is_told_that_it_is_too_large(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(f"{HOOK}Expect: 100-continue\r\nContent-Length: {2 * MIB}\r\n\r\n".encode())
        assert statuses(everything(connection))[-1] == 413


# -- framing -------------------------------------------------------------------------------------------------------

SMUGGLED = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: ²\r\n",
        "Content-Length : 5\r\n",
    ],
)
def test_a_body_whose_end_is_not_clear_is_refused_and_nothing_behind_it_is_answered(
    server: Server, headers: str
) -> None:
    found = statuses(exchange(server, f"{HOOK}{headers}\r\n0\r\n\r\n{SMUGGLED}".encode()))
    assert len(found) == 1
    assert found[0] in (400, 411, 501)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,  # somebody speaks TLS
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-A: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n X-Folded: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(server: Server, sent: bytes) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = everything(connection)
    assert not received or statuses(received)[0] in (400, 404, 405, 431, 501, 505)


@pytest.mark.parametrize("host", ["", "a b", "localhost:99999999", "[::1", "\x7f", "evil.example"])
def test_a_strange_host_is_no_failure_of_the_server(server: Server, host: str) -> None:
    sent = f"GET /admin/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert statuses(exchange(server, sent.encode()))[0] < 500


@pytest.mark.parametrize(
    "path", ["/%00", "/%ff", "/s/%ed%a0%80", "/api/v1/issues/%0d%0aX: 1", "/../../etc/passwd", "*"]
)
def test_a_strange_path_is_no_failure_of_the_server(server: Server, path: str) -> None:
    received = exchange(server, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert 400 <= statuses(received)[0] < 500
    assert b"\r\nX: 1" not in received


# -- slow, and gone ------------------------------------------------------------------------------------------------


def test_a_sender_who_goes_away_leaves_nothing_behind(server: Server) -> None:
    alert = {"status": "firing", "fingerprint": "gone", "startsAt": "2026-03-02T09:00:00Z"}
    labels = {"alertname": "gone", "severity": "critical"}
    body = json.dumps({"alerts": [{**alert, "labels": labels, "annotations": {"summary": "gone"}}]}).encode()
    with closing(server.connect()) as connection:
        connection.sendall(hook(body)[:-1])
    with closing(server.connect()) as connection:
        connection.sendall(hook(body)[:-1])
        connection.shutdown(socket.SHUT_WR)
        received = everything(connection)
    assert statuses(received) in ([], [408])
    answer = exchange(server, hook(body))
    assert statuses(answer) == [201], "it would be 200 if it had been taken before"


def test_who_does_not_close_after_the_answer_holds_up_nobody(server: Server) -> None:
    lazy = [server.connect() for _ in range(20)]
    try:
        for connection in lazy:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert all(b" 200 " in everything(connection) for connection in lazy)
        assert server.answers() < 1.5
    finally:
        for connection in lazy:
            connection.close()


def test_connections_that_say_nothing_do_not_hold_up_the_others(server: Server) -> None:
    silent = [server.connect() for _ in range(40)]
    try:
        time.sleep(0.2)
        assert server.answers() < 3
    finally:
        for connection in silent:
            connection.close()
