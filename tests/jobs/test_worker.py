"""A real worker process beside a store: it sweeps, delivers, and ends when it is told, with nothing half done."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from jobs.queue import open_queue
from jobs.tasks import register
from server import intake, issues, policies
from server.core.moments import Moment
from server.store.database import Store
from server.store.models import Lease, Message
from tests.conftest import skip_or_fail
from tests.publishing import publish
from tests.receivers import Receiver, Reply, receiver
from tests.serving import DUBAN, environment, free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

CHANNELS = """\
kind: channels
name: default
title: Channels
channels:
  hook: {type: webhook, url: env:HOOK_URL}
"""

TICKING = """\
kind: process
name: ticking
title: Ticking
calendar: cn-allday
number: "T{serial:4}"
severities: {A: {title: A}}
classify: {severity: [{is: A}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
clocks: {soon: {title: Soon, on: received, until: finish, within: 1m}}
notify: {late: {title: Late, on: clock.soon.breached, steps: [{via: hook, to: "role:administrator"}]}}
"""


def now() -> Moment:
    return time.time_ns() // 1_000_000


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.05)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def queue(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'queue.sqlite'}"


@contextmanager
def working(store: Store, folder: Path, queue: str, hook: str) -> Iterator[subprocess.Popen[bytes]]:
    """`duban worker` on the store, once it sweeps; it is ended with SIGTERM and must end well."""
    env = {
        "DUBAN_DATA": str(folder / "data"),
        "DUBAN_DATABASE": store.url,
        "DUBAN_QUEUE": queue,
        "DUBAN_ALLOW_NETS": "127.0.0.0/8",
        "HOOK_URL": hook,
    }
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen([DUBAN, "worker"], cwd=folder, env=environment(env), stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or Lease.select().exists(), 60)
        assert process.poll() is None, log.read_text()
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def ticking(store: Store) -> Store:
    at = now() - 120_000
    policies.load_shipped(at)
    for text in (CHANNELS, TICKING):
        publish(text, at)
    return store


def kinds(number: str) -> list[str]:
    return [line["kind"] for line in issues.timeline(number)]


def test_what_falls_due_happens_in_time_and_its_message_is_delivered(
    ticking: Store, tmp_path: Path, queue: str, there: Receiver
) -> None:
    with working(ticking, tmp_path, queue, there.url):
        due = now() + 1500
        number = intake.receive("ticking", {"subject": "late"}, due - 60_000).number
        until(lambda: "clock_breached" in kinds(number))
        assert now() - due < 3000
        there.wait_for(1, 40)
        until(lambda: Message.get().state == Message.SENT)
    assert len(there.requests) == 1
    assert Message.get().attempts == 1
    assert Lease.select().where(Lease.until > now()).count() == 0, "the duty was given back"


def test_a_wake_up_through_the_queue_makes_it_look_at_once(
    ticking: Store, tmp_path: Path, queue: str, there: Receiver
) -> None:
    with working(ticking, tmp_path, queue, there.url):
        wake = register(open_queue(queue), lambda: None)
        took = []
        for _ in range(5):
            time.sleep(0.2)
            begun = time.monotonic()
            number = intake.receive("ticking", {"subject": "overdue"}, now() - 60_000).number
            wake()
            until(lambda: "clock_breached" in kinds(number))  # noqa: B023 (called at once)
            took.append(time.monotonic() - begun)
    # Without wake-ups it would look each second: half a second on average.
    assert sorted(took)[1] < 0.45, took


def test_a_message_under_way_is_settled_before_the_end(
    ticking: Store, tmp_path: Path, queue: str, there: Receiver
) -> None:
    there.answers(Reply(200, delay=3))
    with working(ticking, tmp_path, queue, there.url) as process:
        intake.receive("ticking", {"subject": "overdue"}, now() - 60_000)
        there.wait_for(1, 40)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert Message.get().state == Message.SENT
    assert len(there.requests) == 1


def test_ctrl_c_ends_it_as_well(ticking: Store, tmp_path: Path, queue: str, there: Receiver) -> None:
    with working(ticking, tmp_path, queue, there.url) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_without_a_queue_it_works_all_the_same(ticking: Store, tmp_path: Path, there: Receiver) -> None:
    with working(ticking, tmp_path, "redis://127.0.0.1:1/0", there.url):
        number = intake.receive("ticking", {"subject": "overdue"}, now() - 60_000).number
        until(lambda: "clock_breached" in kinds(number))
    assert "queue cannot be used" in (tmp_path / "worker.log").read_text()


@contextmanager
def redis_server(port: int, folder: Path) -> Iterator[None]:
    """A Redis of this test alone, which keeps nothing."""
    program = shutil.which("redis-server")
    if program is None:
        skip_or_fail("redis-server is not installed")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            until(lambda: answers(client))
        yield
    finally:
        server.kill()
        server.wait()


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_a_wake_up_arrives_through_redis_also_after_redis_was_away(
    ticking: Store, tmp_path: Path, there: Receiver
) -> None:
    port = free_port()
    address = f"redis://127.0.0.1:{port}/0"
    with working(ticking, tmp_path, address, there.url):
        for _ in range(2):
            with redis_server(port, tmp_path), redis.Redis(port=port) as client:
                queue = open_queue(address)
                wake = register(queue, lambda: None)
                # The worker takes it out of the queue, however often Redis was restarted empty.
                wake()
                until(lambda: client.llen(queue.storage.queue_key) == 0)  # noqa: B023 (called at once)
            number = intake.receive("ticking", {"subject": "overdue"}, now() - 60_000).number
            until(lambda: "clock_breached" in kinds(number))  # noqa: B023
    assert "can be used again" in (tmp_path / "worker.log").read_text()


def test_it_goes_on_after_the_database_cut_every_connection(
    postgres_store: Store, tmp_path: Path, queue: str, there: Receiver
) -> None:
    at = now() - 120_000
    policies.load_shipped(at)
    for text in (CHANNELS, TICKING):
        publish(text, at)
    with working(postgres_store, tmp_path, queue, there.url):
        for _ in range(2):
            postgres_store.db.execute_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            number = intake.receive("ticking", {"subject": "overdue"}, now() - 60_000).number
            until(lambda: "clock_breached" in kinds(number))  # noqa: B023 (called at once)
        there.wait_for(2, 60)
