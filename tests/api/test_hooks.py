"""Deliveries over HTTP: size before signature, signature before parsing, each item by itself."""

from __future__ import annotations

import gc
import hashlib
import hmac
import json
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from standardwebhooks import Webhook
from werkzeug.test import EnvironBuilder, run_wsgi_app

from server.core.moments import MINUTE
from server.metrics import counting
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import AuditEntry, Issue, Kept
from tests.api.calling import Api, Clock, problem

TOKEN = "alertmanagers-own-token"
SIGNED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def named_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALERT_TOKEN", TOKEN)
    monkeypatch.setenv("COMPLAINT_INBOX_SECRET", SIGNED)
    monkeypatch.setenv("PARTNER_SECRET", "partner")


def alert(name: str | None = "DiskFull", fingerprint: str = "c0ffee", **more: Any) -> dict[str, Any]:
    labels = {"severity": "critical"} if name is None else {"alertname": name, "severity": "critical"}
    return {
        "status": "firing",
        "fingerprint": fingerprint,
        "startsAt": "2026-03-02T00:59:00Z",
        "labels": labels,
        "annotations": {"summary": "no space"},
        **more,
    }


def deliver(api: Api, *alerts: Any, token: str = TOKEN) -> Any:
    return api.post("/hooks/alertmanager", {"alerts": list(alerts)}, {"Authorization": f"Bearer {token}"})


def test_an_issue_that_was_created_is_answered_with_201(api: Api) -> None:
    answer = deliver(api, alert())
    assert answer.status_code == 201
    (item,) = answer.json["issues"]
    assert (item["severity"], item["created"]) == ("I", True)
    assert Issue.get(Issue.number == item["number"]).subject == "DiskFull"


def test_what_is_known_already_is_answered_with_200(api: Api) -> None:
    first = deliver(api, alert()).json["issues"][0]
    answer = deliver(api, alert())
    assert answer.status_code == 200
    assert answer.json == {"issues": [{**first, "created": False}]}
    assert Issue.select().count() == 1


def test_a_delivery_that_concerns_no_issue_is_answered_with_200(api: Api) -> None:
    answer = deliver(api)
    assert (answer.status_code, answer.json) == (200, {"issues": []})


def test_a_bad_item_is_kept_and_does_not_lose_the_others(api: Api) -> None:
    answer = deliver(api, alert(None), alert(fingerprint="beef"))
    assert answer.status_code == 201
    refused, taken = answer.json["issues"]
    assert refused["kept"] == Kept.get().id
    assert refused["problem"]["status"] == 422
    assert refused["problem"]["errors"][0]["at"] == "/subject"
    assert taken["created"] is True


def test_when_every_item_is_refused_all_are_kept_and_the_answer_is_422(api: Api) -> None:
    answer = deliver(api, alert(None), alert(None, "beef"))
    found = problem(answer, 422, "all-refused")
    assert [item["kept"] for item in found["issues"]] == [row.id for row in Kept.select().order_by(Kept.id)]
    assert Issue.select().count() == 0


def test_a_body_that_is_no_json_is_kept_when_it_is_signed(api: Api) -> None:
    answer = api.post("/hooks/alertmanager", data=b'{"alerts": [', headers={"Authorization": f"Bearer {TOKEN}"})
    assert problem(answer, 422, "all-refused")["issues"][0]["kept"] == Kept.get().id


def test_a_body_that_is_not_signed_is_neither_read_nor_kept(api: Api) -> None:
    answer = api.post("/hooks/alertmanager", data=b'{"alerts": [', headers={"Authorization": "Bearer other"})
    problem(answer, 401, "bad-signature")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert Kept.select().count() == 0


def test_without_its_secret_a_source_takes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERT_TOKEN")
    problem(deliver(api, alert(), token=""), 401, "bad-signature")


