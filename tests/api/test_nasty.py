"""Values that have broken programs before, through every field, parameter, header and path: each is taken and comes
back as it was, or is refused and said where. None is a failure of the server, on either database.

Of the values at one place each database gets some and the other one others, and at the next place it is the values
beside them: both databases and all kinds of places meet each value. `make fuzz` tries every value at every place."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import pytest
from flask import Flask, request

from server.api import parameters
from server.api.limits import Allowance
from server.api.table import Route, routes, table
from server.store import database
from server.store.models import AuditEntry, Event, Issue, Kept, Message
from tests.api.calling import Api

# A busy machine may take several times as long as an idle one.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

T = TypeVar("T")

ALL = "DUBAN_FUZZ_EXAMPLES" in os.environ

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
    "1066-11-09T00:04:47+20:30",
    "٢٠٢٦-٠٣-٠٢",
    "a@b", "a@b\n.c", "http://[::1", "http://127.0.0.1/", "file:///etc/passwd", "https://user:p@ss@host/",
]  # fmt: skip
OTHERS: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 1e308, 5e-324, 2**53 + 1, 2**63 - 1, -(2**63) + 1,
    [], [None], [{}], [[]], ["a", "a"], ["a"] * 5000,
    [["a"]], {}, {"a": {}}, {"$ref": "#"}, {"": ""}, "a", 3, 5, 6, "li",
]  # fmt: skip
REFUSED_AS_JSON = [
    rb'"\u0000"', rb'"\ud800"', rb'"\udc00\ud800"', b'"\xff"', b'"\xed\xa0\x80"', b"NaN", b"-Infinity", b"1e999",
    b"9223372036854775808", b"-9223372036854775809", b"9" * 5000, b"[" * 40 + b"]" * 40, b'{"a": 1, "a": 2}',
    b"01", b"+1", b".5", b"'a'", b"//", b'"\t"', b"",
]  # fmt: skip


class Dealer:
    """Deals values to places: one in `of` at the first place, those after them at the next."""

    def __init__(self) -> None:
        self._turns: dict[int, Iterator[int]] = {}
        self._first = int(database.current().is_postgresql)

    def __call__(self, values: Sequence[T], of: int) -> Sequence[T]:
        turn = next(self._turns.setdefault(of, itertools.count(self._first)))
        return values if ALL else values[turn % of :: of]


@pytest.fixture
def gong(calls: Callable[..., Api], put_in_force: Callable[[str], None]) -> Api:
    put_in_force(EVERY)
    return calls("gong")


def issue(**values: Any) -> dict[str, Any]:
    return {"process": "every", "subject": "x", **values}


def test_every_value_in_every_field_is_taken_or_refused_with_its_place(gong: Api) -> None:
    taken = 0
    deal = Dealer()
    for field in FIELDS:
        for value in deal([*TEXTS, *OTHERS], 3):
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
    deal = Dealer()
    facts = gong.get(f"/api/v1/issues/{number}").json["facts"]
    for field in (*TYPED, "stars", "secret", "nothing", "subject"):
        for value in deal([*TEXTS, *OTHERS], 3):
            answer = gong.post(f"/api/v1/issues/{number}/actions/fill", {"with": {field: value}})
            assert answer.status_code in (200, 422), (field, value, answer.get_data(as_text=True)[:500])
            found = gong.get(f"/api/v1/issues/{number}").json["facts"]
            assert answer.status_code == 200 or found == facts, (field, value)
            facts = found
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


# -- every route of the table: a new one is tried as soon as it stands there ----------------------------------------

SHORT = [text for text in TEXTS if len(text) < 2000]
IN_URLS = [
    *SHORT,
    "\x00",
    "a\x00b",
    "9" * 30,
    "-0",
    "1_0",
    "٣",
    "a/b",
    "..",
    ".",
    "%",
    "%2500",
    ";",
    "a?b",
    "a#b",
    "\ud800",
]
HEADERS = ("Accept-Language", "Accept", "Authorization", "Cookie", "Content-Type", "Origin", "Sec-Fetch-Site", "Host",
           "X-Forwarded-For", "Range", "X-HTTP-Method-Override")  # fmt: skip
IN_HEADERS = (
    "", "*", '"', 'W/"1"', '"x"', '"1", "2"', "é", "ÿ", "a" * 5000, ";q=", "zh;q=9", "Bearer", "Bearer  ", "Basic ²",
    "Bearer duban_", "Bearer duban_\xff", "duban_session=x", "duban_session=ÿ", "=", "\t", "{}", "' OR 1=1--", "[::1",
    "bytes=0-", "DELETE", "application/json; charset=utf-16", "text/html, */*;q=x", "-" * 40, ",,,", "9" * 30,
)  # fmt: skip
BODIES = [
    *REFUSED_AS_JSON,
    b"null",
    b"[]",
    b"7",
    b'"x"',
    b"{}",
    b'{"": {}}',
    b"\xef\xbb\xbf{}",
    b"{",
    b"\x00",
    b"{} {}",
]
REAL = {"action": "fill", "notice": "told", "name": "every", "version": "1", "source": "open"}
OPEN = (
    "kind: source\nname: open\ntitle: Open\nprocess: every\nverify: {scheme: none}\nexternal_id: id\n"
    "fields: {subject: subject, text: text, whole: whole}\n"
)


@dataclass
class Walker:
    """Calls a route, whole but for one thing. What is not described (500 is not) is noticed by `described.Promises`."""

    api: Api
    number: str
    deal: Dealer

    def call(self, route: Route, query: str = "", headers: Mapping[str, str] | None = None, **changed: Any) -> None:
        body = changed.pop("body", None)
        values = {**REAL, "number": self.number, **changed}
        path = re.sub(r"{(\w+)}", lambda match: escaped(values.get(match[1], "x")), route.path)
        given: dict[str, Any] = {"headers": {**self.api.headers, **(headers or {})}}
        if body is not None:
            given.update(data=body, content_type="application/json")
        answer = self.api.client.open(path + query, method=route.method, **given)
        assert answer.status_code < 500, (route.id, query, headers, changed, (body or b"")[:200])


def escaped(text: str) -> str:
    """As in an address; what is no Unicode goes as the bytes that it would be."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture
