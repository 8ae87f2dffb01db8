"""`/openapi.json` is sound, complete, and true: every answer that the tests of this folder get is one that it promises
(see `described.Promises`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response
from jsonschema import Draft202012Validator

from server.api.table import routes, table
from server.store.database import Store
from server.store.failures import Unavailable
from tests.api.calling import Api
from tests.api.described import difference, operation


@pytest.fixture
def described(api: Api) -> dict[str, Any]:
    answer = api.get("/openapi.json")
    assert answer.status_code == 200
    assert isinstance(answer.json, dict)
    return answer.json


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from parts(one)


def operations(described: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, one) for path, item in described["paths"].items() for method, one in item.items()]


def test_it_describes_every_route_and_no_other(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    found = {(path, method.upper()) for path, method, _ in operations(described)}
    assert found == {(route.path, route.method) for route in routes()}


def test_an_optional_parameter_that_is_empty_is_as_if_it_were_not_there(described: dict[str, Any], calls: Any) -> None:
    admin: Api = calls("admin")
    tried = 0
    for path, method, one in operations(described):
        for parameter in one.get("parameters", ()):
            if parameter["in"] != "query":
                continue
            assert parameter.get("allowEmptyValue", False) is not parameter["required"]
            if method == "get" and not parameter["required"]:
                at = path.format(name="complaint-monitoring")
                without, empty = (admin.get(at + query) for query in ("", f"?{parameter['name']}="))
                assert (without.status_code, empty.status_code) == (200, 200), (at, parameter["name"])
                assert empty.get_json(silent=True) == without.get_json(silent=True)
                tried += 1
    assert tried > 15


def test_every_reference_leads_somewhere_and_every_schema_is_one_and_is_used(described: dict[str, Any]) -> None:
    named = {one["$ref"] for one in parts(described) if "$ref" in one}
    assert named == {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    for schema in described["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_operation_has_a_name_of_its_own_and_says_each_part_of_its_path(described: dict[str, Any]) -> None:
    names = [one["operationId"] for _, _, one in operations(described)]
    assert len(set(names)) == len(names)
    for path, _, one in operations(described):
        given = [parameter["name"] for parameter in one.get("parameters", ()) if parameter["in"] == "path"]
        assert given == re.findall(r"{(\w+)}", path)
        assert one["summary"]
        assert all(answer["description"] for answer in one["responses"].values())


def test_what_needs_a_token_says_so_and_which_permissions_do(described: dict[str, Any]) -> None:
    for route in routes():
        one = described["paths"][route.path][route.method.lower()]
        assert bool(one["security"]) == (route.permission is not None), route.id
        assert one.get("x-permissions", []) == list(route.permission or ()), route.id
        assert ("401" in one["responses"]) == (route.permission is not None or route.id == "hook.receive"), route.id
    assert set(described["components"]["securitySchemes"]) == {"token", "session"}


def test_it_is_in_the_language_that_is_asked_for(api: Api) -> None:
    chinese, english = (
        api.get("/openapi.json", headers={"Accept-Language": language}).get_data(as_text=True)
        for language in ("zh", "en")
    )
    assert re.search("[\u4e00-\u9fff]", chinese)
    assert not re.search("[\u4e00-\u9fff]", english.replace("督办", ""))


def test_it_is_there_also_without_a_database(api: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise Unavailable("gone")

    monkeypatch.setattr(store.db, "connect", gone)
    assert api.get("/openapi.json").status_code == 200
    assert api.get("/readyz").status_code == 503


BROKEN = [
    (200, "application/json", b'{"issues": []}', "'next' is a required property"),
    (200, "application/json", b'{"issues": [{}], "next": null}', "is a required property"),
    (200, "application/json", b'{"issues": [], "next": 5}', "is not of type"),
    (200, "text/html", b'{"issues": [], "next": null}', "is text/html"),
    (201, "application/json", b'{"issues": [], "next": null}', "is not described"),
    (503, "application/problem+json", b"{}", "is without Retry-After"),
]


def test_an_answer_that_is_not_as_described_would_be_noticed(app: Flask) -> None:
    found = operation("/api/v1/issues", "GET")
    assert found is not None
    with app.test_request_context("/api/v1/issues"):
        assert difference(found, Response(b'{"issues": [], "next": null}', 200, mimetype="application/json")) is None
        for status, kind, body, what in BROKEN:
            assert what in str(difference(found, Response(body, status, mimetype=kind))), body


def test_a_time_that_is_none_would_be_noticed(app: Flask, calls: Any) -> None:
    admin = calls("admin")
    number = admin.post("/api/v1/issues", {"process": "complaint-monitoring", "subject": "x"}).json["number"]
    whole = admin.get(f"/api/v1/issues/{number}").json
    found = operation("/api/v1/issues/<number>", "GET")
    assert found is not None
    with app.test_request_context("/"):
        for bad in (
            {"received": "yesterday"},
            {"seq": "1"},
            {"clocks": [{"clock": "c", "run": 1, "state": "lost", "due": None}]},
        ):
            answer = Response(json.dumps({**whole, **bad}), 200, mimetype="application/json")
            assert difference(found, answer), bad


def test_the_common_answers_are_said_in_both_languages() -> None:
    for group in table()["common"].values():
        for status, said in group.items():
            assert 400 <= status < 600
            assert set(said) == {"zh", "en"}
