"""A document told for reading (server.core.overview): no key of the language is left untold, in either language."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from server.core import documents
from server.core.overview import Names, overview, words_of
from server.core.overview.voice import Voice, catalogue
from server.resources import data_dir
from tests.core.schema_walk import KEYS, document_with, sample

SHIPPED = sorted((data_dir("policies")).glob("*.yaml"))
UNSAID = {"kind"}
"""What is not told: the kind of a document is what its overview is."""

NAMES = Names(
    people={"team:complaint_managers": "Complaint managers", "role:monitor": "Monitor"},
    channels={"sms": "Short message", "email": "Mail"},
    documents={"cn-office": "Office hours"},
)


def told(kind: str, value: Any, language: str = "en") -> str:
    return words_of(overview(kind, value, language))


def read(name: str) -> Any:
    document, found = documents.read((data_dir("policies") / f"{name}.yaml").read_bytes(), name)
    assert document is not None, found
    return document.value


@pytest.mark.parametrize(("kind", "path", "node"), [key for key in KEYS if key.values[1][-1] not in UNSAID])
def test_no_key_is_left_untold(kind, path, node):
    context = surroundings(kind, path)
    first, second = sample(node, 0), sample(node, 1)
    default = node.schema.get("default")
    for language in ("en", "zh"):
        without = told(kind, {**context, **document_with(path[:-1], {})}, language)
        whole = told(kind, {**context, **document_with(path, first)}, language)
        other = told(kind, {**context, **document_with(path, second)}, language)
        assert whole != without or first == default, whole
        assert whole != other or first == second, whole


def surroundings(kind: str, path: tuple[Any, ...]) -> dict[str, Any]:
    """What a key needs beside it to mean anything: a severity to be judged by."""
    return {"severities": {"A": {}}} if kind == "process" and path[0] != "severities" else {}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_each_shipped_document_is_told_in_chinese_and_in_english(path):
    value = read(path.stem)
    english, chinese = told(value["kind"], value), told(value["kind"], value, "zh")
    assert english != chinese
    assert len(english.splitlines()) >= 5
    for text in (english, chinese):
        assert "NOTHING" not in text
        assert "None" not in text.replace("“None”", "").replace("None (none)", "")


def test_it_is_told_in_the_words_of_the_directory_and_of_other_documents():
    text = words_of(overview("process", read("complaint-monitoring"), "en", NAMES))
    assert "Complaint managers owns it and proposes changes." in text
    assert "Times are reckoned by the calendar “Office hours” unless a deadline names another." in text
    assert "never for the owner, whoever did “First response”, whoever did “Tell the customer”." in text
    assert "“Check and close” is for Monitor, but" in text
    assert "First response | 1 h | 4 h | 24 h" in text
    assert "Short message to Complaint managers, with the template “alert”" in text


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "“Recording begins”: starts on receipt, ends with “Edit” or “Recorded”"),
        ("zh", "“首次响应”：从受理起算，到“首次响应”为止，预警：过去 50% 时、到期前 15 分钟"),
        ("en", "After 7 days in the stage “Customer told”, “Customer confirms” is done by itself."),
        ("zh", "停在阶段“已告知客户”满 7 天，自动“客户确认解决”。"),
        ("zh", "A 紧急 | 服务中断为是 或 客户损失包含数据 或 （客户损失包含资金 且 涉及金额（元）不小于 10000）"),
    ],
)  # fmt: skip
def test_time_and_judgement_are_told_in_plain_sentences(language, sentence):
    assert sentence in told("process", read("complaint-monitoring"), language).splitlines()


@pytest.mark.parametrize(
    ("condition", "english", "chinese"),
    [
        ({"field": "risk", "is": "low"}, "“risk” is “low”", "“risk”为“low”"),
        ({"field": "impact", "is": "stopped"}, "Impact is Stopped", "影响为停顿"),
        ({"field": "severity", "in": ["A", "B"]}, "Severity is one of Urgent, B", "级别为紧急、B之一"),
        ({"field": "subject", "contains": "收费"}, "Subject contains “收费”", "主题包含“收费”"),
        (
            {"field": "received", "less_than": "2026-03-02"},
            "Received is before 2026-03-02",
            "受理时间早于 2026-03-02",
        ),
        ({"field": "times_reopened", "at_least": 2}, "Times reopened is at least 2", "重开次数不小于 2"),
        ({"field": "due_on", "longer_ago_than": "3d"}, "“due_on” lies longer ago than 3 days", "“due_on”距今超过 3 天"),
        (
            {"field": "now", "during": "cn-office"},
            "Now lies in the hours of “Office hours”",
            "现在在“Office hours”的工作时间内",
        ),
        ({"field": "team", "is": "complaint_managers"}, "Team is Complaint managers", "团队为Complaint managers"),
        (
            {"happened": "finish", "since": "received"},
            "“finish” has happened since receipt",
            "受理之后又发生了“finish”",
        ),
        ({"not": {"field": "impact", "known": True}}, "not (Impact has a value)", "并非（影响已填写）"),
    ],
)
def test_a_condition_reads_as_a_clause_and_names_as_names(condition, english, chinese):
    document = {
        "severities": {"A": {"title": {"zh": "紧急", "en": "Urgent"}}, "B": {}},
        "fields": {
            "impact": {
                "type": "choice",
                "label": {"zh": "影响", "en": "Impact"},
                "options": {"stopped": {"zh": "停顿", "en": "Stopped"}},
            },
            "due_on": {"type": "date"},
        },
        "classify": {"risk": [{"is": "low"}], "severity": [{"is": "A"}]},
    }
    for language, said in (("en", english), ("zh", chinese)):
        assert Voice("process", document, language, NAMES).condition(condition) == said


def test_what_follows_when_nobody_acts_is_put_together():
    text = told("process", read("contingency"))
    assert "When “Response” is missed: the escalation “Command” begins (the team's lead)." in text
    assert "When one of these is missed it is noted, and nobody is told: “Progress”, “Feedback”, “Summing up”." in text


def test_a_notice_says_what_goes_to_whom_for_each_severity():
    lines = told("process", read("contingency")).splitlines()
    row = next(line for line in lines if line.startswith("Alarm; "))
    first, second, third = row.split(" | ")[1:]
    assert first.startswith(
        "In person to whoever is on duty for handling_group; Text message to the team “leading_group”"
    )
    assert "5 min later email" in first
    assert second.startswith("WeCom, email to the team, the team's lead")
    assert third == "Email to the team, with the template “alarm”"
    assert any(line.startswith("Progress; ") and line.endswith("| not sent") for line in lines)


def test_every_sentence_has_both_languages_and_the_same_places():
    def sentences(node: Any, path: str) -> Any:
        if set(node) == {"zh", "en"}:
            yield path, node["zh"], node["en"]
        else:
            for key, part in node.items():
                assert isinstance(key, str), path  # `on` unquoted is no text in YAML 1.1
                yield from sentences(part, f"{path}.{key}")

    found = list(sentences(catalogue(), ""))
    assert len(found) > 150
    for path, chinese, english in found:
        assert places(chinese) == places(english), path


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_a_document_that_the_check_refuses_is_told_as_far_as_it_can_be():
    texts = ("{}", "stages: 3", "clocks: {a: {on: [1], within: {Z: 5x}}}", "notify: {n: {steps: 7, on: x.y.z}}",
             "ladders: {l: {rungs: [1, {to: team:x}]}}", "targets: {t: {measure: {on_time: {}}}}", "fields: {f: 3}",
             "classify: {severity: {table: {a: {b: c}}}}", "examples: [1]", "actions: [1]")  # fmt: skip
    for text in texts:
        assert told("process", yaml.safe_load(text))


def test_a_source_is_told_in_the_words_of_its_process():
    names = Names(documents={"contingency": "应急预案"}, processes={"contingency": read("contingency")})
    text = words_of(overview("source", read("alertmanager"), "zh", names))
    assert "由系统做第一个可行的动作：解决、自行解除（填写 解决办法：" in text
    assert "主题; subject | 数据中的 labels.alertname" in text
    assert "critical → 停顿" in text


def test_a_country_is_called_by_its_name():
    assert "法定节假日和调休按中国的公布数据。" in words_of(overview("calendar", read("cn-office"), "zh"))
    assert "those of China." in words_of(overview("calendar", read("cn-office"), "en"))
