"""A real server and clients that break the rules of HTTP, or are so slow that they might as well: each gets a clear
answer or a closed connection, the others go on, and nothing of what was sent shows up in the log."""

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


def problem(received: bytes) -> dict[str, object]:
    """The problem that is the body of the only answer."""
    head, _, body = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head.lower()
    found = json.loads(body)
    assert isinstance(found, dict)
    return found


def hook(body: bytes, *more: str) -> bytes:
    headers = "".join(f"{line}\r\n" for line in ("Connection: close", *more))
    return f"{HOOK}{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


# -- size ----------------------------------------------------------------------------------------------------------


def test_a_chunked_body_is_411_before_its_end_has_come(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(f"{HOOK}Transfer-Encoding: chunked\r\n\r\n400\r\n{'x' * 0x400}\r\n".encode())
        began = time.monotonic()
        received = everything(connection)
        assert time.monotonic() - began < 3
    assert statuses(received) == [411]
    assert problem(received)["type"] == "/docs/problems#length-required"


@pytest.mark.parametrize("size", [MIB + 1, 3 * MIB])
def test_a_long_chunked_body_is_never_cut_and_taken(server: Server, size: int) -> None:
    sent = f"{HOOK}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode()
    assert statuses(exchange(server, sent + b"[" * size + b"\r\n0\r\n\r\n")) == [411]


def test_a_body_that_says_it_is_over_a_mebibyte_is_413_without_being_read(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(f"{HOOK}Content-Length: {MIB + 1}\r\n\r\n".encode())
        received = everything(connection)
    assert statuses(received) == [413]
    assert problem(received)["type"] == "/docs/problems#too-large"


def test_a_hundred_megabytes_are_not_waited_for(server: Server) -> None:
    with closing(server.connect()) as connection:
        connection.sendall(f"{HOOK}Content-Length: {100 * MIB}\r\n\r\n".encode() + b" " * 65536)
        assert statuses(everything(connection)) == [413]


def test_a_mebibyte_is_taken_whole(server: Server) -> None:
    body = b'{"alerts": [], "x": "' + b"y" * (MIB - 23) + b'"}'
    assert len(body) == MIB
    assert statuses(exchange(server, hook(body))) == [200]


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


@pytest.mark.parametrize(
    "more",
    [
        f"X-Long: {'x' * 65536}\r\n",
        "".join(f"X-Many-{number}: 1\r\n" for number in range(200)),
        f"X-Forwarded-For: {'1.2.3.4, ' * 2000}\r\n",
    ],
)
def test_headers_have_limits(server: Server, more: str) -> None:
    sent = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{more}\r\n"
    assert statuses(exchange(server, sent.encode())) in ([400], [431])


def test_the_request_line_has_a_limit(server: Server) -> None:
    sent = f"GET /healthz?{'x' * 20000} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert statuses(exchange(server, sent.encode())) in ([400], [414])


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


@pytest.mark.parametrize("part", ["headers", "body"])
def test_who_sends_a_byte_now_and_then_is_cut_off_and_the_others_are_served(server: Server, part: str) -> None:
    """As many as there are threads send slowly; all are let go after the time that a request may take."""
    whole = hook(b'{"alerts": []' + b" " * 200 + b"}")
    begin = 20 if part == "headers" else whole.index(b"\r\n\r\n") + 5
    slow = [server.connect() for _ in range(8)]
    began = time.monotonic()
    for connection in slow:
        connection.setblocking(False)
        connection.sendall(whole[:begin])
    ended: set[int] = set()
    for index in range(begin, begin + 90):
        time.sleep(0.5)
        for number, connection in enumerate(slow):
            if number not in ended and has_ended(connection, whole[index : index + 1]):
                ended.add(number)
        if len(ended) == len(slow):
            break
    took = time.monotonic() - began
    for connection in slow:
        connection.close()
    assert len(ended) == len(slow), f"after {took:.0f} s {len(slow) - len(ended)} were still being listened to"
    assert 15 < took < 40
    assert server.answers() < 3


def has_ended(connection: socket.socket, more: bytes) -> bool:
    """Whether the server has answered or closed; else send it a little more."""
    try:
        connection.recv(65536)
    except BlockingIOError:
        pass
    except ConnectionResetError:
        return True
    else:
        return True
    try:
        connection.send(more)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False