def walker(gong: Api, calls: Callable[..., Api], app: Flask, put_in_force: Callable[[str], None]) -> Walker:
    """A caller who may do everything, so that nothing is refused before it is looked at."""
    put_in_force(OPEN)
    app.extensions["duban.hooks"].unsigned = Allowance(1_000_000, 1)
    app.extensions["duban.tries"] = Allowance(1_000_000, 1)
    return Walker(calls("admin"), gong.post("/api/v1/issues", issue()).json["number"], Dealer())


def names_in(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)


def test_no_part_of_a_path_is_a_failure(walker: Walker) -> None:
    for route in routes():
        for name in names_in(route.path):
            for value in walker.deal(IN_URLS, 3):
                walker.call(route, **{name: value})
    for prefix in ("/s/", "/", "/docs/", "/admin/static/"):
        for value in walker.deal(IN_URLS, 3):
            assert walker.api.get(prefix + escaped(value)).status_code < 500, (prefix, value)


def test_no_parameter_of_a_query_is_a_failure(walker: Walker) -> None:
    for route in routes():
        for name in (*route.description.get("parameters", {}), "nothing"):
            for value in walker.deal(IN_URLS, 3 if name != "nothing" else 8):
                walker.call(route, f"?{name}={escaped(value)}")
            queries = ("?{}", "?{}=%ff%fe", "?{0}=1&{0}=1", "?{}[]=1", "?{}=%", "?&&{}=")
            for query in walker.deal(queries, 2):
                walker.call(route, query.format(name))
        walker.call(route, "?" + "&".join(f"{escaped(value)}=1" for value in IN_URLS))


def test_no_header_is_a_failure(walker: Walker) -> None:
    for route in routes():
        own = tuple(route.description.get("headers", {}))
        for header in (*own, *HEADERS):
            for value in walker.deal(IN_HEADERS, 2 if header in own else 15):
                walker.call(route, headers={header: value})


def fields_of(route: Route) -> list[str]:
    """The keys of a route's body."""
    schema = table()["schemas"].get(route.description["request"].get("schema", ""), {})
    return list(schema.get("properties", {}))


def test_no_body_is_a_failure(walker: Walker) -> None:
    for route in routes():
        if "request" not in route.description:
            continue
        for body in walker.deal(BODIES, 2):
            walker.call(route, body=body)
        for name in fields_of(route):
            for value in walker.deal([*SHORT, *OTHERS], 3):
                walker.call(route, body=json.dumps({name: value}).encode())
            for raw in walker.deal(REFUSED_AS_JSON, 2):
                walker.call(route, body=b'{"%s": %s}' % (name.encode(), raw))


def test_the_walk_would_notice_a_route_that_fails_on_nul(walker: Walker, app: Flask, monkeypatch: Any) -> None:
    def planted(name: str) -> str | None:
        found = request.args.get(name)
        if found and "\x00" in found:
            raise RuntimeError("planted")
        return None

    monkeypatch.setattr(parameters, "text", planted)
    with pytest.raises(AssertionError, match=r"issue\.list"):
        test_no_parameter_of_a_query_is_a_failure(walker)
    app.extensions["promises"].broken.clear()


def json_values() -> Iterator[bytes]:
    yield from (json.dumps(value).encode() for value in [*TEXTS, *OTHERS] if len(str(value)) < 20_000)
    yield from REFUSED_AS_JSON


def test_no_payload_of_a_source_is_a_failure_and_each_is_taken_or_kept(
    gong: Api, app: Flask, put_in_force: Callable[[str], None]
) -> None:
    put_in_force(OPEN)
    app.extensions["duban.hooks"].unsigned = Allowance(1_000_000, 1)
    deal = Dealer()
    for raw in json_values():
        bodies = (
            b'{"id": "%d", "subject": "x", "text": %s}' % (hash(raw), raw),
            b'{"id": "n%d", "subject": "x", "whole": %s}' % (hash(raw), raw),
            b'{"id": %s, "subject": "x"}' % raw,
            raw,
        )
        for body in deal(bodies, 2):
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
