"""The templates of a process, as they are checked and filled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from server.core.findings import Finding
from server.core.messages import compile_messages, default_message
from server.core.vocabulary import Vocabulary
from server.core.wording import Reader, message_context
from server.resources import data_dir
from tests.core.test_wording import EN, NINE, WORDS, ZH


def problems(**templates: Any) -> list[tuple[Any, ...]]:
    _, found = compile_messages(
        {"fields": {"customer": {"type": "text"}}, "clocks": {"reply": {}}, "templates": templates}
    )
    return [(path, code) for path, code, _ in found]


def test_a_text_is_chosen_by_language() -> None:
    found, wrong = compile_messages(
        {"templates": {"t": {"subject": {"zh": "甲 {{ subject }}", "en": "A {{ subject }}"}, "body": "{{ number }}"}}}
    )
    assert wrong == []
    context = {"subject": "x\r\ny", "number": "YS1"}
    assert [found["t"].subject(context, language) for language in ("zh", "en", "fr")] == ["甲 x y", "A x y", "甲 x y"]
    assert found["t"].body(context, "en") == "YS1"


def test_every_problem_is_given_with_its_place() -> None:
    assert problems(
        a={"subject": "{{ custmer }}", "body": {"zh": "{{ clocks.rply.due }}", "en": "{{ customer | shout }}"}},
        b={"body": "{% if %}"},
    ) == [
        (("templates", "a", "subject"), "unknown-name-in-template"),
        (("templates", "a", "body", "zh"), "unknown-name-in-template"),
        (("templates", "a", "body", "en"), "template-unknown-filter"),
        (("templates", "b", "body"), "template-syntax"),
    ]


def test_an_unknown_name_comes_with_the_one_that_was_meant() -> None:
    _, found = compile_messages(
        {
            "fields": {"customer": {}},
            "clocks": {"reply": {}},
            "templates": {"a": {"body": "x\n{{ custmer }}{{ clocks.rply.due }}"}},
        }
    )
    assert [params for _, _, params in found] == [
        {"name": "custmer", "line": 2, "column": 4, "near": "customer"},
        {"name": "clocks.rply.due", "line": 2, "column": 17, "near": "clocks.reply.due"},
    ]
    path, code, params = found[0]
    said = Finding(code, path, params).text("en")
    assert said == "templates.a.body names 'custmer' (line 2, column 4), which no message has; did you mean 'customer'?"


PROCESSES = [file for file in sorted(data_dir("policies").glob("*.yaml")) if "kind: process" in file.read_text("utf-8")]


@pytest.mark.parametrize("file", PROCESSES, ids=lambda file: file.stem)
def test_the_templates_that_are_shipped_have_no_problem(file: Path) -> None:
    raw = yaml.safe_load(file.read_text("utf-8"))
    assert raw["kind"] == "process"
    found, wrong = compile_messages(raw)
    assert wrong == []
    assert list(found) == list(raw.get("templates", {}))


@pytest.mark.parametrize(
    ("reader", "subject", "last"),
    [
        (ZH, "【非常严重】YS1 登录", "受理时间：2026-03-02 09:00:00\n迟发 1 分钟\nhttps://d.example/YS1"),
        (EN, "[Critical] YS1 登录", "Received: 2026-03-02 09:00:00\nsent 1 minute late\nhttps://d.example/YS1"),
    ],
)
def test_a_step_without_a_template_says_the_essentials(reader: Reader, subject: str, last: str) -> None:
    facts = {"number": "YS1", "subject": "登录", "severity": "A", "stage": "received", "received": NINE, "owner": "li"}
    context = message_context(WORDS, facts, reader, link="https://d.example/YS1", late=60_000)
    assert default_message().subject(context, reader.language) == subject
    assert default_message().body(context, reader.language).endswith(last)
    bare = message_context(Vocabulary({}), {"number": "YS1", "subject": "s", "severity": "A"}, reader)
    assert "\n\n" not in default_message().body(bare, reader.language)
