"""Before a web process takes requests it has made what nearly every page needs."""

import gc
import re
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from jinja2 import Environment

from admin.warming import SHARED, warm
from server import policies
from server.core import library, schema
from server.store import database
from server.wsgi import make_ready
from tests.admin.visiting import Panel


def not_again(*_: object) -> NoReturn:
    raise AssertionError("made by a request")


def watched(compile_: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    def compiling(self: Environment, source: str, name: str, *rest: Any, **more: Any) -> Any:
        names.append(name)
        return compile_(self, source, name, *rest, **more)

    return compiling


def test_the_first_page_finds_documents_and_templates_compiled(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = panel.visitor("root")
    cache = panel.app.jinja_env.cache
    assert cache is not None
    cache.clear()
    policies._latest.pop(database.current(), None)
    schema._sound.clear()
    warm(panel.app)
    monkeypatch.setattr(policies, "_compile_all", not_again)
    monkeypatch.setattr(schema, "_fits", not_again)
    compiled: list[str] = []
    monkeypatch.setattr(Environment, "compile", watched(Environment.compile, compiled))
    assert visitor.get("/admin/tokens/").status_code == 200
    assert library.load(*policies.texts_in_force()).is_sound
    assert "panel/running/tokens.html" in compiled
    assert not set(compiled) & set(SHARED)


def test_a_document_that_breaks_the_compiler_does_not_keep_the_server_from_beginning(
    panel: Panel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    visitor, thresholds = panel.visitor("root"), gc.get_threshold()
    with monkeypatch.context() as broken:
        broken.setattr(library, "load", not_again)
        make_ready(panel.app)
    assert "could not be made" in caplog.text
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    assert visitor.get("/admin/tokens/").status_code == 200


def test_what_is_compiled_for_all_is_a_part_of_several_templates(panel: Panel) -> None:
    environment = panel.app.jinja_env
    assert environment.loader is not None
    parts = {}
    for name in environment.list_templates():
        source = environment.loader.get_source(environment, name)[0]
        parts[name] = set(re.findall(r"(?:extends|import|include) '(panel/[^']+)'", source))
    for shared in SHARED:
        users, before = {shared}, 0
        while len(users) > before:
            before = len(users)
            users |= {name for name, used in parts.items() if used & users}
        assert len(users) > 2, shared
