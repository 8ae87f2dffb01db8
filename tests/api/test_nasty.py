"""Values that have broken programs before, through every field, parameter, header and path: each is taken and comes
back as it was, or is refused and said where. None is a failure of the server, on either database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from server.api.limits import Allowance
from server.store.models import AuditEntry, Event, Issue, Kept, Message
from tests.api.calling import Api

EVERY = """\
kind: process
name: every
title: Every
calendar: cn-allday
number: "E{serial:4}"
fields:
  text: {type: text, label: Text}
  long: {type: long_text, label: Long}
  one: {type: choice, label: One, options: {a: A, b: B}}
  some: {type: choice, label: Some, many: true, options: {a: A, b: B}}
  whole: {type: integer, label: Whole}
  amount: {type: number, label: Number}
  yes: {type: boolean, label: "Yes"}
  day: {type: date, label: Day}
  moment: {type: datetime, label: Moment}
  mail: {type: email, label: Mail}
  phone: {type: phone, label: Phone}
  link: {type: url, label: Link}
  who: {type: person, label: Who}
  stars: {type: rating, of: 5, label: Stars}
  secret: {type: text, label: Secret, private: true}
severities: {A: {title: A}, B: {title: B}}
classify:
  severity: [{is: A, when: {field: text, matches: "^A"}}, {is: B}]
stages: {first: {title: First}, end: {title: End, final: true}}
actions:
  fill:
    title: Fill
    from: first
    by: anyone
    form: {text: optional, long: optional, one: optional, some: optional, whole: optional, amount: optional,
           yes: optional, day: optional, moment: optional, mail: optional, phone: optional, link: optional,
           who: optional, stars: optional, secret: optional}
  finish: {title: Finish, from: first, to: end, by: anyone}
notify:
  told: {title: Told, on: received, steps: [{via: email, to: "role:agent", template: "{{ subject }} {{ text }}"}]}
