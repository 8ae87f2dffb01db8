"""A newer release's documents are offered as drafts; what an owner changed stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import drafts, policies
from server.drafts import offering
from server.store.models import Draft, Version
from tests.drafts.conftest import MATTERS, NAME, approved, changed, submitted, who
from tests.server.conftest import MONDAY


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a release's documents."""
    for module in (offering, policies):
        monkeypatch.setattr(module, "policy_dir", lambda: tmp_path)
    (tmp_path / "matters.yaml").write_text(MATTERS, encoding="utf-8")
    return tmp_path


def test_the_same_release_offers_nothing(release: Path) -> None:
    assert policies.load_shipped(MONDAY) == []
    assert drafts.offer_shipped(MONDAY) == []


def test_a_newer_text_is_offered_once_and_never_overwrites(release: Path) -> None:
    approved(submitted(changed(("事项", "各项"))))  # the owner changed it
    newer = changed(("A: 1h", "A: 45m"), ("T10:00", "T09:45"))
    (release / "matters.yaml").write_bytes(newer)
    assert policies.load_shipped(MONDAY) == []
    assert drafts.offer_shipped(MONDAY) == [NAME]
    assert drafts.offer_shipped(MONDAY + 1) == []
    draft = Draft.get(Draft.origin == Draft.SHIPPED)
    assert (draft.state, draft.created_by, bytes(draft.data)) == (Draft.DRAFT, None, newer)
    assert [row.id for row in drafts.offered_to(who("fu"))] == [draft.id]
    assert drafts.offered_to(who("lu")) == [], "who may not change it"
    assert Version.get_by_id(policies.in_force().versions[NAME]).number == 2
    # It is taken as any other: one person submits it, another approves.
    draft = drafts.submit(draft.id, who("fu"), MONDAY + 1, "as shipped")
    assert drafts.offered_to(who("fu")) == []
    assert approved(draft).state == Draft.ACTIVE
    assert Version.get_by_id(draft.version_id or policies.in_force().versions[NAME]).author == "fu"


def test_what_was_turned_down_is_not_offered_again(release: Path) -> None:
    (release / "matters.yaml").write_bytes(changed())
    drafts.offer_shipped(MONDAY)
    drafts.withdraw(Draft.get(Draft.origin == Draft.SHIPPED).id, who("fu"), MONDAY)
    assert drafts.offer_shipped(MONDAY) == []
