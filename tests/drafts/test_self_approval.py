"""Nobody puts his own text in force, whatever disguise he tries: the code says so, and the database, too."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

import peewee
import pytest

from server import drafts, policies
from server.drafts import NotDone
from server.store import database, sql
from server.store.database import Store
from server.store.models import Activation, Approval, Draft, Version
from tests.drafts.conftest import NAME, approved, changed, submitted, who
from tests.drafts.test_life import refused
from tests.server.conftest import MONDAY


def test_an_administrator_does_not_approve_his_own_draft() -> None:
    draft = submitted(by="admin")
    with refused("own-draft", 403):
        approved(draft, "admin")
    assert Approval.select().count() == 0


def test_who_submits_the_draft_of_another_does_not_approve_it_and_neither_does_its_author() -> None:
    draft = drafts.begin(NAME, changed(), who("admin"), MONDAY, "mine")
    draft = drafts.submit(draft.id, who("fu"), MONDAY)
    with refused("own-draft", 403):
        approved(draft, "admin")
    other = drafts.begin(NAME, changed(("事项", "各项")), who("fu"), MONDAY, "his")
    other = drafts.submit(other.id, who("admin"), MONDAY)
    with refused("own-draft", 403):
        approved(other, "admin")


def test_who_once_wrote_into_a_draft_stays_its_author() -> None:
    draft = drafts.begin(NAME, None, who("fu"), MONDAY, "ours")
    draft = drafts.write(draft.id, changed(), who("admin"), MONDAY)
    draft = drafts.write(draft.id, changed(("事项", "各项")), who("fu"), MONDAY)
    draft = drafts.submit(draft.id, who("fu"), MONDAY)
    with refused("own-draft", 403):
        approved(draft, "admin")


def test_a_text_that_somebody_else_proposes_again_is_still_its_author_s() -> None:
    drafts.withdraw(submitted(by="admin").id, who("admin"), MONDAY)
    with refused("own-draft", 403):
        approved(submitted(by="fu"), "admin")


def test_an_approval_is_of_exactly_one_text() -> None:
    draft = drafts.begin(NAME, changed(), who("fu"), MONDAY, "sooner")
    seen = draft.sha256
    drafts.write(draft.id, changed(("事项", "各项")), who("fu"), MONDAY)
    draft = drafts.submit(draft.id, who("fu"), MONDAY)
    for sha256 in (seen, "", draft.sha256[:10], "sha256:" + seen):
        with refused("draft-of-another-hash", 409):
            drafts.approve(draft.id, who("han"), sha256, MONDAY)
    assert drafts.approve(draft.id, who("han"), "sha256:" + draft.sha256, MONDAY).state == Draft.ACTIVE


# -- by direct SQL -----------------------------------------------------------------------------------------------------

Attempt = Callable[[Draft], object]


def forged(origin: str, author: str | None, approver: str | None, data: bytes = b"kind: process\n") -> int:
    digest = hashlib.sha256(data).hexdigest()
    row = Version.create(
        kind="process", name=NAME, number=9, sha256=digest, data=data, origin=origin, author=author, approver=approver,
        created_at=MONDAY,
    )  # fmt: skip
    return int(row.id)


def in_force(version: int) -> None:
    sql.run('UPDATE "activation" SET "until_at" = ? WHERE "name" = ? AND "until_at" IS NULL', MONDAY, NAME)
    Activation.create(name=NAME, version=version, from_at=MONDAY)


def own(draft: Draft, login: str = "fu") -> None:
    sql.run(
        'INSERT INTO "approval" ("draft_id", "sha256", "approver", "at", "remark") VALUES (?, ?, ?, ?, ?)',
        draft.id, draft.sha256, login, MONDAY, "",
    )  # fmt: skip


ATTEMPTS: dict[str, Attempt] = {
    "approves his own draft": own,
    "is no author any more, and approves": lambda draft: (
        sql.run('DELETE FROM "draft_author" WHERE "draft_id" = ?', draft.id),
        own(draft),
    ),
    "says that another wrote it": lambda draft: sql.run('UPDATE "draft_author" SET "login" = ?', "lu"),
    "says that another submitted it": lambda draft: sql.run('UPDATE "draft" SET "submitted_by" = ?', "lu"),
    "says that another began it": lambda draft: sql.run('UPDATE "draft" SET "created_by" = ?', "lu"),
    "approves another text": lambda draft: sql.run(
        'INSERT INTO "approval" ("draft_id", "sha256", "approver", "at", "remark") VALUES (?, ?, ?, ?, ?)',
        draft.id,
        "0" * 64,
        "han",
        MONDAY,
        "",
    ),
    "changes the text that is to be approved": lambda draft: sql.run(
        'UPDATE "draft" SET "data" = ?, "sha256" = ? WHERE "id" = ?', b"kind: x", "0" * 64, draft.id
    ),
    "takes it back to write on": lambda draft: sql.run('UPDATE "draft" SET "state" = ?', "draft"),
    "asks for fewer approvals": lambda draft: sql.run('UPDATE "draft" SET "approvals" = 0'),
    "removes the draft": lambda draft: sql.run('DELETE FROM "draft"'),
    "stores a version that he approved himself": lambda draft: forged("proposed", "fu", "fu"),
    "stores a version that nobody approved": lambda draft: forged("proposed", "fu", None),
    "stores a version as if it were shipped": lambda draft: forged("shipped", None, None),
    "puts a version in force that nobody approved": lambda draft: in_force(forged("proposed", "fu", "han")),
    "changes the text of a version in force": lambda draft: sql.run(
        'UPDATE "version" SET "data" = ? WHERE "name" = ?', changed(), NAME
    ),
    "removes what was in force": lambda draft: sql.run('DELETE FROM "activation" WHERE "name" = ?', NAME),
    "puts another version in the place of the one in force": lambda draft: sql.run(
        'UPDATE "activation" SET "version_id" = (SELECT MAX("id") FROM "version")'
    ),
}


def test_the_database_refuses_by_itself_what_the_code_would_not_do() -> None:
    before = policies.revision()
    draft = submitted()
    succeeded = []
    for what, attempt in ATTEMPTS.items():
        try:
            with database.transaction():
                attempt(draft)
                succeeded.append(what)
                raise peewee.IntegrityError("taken back, so that the next attempt finds what this one found")
        except peewee.IntegrityError:
            pass
    assert succeeded == []
    assert policies.revision() == before
    assert Version.select().where(Version.name == NAME).count() == 1


def test_one_approval_is_too_few_for_the_database_where_two_are_asked_for() -> None:
    draft = approved(submitted(changed(("calendar: always", "calendar: always\napprovals: 2"))))
    version = policies.add_version(bytes(draft.data), MONDAY, origin="proposed", author="fu", approver="han")
    Draft.update(version=version).where(Draft.id == draft.id).execute()
    with pytest.raises(peewee.IntegrityError), database.transaction():
        policies.activate(version, MONDAY)


def test_an_approved_version_that_was_in_force_does_not_come_back_by_itself() -> None:
    first = approved(submitted())
    approved(submitted(changed(("事项", "各项"))))
    approved(submitted(changed(("事项", "诸项"))))
    with pytest.raises(peewee.IntegrityError), database.transaction():
        policies.activate(first.version_id, MONDAY)


# -- at the same time --------------------------------------------------------------------------------------------------


def at_once(store: Store, *steps: Callable[[], object]) -> list[object]:
    """What each of the steps gives, or the code of why it was not done; all begin at the same time."""
    outcomes: list[object] = [None] * len(steps)
    ready = threading.Barrier(len(steps))

    def run(place: int, step: Callable[[], object]) -> None:
        try:
            with store.session():
                ready.wait(20)
                outcomes[place] = step()
        except NotDone as not_done:
            outcomes[place] = not_done.code
        finally:
            if not store.is_postgresql:
                store.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes


def test_two_people_who_approve_the_same_draft_at_once_put_it_in_force_once(world: Store) -> None:
    draft = submitted()
    outcomes = at_once(world, lambda: approved(draft, "han").state, lambda: approved(draft, "tao").state)
    assert sorted(map(str, outcomes)) == ["active", "draft-state"]
    assert Version.select().where(Version.name == NAME).count() == 2
    assert Approval.select().count() == 1


def test_two_people_who_approve_at_once_are_the_two_that_are_asked_for(world: Store) -> None:
    draft = submitted(changed(("calendar: always", "calendar: always\napprovals: 2")))
    outcomes = at_once(world, lambda: approved(draft, "han").state, lambda: approved(draft, "tao").state)
    assert sorted(map(str, outcomes)) == ["active", "submitted"]
    assert sorted(drafts.approvers(draft)) == ["han", "tao"]


def test_of_two_drafts_approved_at_once_one_is_in_force_and_the_other_overtaken(world: Store) -> None:
    first, second = submitted(), submitted(changed(("事项", "各项")))
    outcomes = at_once(world, lambda: approved(first, "han").state, lambda: approved(second, "tao").state)
    assert sorted(map(str, outcomes)) == ["active", "draft-overtaken"]
    assert Version.select().where(Version.name == NAME).count() == 2
