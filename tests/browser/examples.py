"""Every page of the panel with addresses to look at it: what the sweep over all pages visits.

Whoever adds a page adds a line to PAGES; a page that is not there fails `tests/admin/test_access.py`. What lies in the
store for it, he makes in `make_up`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from server import demo, drafts, policies
from server.accounts import make_reset_link, users
from server.core.moments import HOUR, show
from server.store.models import Issue
from tests.admin.visiting import PASSWORD, now, receive
from tests.browser import directory_examples, drafts_made
from tests.browser.trying_made import make_tried, tried_page, tried_result
from tests.publishing import publish

VISITOR: Final = "admin"
"""Who looks: an administrator, who may see every page."""


@dataclass(frozen=True)
class Made:
    """What lies in the made-up store, for the addresses of pages."""

    number: str
    overdue: str
    busiest: str
    drafts: list[int]
    reset_link: str
    directory: directory_examples.Made


def make_up() -> Made:
    """Fill an empty store: the demo's people and issues, and what pages show beyond that."""
    at = now()
    policies.load_shipped(at)
    users.first_administrator(at, PASSWORD)
    demo.load(at)
    make_tried()
    process = bytes(drafts.in_force("contingency").data)
    publish(process.replace(b"{I: 15m, II: 1h, III: 4h}", b"{I: 10m, II: 1h, III: 4h}"), at, "fu", "han", "更快响应")
    overdue = receive("系统中断，无法下单", outage=True, at=at - 30 * HOUR, phone="13800001111")
    number = receive("发票金额与合同不一致，客户要求当日答复", category="price", phone="13800002222")
    drafts_made.make()
    busiest = Issue.select().order_by(Issue.seq.desc()).first()
    written = [
        drafts.begin(name, None, drafts.caller(VISITOR), at).id for name in ("complaint-monitoring", "cn-office")
    ]
    return Made(
        number=number,
        overdue=overdue,
        busiest=busiest.number,
        drafts=written,
        reset_link=make_reset_link("chen", at, by=VISITOR),
        directory=directory_examples.make_up(at, VISITOR),
    )


PAGES: Final[Mapping[str, Callable[[Made], list[str]]]] = {
    "panel_sign_in.index": lambda made: [],  # seen before signing in: afterwards it leads on
    "admin.index": lambda made: ["/admin/"],
    "admin.missing": lambda made: ["/admin/nowhere"],
    "panel_issues.index": lambda made: ["/admin/issues/", "/admin/issues/?state=all&q=nothing-like-it"],
    "panel_issues.issue": lambda made: [f"/admin/issues/{number}" for number in (made.overdue, made.busiest)],
    "panel_what_if.issue": lambda made: [f"/admin/what-if/{number}" for number in (made.number, made.busiest)],
    "panel_new_issue.index": lambda made: ["/admin/new-issue/", "/admin/new-issue/?process=complaint-monitoring"],
    "panel_trying.draft": lambda made: [tried_page()],
    "panel_trying.examples": lambda made: [tried_page("examples")],
    "panel_trying.trial": lambda made: [tried_page("try")],
    "panel_trying.would_change": lambda made: [tried_page("changes")],
    "panel_trying.backtest": lambda made: [tried_result()],
    "panel_documents.index": lambda made: ["/admin/documents/"],
    "panel_documents.document": lambda made: [
        "/admin/documents/complaint-monitoring",
        "/admin/documents/contingency?version=1",
        "/admin/documents/cn-office",
        "/admin/documents/default",
        "/admin/documents/alertmanager",
    ],
    "panel_documents.history": lambda made: [
        "/admin/documents/contingency/history?at=2026-03-02T09:00",
        "/admin/documents/cn-office/history?at=yesterday",
    ],
    "panel_documents.compare": lambda made: ["/admin/documents/contingency/compare"],
    "panel_documents.text": lambda made: ["/admin/documents/complaint-monitoring/text"],
    "panel_documents.issues": lambda made: ["/admin/documents/complaint-monitoring/issues"],
    "panel_editor.index": lambda made: ["/admin/editor/"],
    "panel_editor.edit": lambda made: [f"/admin/editor/{draft}/" for draft in made.drafts],
    **drafts_made.PAGES,
    **directory_examples.PAGES,
    "panel_roles.index": lambda made: ["/admin/roles/"],
    "panel_roles.add": lambda made: ["/admin/roles/add"],
    "panel_roles.edit": lambda made: ["/admin/roles/agent/edit"],
    "panel_roles.remove": lambda made: ["/admin/roles/agent/remove"],
    "panel_account.index": lambda made: ["/admin/account/"],
    "panel_reset.index": lambda made: [],  # the same as an address with a link that is no good
    "panel_reset.choose": lambda made: [f"/admin/reset/{made.reset_link}"],
    "panel_users.index": lambda made: ["/admin/users/"],
    "panel_users.user": lambda made: ["/admin/users/admin/"],
    "panel_kept.index": lambda made: ["/admin/kept/"],
    "panel_subscriptions.index": lambda made: ["/admin/subscriptions/"],
    "panel_trail.index": lambda made: ["/admin/trail/", f"/admin/trail/?issue={made.busiest}"],
    "panel_trail.entry": lambda made: ["/admin/trail/1"],
    "panel_evidence.index": lambda made: ["/admin/evidence/"],
    "panel_evidence.issue": lambda made: [f"/admin/evidence/{made.busiest}?recompute=yes&at={show(now() - HOUR)[:19]}"],
    "panel_changes.index": lambda made: ["/admin/changes/?document=cn-office", "/admin/changes/?q=nothing-like-it"],
    "panel_exports.index": lambda made: ["/admin/exports/"],
    "panel_apart.index": lambda made: ["/admin/apart/"],
    "panel_queue.index": lambda made: ["/admin/queue/", "/admin/queue/?state=pending"],
    "panel_queue.decide": lambda made: ["/admin/queue/decide?do=drop", "/admin/queue/decide?do=retry"],
    "panel_health.index": lambda made: ["/admin/health/"],
    "panel_channels.index": lambda made: ["/admin/channels/"],
    "panel_channels.tried": lambda made: [],  # tests/browser/test_system.py sends one
    "panel_sources.index": lambda made: ["/admin/sources/"],
    "panel_sources.source": lambda made: ["/admin/sources/alertmanager"],
    "panel_tokens.index": lambda made: ["/admin/tokens/"],
    "panel_schedules.index": lambda made: ["/admin/schedules/"],
    "panel_clock.index": lambda made: ["/admin/clock/"],
}

NOT_PAGES: Final = {
    "panel_assets.static": "files that are the same for all",
    "panel_bundle.file": "files that are the same for all",
    "admin.static": "files that are the same for all",
    "panel_trying.index": "leads to the documents",
    "panel_what_if.index": "leads to the issues",
    "panel_issues.download": "a file of an issue",
    "panel_directory_files.export": "the directory as a file",
    "panel_documents.download": "the bytes of a version",
    "panel_editor.standing": "how a draft stands, for the editor's script",
    "panel_trail.standing": "a piece of the trail's page",
    "panel_migrations.course": "a piece of a plan's page",
    "panel_drills.download": "the report of a drill, as a file",
    "panel_drafts.text": "the text of a draft, as a file",
}
"""What answers to GET and is no page, and why."""