"""

TYPED = ("text", "long", "one", "some", "whole", "amount", "yes", "day", "moment", "mail", "phone", "link", "who")
FIELDS = ("subject", *TYPED, "stars", "secret", "channel", "received", "external_id", "customer_id", "product_id")

TEXTS = [
    "", " ", "\t", "\n", "\r\nBcc: everybody@example.com", "null", "undefined", "None", "NaN", "true", "0", "-1",
    "1e400",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "\"'><b>",
    "=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "' OR 1=1--", "'; DROP TABLE issue;--", "%00", "%s%s%n", "{0}",
    "{{ 7*7 }}", "{% for i in (1..99999999) %}x{% endfor %}", "${jndi:ldap://127.0.0.1/a}", "$(reboot)", "`id`",
    "../../x",
    "\x1b[2J\x1b[31m", "\x07", "\x7f", "\x80", "\u202eevil", "\u200b", "\u2028\u2029", "\ufeff", "\ufffe\uffff",
    "A\u0301\u0323" * 20, "👩‍👩‍👧‍👦", "𝕏", "中文" * 50, "ﷺ" * 10, "İıſ", "²", "①②⑦", "x" * 300, "x" * 20_000,
    "x" * 300_000,
    "9999-12-31", "0000-00-00", "2026-02-30", "2026-03-02T25:00:00Z", "2026-03-02T09:00:00+99:99", "12:30",
    "٢٠٢٦-٠٣-٠٢",
    "a@b", "a@b\n.c", "http://[::1", "http://127.0.0.1/", "file:///etc/passwd", "https://user:p@ss@host/",
]  # fmt: skip
OTHERS: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 5e-324, 2**53 + 1, 2**63 - 1, -(2**63) + 1,
    [], [None], ["a", "a"], ["a"] * 5000,
    [["a"]], {}, {"a": {}}, {"$ref": "#"}, {"": ""}, "a", 3, 5, 6, "li",
]  # fmt: skip
REFUSED_AS_JSON = [
    rb'"\u0000"', rb'"\ud800"', rb'"\udc00\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b"NaN", b"-Infinity", b"1e999",
    b"9223372036854775808", b"-9223372036854775809", b"9" * 5000, b"[" * 40 + b"]" * 40, b'{"a": 1, "a": 2}',
    b"01", b"+1", b".5", b"'a'", b"//", b'"\t"', b"",
]  # fmt: skip


@pytest.fixture
def gong(calls: Callable[..., Api], put_in_force: Callable[[str], None]) -> Api:
    put_in_force(EVERY)
    return calls("gong")


def issue(**values: Any) -> dict[str, Any]:
    return {"process": "every", "subject": "x", **values}


def test_every_value_in_every_field_is_taken_or_refused_with_its_place(gong: Api) -> None:
    taken = 0
    for field in FIELDS:
        for value in [*TEXTS, *OTHERS]:
            answer = gong.post("/api/v1/issues", issue(**{field: value}))
            assert answer.status_code in (201, 422), (field, value, answer.get_data(as_text=True)[:500])
            if answer.status_code == 422:
                places = [error["at"] for error in answer.json["errors"]]
                assert places, (field, value)
                assert all(place == f"/{field}" or place.startswith(f"/{field}/") for place in places), (field, places)
                continue
            taken += 1
            if field in ("text", "long") and isinstance(value, str) and value:
                assert answer.json["facts"][field] == value
    assert Issue.select().count() == taken > 100
    assert Message.select().where(Message.subject.contains("\n")).count() == 0, "a header of a mail would end there"
    for row in gong.get("/api/v1/issues?limit=200").json["issues"]:
        assert gong.get(f"/api/v1/issues/{row['number']}/timeline").status_code == 200


def test_what_no_text_or_number_may_be_is_refused_before_anything_reads_it(gong: Api) -> None:
    for raw in REFUSED_AS_JSON:
        for field in (b'"text": %s', b'"whole": %s', b'"some": ["a", %s]'):
            body = b'{"process": "every", "subject": "x", %s}' % (field % raw)
            answer = gong.post("/api/v1/issues", data=body, content_type="application/json")
            assert answer.status_code == 400, (raw[:50], answer.get_data(as_text=True)[:300])
            assert answer.json["errors"][0]["message"]
    assert Issue.select().count() == 0


def test_every_value_in_every_field_of_a_form_is_taken_or_refused_and_changes_nothing_then(gong: Api) -> None:
    number = gong.post("/api/v1/issues", issue()).json["number"]
    for field in (*TYPED, "stars", "secret", "nothing", "subject"):
        for value in [*TEXTS[::2], *OTHERS]:
            before = gong.get(f"/api/v1/issues/{number}").json
            answer = gong.post(f"/api/v1/issues/{number}/actions/fill", {"with": {field: value}})
            assert answer.status_code in (200, 422), (field, value, answer.get_data(as_text=True)[:500])
            if answer.status_code == 422:
                assert gong.get(f"/api/v1/issues/{number}").json["facts"] == before["facts"]
    timeline = gong.get(f"/api/v1/issues/{number}/timeline")
    assert [line["kind"] for line in timeline.json].count("action") > 50


def test_a_private_value_is_in_nothing_that_others_read(gong: Api, calls: Callable[..., Api]) -> None:
    canary = "canary-5f3a9"
    number = gong.post("/api/v1/issues", issue(secret=canary)).json["number"]
    gong.post(f"/api/v1/issues/{number}/actions/fill", {"with": {"secret": canary + "-2"}})
    assert canary in gong.get(f"/api/v1/issues/{number}").get_data(as_text=True)
    stranger = calls("ai")
    for path in (f"/api/v1/issues/{number}", f"/api/v1/issues/{number}/timeline", f"/api/v1/issues?q={canary}"):
        assert canary not in stranger.get(path).get_data(as_text=True), path
    assert not [row for row in AuditEntry.select() if canary in row.body]
    assert not [row for row in Message.select() if canary in row.subject + row.body]


PATHS = (
    "/api/v1/issues/{}", "/api/v1/issues/{}/timeline", "/api/v1/issues?q={}", "/api/v1/issues?after={}",
    "/api/v1/issues?limit={}", "/api/v1/issues?process={}", "/api/v1/issues?owner={}", "/api/v1/issues?stage={}",
    "/api/v1/issues?final={}", "/api/v1/issues?severity={}", "/api/v1/issues?{}=x", "/api/v1/policies/{}/versions",
    "/api/v1/policies/every/versions/{}", "/api/v1/policies/every/diff?from={}&to=1", "/s/{}", "/{}",
)  # fmt: skip


def test_no_path_and_no_parameter_is_a_failure(gong: Api) -> None:
    values = [*(text for text in TEXTS if len(text) < 2000), "\x00", "9" * 30, "-0", "1_0", "٣", "a/b", "..", "%"]
    for path in PATHS:
        for value in values:
            answer = gong.get(path.format(quote(value, safe="")))
            assert answer.status_code in (200, 303, 308, 400, 404, 405), (path, value, answer.status_code)
        assert gong.get(path.format("%ff%fe")).status_code < 500


HEADERS = ("Idempotency-Key", "If-Match", "Accept-Language", "Accept", "Authorization", "Cookie")
VALUES = (
    "", "*", '"', 'W/"1"', '"x"', '"1", "2"', "é", "a" * 5000, ";q=", "zh;q=9", "Bearer", "Bearer  ", "Basic ²",
    "Bearer duban_",
    "duban_session=x", "duban_session=ÿ", "=", "\t", "{}", "' OR 1=1--",
)  # fmt: skip


def test_no_header_is_a_failure(gong: Api) -> None:
    number = gong.post("/api/v1/issues", issue()).json["number"]
    for header in HEADERS:
        for value in VALUES:
            for answer in (
                gong.post("/api/v1/issues", issue(), headers={header: value}),
                gong.post(f"/api/v1/issues/{number}/actions/fill", {}, headers={header: value}),
                gong.get(f"/api/v1/issues/{number}", headers={header: value}),
            ):
                assert answer.status_code in (200, 201, 400, 401, 409, 422, 429), (header, value, answer.status_code)


def json_values() -> Iterator[bytes]:
    yield from (json.dumps(value).encode() for value in [*TEXTS, *OTHERS] if len(str(value)) < 20_000)
    yield from REFUSED_AS_JSON


def test_no_payload_of_a_source_is_a_failure_and_each_is_taken_or_kept(
    gong: Api, app: Flask, put_in_force: Callable[[str], None]
) -> None:
    put_in_force(
        "kind: source\nname: open\ntitle: Open\nprocess: every\nverify: {scheme: none}\nexternal_id: id\n"
        "fields: {subject: subject, text: text, whole: whole}\n"
    )
    app.extensions["duban.hooks"].unsigned = Allowance(1_000_000, 1)
    for raw in json_values():
        for body in (
            b'{"id": "%d", "subject": "x", "text": %s}' % (hash(raw), raw),
            b'{"id": "n%d", "subject": "x", "whole": %s}' % (hash(raw), raw),
            b'{"id": %s, "subject": "x"}' % raw,
            raw,
        ):
            answer = gong.post("/hooks/open", data=body, content_type="application/json")
            assert answer.status_code in (200, 201, 422), (body[:100], answer.get_data(as_text=True)[:300])
    assert Issue.select().count() > 50
    assert Kept.select().count() > 50


def test_what_is_stored_of_all_this_is_sound_json(gong: Api) -> None:
    for value in TEXTS:
        gong.post("/api/v1/issues", issue(text=value))
    for row in Event.select():
        assert isinstance(json.loads(row.entries), list)
        assert isinstance(json.loads(row.body), dict)
    for entry in AuditEntry.select():
        assert isinstance(json.loads(entry.body), dict)
