"""A PostgreSQL that says nothing more, though its system goes on taking what it is sent: within a bounded time whoever
waits is told to come again, and once it goes on everything does, with nothing lost or twice."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from server.store import silence
from tests.conftest import skip_or_fail
from tests.faults.machine import Cluster, Missing, postgres_programs
from tests.faults.test_store_in_trouble import TOKEN, Answer, Outside, unavailable, until
from tests.serving import serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AT_MOST = silence.OVERDUE + 2 * silence.ANSWERS_WITHIN + silence.LOOK + 3
"""Seconds that somebody may wait; most of them that is half of it. The last are for a busy machine."""

FROZEN = 20.0
SENDERS = 6


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    programs = postgres_programs()
    if programs is None:
        skip_or_fail("a PostgreSQL of one's own needs its programs")
    try:
        made = Cluster(programs)
    except Missing as error:
        skip_or_fail(f"a PostgreSQL of one's own cannot be made: {error}")
    yield made
    made.close()


def send(outside: Outside, name: str) -> Answer:
    alert = {"status": "firing", "fingerprint": name, "startsAt": "2026-03-02T09:00:00Z", "labels": {"alertname": name}}
    sent = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    return outside.ask("POST", "/hooks/alertmanager", json.dumps({"alerts": [alert]}).encode(), **sent)


def created(answer: Answer) -> bool:
    (issue,) = answer.json()["issues"]  # type: ignore[misc]
    return bool(issue["created"])


class Sender(threading.Thread):
    """Sends one alert after the other, and keeps what became of each and how long it took."""

    def __init__(self, address: str, name: str, ended: threading.Event) -> None:
        super().__init__()
        self._outside = Outside(address)
        self._name = name
        self._ended = ended
        self.answers: dict[str, Answer] = {}
        self.longest = 0.0

    def run(self) -> None:
        while not self._ended.wait(0.05):
            name = f"{self._name}-{len(self.answers)}"
            begun = time.monotonic()
            self.answers[name] = send(self._outside, name)
            self.longest = max(self.longest, time.monotonic() - begun)


def stored(cluster: Cluster) -> list[str]:
    with psycopg.connect(cluster.url) as connection:
        found = connection.execute("SELECT external_id FROM issue WHERE source = 'alertmanager'").fetchall()
    return sorted(row[0].split("/")[0] for row in found)


def test_a_database_that_freezes_refuses_within_bounded_time_and_goes_on(tmp_path: Path, cluster: Cluster) -> None:
    env = {"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": cluster.url, "ALERT_TOKEN": TOKEN}
    with serving(tmp_path, "--workers", "2", env=env) as address:
        outside, ended = Outside(address), threading.Event()
        senders = [Sender(address, f"s{number}", ended) for number in range(SENDERS)]
        for sender in senders:
            sender.start()
        until(lambda: all(len(sender.answers) > 5 for sender in senders))
        with cluster.frozen():
            frozen_at = time.monotonic()
            assert outside.ask("GET", "/healthz").status == 200
            unavailable(outside.ask("GET", "/readyz"))
            assert time.monotonic() - frozen_at < AT_MOST
            time.sleep(max(0.0, frozen_at + AT_MOST - time.monotonic()))
            for _ in range(10):  # each process knows by now, and keeps nobody waiting
                begun = time.monotonic()
                unavailable(outside.ask("GET", "/readyz"))
                assert time.monotonic() - begun < 2
            time.sleep(max(0.0, frozen_at + FROZEN - time.monotonic()))
        outside.recovers()
        ended.set()
        for sender in senders:
            sender.join()
            assert sender.longest < AT_MOST
        answers = {name: answer for sender in senders for name, answer in sender.answers.items()}
        refused = [name for name, answer in answers.items() if answer.status != 201]
        assert len(refused) >= SENDERS
        for name in refused:
            unavailable(answers[name])
        there = set(stored(cluster))
        assert answers.keys() - set(refused) <= there
        for name in refused:
            assert created(send(outside, name)) == (name not in there), "what was on its way then is the same delivery"
        assert [name for name in stored(cluster) if name in answers] == sorted(answers)
        until(lambda: _somebody_sweeps(cluster))


def _somebody_sweeps(cluster: Cluster) -> bool:
    current = "SELECT 1 FROM lease WHERE name = 'sweep' AND until > extract(epoch from clock_timestamp()) * 1000"
    with psycopg.connect(cluster.url) as connection:
        return connection.execute(current).fetchone() is not None


def test_a_commit_that_never_ends_is_refused_and_its_repetition_the_same_delivery(
    tmp_path: Path, cluster: Cluster
) -> None:
    """As with a disk that stands still: what only reads is answered, what is to be on disk is not."""

    def waits_for(standby: str) -> None:
        with psycopg.connect(cluster.url, autocommit=True) as connection:
            connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{standby}'")
            connection.execute("SELECT pg_reload_conf()")
        time.sleep(1)  # it is told its processes one by one

    env = {"DUBAN_DATA": str(tmp_path / "data"), "DUBAN_DATABASE": cluster.url, "ALERT_TOKEN": TOKEN}
    with serving(tmp_path, env=env) as address:
        outside = Outside(address)
        assert send(outside, "before").status == 201
        waits_for("nobody")
        begun = time.monotonic()
        unavailable(send(outside, "meanwhile"))
        assert time.monotonic() - begun < AT_MOST
        unavailable(send(outside, "meanwhile"))
        waits_for("")
        outside.recovers()
        answer = send(outside, "meanwhile")
        assert answer.status == 200
        assert not created(answer)
        assert stored(cluster).count("meanwhile") == 1
