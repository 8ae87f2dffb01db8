"""Drafts for the pages that show them: one of each kind, in the made-up store."""

from __future__ import annotations

from server import drafts
from server.store.models import Draft
from tests.admin.drafting import APPROVER, CALENDAR, approved, begun, renamed, shipped, submitted
from tests.admin.visiting import now

PROCESS = "improvement"
DOUBTFUL = ("\ntemplates:\n", "\ntemplates:\n  idle: {subject: {zh: 甲, en: A}, body: {zh: 甲, en: A}}\n")


def make() -> None:
    """A version that was approved, drafts that wait, are sent back, doubtful, broken, scheduled, and overtaken."""
    mine = begun(renamed("办公日历（草稿）"))
    approved(submitted(renamed("办公日历"), by="fu"))
    assert drafts.is_overtaken(mine)
    begun(shipped(PROCESS, DOUBTFUL), PROCESS)
    begun(shipped(PROCESS, DOUBTFUL, ("\nstages:", "\nstagse:")), PROCESS)
    submitted(shipped(PROCESS, DOUBTFUL, ("GJ", "GX")), PROCESS)
    back = submitted(shipped(PROCESS, ("GJ", "GY")), PROCESS)
    drafts.reject(back.id, drafts.caller(APPROVER), now(), "编号前缀须与质量手册一致。\n请改后再提交。")
    late = submitted(shipped("cn-allday", ("title: {zh: ", "title: {zh: 全")), "cn-allday")
    drafts.approve(late.id, drafts.caller(APPROVER), late.sha256, now(), "好", now() + 86_400_000)


def draft(state: str, name: str = PROCESS, with_error: bool = False) -> int:
    """The oldest draft of that state."""
    found = [one for one in drafts.drafts(name) if one.state == state and (b"stagse" in bytes(one.data)) == with_error]
    return int(found[-1].id)


def addresses() -> list[str]:
    """The pages of the drafts."""
    pages = [draft(Draft.DRAFT), draft(Draft.DRAFT, with_error=True), draft(Draft.SUBMITTED), draft(Draft.REJECTED)]
    pages += [draft(Draft.SCHEDULED, "cn-allday"), draft(Draft.ACTIVE, CALENDAR), draft(Draft.DRAFT, CALENDAR)]
    return [f"/admin/drafts/{number}/" for number in pages]
