"""Drafts for the pages that show them: one of each kind, in the made-up store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from server import drafts, drills, migration, policies
from server.migration import Selection
from server.store.models import Draft
from tests.admin.drafting import APPROVER, CALENDAR, OWNER, approved, begun, renamed, shipped, submitted
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


def plan() -> int:
    """A plan of a migration that waits for its approval; made where there is none yet."""
    known = migration.listed()
    if known:
        return int(known[0]["id"])
    name = next(name for name in policies.in_force().processes if list(candidates(name)))
    return int(migration.propose(name, {}, Selection(), drafts.caller(OWNER), now(), "新的时限也适用于未关闭的问题").id)


def candidates(process: str) -> list[str]:
    """The open issues of a process that stand on other versions."""
    return [number for _, number in migration.candidates(migration.target_of(process), Selection())]


def drill() -> int:
    """A drill that was played; made where there is none yet."""
    known = drills.newest(1)
    if known:
        return int(known[0].id)
    process = policies.in_force().processes["contingency"].process
    return int(drills.run_text(drills.examples(process, "zh")[0].text, now(), "zh", by=OWNER)["drill"])


PAGES: Final[Mapping[str, Callable[[Any], list[str]]]] = {
    "panel_drafts.index": lambda made: ["/admin/drafts/", "/admin/drafts/?state=settled", "/admin/drafts/?person=none"],
    "panel_drafts.draft": lambda made: addresses(),
    "panel_drafts.begin": lambda made: ["/admin/drafts/begin"],
    "panel_drafts.new": lambda made: ["/admin/drafts/new?from=complaint-monitoring"],
    "panel_drafts.propose": lambda made: ["/admin/drafts/propose"],
    "panel_drafts.hand_in": lambda made: [f"/admin/drafts/{draft(Draft.DRAFT)}/hand-in"],
    "panel_drafts.approve": lambda made: [f"/admin/drafts/{draft(Draft.SUBMITTED)}/approve"],
    "panel_drafts.send_back": lambda made: [f"/admin/drafts/{draft(Draft.SCHEDULED, 'cn-allday')}/send-back"],
    "panel_drafts.withdraw": lambda made: [f"/admin/drafts/{draft(Draft.SUBMITTED)}/withdraw"],
    "panel_drafts.rebase": lambda made: [f"/admin/drafts/{draft(Draft.DRAFT, 'cn-office')}/rebase"],
    "panel_drafts.roll_back": lambda made: ["/admin/drafts/roll-back/cn-office/1"],
    "panel_drafts.emergency": lambda made: ["/admin/drafts/emergency/cn-office"],
    "panel_migrations.index": lambda made: ["/admin/migrations/"],
    "panel_migrations.propose": lambda made: [
        f"/admin/migrations/propose{query}" for query in ("", "?process=contingency")
    ],
    "panel_migrations.plan": lambda made: [f"/admin/migrations/{plan()}/"],
    "panel_migrations.approve": lambda made: [f"/admin/migrations/{plan()}/approve"],
    "panel_migrations.turn_down": lambda made: [f"/admin/migrations/{plan()}/turn-down"],
    "panel_migrations.withdraw": lambda made: [f"/admin/migrations/{plan()}/withdraw"],
    "panel_drills.index": lambda made: ["/admin/drills/"],
    "panel_drills.play": lambda made: ["/admin/drills/play?process=contingency&example=1"],
    "panel_drills.drill": lambda made: [f"/admin/drills/{drill()}/"],
}
"""The pages of drafts, migrations and drills, with addresses to look at them."""
