"""The texts of the story of a change, as they are after each of its chapters: the editor's form writes them, and each
chapter begins with what the one before left."""

from __future__ import annotations

from typing import Final

from server import drafts
from server.resources import data_dir
from server.store.models import Draft
from tests.admin.visiting import COMPLAINTS, now

OWNER: Final = "meng"
APPROVER: Final = "han"
AUDITOR: Final = "jin"
TITLES: Final = {"zh": "客户投诉监控细则", "en": "Monitoring of customer complaints"}
REASON: Final = "中等金额的投诉应更快响应"
REMARK: Final = "A must be answered within 45 minutes then. 请一并调整。"

RULE: Final = "    - {is: A2, when: {field: amount, at_least: 5000}}\n"
B: Final = "  B: {title: {zh: 高, en: High}}"
OVERDUE: Final = "solution.breached]\n    "
EACH: Final = "[{via: [wecom, email], to: [supervisor, role:monitor], template: alert}]"
MORE: Final = "[{via: [wecom, email], to: [supervisor, role:monitor, team:management], template: alert}]"


def shipped() -> str:
    """What is in force in the beginning."""
    return (data_dir("policies") / f"{COMPLAINTS}.yaml").read_text("utf-8")


def with_a_severity() -> str:
    """A severity A2 between A and B, with its rule, its deadlines and who is told when it is overdue."""
    return replaced(
        shipped(),
        (B, f"  A2: {{title: {{zh: 较急, en: Rather urgent}}}}\n{B}"),
        ("    - is: B    # CM-9", f"{RULE}    - is: B    # CM-9"),
        ("within: {A: 1h, B: 4h, C: 24h}", "within: {A: 1h, B: 4h, C: 24h, A2: 2h}"),
        ("within: {A: 4h, B: 24h}", "within: {A: 4h, B: 24h, A2: 8h}"),
        ("within: {A: 24h, B: 3wd, C: 5wd}", "within: {A: 24h, B: 3wd, C: 5wd, A2: 2wd}"),
        (f"{OVERDUE}steps: {EACH}", f"{OVERDUE}steps: {{A: {EACH}, B: {EACH}, C: {EACH}, A2: {MORE}}}"),
    )


def mended() -> str:
    """The same as its approver wants it: A is answered within 45 minutes, and the example of
    it says so, too."""
    due = "clock: first_response, due: 2026-03-02T"
    return replaced(
        with_a_severity(),
        ("within: {A: 1h, B: 4h,", "within: {A: 45m, B: 4h,"),
        (f"{due}10:00:00+08:00", f"{due}09:45:00+08:00"),
    )


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """The text with other words in it, each of which stood there once."""
    for before, after in pairs:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def handed_in(text: str) -> Draft:
    """A draft with that text, which its owner has handed in."""
    draft = drafts.begin(COMPLAINTS, text.encode(), drafts.caller(OWNER), now(), REASON)
    places = [drafts.place(one) for one in drafts.check(draft, now())]
    return drafts.submit(draft.id, drafts.caller(OWNER), now(), REASON, places)


def sent_back(text: str) -> Draft:
    """One that its approver has sent back with a remark."""
    return drafts.reject(handed_in(text).id, drafts.caller(APPROVER), now(), REMARK)


def in_force(text: str) -> Draft:
    """One that its approver has approved, and that is in force."""
    draft = handed_in(text)
    return drafts.approve(draft.id, drafts.caller(APPROVER), draft.sha256, now())
