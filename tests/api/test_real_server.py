"""The server as it runs: gunicorn on a port, spoken to with bare sockets."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import environment, free_port, ready

TOKEN = "alertmanagers-own-token"
READ_WITHIN = 2.0

START = f"""
import sys, time
from server import serving_threads, settings, starting
from server.wsgi import run
serving_threads.READ_WITHIN = {READ_WITHIN}
found = settings.with_secrets(settings.read())
starting.prepare(found, time.time_ns() // 1_000_000)
run(found, "127.0.0.1", int(sys.argv[1]), 1)
"""


@dataclass
class Server:
    """A running server; what it says is in `log`."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def send(self, data: bytes) -> bytes:
        """Send these bytes; give the answer, up to the end of the connection or of what was announced."""
        with self.connect() as sock:
            # The answer may come before everything was sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(data)
            return answer(sock)


def answer(sock: socket.socket) -> bytes:
    """What the server answers; empty when it only closes."""
    data = b""
    try:
        while True:
            head, end, body = data.partition(b"\r\n\r\n")
            if end:
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if length and len(body) >= int(length[0].partition(b":")[2]):
                    return data
            piece = sock.recv(65536)
            if not piece:
                return data
            data += piece
    except ConnectionResetError:
        return data


def status(data: bytes) -> int | None:
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/1.") else None


def delivery(body: bytes, *lines: str) -> bytes:
    head = ["POST /hooks/alertmanager HTTP/1.1", "Host: x", f"Authorization: Bearer {TOKEN}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


ALERT = json.dumps(
    {
        "alerts": [
            {
                "status": "firing", "fingerprint": "f", "startsAt": "2026-03-02T00:59:00Z",
                "labels": {"alertname": "Disk", "severity": "critical"}, "annotations": {"summary": "x"},
            }
        ]
    }
).encode()  # fmt: skip


def started(folder: Path) -> Iterator[Server]:
    port = free_port()
    log = folder / "server.log"
    env = environment({"ALERT_TOKEN": TOKEN, "DUBAN_DATA": str(folder / "data")})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", START, str(port)], env=env, stdout=output, stderr=output,
            cwd=Path(__file__).resolve().parents[2],
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 60
            while not ready(f"http://127.0.0.1:{port}"):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield Server(process, port, log)
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from started(tmp_path_factory.mktemp("real"))


def workers(server: Server) -> list[int]:
    found = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in found]


def resident(server: Server) -> int:
    """The memory of the workers, in bytes."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers(server))
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_delivery_is_taken(server: Server) -> None:
    taken = server.send(delivery(ALERT, f"Content-Length: {len(ALERT)}"))
    assert status(taken) == 201
    assert b'"created": true' in taken
    assert b"Cache-Control: no-store" in taken


def test_chunked_bodies_are_refused_whatever_their_size(server: Server) -> None:
    for body in (b"%x\r\n%s\r\n0\r\n\r\n" % (len(ALERT), ALERT), b"100000\r\n" + b"x" * 0x100000 + b"\r\n" * 3, b""):
        assert status(server.send(delivery(body, "Transfer-Encoding: chunked"))) == 411


def test_an_endless_chunked_body_is_not_listened_to(server: Server) -> None:
    begun = time.monotonic()
    with server.connect() as sock:
        sock.sendall(delivery(b"", "Transfer-Encoding: chunked"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while time.monotonic() < begun + 20:
                sock.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
    assert time.monotonic() < begun + 15


def test_a_body_that_is_too_large_is_refused_before_it_arrives(server: Server) -> None:
    for length in ((1 << 20) + 1, 100 << 20, 10**18):
        with server.connect() as sock:
            sock.sendall(delivery(b"x" * 100, f"Content-Length: {length}"))
            assert status(answer(sock)) == 413


def test_one_mebibyte_is_taken(server: Server) -> None:
    body = ALERT + b" " * ((1 << 20) - len(ALERT))
    assert status(server.send(delivery(body, f"Content-Length: {1 << 20}"))) in (200, 201)


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: -1"],
        ["Content-Length: \u00b2"],
        ["Content-Length: 0x2"],
        ["Content-Length: 2", "Bad Header: x"],
        ["Content-Length : 2"],
        ["Transfer-Encoding: gzip"],
    ],
)
def test_requests_that_two_servers_could_read_differently_are_refused(server: Server, lines: list[str]) -> None:
    found = status(server.send(delivery(b"{}", *lines)))
    assert found in (400, 411, 501), found


def test_long_lines_and_many_headers_are_refused(server: Server) -> None:
    line = b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert status(server.send(line)) == 414
    assert status(server.send(delivery(b"", "X-Long: " + "x" * 65536))) == 431
    assert status(server.send(delivery(b"", *(f"X-{n}: x" for n in range(200))))) == 431
    assert status(server.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n")) == 400


def test_what_is_no_request_is_answered_with_a_problem(server: Server) -> None:
    line = b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    for sent, code in ((line, 414), (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400), (b"h\xc3\xa9\r\n\r\n", 400)):
        head, _, body = server.send(sent).partition(b"\r\n\r\n")
        assert b"Content-Type: application/problem+json" in head
        said = json.loads(body)
        assert (said["type"], said["status"]) == ("about:blank", code)
        assert said["title"]


def test_a_body_that_comes_too_slowly_is_not_waited_for(server: Server) -> None:
    begun = time.monotonic()
    with server.connect() as sock:
        sock.sendall(delivery(b"{", "Content-Length: 1000"))
        found = drip(sock)
    assert status(found) == 408
    assert b"application/problem+json" in found
    assert READ_WITHIN - 0.5 < time.monotonic() - begun < READ_WITHIN + 6


def drip(sock: socket.socket) -> bytes:
    """Send a byte now and then until the server answers or closes."""
    sock.settimeout(0.2)
    end = time.monotonic() + 12
    while time.monotonic() < end:
        try:
            sock.sendall(b" ")
            return sock.recv(65536)
        except TimeoutError:
            continue
        except (BrokenPipeError, ConnectionResetError):
            return b""
    raise AssertionError("the server went on waiting")


def test_a_header_that_comes_too_slowly_is_not_waited_for(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert status(drip(sock)) in (None, 400, 408)


def test_slow_senders_do_not_keep_others_out(server: Server) -> None:
    slow = [server.connect() for _ in range(60)]
    try:
        for sock in slow[:20]:
            sock.sendall(delivery(b"{", "Content-Length: 1000"))
        for sock in slow[20:40]:
            sock.sendall(b"GET /heal")
        begun = time.monotonic()
        assert status(server.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == 200
        assert time.monotonic() - begun < READ_WITHIN
    finally:
        for sock in slow:
            sock.close()


def test_a_connection_is_used_again_also_for_what_was_sent_ahead(server: Server) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with server.connect() as sock:
        for sent in (ask, ask[:10], ask[10:] + ask[:5], ask[5:]):
            sock.sendall(sent)
            if sent != ask[:10]:
                assert status(answer(sock)) == 200
        sock.sendall(ask + delivery(ALERT, f"Content-Length: {len(ALERT)}") + ask)
        data = b""
        while data.count(b"HTTP/1.1 ") < 3:
            data += sock.recv(65536)
    assert data.count(b"HTTP/1.1 200") + data.count(b"HTTP/1.1 201") == 3


def test_who_waits_to_be_asked_for_the_body_is_asked(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(delivery(b"", f"Content-Length: {len(ALERT)}", "Expect: 100-continue"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 100")
        sock.sendall(ALERT)
        assert status(answer(sock)) in (200, 201)


def test_a_longer_body_that_comes_too_slowly_is_not_waited_for_either(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(delivery(b"{", "Content-Length: 1000", "Expect: 100-continue"))
        assert sock.recv(65536).startswith(b"HTTP/1.1 100")
        assert status(drip(sock)) == 408


def test_an_unfinished_body_is_not_acted_upon(server: Server) -> None:
    with server.connect() as sock:
        sock.sendall(delivery(ALERT, f"Content-Length: {len(ALERT) + 5}"))
        sock.shutdown(socket.SHUT_WR)
        assert status(answer(sock)) == 408


def test_bad_requests_cost_no_memory_and_nothing_of_them_is_in_the_log(server: Server) -> None:
    # Then each thread has what it needs: a connection with its cache, buffers.
    with ThreadPoolExecutor(8) as senders:
        for done in [senders.submit(bad, server) for _ in range(8)]:
            done.result()
    before = resident(server)
    bad(server)
    bad(server)
    assert resident(server) - before < 20 << 20
    said = server.log.read_text()
    assert TOKEN not in said
    assert "Bearer" not in said
    assert "Traceback" not in said


def bad(server: Server) -> None:
    """Send much that cannot be taken."""
    for _ in range(20):
        server.send(delivery(b"x" * (1 << 20), f"Content-Length: {1 << 20}"))
        server.send(delivery(b"[" * 100_000, "Content-Length: 100000"))
        server.send(delivery(b"x" * (2 << 20), f"Content-Length: {2 << 20}"))
        server.send(delivery(b"{}", "Transfer-Encoding: chunked"))


def test_sigterm_finishes_what_is_under_way(tmp_path: Path) -> None:
    for server in started(tmp_path):
        with server.connect() as sock:
            sock.sendall(delivery(ALERT[:10], f"Content-Length: {len(ALERT)}"))
            time.sleep(0.5)
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            sock.sendall(ALERT[10:])
            assert status(answer(sock)) == 201
        assert server.process.wait(timeout=20) == 0, server.log.read_text()
