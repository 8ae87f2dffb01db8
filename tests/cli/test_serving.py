"""`duban serve` as it is started and ended: from a shell, by a service manager, by accident."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.serving import DUBAN, environment, free_port, ready

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass
class Running:
    """A server in a process group of its own, as a shell starts it."""

    process: subprocess.Popen[bytes]
    folder: Path
    address: str
    begin: int

    @property
    def log(self) -> str:
        """What it has printed since its start."""
        return (self.folder / "serve.log").read_bytes()[self.begin :].decode()

    def parts(self) -> dict[int, list[str]]:
        """The processes below it: id and the ids of their own children."""
        return {pid: children(pid) for pid in map(int, children(self.process.pid))}

    def group(self, number: int) -> None:
        os.killpg(self.process.pid, number)


def children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []


def exists(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.1)


@contextmanager
def started(folder: Path, *options: str, port: int | None = None, **env: str) -> Iterator[Running]:
    port = port or free_port()
    with (folder / "serve.log").open("ab") as output:
        begin = output.tell()
        process = subprocess.Popen(
            [DUBAN, "serve", "--port", str(port), *options],
            cwd=folder, env=environment({"DUBAN_LANGUAGE": "en", **env}), stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    running = Running(process, folder, f"http://127.0.0.1:{port}", begin)
    try:
        until(lambda: process.poll() is not None or "Duban is ready" in running.log)
        assert process.poll() is None, running.log
        yield running
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def fails(folder: Path, *options: str, command: str = "serve", **env: str) -> str:
    """Start a server that cannot start; give what it said."""
    done = subprocess.run(
        [DUBAN, command, *options], cwd=folder, env=environment({"DUBAN_LANGUAGE": "en", **env}),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_it_says_where_it_is_and_the_password_once_and_ends_well(tmp_path: Path, how: str) -> None:
    with started(tmp_path) as server:
        assert f"Duban is ready at {server.address}" in server.log
        assert "Password of the first administrator admin" in server.log
        assert ready(server.address)
        assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700, "for nobody else to read"
        parts = server.parts()
        assert len(parts) == 2
        if how == "Ctrl-C":
            server.group(signal.SIGINT)
        else:
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0, server.log
        assert "Traceback" not in server.log
        assert not [pid for pid in parts if exists(pid)]
    with started(tmp_path) as server:
        assert "Password" not in server.log


def test_a_request_under_way_is_answered_before_the_end(tmp_path: Path) -> None:
    with started(tmp_path, ALERT_TOKEN="a-token") as server:
        host, port = server.address.removeprefix("http://").split(":")
        body = b'{"alerts": []}'
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(
                b"POST /hooks/alertmanager HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a-token\r\n"
                b"Content-Type: application/json\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body[:5]
            )
            time.sleep(1)
            server.group(signal.SIGINT)
            time.sleep(1)
            assert server.process.poll() is None, "it waits for the request"
            client.sendall(body[5:])
            answer = client.recv(100)
        assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")), answer
        assert server.process.wait(40) == 0, server.log


def test_a_second_one_on_the_same_folder_says_that_one_is_running(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        said = fails(tmp_path, "--port", str(free_port()))
        assert "already running" in said
        assert str(server.process.pid) in said
        assert ready(server.address), "the first one is not disturbed"


def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        before = server.parts()
        web = next(pid for pid, workers in before.items() if workers)
        worker = next(pid for pid, workers in before.items() if not workers)
        for part in (worker, web):
            os.kill(part, signal.SIGKILL)
            until(lambda: len(server.parts()) == 2 and part not in server.parts())  # noqa: B023 (called at once)
        until(lambda: ready(server.address))
        until(lambda: server.log.count("the worker has started") == 2)
        assert server.log.count("ended unexpectedly") == 2
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0, server.log


def test_when_it_is_killed_its_parts_end_and_the_next_start_finds_the_folder_free(tmp_path: Path) -> None:
    with started(tmp_path) as server:
        parts = server.parts()
        server.process.kill()
        server.process.wait()
        until(lambda: not [pid for pid in parts if exists(pid)], 40)
    with started(tmp_path) as server:
        assert ready(server.address)


@pytest.mark.parametrize("command", ["serve", "web"])
def test_a_port_that_is_taken_ends_it_before_anything_is_set_up(tmp_path: Path, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = fails(tmp_path, "--port", str(taken.getsockname()[1]), command=command)
    assert said.startswith("Cannot listen")
    assert not (tmp_path / "data" / "duban.sqlite").exists()


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"DUBAN_PROXY_HOPS": "many"}, "DUBAN_PROXY_HOPS"),
        ({"DUBAN_QUEUE": "amqp://host"}, "DUBAN_QUEUE"),
        ({"DUBAN_ADMIN_PASSWORD": "short"}, "first start"),
        ({"DUBAN_DATABASE": "postgresql://nobody@127.0.0.1:1/none"}, "database"),
    ],
)
def test_a_setting_that_cannot_be_used_ends_it_and_is_named(tmp_path: Path, env: dict[str, str], said: str) -> None:
    assert said in fails(tmp_path, "--port", str(free_port()), **env)


def test_it_listens_on_ipv6_as_well(tmp_path: Path) -> None:
    if not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists():
        # A machine without IPv6: then it says so.
        assert "Cannot listen" in fails(tmp_path, "--host", "::1", "--port", str(free_port()))
        return
    with started(tmp_path, "--host", "::1") as server:
        port = server.address.rpartition(":")[2]
        assert f"http://[::1]:{port}" in server.log
        with urllib.request.urlopen(f"http://[::1]:{port}/healthz", timeout=5) as answer:
            assert answer.status == 200


def test_a_demo_is_loaded_once(tmp_path: Path) -> None:
    with started(tmp_path, "--demo") as server:
        assert server.log.count("Demo login") >= 13
        assert "The demo is loaded" in server.log
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 0, server.log
    with started(tmp_path, "--demo") as server:
        assert "emo" not in server.log
