"""Figures for operators: sound, from the store, the same from whichever process is asked, and nothing of a customer."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import leases, metrics
from server.api.metrics import UNKNOWN
from server.channels.outgoing import Outcome
from server.core.moments import HOUR, MINUTE, Moment
from server.delivery.settling import Attempt, write_outcome
from server.delivery.ways import Channelling, in_force
from server.metrics import counting, figures
from server.resources import data_dir
from server.store import database
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import Issue, Message, Tally
from server.sweep import sweep
from tests.api.calling import Api, Clock
from tests.server.conftest import MONDAY

ALERT = """\
kind: source
name: alarms
title: Alarms
process: ticking
verify: {scheme: bearer, secret: "env:ALARMS"}
external_id: id
fields: {subject: subject}
"""
TICKING = """\
kind: process
name: ticking
title: Ticking
calendar: cn-allday
number: "T{serial:4}"
fields: {secret: {type: text, label: Secret, private: true}}
severities: {A: {title: A}, B: {title: B}}
classify: {severity: [{is: A, when: {field: subject, matches: "^A"}}, {is: B}]}
stages: {first: {title: First}, end: {title: End, final: true}}
actions: {finish: {title: Finish, from: first, to: end, by: anyone}}
clocks: {once: {title: Once, on: received, until: finish, within: 10m}}
notify: {told: {title: Told, on: received, steps: [{via: email, to: "role:agent"}]}}
"""

Numbers = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    counting._counted.clear()
    monkeypatch.setattr(figures, "FRESH", 0.0)
    monkeypatch.setattr(figures, "REST", 0.0)


@pytest.fixture
def ticking(put_in_force: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_force(TICKING)
    put_in_force(ALERT)
    monkeypatch.setenv("ALARMS", "right")


def read(api: Api) -> Numbers:
    """Every sample of the page by name and label values; what processes counted is written first."""
    counting.write()
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    found: Numbers = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        for sample in family.samples:
            assert sample.name.startswith("duban_")
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def alarm(api: Api, id: str, subject: str = "B", token: str = "right") -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return api.post("/hooks/alarms", {"id": id, "subject": subject}, headers=headers).status_code


def test_intake_is_counted_by_source_process_and_what_became_of_it(ticking: None, api: Api, calls: Any) -> None:
    assert [alarm(api, "1"), alarm(api, "1"), alarm(api, "2", ""), alarm(api, "3", token="wrong")] == [
        201,
        200,
        422,
        401,
    ]
    admin = calls("admin")
    admin.post("/api/v1/issues", {"process": "ticking", "subject": "A"})
    admin.post("/api/v1/issues", {"process": "ticking", "subject": ""})
    found = read(api)
    assert found["duban_intake_total"] == {
        ("alarms", "ticking", "created"): 1,
        ("alarms", "ticking", "repeated"): 1,
        ("alarms", "ticking", "kept"): 1,
        ("alarms", "ticking", "unverified"): 1,
        ("", "ticking", "created"): 1,
        ("", "ticking", "refused"): 1,
    }
    assert found["duban_decisions_total"] == {("ticking", "A"): 1, ("ticking", "B"): 1}
    assert found["duban_intake_kept"][()] == 1


def test_what_is_rolled_back_is_not_counted(ticking: None, api: Api) -> None:
    def fails() -> None:
        with database.transaction():
            metrics.after_commit(metrics.DECISIONS, "ticking", "A")
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert "duban_decisions_total" not in read(api)


def test_what_is_written_together_is_counted_one_by_one(ticking: None, api: Api) -> None:
    with database.transaction():
        metrics.each_after_commit(metrics.DECISIONS, [("ticking", "A"), ("ticking", None), ("ticking", "A")])
    assert read(api)["duban_decisions_total"] == {("ticking", "A"): 2, ("ticking", ""): 1}


def test_open_and_overdue_issues_are_those_of_the_store(ticking: None, api: Api, calls: Any, clock: Clock) -> None:
    admin = calls("admin")
    numbers = [
        admin.post("/api/v1/issues", {"process": "ticking", "subject": subject}).json["number"] for subject in "ABBB"
    ]
    assert admin.post(f"/api/v1/issues/{numbers[3]}/actions/finish", {}).status_code == 200
    found = read(api)
    assert found["duban_issues_open"] == {("ticking", "A"): 1, ("ticking", "B"): 2}
    assert found["duban_issues_overdue"] == {("ticking", "A"): 0, ("ticking", "B"): 0}
    clock.now = MONDAY + HOUR
    assert read(api)["duban_sweep_behind_seconds"][()] == 50 * 60
    assert sweep(clock.now) == 3
    found = read(api)
    assert found["duban_issues_overdue"] == {("ticking", "A"): 1, ("ticking", "B"): 2}
    assert found["duban_sweep_behind_seconds"][()] == 0
    assert found["duban_sweep_lateness_seconds_count"][()] == 3
    assert found["duban_sweep_lateness_seconds_bucket"]["600",] == 0
    assert found["duban_sweep_lateness_seconds_bucket"]["3600",] == 3
    assert admin.post(f"/api/v1/issues/{numbers[0]}/actions/finish", {}).status_code == 200
    assert read(api)["duban_issues_overdue"] == {("ticking", "B"): 2}


def test_an_issue_that_is_set_apart_and_a_sweeper_that_is_gone_are_seen(ticking: None, api: Api, calls: Any) -> None:
    calls("admin").post("/api/v1/issues", {"process": "ticking", "subject": "A"})
    Issue.update(problem="{}").execute()
    found = read(api)
    assert (found["duban_issues_set_apart"][()], found["duban_sweeper_active"][()]) == (1, 0)
    leases.take("sweep", "somebody", MONDAY)
    assert read(api)["duban_sweeper_active"][()] == 1


def message(key: str, at: Moment, state: str, **more: Any) -> Any:
    made = {"key": key, "channel": "email", "at": at, "created_at": at, "next_at": at, "state": state, **more}
    return Message.create(**made)


def test_waiting_messages_are_counted_by_age(api: Api) -> None:
    for number, age in enumerate((0, 5_000, 5_000, 30 * MINUTE, 200 * HOUR)):
        message(str(number), MONDAY - age, Message.PENDING)
    for state in (Message.DEAD, Message.SENT, Message.CONFIRMED):
        message(state, MONDAY, state)
    found = read(api)
    ages = {"1s": 1, "10s": 2, "1m": 0, "10m": 0, "1h": 1, "1d": 0, "older": 1}
    assert found["duban_messages_pending"] == {(age,): number for age, number in ages.items()}
    assert found["duban_messages_pending_oldest_seconds"][()] == 200 * 3600
    assert found["duban_messages_open"] == {("dead",): 1, ("held",): 0, ("manual",): 0, ("unsent",): 0}
    assert found["duban_outgoing_held"][()] == 0


def test_deliveries_are_counted_by_channel_and_outcome(api: Api, store: Store) -> None:
    channelling = Channelling(in_force, {})
    for key, outcomes in (
        ("a", [Outcome("li", "delivered", "")]),
        ("b", [Outcome("li", "failed", "no answer")]),
        ("c", [Outcome("li", "refused", "no such address")]),
    ):
        row = message(key, MONDAY, Message.PENDING, channels="channels", payload={"to": [{"id": "li"}]})
        with database.transaction():
            write_outcome(Attempt(row, "email", outcomes), MONDAY, channelling)
    assert read(api)["duban_deliveries_total"] == {("email", "sent"): 1, ("email", "retried"): 1, ("email", "dead"): 1}


def test_requests_are_counted_by_route_never_by_what_a_stranger_writes(api: Api, calls: Any) -> None:
    calls("admin").get("/api/v1/issues/CANARY-1")
    for path in ("/CANARY-2", "/hooks/CANARY-3", "/s/CANARY-4", "/admin/CANARY-5"):
        api.get(path)
    api.client.open("/healthz", method="CANARY")
    found = read(api)
    requests = found["duban_http_requests_total"]
    assert requests["GET", "/api/v1/issues/{number}", "404"] == 1
    assert requests["GET", UNKNOWN, "404"] >= 1
    assert found["duban_http_request_duration_seconds_count"]["GET", "/api/v1/issues/{number}"] == 1
    assert "CANARY" not in api.get("/metrics").get_data(as_text=True)


def test_nothing_of_a_customer_or_a_person_is_shown_to_those_who_need_no_token(
    ticking: None, api: Api, calls: Any
) -> None:
    answer = calls("admin").post(
        "/api/v1/issues", {"process": "ticking", "subject": "A canary", "secret": "canary", "external_id": "canary"}
    )
    number = answer.json["number"]
    counting.write()
    page = api.get("/metrics").get_data(as_text=True)
    assert "duban_issues_open" in page
    assert not re.search(f'canary|"admin"|{number}', page)


def test_the_numbers_of_all_processes_are_added_up(api: Api, store: Store) -> None:
    # What another process has written, and what this one has.
    with database.transaction():
        Tally.create(name="duban_decisions_total", labels=json.dumps(["ticking", "A"], separators=(",", ":")), value=5)
    metrics.count(metrics.DECISIONS, "ticking", "A")
    assert read(api)["duban_decisions_total"] == {("ticking", "A"): 6}

    def work() -> None:
        for _ in range(20):
            metrics.count(metrics.DECISIONS, "ticking", "A")
            metrics.observe(metrics.LATENESS, 0.3)
            counting.write()
        store.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = read(api)
    assert found["duban_decisions_total"] == {("ticking", "A"): 86}
    assert found["duban_sweep_lateness_seconds_count"][()] == 80
    assert found["duban_sweep_lateness_seconds_sum"][()] == pytest.approx(24)


def test_what_cannot_be_written_now_is_written_later(api: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics.count(metrics.DECISIONS, "ticking", "A")

    def fails(*_: object) -> None:
        raise Unavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr("server.metrics.counting.sql.run", fails)
        with pytest.raises(Unavailable):
            counting.write()
    metrics.count(metrics.DECISIONS, "ticking", "A")
    assert read(api)["duban_decisions_total"] == {("ticking", "A"): 2}


def test_a_process_writes_by_itself_and_at_its_end(store: Store) -> None:
    thread = metrics.Counting(every=0.05)
    thread.start()
    metrics.count(metrics.DECISIONS, "ticking", "A")
    wait = threading.Event()
    for _ in range(100):
        if Tally.select().exists():
            break
        wait.wait(0.05)
    assert Tally.get().value == 1
    metrics.count(metrics.DECISIONS, "ticking", "A")
    thread.end()
    assert Tally.get().value == 2


def test_without_a_database_that_is_what_is_said(api: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise Unavailable("gone")

    counting._counted.clear()
    monkeypatch.setattr(store.db, "connect", gone)
    found = read(api)
    assert found["duban_database_up"][()] == 0
    assert set(found) == {"duban_build_info", "duban_database_up"}


def test_asking_often_costs_little(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FRESH", 60.0)
    looked = []

    def look(now: Moment) -> list[Any]:
        looked.append(now)
        return []

    monkeypatch.setattr(figures, "looked_for", look)
    monkeypatch.setattr(figures, "_remembered", figures.Remembered())
    for _ in range(10):
        api.get("/metrics")
    assert len(looked) == 1
    # What takes long is remembered for long.
    monkeypatch.setattr(figures, "FRESH", 0.0)
    monkeypatch.setattr(figures, "REST", 1000.0)
    monkeypatch.setattr(figures, "_remembered", figures.Remembered())
    monkeypatch.setattr(figures, "looked_for", lambda now: looked.append(now) or time.sleep(0.1) or [])
    for _ in range(3):
        api.get("/metrics")
    assert len(looked) == 2


def statements() -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield figures._OPEN, ()
    yield figures._APART, (1,)
    yield figures._WAKE, ()
    yield figures._PENDING, (1,)
    yield figures._MESSAGES, ("dead", 1)
    yield figures._KEPT, (1,)


def test_no_figure_reads_a_whole_table(sqlite_store: Store) -> None:
    for statement, values in statements():
        plan = sqlite_store.db.execute_sql(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        read = [row[3] for row in plan if re.search(r"\b(issue|message|kept)\b", row[3])]
        assert read, plan
        assert all(re.search("USING (COVERING )?INDEX", line) for line in read), (statement, read)
        assert not [row for row in plan if "TEMP B-TREE" in row[3]], (statement, plan)


def test_labels_and_numbers_are_written_as_the_format_wants() -> None:
    family = metrics.Family(
        "duban_x", "gauge", "a\nb\\c", (metrics.Sample(1.5, {"a": 'q"\\\n中'}), metrics.Sample(1e-7), metrics.Sample(2))
    )
    (parsed,) = text_string_to_metric_families(metrics.text([family]))
    assert parsed.documentation == "a\nb\\c"
    assert [(sample.labels, sample.value) for sample in parsed.samples] == [
        ({"a": 'q"\\\n中'}, 1.5),
        ({}, 1e-7),
        ({}, 2),
    ]


def test_a_bucket_holds_what_does_not_exceed_its_bound(api: Api, store: Store) -> None:
    for value in (0.05, 0.051, 3600, 3601):
        metrics.observe(metrics.LATENESS, value)
    found = read(api)["duban_sweep_lateness_seconds_bucket"]
    assert (found["0.05",], found["0.1",], found["600",], found["3600",], found["+Inf",]) == (1, 2, 2, 3, 4)


def test_every_label_is_there_or_nothing_is_counted() -> None:
    with pytest.raises(ValueError, match="duban_decisions_total"):
        metrics.count(metrics.DECISIONS, "ticking")


def test_the_page_about_them_names_every_figure_and_no_other(api: Api, store: Store) -> None:
    for one in metrics.METRICS:
        record = metrics.observe if one.buckets else metrics.count
        record(one, *([1.0] if one.buckets else []), *("x" for _ in one.labels))
    counting.write()
    families = text_string_to_metric_families(api.get("/metrics").get_data(as_text=True))
    told = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    rows = [
        line
        for line in (data_dir("schemas").parent / "docs" / "metrics.md").read_text().splitlines()
        if line[:3] == "| `"
    ]
    assert {name for row in rows for name in re.findall(r"`(duban_\w+)`", row.split("|")[1])} == told
