"""The queue carries wake-ups as JSON: nothing that is put into it is run as code, and nothing of it is kept."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import threading
from pathlib import Path

import pytest
from huey.api import Huey
from huey.exceptions import HueyException
from huey.registry import Message

from jobs.queue import JsonSerializer, open_queue
from jobs.tasks import Nudger, register


@pytest.fixture
def queue(tmp_path: Path) -> Huey:
    return open_queue(f"sqlite:///{tmp_path / 'queue.sqlite'}")


class Burglar:
    """What a pickle would run when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


def test_a_task_that_is_queued_is_run_by_whoever_listens(queue: Huey) -> None:
    woken: list[int] = []
    wake = register(queue, lambda: woken.append(1))
    wake()
    task = queue.dequeue()
    assert task is not None
    queue.execute(task)
    assert woken == [1]
    assert queue.dequeue() is None


def test_what_lies_in_the_queue_is_json(queue: Huey, tmp_path: Path) -> None:
    register(queue, lambda: None)()
    with sqlite3.connect(tmp_path / "queue.sqlite") as db:
        ((data,),) = db.execute("SELECT data FROM task").fetchall()
    assert json.loads(data)["name"].endswith("wake")


def test_a_pickle_in_the_queue_is_not_run(queue: Huey, tmp_path: Path) -> None:
    register(queue, lambda: None)
    mark = tmp_path / "burgled"
    queue.storage.enqueue(pickle.dumps(Burglar(mark)))
    with pytest.raises((ValueError, HueyException)):
        queue.dequeue()
    assert not mark.exists()
    pickle.loads(pickle.dumps(Burglar(mark)))
    assert mark.exists(), "the test's own pickle does nothing"


def test_a_message_is_the_same_after_the_way_through_the_queue() -> None:
    message = Message("1", "wake", None, 0, 0, None, [], {}, None, None, None)
    serializer = JsonSerializer()
    assert serializer.deserialize(serializer.serialize(message)) == message


@pytest.mark.parametrize("path", ["sub/queue.sqlite", "with space.sqlite"])
def test_the_address_names_the_file(tmp_path: Path, path: str) -> None:
    file = tmp_path / path
    file.parent.mkdir(exist_ok=True)
    open_queue(f"sqlite:///{file}")
    assert file.is_file()


@pytest.mark.parametrize("address", ["", "amqp://host", "memory:", "postgresql://host/db"])
def test_another_kind_of_queue_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no queue"):
        open_queue(address)


class Counting:
    """A queue that counts what is put into it, and refuses it while `broken`."""

    def __init__(self) -> None:
        self.count = 0
        self.tries = 0
        self.broken = False
        self.seen = threading.Condition()

    def task(self, name: str):
        def queued(_function: object) -> object:
            def put() -> None:
                with self.seen:
                    self.tries += 1
                    self.count += not self.broken
                    self.seen.notify_all()
                if self.broken:
                    raise OSError("no broker")

            return put

        return queued

    def wait(self, tries: int) -> None:
        with self.seen:
            assert self.seen.wait_for(lambda: self.tries >= tries, 5), f"{self.tries} of {tries}"


def test_many_nudges_at_once_are_few_wake_ups() -> None:
    queue = Counting()
    nudger = Nudger(queue)  # type: ignore[arg-type]
    for _ in range(1000):
        nudger.nudge()
    queue.wait(1)
    assert 1 <= queue.count < 50


def test_a_nudge_after_the_last_wake_up_is_not_lost() -> None:
    queue = Counting()
    nudger = Nudger(queue)  # type: ignore[arg-type]
    for number in range(1, 6):
        nudger.nudge()
        queue.wait(number)


def test_a_broken_queue_neither_raises_nor_ends_the_nudging() -> None:
    queue = Counting()
    queue.broken = True
    nudger = Nudger(queue)  # type: ignore[arg-type]
    nudger.nudge()
    queue.wait(1)
    queue.broken = False
    nudger.nudge()
    queue.wait(2)
    assert queue.count == 1
