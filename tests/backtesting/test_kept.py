"""Back-tests that are asked for: computed by a worker, kept for exactly one text, cancelled, begun anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from server import policies
from server.accounts import Caller, NotPermitted
from server.backtesting import kept
from server.core.moments import MINUTE, Moment
from server.store.database import Store
from server.store.models import AuditEntry, Backtest
from tests.server.playing import START

PROCESS = "complaint-monitoring"
NOW = START + 1_000_000
OWNER = Caller("mo", frozenset({"policy.propose"}))


@pytest.fixture
def text(store: Store) -> bytes:
    policies.load_shipped(START)
    return dict(policies.texts_in_force()[0])[f"{PROCESS}.yaml"].replace(b"{A: 1h,", b"{A: 30m,")


def ticking(start: Moment = NOW) -> Callable[[], Moment]:
    moments = iter(range(start, start + 1_000))
    return lambda: next(moments)


def ask(text: bytes, **options: Any) -> Any:
    return kept.ask(PROCESS, text, OWNER, NOW, **options)


def test_what_is_asked_for_is_computed_and_kept_for_exactly_that_text(text: bytes) -> None:
    asked = ask(text)
    assert kept.waits(NOW)
    assert kept.work(ticking())
    assert not kept.work(ticking())
    row = kept.newest(PROCESS, hashlib.sha256(text).hexdigest())
    assert (row.id, row.state, row.summary["issues"], row.issues) == (asked.id, Backtest.DONE, 0, [])
    assert row.summary["draft"] == f"sha256:{row.sha256}"
    assert kept.newest(PROCESS, hashlib.sha256(text + b"#").hexdigest()) is None
    assert AuditEntry.select().where(AuditEntry.kind == "backtest.asked").count() == 1


def test_the_same_is_not_asked_for_twice_and_not_too_many_wait(text: bytes) -> None:
    first = ask(text)
    assert ask(text).id == first.id
    assert ask(text, share=500).id != first.id
    for share in range(1, kept.MOST_WAITING - 1):
        ask(text, share=share)
    with pytest.raises(kept.TooMany):
        ask(text, share=999)


def test_only_who_may_propose_or_approve_asks_and_cancels(text: bytes) -> None:
    auditor = Caller("ida", frozenset({"audit.read"}))
    with pytest.raises(NotPermitted):
        kept.ask(PROCESS, text, auditor, NOW)
    row = ask(text)
    with pytest.raises(NotPermitted):
        kept.cancel(row.id, auditor, NOW)
    with pytest.raises(kept.UnknownBacktest):
        kept.cancel(row.id + 1, OWNER, NOW)


def test_one_that_is_cancelled_is_not_computed(text: bytes) -> None:
    row = ask(text)
    kept.cancel(row.id, OWNER, NOW)
    assert not kept.work(ticking())
    assert kept.one(row.id).state == Backtest.CANCELLED
    kept.cancel(row.id, OWNER, NOW)  # again: nothing happens


def test_one_that_is_cancelled_while_it_is_computed_stops(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ask(text)

    def of_store(*_: Any, progress: Any, **__: Any) -> Any:
        kept.cancel(row.id, OWNER, NOW)
        progress(1, 10)
        raise AssertionError("it went on")

    monkeypatch.setattr("server.backtesting.of_store", of_store)
    assert kept.work(ticking())
    assert kept.one(row.id).state == Backtest.CANCELLED


def test_one_whose_worker_died_is_begun_anew_once(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ask(text)

    def died(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("server.backtesting.of_store", died)
    monkeypatch.setattr(kept._Running, "put_back", lambda self: None)  # as if it were killed
    for moment in (NOW, NOW + kept.FORSAKEN + MINUTE):
        with pytest.raises(KeyboardInterrupt):
            kept.work(ticking(moment))
        assert kept.one(row.id).state == Backtest.RUNNING
        assert not kept.waits(moment + MINUTE)
    assert kept.work(ticking(NOW + 2 * kept.FORSAKEN + 3 * MINUTE))
    assert (kept.one(row.id).state, kept.one(row.id).why) == (Backtest.FAILED, kept.LOST)


def test_one_whose_worker_has_to_end_waits_for_the_next(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    row = ask(text)

    def ended(*_: Any, **__: Any) -> Any:
        raise SystemExit(0)

    with monkeypatch.context() as patch:
        patch.setattr("server.backtesting.of_store", ended)
        with pytest.raises(SystemExit):
            kept.work(ticking())
    assert kept.one(row.id).state == Backtest.WAITING
    assert kept.work(ticking())
    assert kept.one(row.id).state == Backtest.DONE


def test_a_text_that_cannot_be_used_fails_with_its_reason(text: bytes) -> None:
    row = ask(text.replace(b"\nname:", b"\nnonsense: 1\nname:", 1))
    assert kept.work(ticking())
    found = kept.one(row.id)
    assert found.state == Backtest.FAILED
    assert "nonsense" in found.why


def test_old_ones_are_forgotten(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    for share in (1, 2, 3, 4):
        kept.cancel(ask(text, share=share).id, OWNER, NOW)
    ask(text)
    assert [row.share for row in kept.listed(PROCESS)] == [None, 4, 3]