COMPLAINT = json.dumps({"id": "C-1", "title": "Charged twice", "text": "x", "topic": "price"})
OTHER_SECRET = "whsec_" + "b3RoZXJvdGhlcm90aGVyb3RoZXI="


def signed(
    clock: Clock, body: str = COMPLAINT, id: str = "msg_1", seconds: int = 0, secret: str = SIGNED
) -> dict[str, str]:
    """The headers of Standard Webhooks, signed so many seconds from now."""
    at = datetime.fromtimestamp(clock.now / 1000 + seconds, UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, at, body),
    }


def complain(api: Api, headers: dict[str, str], body: str = COMPLAINT) -> Any:
    return api.post("/hooks/complaint-inbox", data=body, headers=headers)


def test_signatures_of_standard_webhooks_are_taken_within_five_minutes(api: Api, clock: Clock) -> None:
    assert complain(api, signed(clock)).status_code == 201
    assert complain(api, signed(clock, id="msg_2", seconds=-290)).status_code == 200
    for seconds in (-301, 301):
        problem(complain(api, signed(clock, id="msg_3", seconds=seconds)), 401, "bad-signature")


def test_one_new_issue_is_answered_before_flask_as_flask_would(
    api: Api, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An upgrade is nothing that such a delivery asks for.
    ours = complain(api, {**signed(clock, COMPLAINT), "Upgrade": "h2c"})
    other = COMPLAINT.replace("C-1", "C-2")
    counted = dict(counting._counted)
    monkeypatch.setattr(app, "full_dispatch_request", pytest.fail)
    at_once = complain(api, signed(clock, other), other)
    assert (at_once.status, list(at_once.headers)) == (ours.status, list(ours.headers))
    (first,), (second,) = ours.json["issues"], at_once.json["issues"]
    assert at_once.get_data(as_text=True) == ours.get_data(as_text=True).replace(first["number"], second["number"])
    labels = ("POST", "/hooks/{source}")
    added = {key: value - counted.get(key, 0) for key, value in counting._counted.items()}
    assert added["duban_http_requests_total", (*labels, "201")] == 1
    assert added["duban_http_request_duration_seconds:sum", labels] > 0


@pytest.mark.parametrize(
    ("odd", "status"),
    [
        ({"Host": "a..b"}, 400),
        ({"Host": "a" * 64}, 400),
        ({"Connection": "Upgrade", "Upgrade": "websocket"}, 400),
        ({"Host": "[::1]:8080"}, 201),
        ({"Host": "duban_web:8080"}, 201),
    ],
)
def test_what_flask_refuses_is_refused_whatever_the_signature(
    api: Api, clock: Clock, odd: dict[str, str], status: int
) -> None:
    assert complain(api, {**signed(clock), **odd}).status_code == status
    assert Issue.select().count() == (status == 201)


def test_a_signature_makes_no_delivery_of_what_is_none(api: Api, clock: Clock) -> None:
    long = COMPLAINT + " " * (1 << 20)
    problem(complain(api, signed(clock, long), long), 413, "too-large")
    problem(complain(api, {**signed(clock), "Transfer-Encoding": "chunked"}), 411, "length-required")
    put = api.client.put("/hooks/complaint-inbox", data=COMPLAINT, headers=signed(clock))
    problem(put, 405, "method-not-allowed")
    assert Issue.select().count() == 0


def test_a_body_that_is_not_whole_is_not_taken(api: Api, clock: Clock) -> None:
    environ = {"CONTENT_LENGTH": str(len(COMPLAINT) + 1), "wsgi.input_terminated": True}
    answer = api.post("/hooks/complaint-inbox", data=COMPLAINT, headers=signed(clock), environ_overrides=environ)
    problem(answer, 408, "too-slow")
    assert Issue.select().count() == 0


def test_a_replayed_delivery_makes_no_second_issue(api: Api, clock: Clock) -> None:
    headers = signed(clock)
    first = complain(api, headers)
    again = complain(api, headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["issues"] == [{**first.json["issues"][0], "created": False}]
    assert Issue.select().count() == 1


def test_the_same_id_with_other_content_makes_no_second_issue_and_is_told(api: Api, clock: Clock) -> None:
    complain(api, signed(clock))
    other = COMPLAINT.replace("twice", "thrice")
    (item,) = complain(api, signed(clock, other, id="msg_2"), other).json["issues"]
    assert item["created"] is False
    assert item["differs"]["first"] != item["differs"]["now"]
    assert Issue.get().subject == "Charged twice"
    entry = AuditEntry.get(AuditEntry.kind == "delivery.differs")
    kept = json.loads(entry.body)["body"]
    assert {"first": kept["first"], "now": kept["sha256"]} == item["differs"]


def test_while_a_secret_is_changed_both_are_taken(api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(complain(api, signed(clock, secret=OTHER_SECRET)), 401, "bad-signature")
    monkeypatch.setenv("COMPLAINT_INBOX_SECRET", f"{OTHER_SECRET} {SIGNED}")
    assert complain(api, signed(clock)).status_code == 201
    assert complain(api, signed(clock, id="msg_2", secret=OTHER_SECRET)).status_code == 200


def test_no_other_source_s_secret_opens_a_source(api: Api, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    problem(deliver(api, alert(), token=SIGNED), 401, "bad-signature")
    problem(complain(api, {"Authorization": f"Bearer {TOKEN}"}), 401, "bad-signature")
    monkeypatch.setenv("ALERT_TOKEN", OTHER_SECRET)
    problem(complain(api, signed(clock, secret=OTHER_SECRET)), 401, "bad-signature")
    assert Issue.select().count() == 0


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": " ".join(["v1," + "A" * 43 + "="] * 100)},
        {"webhook-signature": "v1,"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "１７７２４１３２００"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-1"},
        {"webhook-id": ""},
        {"webhook-id": "x" * 300},
    ],
)  # fmt: skip
def test_what_is_no_signature_is_401_and_no_failure(api: Api, clock: Clock, change: dict[str, str]) -> None:
    problem(complain(api, {**signed(clock), **change}), 401, "bad-signature")
    assert Issue.select().count() == 0


def test_the_asymmetric_kind_of_signature_is_not_taken_for_the_symmetric(api: Api, clock: Clock) -> None:
    headers = signed(clock)
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    problem(complain(api, headers), 401, "bad-signature")


def test_the_right_signature_among_others_is_found(api: Api, clock: Clock) -> None:
    headers = signed(clock)
    headers["webhook-signature"] = "v1," + "A" * 43 + "= v1a,x " + headers["webhook-signature"]
    assert complain(api, headers).status_code == 201


def test_an_hmac_of_the_body_is_taken(api: Api, put_in_force: Any) -> None:
    put_in_force("""\
kind: source
name: partner
title: Partner
process: complaint-monitoring
verify: {scheme: hmac-sha256, secret: env:PARTNER_SECRET}
external_id: id
fields: {subject: title}
""")
    body = b'{"id": "1", "title": "x"}'
    good = hmac.new(b"partner", body, hashlib.sha256).hexdigest()
    assert api.post("/hooks/partner", data=body, headers={"X-Signature": f"sha256={good}"}).status_code == 201
    problem(api.post("/hooks/partner", data=body + b" ", headers={"X-Signature": good}), 401, "bad-signature")


def test_a_source_that_is_not_there_or_takes_no_deliveries_is_not_found(api: Api) -> None:
    problem(api.post("/hooks/nothing", {}), 404, "unknown-source")
    problem(api.post("/hooks/patrol-social", {}), 404, "unknown-source")


def test_size_comes_before_the_signature(api: Api) -> None:
    answer = api.post("/hooks/alertmanager", data=b"x" * ((1 << 20) + 1), headers={"Authorization": "Bearer other"})
    problem(answer, 413, "too-large")
    just = api.post("/hooks/alertmanager", data=b"x" * (1 << 20), headers={"Authorization": "Bearer other"})
    problem(just, 401, "bad-signature")


def test_chunked_bodies_are_refused_before_the_signature(api: Api) -> None:
    answer = api.post("/hooks/alertmanager", data=b"{}", headers={"Transfer-Encoding": "chunked"})
    problem(answer, 411, "length-required")


def test_wrong_signatures_are_slowed_down_and_right_ones_are_not(
    api: Api, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine sixty requests take so long that the allowance fills up again meanwhile.
    monkeypatch.setattr(app.extensions["duban.hooks"].refused, "_clock", lambda: 1000.0)
    for _ in range(60):
        problem(deliver(api, token="wrong"), 401, "bad-signature")
    answer = deliver(api, token="wrong")
    problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) >= 1
    assert deliver(api, alert()).status_code == 201


def test_who_need_not_sign_may_send_ten_in_a_second(api: Api, put_in_force: Any, app: Any) -> None:
    put_in_force("""\
kind: source
name: open
title: Open
process: complaint-monitoring
verify: {scheme: none}
external_id: id
fields: {subject: title}
""")
    assert api.post("/hooks/open", {"id": "1", "title": "x"}).status_code == 201
    while app.extensions["duban.hooks"].unsigned.take("open 127.0.0.1") == 0:
        pass
    problem(api.post("/hooks/open", {"id": "2", "title": "x"}), 429, "too-many-requests")


def test_a_database_in_trouble_is_503_and_nothing_is_stored(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def locked(*_: Any, **__: Any) -> Any:
        tried.append(1)
        raise Unavailable("locked", retry_after=7)

    monkeypatch.setattr("server.intake.deliveries.receive", locked)
    answer = deliver(api, alert())
    problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "7"
    assert tried == [1], "whoever waits for a database in trouble waits once"
    monkeypatch.undo()
    assert Kept.select().count() == 0


def test_a_delivery_that_fails_is_let_go_of_with_its_answer(
    api: Api, app: Flask, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a database is in trouble senders try again and again: no body may wait for a search for circles."""

    gone: list[weakref.ref[Unavailable]] = []

    def noted(error: Unavailable) -> Unavailable:
        gone.append(weakref.ref(error))
        return error

    def locked(*_: Any, **__: Any) -> Any:
        raise noted(Unavailable("locked"))

    monkeypatch.setattr("server.intake.deliveries.receive", locked)
    monkeypatch.setattr(app.logger, "disabled", True)  # what pytest catches of it, it keeps
    asked = EnvironBuilder("/hooks/complaint-inbox", method="POST", data=COMPLAINT, headers=signed(clock, COMPLAINT))
    gc.disable()
    try:
        _, status, _ = run_wsgi_app(app.wsgi_app, asked.get_environ(), buffered=True)
        assert status.startswith("503")
        assert [one() for one in gone] == [None]
    finally:
        gc.enable()


def test_a_database_that_stays_locked_is_503_within_seconds_and_works_again_after(
    api: Api, open_for_business: Store
) -> None:
    with locked(open_for_business):
        answer = deliver(api, alert())
    problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert deliver(api, alert()).status_code == 201


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """Somebody else keeps the lock that a new issue needs."""
    if store.is_postgresql:
        with psycopg.connect(store.url) as other:
            other.execute("LOCK TABLE issue IN ACCESS EXCLUSIVE MODE")
            yield
            other.rollback()
        return
    assert store.file is not None
    other_file = sqlite3.connect(store.file, isolation_level=None)
    other_file.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other_file.execute("ROLLBACK")
        other_file.close()


def test_what_is_sent_again_years_later_is_still_known(api: Api, clock: Clock) -> None:
    deliver(api, alert())
    clock.now += 1000 * 24 * 60 * MINUTE
    assert deliver(api, alert()).status_code == 200
