"""The worker's loops: they go on after a failure, wake early, and finish what is under way before they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.worker import LOOK, Loop
from server import leases
from server.store.failures import Unavailable


@contextmanager
def looping(work: Callable[[], float]) -> Iterator[Loop]:
    loop = Loop("test", work)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()


class Work:
    """Work that counts, and gives the pauses it is told, the last one again and again."""

    def __init__(self, *pauses: float | Exception) -> None:
        self.pauses = list(pauses)
        self.done = 0
        self.changed = threading.Condition()

    def __call__(self) -> float:
        with self.changed:
            pause = self.pauses[min(self.done, len(self.pauses) - 1)]
            self.done += 1
            self.changed.notify_all()
        if isinstance(pause, Exception):
            raise pause
        return pause

    def wait_for(self, done: int, seconds: float = 5) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.done >= done, seconds), f"{self.done} of {done}"


def test_work_is_done_again_after_its_pause() -> None:
    work = Work(0.01)
    with looping(work):
        work.wait_for(3)


def test_a_long_pause_is_cut_to_a_second() -> None:
    work = Work(3600)
    with looping(work):
        work.wait_for(1)
        started = time.monotonic()
        work.wait_for(2)
        assert time.monotonic() - started < 2


def test_who_stands_by_has_taken_a_duty_over_within_five_seconds() -> None:
    looked_just_too_early = leases.LENGTH / 1000 + LOOK
    assert looked_just_too_early <= 5 - 0.5, "with time to spare for taking it"


def test_a_wake_up_ends_the_pause_at_once() -> None:
    work = Work(1)
    with looping(work) as loop:
        work.wait_for(1)
        time.sleep(0.05)
        started = time.monotonic()
        loop.wake()
        work.wait_for(2)
        assert time.monotonic() - started < 0.5


def test_a_wake_up_during_the_work_is_not_lost() -> None:
    inside, go_on = threading.Event(), threading.Event()
    times: list[float] = []

    def work() -> float:
        times.append(time.monotonic())
        if len(times) == 1:
            inside.set()
            go_on.wait(5)
        return 1

    with looping(work) as loop:
        assert inside.wait(5)
        loop.wake()
        go_on.set()
        released = time.monotonic()
        while len(times) < 2 and time.monotonic() < released + 5:
            time.sleep(0.01)
    assert times[1] - released < 0.5


@pytest.mark.parametrize("failure", [RuntimeError("a fault"), Unavailable("locked")])
def test_a_failure_is_reported_and_the_loop_goes_on(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    work = Work(failure, 1)
    with looping(work):
        work.wait_for(2)
    assert [record.levelname for record in caplog.records] in (["ERROR"], ["WARNING"])


def test_stopping_waits_for_what_is_under_way() -> None:
    inside = threading.Event()
    finished: list[bool] = []

    def work() -> float:
        inside.set()
        time.sleep(0.3)
        finished.append(True)
        return 1

    with looping(work):
        assert inside.wait(5)
    assert finished == [True]
