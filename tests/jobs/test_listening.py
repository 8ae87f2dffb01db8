"""Wake-ups over Redis arrive, and a Redis that is away is said once, and used again when it is back."""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import replace

import pytest
import redis

from jobs.queue import open_queue
from jobs.tasks import register
from jobs.worker import Listening
from server import settings
from server.settings import Settings
from tests.conftest import skip_or_fail

ADDRESS = os.environ.get("DUBAN_TEST_REDIS", "redis://127.0.0.1:6379/15")


@pytest.fixture
def here() -> Settings:
    try:
        with redis.Redis.from_url(ADDRESS, socket_connect_timeout=2) as client:
            client.delete("huey.redis.duban")
    except redis.ConnectionError as error:
        skip_or_fail(f"no Redis at {ADDRESS}: {error}")
    return settings.read({"DUBAN_QUEUE": ADDRESS})


def test_a_wake_up_over_redis_arrives(here: Settings) -> None:
    woken = threading.Event()
    listening = Listening(here, woken.set)
    wake = register(open_queue(ADDRESS), lambda: None)
    wake()
    assert listening.work() == 0
    assert woken.is_set()


def test_without_a_wake_up_it_waits_for_redis_and_not_for_ever(here: Settings) -> None:
    listening = Listening(here, lambda: pytest.fail("nobody called"))
    assert listening.work() == 0


def test_what_is_no_message_is_passed_over(here: Settings, caplog: pytest.LogCaptureFixture) -> None:
    woken = threading.Event()
    listening = Listening(here, woken.set)
    queue = open_queue(ADDRESS)
    queue.storage.enqueue(b"rubbish")
    register(queue, lambda: None)()
    with caplog.at_level(logging.WARNING):
        listening.work()
        listening.work()
    assert "none of its messages" in caplog.text
    assert woken.is_set()


def test_a_queue_that_is_away_is_said_once_and_used_again_when_it_is_back(
    here: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken = threading.Event()
    listening = Listening(replace(here, queue="redis://127.0.0.1:1/0"), woken.set)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert listening.work() == 1
        assert caplog.text.count("the queue cannot be used") == 1
        monkeypatch.setattr(listening, "_queue", None)
        monkeypatch.setattr(listening, "_address", ADDRESS)
        register(open_queue(ADDRESS), lambda: None)()
        assert listening.work() == 0
    assert "can be used again" in caplog.text
    assert woken.is_set()
