"""What there is, is in the table; what is in the table asks for its permission."""

from __future__ import annotations

import re
from typing import Any

import yaml
from flask import Flask, Response

from server.api.routes import VIEWS
from server.api.table import Route, routes, table
from server.permissions import PERMISSIONS
from server.resources import data_dir
from tests.api.calling import Api, problem

ROUTES = {route.id: route for route in routes()}
GUARDED = [route for route in routes() if route.permission is not None]
IN_PATH = {
    "number": "NOBODYS",
    "action": "none",
    "notice": "none",
    "name": "nothing",
    "version": "1",
    "draft": "1",
    "subscription": "none",
    "drill": "999",
    "migration_id": "999",
    "attachment": "none",
}
PAGES = {("/s/<token>", "GET"), ("/s/<token>", "POST")}


def path(route: Route) -> str:
    return re.sub(r"{(\w+)}", lambda match: IN_PATH[match[1]], route.path)


def call(api: Api, route: Route, **more: Any) -> Any:
    return api.client.open(path(route), method=route.method, headers=api.headers, **more)


def test_every_view_is_in_the_table_and_every_entry_has_a_view() -> None:
    assert set(VIEWS) == set(ROUTES)


def test_the_application_has_no_route_that_is_not_in_the_table(app: Flask) -> None:
    known = {(route.rule, route.method) for route in routes()} | PAGES
    found = {
        (rule.rule, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD"}
        if not rule.rule.startswith("/admin/") and not rule.endpoint.startswith("panel_")
    }
    assert found == known


def test_every_entry_is_complete() -> None:
    for route in routes():
        assert set(route.permission or ()) <= set(PERMISSIONS), route.id
        assert set(route.description["title"]) == {"zh", "en"}, route.id
        assert route.description["answers"], route.id
        for status, said in route.description["answers"].items():
            assert 200 <= status < 600
            assert set(said["description"]) == {"zh", "en"}, route.id
            assert "schema" not in said or said["schema"] in table()["schemas"], route.id
        for one in route.description.get("parameters", {}).values():
            assert set(one["description"]) == {"zh", "en"}, route.id


def test_nobody_gets_in_without_a_token(api: Api) -> None:
    for route in GUARDED:
        answer = call(api, route)
        problem(answer, 401, "not-authenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_each_permission_opens_exactly_what_the_table_says(app: Flask, calls: Any) -> None:
    for permission in PERMISSIONS:
        api = calls("admin", permission)
        for route in GUARDED:
            answer = call(api, route)
            if permission in (route.permission or ()):
                assert answer.status_code not in (401, 403, 405, 500), (permission, route.id)
            else:
                assert problem(answer, 403, "permission-missing"), (permission, route.id)


def test_a_token_that_nobody_has_is_refused_and_guessing_is_slowed_down(api: Api) -> None:
    api.headers = {"Authorization": "Bearer duban_" + "x" * 43}
    for _ in range(60):
        problem(api.get("/api/v1/issues"), 401, "not-authenticated")
    # Meanwhile a busy machine may have earned another one or two.
    answer = next(one for _ in range(600) if (one := api.get("/api/v1/issues")).status_code != 401)
    problem(answer, 429, "too-many-requests")
    assert int(answer.headers["Retry-After"]) >= 1


def test_who_has_the_right_token_is_not_held_back_by_the_guesses_of_others(api: Api, calls: Any) -> None:
    api.headers = {"Authorization": "Bearer wrong"}
    for _ in range(70):
        api.get("/api/v1/issues")
    assert calls("admin").get("/api/v1/issues").status_code == 200


def test_other_methods_are_not_allowed(app: Flask, calls: Any) -> None:
    api = calls("admin")
    for route in routes():
        there = {other.method for other in routes() if other.path == route.path}
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - there:
            answer = api.client.open(path_of_any(route), method=method, headers=api.headers)
            problem(answer, 405, "method-not-allowed")
            assert there <= set(answer.headers["Allow"].replace(" ", "").split(","))


def path_of_any(route: Route) -> str:
    return re.sub(r"{(\w+)}", "x", route.path)


def test_what_is_not_there_is_a_problem_in_the_language_that_is_asked_for(api: Api) -> None:
    english = problem(api.get("/api/v1/nothing", headers={"Accept-Language": "en"}), 404, "not-found")
    chinese = problem(api.get("/nothing", headers={"Accept-Language": "zh-CN,zh;q=0.9"}), 404, "not-found")
    assert (english["title"], chinese["title"]) == ("Not found", "不存在")


def test_nothing_is_named_with_nul(calls: Any) -> None:
    admin = calls("admin")
    for path in ("/api/v1/issues/%00", "/api/v1/policies/%00/versions", "/s/%00"):
        problem(admin.get(path), 404, "not-found")
    problem(admin.post("/hooks/a%00b"), 404, "not-found")


def test_no_answer_runs_is_framed_or_kept_by_a_browser(api: Api, calls: Any) -> None:
    answers = [api.get("/healthz"), api.get("/nothing"), calls("admin").get("/api/v1/issues"), api.get("/s/none")]
    for answer in answers:
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Cache-Control"] == "no-store"
        assert len(answer.headers) == len({name.lower() for name, _ in answer.headers}), "each is given once"


def test_what_an_answer_says_of_itself_stands(app: Flask) -> None:
    with app.test_request_context("/healthz") as asked:
        own = app.make_response(Response(headers={"cache-control": "max-age=60"}))
        _, _, sent = own.get_wsgi_response(asked.request.environ)
    assert [value for name, value in sent if name.lower() == "cache-control"] == ["max-age=60"]
    assert ("X-Frame-Options", "DENY") in sent


def test_answers_of_the_panel_are_left_as_they_are_however_many_slashes_lead_to_it(app: Flask) -> None:
    sent = {}
    for path in ("/admin", "//admin/", "/administrator"):
        with app.test_request_context("/") as asked:
            environ = {**asked.request.environ, "PATH_INFO": path}
            sent[path] = len(app.make_response("").get_wsgi_response(environ)[2])
    assert sent["/admin"] == sent["//admin/"] < sent["/administrator"]


def test_every_problem_is_said_in_both_languages_with_the_same_places() -> None:
    texts = yaml.safe_load((data_dir("schemas") / "problems.yaml").read_text("utf-8"))
    reasons = texts.pop("reasons")
    said = [text[part] for text in texts.values() for part in ("title", "detail")] + list(reasons.values())
    for one in said:
        places = [set(re.findall(r"{(\w+)}", one[language])) for language in ("zh", "en")]
        assert places[0] == places[1], one


def test_every_problem_that_is_raised_is_in_the_catalogue() -> None:
    texts = yaml.safe_load((data_dir("schemas") / "problems.yaml").read_text("utf-8"))
    folder = data_dir("schemas").parent / "server" / "api"
    used = {
        match
        for file in folder.glob("*.py")
        for match in re.findall(r'Failed\(\s*\d+,\s*"([a-z-]+)"', file.read_text("utf-8"))
    }
    assert len(used) > 20
    assert used <= set(texts)
