"""Whoever owns a document may try its drafts, and those of no other, without any permission beside."""

from __future__ import annotations

import pytest

from server import directory, drafts
from server.accounts import users
from server.backtesting import kept
from server.store import database
from server.store.models import Membership, Team
from server.trying import beside, examples
from tests.admin.trying.drafting import HALF_AN_HOUR, draft
from tests.admin.trying.test_trial import GIVEN
from tests.admin.visiting import COMPLAINTS, PASSWORD, Panel, now, receive


@pytest.fixture
def owner(panel: Panel) -> str:
    """Somebody without a role in the team that owns the complaint process."""
    users.add_user("olga", now(), password=PASSWORD, name="Olga Owner")
    with database.transaction():
        Membership.create(team=Team.get(Team.id == "complaint_managers"), person="olga", position=99)
        directory.changed()
    return "olga"


def test_a_member_of_the_owning_team_tries_its_drafts(panel: Panel, owner: str) -> None:
    number, visitor = draft(HALF_AN_HOUR), panel.visitor(owner)
    for page in ("", "examples", "try", "changes"):
        assert visitor.get(f"/admin/trying/{number}/{page}").status_code == 200, page
    assert "First response" in visitor.text(f"/admin/trying/{number}/changes")
    receive(outage=True)
    asked = visitor.post(f"/admin/trying/{number}/backtests", {"sample": "100"})
    assert asked.status_code == 303
    assert kept.work(now)
    # What it found names issues, which he may not read.
    assert visitor.get(asked.headers["Location"]).status_code == 403


def test_drafts_of_other_documents_are_not_his(panel: Panel, owner: str) -> None:
    number, visitor = draft(("name: cn-office", "name: cn-office # x"), name="cn-office"), panel.visitor(owner)
    for page in ("", "examples", "try", "changes"):
        assert visitor.get(f"/admin/trying/{number}/{page}").status_code == 403, page
    assert visitor.post(f"/admin/trying/{number}/try", {}).status_code == 403
    assert visitor.post(f"/admin/trying/{number}/example", {}).status_code == 403
    assert visitor.post(f"/admin/trying/{number}/backtests", {}).status_code == 403
    assert panel.visitor("nils").get(f"/admin/trying/{draft()}/").status_code == 403


def test_he_makes_examples_of_them(panel: Panel, owner: str) -> None:
    number, visitor = draft(), panel.visitor(owner)
    before = len(examples(beside(COMPLAINTS, bytes(drafts.one(number).data))))
    answer = visitor.post(f"/admin/trying/{number}/example", {**GIVEN, "example_name": "olga"})
    assert answer.headers["Location"].endswith(f"/admin/trying/{number}/examples")
    found = examples(beside(COMPLAINTS, bytes(drafts.one(number).data)))
    assert (len(found), found[-1].name, found[-1].passes) == (before + 1, "olga", True)
