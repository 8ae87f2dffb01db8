"""Facts and timeline entries in words, in both languages."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from server.core.templates import compile_template
from server.core.vocabulary import LANGUAGES, Vocabulary, catalogue
from server.core.wording import Reader, duration_text, entry_text, known_names, late_text, message_context

NINE = 1_772_413_200_000  # 2026-03-02T09:00:00+08:00


class Shanghai:
    def show(self, moment: int, /) -> str:
        zone = timezone(timedelta(hours=8))
        return datetime.fromtimestamp(moment // 1000, UTC).astimezone(zone).isoformat()


WORDS = Vocabulary(
    {
        "severities": {"A": {"title": {"zh": "非常严重", "en": "Critical"}}, "B": {}},
        "stages": {"received": {"title": {"zh": "已接收", "en": "Received"}}, "handling": {"title": "处理中"}},
        "fields": {
            "impact": {"type": "choice", "options": {"stopped": {"zh": "业务停顿", "en": "Stopped"}, "none": "无影响"}},
            "harm": {"type": "choice", "many": True, "options": {"data": "数据", "money": "钱款"}},
            "promised": {"type": "datetime", "label": {"zh": "承诺时间", "en": "Promised for"}},
            "resolved": {"type": "boolean"},
            "amount": {"type": "number"},
            "manager": {"type": "person"},
            "phone": {"type": "phone", "private": True},
        },
        "classify": {"severity": [], "risk": []},
        "clocks": {"reply": {"title": {"zh": "首次响应", "en": "First response"}}},
        "actions": {"accept": {"title": {"zh": "受理", "en": "Accept"}}},
        "surveys": {
            "satisfaction": {
                "title": {"zh": "满意度", "en": "Satisfaction"},
                "questions": {"score": {"type": "rating"}},
            }
        },
    }
)
ZH = Reader("zh", Shanghai(), {"li": "李工", "team:support": "支持组"})
EN = Reader("en", Shanghai(), {"li": "Ms Li", "team:support": "Support"})


def printed(text: str, reader: Reader = ZH, **facts: Any) -> str:
    return compile_template(text).render(message_context(WORDS, facts, reader))


@pytest.mark.parametrize(
    ("text", "facts", "zh", "en"),
    [
        ("{{ impact }}/{{ impact.id }}", {"impact": "stopped"}, "业务停顿/stopped", "Stopped/stopped"),
        ("{{ impact }}/{{ impact.id }}", {"impact": "unheard"}, "unheard/unheard", "unheard/unheard"),
        ("{{ harm }}", {"harm": ["data", "money"]}, "数据、钱款", "数据, 钱款"),
        ("{{ severity }} {{ severity.id }}", {"severity": "A"}, "非常严重 A", "Critical A"),
        ("{{ severity }}", {"severity": "B"}, "B", "B"),
        (
            "{{ stage }} {{ team }} {{ owner }}",
            {"stage": "received", "team": "support", "owner": "li"},
            "已接收 支持组 李工",
            "Received Support Ms Li",
        ),
        ("{{ promised }}", {"promised": NINE + 999}, "2026-03-02 09:00:00", "2026-03-02 09:00:00"),
        ("{{ received | date: '%H:%M' }}", {"received": NINE}, "09:00", "09:00"),
        ("{{ resolved }}{% if resolved %}!{% endif %}", {"resolved": False}, "否", "no"),
        ("{{ resolved }}{% if resolved %}!{% endif %}", {"resolved": True}, "是!", "yes!"),
        ("{{ amount }} {{ times_reopened }}", {"amount": 3.0, "times_reopened": 0}, "3 0", "3 0"),
        ("{{ amount }}", {"amount": 2.5}, "2.5", "2.5"),
        ("[{{ subject }}]{% if subject %}!{% endif %}", {"subject": ""}, "[]", "[]"),
        ("[{{ impact }}{{ harm }}]", {"impact": None, "harm": []}, "[]", "[]"),
        (
            "{% if impact == 'stopped' %}1{% endif %}{% if impact.id == 'stopped' %}2{% endif %}",
            {"impact": "stopped"},
            "12",
            "12",
        ),
    ],
)
def test_a_fact_prints_as_people_read_it(text: str, facts: dict[str, Any], zh: str, en: str) -> None:
    assert printed(text, ZH, **facts) == zh
    assert printed(text, EN, **facts) == en


def test_a_message_names_clocks_history_link_and_lateness() -> None:
    context = message_context(
        WORDS,
        {"phone": "138"},
        ZH,
        clocks={"reply": ("running", NINE), "other": ("paused", None)},
        history=[{"at": NINE, "kind": "action", "action": "accept", "by": "li", "with": {}, "stage": "handling"}],
        link="https://d.example/YS1",
        late=3_725_000,
        hidden={"phone"},
    )
    text = "{{ clocks.reply.due }} {{ clocks.reply.state }} [{{ clocks.other.due }}{{ phone }}] {{ link }} {{ late }}"
    assert (
        compile_template(text).render(context)
        == "2026-03-02 09:00:00 running [] https://d.example/YS1 迟发 1 小时 2 分钟"
    )
    line = compile_template("{% for e in history %}{{ e.at }}|{{ e.kind }}|{{ e.by }}|{{ e.text }}{% endfor %}")
    assert line.render(context) == "2026-03-02 09:00:00|action|李工|李工：受理，阶段 处理中"


def test_a_template_may_name_just_what_a_message_has() -> None:
    text = "{{ impact.id }}{{ clocks.reply.due }}{{ history.size }}{{ late }}{{ score }}{{ risk }}{{ subject }}"
    assert compile_template(text).unknown(known_names(WORDS)) == []
    wrong = compile_template(
        "{{ impact.label }}{{ clocks.answer.due }}{{ clocks.reply.run }}{{ secret }}{{ link.href }}"
    )
    assert len(wrong.unknown(known_names(WORDS))) == 5


@pytest.mark.parametrize(
    ("milliseconds", "zh", "en"),
    [
        (0, "0 秒", "0 seconds"),
        (999, "0 秒", "0 seconds"),
        (61_000, "1 分钟 1 秒", "1 minute 1 second"),
        (90_061_000, "1 天 1 小时", "1 day 1 hour"),
        (172_800_000, "2 天", "2 days"),
    ],
)
def test_a_duration_has_its_two_largest_units(milliseconds: int, zh: str, en: str) -> None:
    assert (duration_text(milliseconds, "zh"), duration_text(milliseconds, "en")) == (zh, en)


def test_a_message_in_time_is_not_called_late() -> None:
    assert late_text(None, "en") is None
    assert late_text(900, "en") is None
    assert late_text(60_000, "en") == "sent 1 minute late"


ENTRIES: list[dict[str, Any]] = [
    {
        "kind": "received",
        "severity": "A",
        "values": {},
        "team": None,
        "owner": None,
        "stage": "received",
        "because": [],
    },
    {"kind": "action", "action": "accept", "by": "li", "with": {"promised": NINE}, "stage": "handling"},
    {"kind": "refused", "action": "accept", "by": "li", "why": "not_by"},
    {"kind": "refused", "survey": "satisfaction", "by": "customer", "why": "stage"},
    {"kind": "classified", "name": "severity", "from": "B", "to": "A", "by": "rules", "because": []},
    {"kind": "classified", "name": "risk", "from": None, "to": None, "by": "li", "because": []},
    {"kind": "routed", "team": "support", "owner": None},
    {"kind": "opened", "process": "improvement", "fields": {}},
    {"kind": "clock_started", "clock": "reply", "run": 1, "due": NINE},
    {"kind": "clock_started", "clock": "reply", "run": 1, "due": None},
    {"kind": "clock_moved", "clock": "reply", "run": 1, "due": "2026-03-02T09:00:00+08:00"},
    {"kind": "clock_paused", "clock": "reply", "run": 1},
    {"kind": "clock_resumed", "clock": "reply", "run": 1, "due": NINE},
    {"kind": "clock_warned", "clock": "reply", "run": 1, "mark": "50%"},
    *(
        {"kind": kind, "clock": "reply", "run": 1, "due": NINE}
        for kind in ("clock_met", "clock_breached", "clock_finished_late", "clock_stopped", "clock_cancelled")
    ),
    {"kind": "asked", "notice": "first"},
    {"kind": "notified", "notice": "first", "via": "sms", "to": ["team:support", "li"]},
    {"kind": "notified", "ladder": "complaint", "rung": 2, "via": "sms", "to": ["supervisor"]},
    {"kind": "notified", "survey": "satisfaction", "via": "email", "to": ["customer"]},
    {"kind": "confirmed", "notice": "first"},
    {"kind": "escalated", "ladder": "complaint", "rung": 2, "to": ["team:support"], "due": NINE},
    {"kind": "escalated", "ladder": "complaint", "rung": 2, "to": ["team:support"], "due": None},
    {"kind": "exhausted", "ladder": "complaint"},
    {"kind": "surveyed", "survey": "satisfaction"},
    {"kind": "answered", "survey": "satisfaction", "with": {"score": 4, "resolved": True}},
    {"kind": "expired", "survey": "satisfaction"},
    {"kind": "check_failed", "check": "no_contact"},
    {"kind": "set_aside", "check": "no_contact"},
    {"kind": "set_aside", "check": None},
    {"kind": "put_back", "check": "no_contact"},
    {"kind": "put_back", "check": None},
    {"kind": "raised", "watch": "batch", "values": {"impact": "stopped"}},
]


@pytest.mark.parametrize("reader", [ZH, EN], ids=["zh", "en"])
def test_every_kind_of_entry_has_a_sentence(reader: Reader) -> None:
    said = [entry_text(WORDS, {"at": NINE, "number": "SIM-1", **entry}, reader) for entry in ENTRIES]
    assert all(text and "{" not in text and "None" not in text for text in said)
    assert len(set(said)) == len(said)


def test_every_sentence_of_the_catalogue_is_reached() -> None:
    kinds = {entry["kind"] for entry in ENTRIES}
    variants = {"refused_survey", "clock_started_paused", "notified_ladder", "notified_survey", "escalated_open"}
    variants |= {"set_aside_by_hand", "put_back_by_hand", "migrated"}
    assert set(catalogue()["entries"]) == kinds | variants


def test_some_sentences() -> None:
    def say(entry: dict[str, Any], reader: Reader) -> str:
        return entry_text(WORDS, {"at": NINE, "number": "SIM-1", **entry}, reader)

    assert say(ENTRIES[0], ZH) == "已受理：级别 非常严重，团队 无人，负责人 无人，阶段 已接收"
    assert say(ENTRIES[1], EN) == "Ms Li: Accept, stage 处理中 (Promised for: 2026-03-02 09:00:00)"
    assert say(ENTRIES[4], ZH) == "级别 由 B 改为 非常严重（规则）"
    assert (
        say({"kind": "clock_met", "clock": "reply", "due": NINE}, EN)
        == "“First response” was met, due 2026-03-02 09:00:00"
    )
    assert (
        say({"kind": "notified", "notice": "n", "via": "sms", "to": ["team:support", "li"]}, ZH)
        == "通知“n”：短信 至 支持组、李工"
    )


def test_a_line_says_whom_a_policy_means_in_words() -> None:
    reader = Reader("zh", Shanghai(), {"role:monitor": "监控员", "team:support": "支持组"}, {"wecom": "客服群"})

    def say(**entry: Any) -> str:
        return entry_text(WORDS, {"at": NINE, "number": "SIM-1", **entry}, reader)

    to = ["role:monitor", "role:auditor", "duty:support", "did:accept", "field:manager", "supervisor+1"]
    assert say(kind="notified", notice="n", via="wecom", to=to) == (
        "通知“n”：客服群 至 监控员、角色“auditor”、支持组的值班人、做过“受理”的人、“manager”中所写的人、上级的上级"
    )
    assert say(kind="clock_warned", clock="reply", mark="15m") == "时限“首次响应”预警（到期前 15 分钟）"
    assert say(kind="clock_warned", clock="reply", mark="50%") == "时限“首次响应”预警（过去 50% 时）"


def test_both_languages_fill_in_the_same_names() -> None:
    def walk(node: Any, path: str) -> None:
        if set(LANGUAGES) <= set(node):
            used = [{name for _, name, _, _ in string.Formatter().parse(node[lang]) if name} for lang in LANGUAGES]
            assert used[0] == used[1], path
        else:
            for key, child in node.items():
                walk(child, f"{path}.{key}")

    # Headings of tables are names in Chinese only: in English they are what a program reads.
    walk({key: node for key, node in catalogue().items() if key != "tables"}, "")
