"""How much a token may do: the same for all processes of a machine, and no token pays for another."""

from __future__ import annotations

import mmap
import os
from typing import Any

import pytest
from flask import Flask

from server.api.limits import MEMORY, SharedAllowance
from server.settings import TOKEN_RATE, read
from tests.api.calling import problem


class Steady:
    """A clock that moves when it is told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_may_do_a_minute_s_worth_at_once_and_earns_it_again() -> None:
    clock = Steady()
    allowance = SharedAllowance(60, clock=clock)
    assert [allowance.take(1) for _ in range(61)] == [0] * 60 + [1]
    assert allowance.take(2) == 0, "another token has its own"
    clock.now += 1
    assert [allowance.take(1), allowance.take(1)] == [0, 1]
    clock.now += 3600
    assert [allowance.take(1) for _ in range(61)] == [0] * 60 + [1]


@pytest.mark.parametrize("rate", [1, 7, 6000])
def test_what_is_said_to_be_waited_for_is_enough(rate: int) -> None:
    clock = Steady()
    allowance = SharedAllowance(rate, clock=clock)
    taken = 0
    while not (wait := allowance.take(5)):
        taken += 1
    assert taken == rate
    clock.now += wait
    assert allowance.take(5) == 0


def test_zero_is_no_limit() -> None:
    allowance = SharedAllowance(0)
    assert {allowance.take(1) for _ in range(10_000)} == {0}


def test_all_processes_of_a_machine_count_together() -> None:
    memory = mmap.mmap(-1, MEMORY)
    allowance = SharedAllowance(100, memory)
    for _ in range(2):
        child = os.fork()
        if child == 0:
            # Another worker: it makes an allowance of its own over the same memory.
            mine = SharedAllowance(100, memory)
            os._exit(0 if not any(mine.take(9) for _ in range(45)) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    left = [allowance.take(9) for _ in range(60)]
    assert 10 <= left.count(0) <= 15, "90 were taken by others; a busy machine may have earned a few again"


def test_who_asks_too_much_is_told_when_to_come_again_and_nothing_is_done(app: Flask, calls: Any) -> None:
    app.extensions["duban.tokens"] = SharedAllowance(2)
    gong, other = calls("gong"), calls("gong")
    for _ in range(2):
        assert gong.get("/api/v1/issues").status_code == 200
    for answer in (
        gong.get("/api/v1/issues"),
        gong.post("/api/v1/issues", {"process": "complaint-monitoring", "subject": "x"}),
    ):
        problem(answer, 429, "too-many-requests")
        assert 1 <= int(answer.headers["Retry-After"]) <= 31
    assert other.get("/api/v1/issues").json["issues"] == [], (
        "nothing was recorded; a second token has its own allowance"
    )


def test_the_rate_is_set_by_the_environment() -> None:
    assert (read({}).token_rate, read({"DUBAN_TOKEN_RATE": "0"}).token_rate) == (TOKEN_RATE, 0)
