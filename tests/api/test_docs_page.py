"""`/docs`: everything that the description says, as a page that needs nothing from elsewhere and runs nothing."""

from __future__ import annotations

import html
import re
import shlex
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml

from server.api import docs
from server.api.problems import texts
from server.api.table import routes, table
from server.resources import data_dir
from server.store.database import Store
from server.store.failures import Unavailable
from tests.api.calling import Api, problem


class Page(HTMLParser):
    """The ids, the links and the tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        assert not [name for name in found if name.startswith("on") or name == "style"], (tag, attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))


def shown(api: Api, path: str) -> tuple[str, Page]:
    answer = api.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    text = answer.get_data(as_text=True)
    return text, Page(text)


def test_every_route_and_every_schema_is_on_the_page(api: Api) -> None:
    text, page = shown(api, "/docs?language=en")
    assert [route.id.replace(".", "_") for route in routes() if route.id.replace(".", "_") not in page.ids] == []
    assert [name for name in table()["schemas"] if f"schema-{name}" not in page.ids] == []
    for route in routes():
        for name, one in route.description.get("parameters", {}).items():
            assert f"<code>{name}</code>" in text
            assert one["description"]["en"].split("'")[0] in text
        for permission in route.permission or ():
            assert f"<code>{permission}</code>" in text


def test_every_link_of_it_leads_somewhere(api: Api) -> None:
    for path in ("/docs?language=zh", "/docs/problems?language=en"):
        _, page = shown(api, path)
        assert len(set(page.ids)) == len(page.ids)
        for link in page.links:
            if link.startswith("#"):
                assert link[1:] in page.ids, link
            else:
                assert api.get(link).status_code == 200, link


def test_it_is_in_the_language_that_is_chosen_or_asked_for(api: Api) -> None:
    english, _ = shown(api, "/docs?language=en")
    assert re.findall("[\u4e00-\u9fff]+", english) == ["中文"]
    chinese = api.get("/docs", headers={"Accept-Language": "zh"}).get_data(as_text=True)
    assert "登记问题" in chinese
    assert 'lang="zh-CN"' in chinese
    problem(api.get("/docs?language=fr"), 400, "bad-parameter")


def test_it_runs_nothing_and_loads_nothing(api: Api) -> None:
    for path in ("/docs", "/docs/problems"):
        answer = api.get(path)
        policy = answer.headers["Content-Security-Policy"]
        (nonce,) = re.findall(r"style-src 'nonce-([^']+)'", policy)
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        text, page = answer.get_data(as_text=True), Page(answer.get_data(as_text=True))
        assert f'<style nonce="{nonce}">' in text
        assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
        assert not re.search(r"@import|url\(", text)
        assert api.get(path).headers["Content-Security-Policy"] != policy, "each answer has a nonce of its own"


def test_every_type_of_a_problem_leads_to_its_entry(api: Api) -> None:
    _, page = shown(api, "/docs/problems")
    assert set(page.ids) == set(texts()) - {"reasons"}
    path, _, code = problem(api.get("/nothing"), 404, "not-found")["type"].partition("#")
    assert api.get(path).status_code == 200
    assert code in page.ids


def test_it_is_there_also_without_a_database(api: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> Any:
        raise Unavailable("gone")

    monkeypatch.setattr(store.db, "connect", gone)
    assert api.get("/docs").status_code == 200


def test_calls_are_those_that_a_shell_understands(api: Api, calls: Any) -> None:
    text, _ = shown(api, "/docs?language=en")
    calls_shown = re.findall(r"<pre>(curl .*?)</pre>", text, re.S)
    assert len(calls_shown) == len(routes())
    for one in calls_shown:
        words = shlex.split(html.unescape(one).replace("\\\n", ""))
        assert words[0] == "curl"
        assert words[1].startswith("http://127.0.0.1:8080/")
        assert "{" not in words[1]
        assert set(words[2::2]) <= {"-H", "-d", "-X", "--data-binary"}
    admin = calls("admin")
    for route in routes():
        example = route.description.get("request", {}).get("example")
        if example is not None and "{" not in route.path:
            # Nothing is open here that could be migrated; every other example does what it says.
            wanted = (409,) if route.id == "migration.propose" else (200, 201)
            assert admin.post(route.path, example).status_code in wanted, route.id


def test_what_the_page_says_is_there_in_both_languages() -> None:
    found = yaml.safe_load((data_dir("schemas") / "docs.yaml").read_text("utf-8"))
    for part in ("texts", "groups"):
        for name, said in found[part].items():
            assert set(said) == {"zh", "en"}, name


def test_a_schema_is_shown_with_what_is_inside_it() -> None:
    rows = {row["name"]: row for row in docs._rows(table()["schemas"]["Issue"])}
    assert rows["clocks[].state"]["type"].startswith("running | paused")
    assert rows["received"] == {"name": "received", "type": "string (date-time)", "ref": "", "required": True}
