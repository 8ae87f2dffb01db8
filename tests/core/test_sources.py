"""Sources: what a delivery comes to, and what is wrong with a source document."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any

import jmespath
import pytest
import yaml
from jmespath.exceptions import JMESPathError

from server.core.paths import BadPath, PathFailed, compile_path
from server.core.sources import Again, Source, compile_source
from server.resources import data_dir

ALERT: dict[str, Any] = {
    "status": "firing",
    "fingerprint": "f1",
    "startsAt": "2026-03-02T01:00:00Z",
    "labels": {"alertname": "Down", "severity": "critical"},
    "annotations": {"summary": "db is down"},
}


def compiled(document: dict[str, Any]) -> Source:
    source, problems = compile_source({"kind": "source", "name": "s", "process": "p", **document})
    assert problems == []
    assert source is not None
    return source


def problems(**document: Any) -> list[tuple[Any, ...]]:
    source, found = compile_source({"kind": "source", "name": "s", "process": "p", **document})
    assert source is None
    return [(path, code) for path, code, _ in found]


def shipped(name: str) -> Source:
    return compiled(yaml.safe_load((data_dir("policies") / f"{name}.yaml").read_text("utf-8")))


def test_each_item_of_a_delivery_is_an_issue() -> None:
    resolved = {**ALERT, "fingerprint": "f2", "status": "resolved"}
    first, second = shipped("alertmanager").items({"alerts": [ALERT, resolved]}, "d1")
    assert (first.external_id, first.creates, first.again, first.problem) == (
        "f1/2026-03-02T01:00:00Z",
        True,
        None,
        None,
    )
    assert first.facts == {
        "subject": "Down",
        "background": "db is down",
        "class": "technical",
        "matter": "security",
        "impact": "stopped",
        "received": "2026-03-02T01:00:00Z",
    }
    assert (second.external_id, second.creates) == ("f2/2026-03-02T01:00:00Z", False)
    assert second.again == Again(("solve", "withdraw"), {"solution": "db is down"})


def test_an_item_that_is_neither_an_issue_nor_an_again_is_passed_over() -> None:
    (item,) = shipped("alertmanager").items({"alerts": [{**ALERT, "status": "suppressed"}]}, "d1")
    assert (item.creates, item.again, item.problem) == (False, None, None)


def test_one_bad_item_does_not_hold_up_the_others() -> None:
    without_id = {**ALERT, "fingerprint": None}
    found = shipped("alertmanager").items({"alerts": [without_id, ALERT, 7]}, "d1")
    assert [(item.creates, item.problem and item.problem.at) for item in found] == [
        (False, "/external_id"),
        (True, None),
        (False, None),
    ]


@pytest.mark.parametrize(
    ("severity", "impact"),
    [("critical", "stopped"), ("warning", "degraded"), ("info", "none"), (None, "none"), ([], None)],
)
def test_a_table_gives_the_value_or_its_else(severity: Any, impact: Any) -> None:
    (item,) = shipped("alertmanager").items({"alerts": [{**ALERT, "labels": {"severity": severity}}]}, "d1")
    assert item.facts.get("impact") == ([] if severity == [] else impact)


def test_a_table_may_have_numbers_and_booleans_as_keys() -> None:
    source = compiled({"fields": {"a": {"from": "x", "table": {2: "two", True: "yes"}}}})
    given = (2, 2.0, "2", True, "true", 3, None)
    expected = ["two", "two", "two", "yes", "yes", None, None]
    assert [source.items({"x": x}, "d")[0].facts.get("a") for x in given] == expected


def test_a_list_is_looked_up_value_by_value() -> None:
    source = compiled({"fields": {"a": {"from": "x", "table": {"p": "price"}}}})
    assert source.items({"x": ["p", "q", "p"]}, "d")[0].facts == {"a": ["price", "price"]}


def test_without_an_external_id_the_delivery_is_the_id() -> None:
    assert compiled({"fields": {"subject": "t"}}).items({"t": "x"}, "msg_1")[0].external_id == "msg_1"
    several = compiled({"each": "@", "fields": {}}).items([{}, {}], "msg_1")
    assert [item.external_id for item in several] == ["msg_1/1", "msg_1/2"]


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), (17, "17"), (17.0, "17"), (True, "true")])
def test_an_external_id_may_be_a_number(value: Any, expected: str) -> None:
    assert compiled({"external_id": "id"}).items({"id": value}, "d")[0].external_id == expected


@pytest.mark.parametrize(
    ("document", "payload", "at", "code"),
    [
        ({"external_id": "id"}, {}, "/external_id", "no-external-id"),
        ({"external_id": "id"}, {"id": ""}, "/external_id", "no-external-id"),
        ({"external_id": "id"}, {"id": ["a"]}, "/external_id", "no-external-id"),
        ({"external_id": "id"}, {"id": "x" * 256}, "/external_id", "external-id-too-long"),
        ({"each": "items"}, {"items": {}}, "/each", "each-not-a-list"),
        ({"each": "items"}, {"items": [{}] * 1001}, "/each", "too-many-items"),
        ({"fields": {"a": "sum(x)"}}, {"x": "no"}, "/a", "path-failed"),
        ({"fields": {"a": "to_number(x)"}}, {"x": "9" * 5000}, "/a", "unusable-value"),
        ({"fields": {"a": '`"\\u0000"`'}}, {}, "/a", "unusable-value"),
        ({"each": "x[].{n: to_number(@)}", "fields": {"a": "n"}}, {"x": ["1e999"]}, "/a", "unusable-value"),
        ({"when": "starts_with(x, 'a')"}, {"x": 1}, "/when", "path-failed"),
        ({"again": {"when": "length(x)", "do": "solve"}}, {"x": 1}, "/again", "path-failed"),
    ],
)
def test_an_item_that_cannot_be_taken_says_why(document: dict[str, Any], payload: Any, at: str, code: str) -> None:
    (item,) = compiled(document).items(payload, "d")
    assert item.problem is not None
    assert (item.problem.at, item.problem.code, item.creates) == (at, code, False)


def test_the_rest_of_a_payload_can_be_kept_under_extra() -> None:
    source = compiled({"fields": {"subject": "t"}, "extra": True})
    assert source.items({"t": "x", "more": [1]}, "d")[0].facts == {"subject": "x", "extra": {"t": "x", "more": [1]}}


def test_a_field_without_a_value_is_left_out() -> None:
    assert compiled({"fields": {"a": "x", "b": "y.z"}}).items({"x": None, "y": 1}, "d")[0].facts == {}


def test_every_problem_of_a_document_is_given_with_its_place() -> None:
    assert problems(
        verify={"scheme": "rot13"},
        each="a[",
        when="nope(@)",
        external_id="join(',')",
        fields={"a": "b..c", "d": {"from": "((", "table": {}}},
        again={"when": "x ===", "do": "solve", "with": {"note": "]"}},
        at=["daily 18:00", "someday"],
    ) == [
        (("verify", "scheme"), "unknown-scheme"),
        (("each",), "bad-jmespath"),
        (("when",), "unknown-jmespath-function"),
        (("external_id",), "bad-jmespath"),
        (("fields", "a"), "bad-jmespath"),
        (("fields", "d", "from"), "bad-jmespath"),
        (("again", "when"), "bad-jmespath"),
        (("again", "with", "note"), "bad-jmespath"),
        (("at", 1), "bad-schedule"),
        (("at",), "source-of-two-kinds"),
    ]


def test_a_scheme_needs_its_secret() -> None:
    assert problems(verify={"scheme": "bearer"}) == [(("verify",), "no-secret")]


def test_a_source_may_open_issues_by_schedule() -> None:
    audit = shipped("after-sales-audit")
    assert [schedule.text for schedule in audit.at] == ["monthly 8 09:00"]
    assert audit.sample is not None
    assert (audit.sample.of, audit.sample.covers, audit.sample.share) == ("after-sales", "month", "5%")
    assert audit.issue["task"] == "audit"


def test_every_shipped_source_compiles() -> None:
    names = [file for file in Path(data_dir("policies")).glob("*.yaml") if "kind: source" in file.read_text("utf-8")]
    assert len(names) >= 10
    for file in names:
        shipped(file.stem)


@pytest.mark.parametrize(
    "text",
    [
        "[@,@][]" + "|[@,@][]" * 60,
        "[@,@]" + "|[@,@]" * 60,
        "alerts[*].[@,@,@,@,@,@,@,@][]|[*].[@,@,@,@,@,@,@,@][]|[*].[@,@,@,@,@,@,@,@][]",
        "(" * 900 + "a" + ")" * 900,
        "!" * 1900 + "a",
        "a" + "[0]" * 600,
        "join(',', alerts[*].s)",
    ],
    ids=range(7),
)
def test_a_hostile_expression_ends(text: str) -> None:
    payload = {"alerts": [{"s": "x" * 50}] * 10_000}
    start = time.thread_time()  # whatever else the machine does meanwhile
    with contextlib.suppress(BadPath, PathFailed):
        compile_path(text).of(payload)
    assert time.thread_time() - start < 5


@pytest.mark.parametrize(
    "text", ["a", "a.b", "a.b.c", '"a b".c', "(a).b", "a.b[0]", "a.[b]", "a.{b: b}", "@.a", "a.length(@)"]
)
def test_a_plain_path_gives_what_the_library_gives(text: str) -> None:
    leaves: list[Any] = [None, False, 0, "", "text", [], [{"b": 1}], {}, {"c": {"d": 1}}, {"b": [2]}]
    payloads = [*leaves, *({"a": one, "a b": one} for one in leaves), *({"a": {"b": one}} for one in leaves)]
    for payload in payloads:
        try:
            expected = jmespath.search(text, payload)
        except JMESPathError:
            with pytest.raises(PathFailed):
                compile_path(text).of(payload)
        else:
            assert compile_path(text).of(payload) == expected


def test_an_expression_that_doubles_its_list_each_time_is_stopped() -> None:
    with pytest.raises(PathFailed):
        compile_path("[@,@][]" + "|[@,@][]" * 60).of([1])
