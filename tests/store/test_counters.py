"""Serial numbers, turns and watches, on both databases."""

# ruff: noqa: PT012 (what is raised when a transaction is left is what one of these tests is about)

from __future__ import annotations

import threading

import pytest

from server.store import counters
from server.store.database import Store
from server.store.failures import Unavailable


def test_serials_count_each_process_and_date_from_one(store: Store) -> None:
    with store.transaction():
        given = [counters.next_serial("complaint", date) for date in ("20260302", "20260302", "20260303")]
        assert given == [1, 2, 1]
        assert counters.next_serial("training", "20260302") == 1


def test_a_serial_of_a_failed_receipt_is_given_again(store: Store) -> None:
    with pytest.raises(Unavailable), store.transaction():
        assert counters.next_serial("complaint", "20260302") == 1
        raise Unavailable("tested")
    with store.transaction():
        assert counters.next_serial("complaint", "20260302") == 1


def test_serials_given_at_once_are_all_different(store: Store) -> None:
    given: list[int] = []

    def take() -> None:
        for _ in range(10):
            with store.transaction():
                number = counters.next_serial("complaint", "20260302")
            given.append(number)
        store.discard()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == list(range(1, 41))


def test_round_robin_goes_on_where_it_stopped(store: Store) -> None:
    with store.transaction():
        taken = [counters.take_turn("complaint", "support", ["li", "wu", "zheng"]) for _ in range(4)]
        assert taken == ["li", "wu", "zheng", "li"]
        # wu is away: it is the next one's turn, and it goes on after him.
        assert counters.take_turn("complaint", "support", ["li", "zheng"]) == "zheng"
        assert counters.take_turn("complaint", "support", ["li", "wu", "zheng"]) == "li"
        assert counters.take_turn("training", "support", ["li", "wu"]) == "li"


def test_round_robin_goes_on_when_the_last_one_has_left(store: Store) -> None:
    with store.transaction():
        assert counters.take_turn("complaint", "support", ["li", "wu"]) == "li"
        assert counters.take_turn("complaint", "support", ["ma", "wu"]) == "ma"
        assert counters.take_turn("complaint", "support", []) is None


def test_a_watch_counts_an_issue_exactly_as_old_as_its_window(store: Store) -> None:
    hour = 3_600_000
    with store.transaction():

        def received(now: int) -> int:
            return counters.in_window("complaint", "batch", ["price", None], 3, now - hour, now)

        assert [received(0), received(10), received(hour)] == [1, 2, 3]
        assert received(hour + 1) == 3
        assert counters.in_window("complaint", "batch", ["product", None], 3, 1, hour + 1) == 1


def test_a_watch_keeps_no_more_than_it_needs(store: Store) -> None:
    with store.transaction():
        counted = [counters.in_window("complaint", "batch", [], 3, 0, now) for now in range(1, 9)]
    assert counted == [1, 2, 3, 4, 4, 4, 4, 4]
    assert store.db.execute_sql('SELECT "moments" FROM "watch_window"').fetchone()[0] == "[5,6,7,8]"
