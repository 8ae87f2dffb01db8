"""Versions come into force while issues come in: each issue is judged by exactly one."""

from __future__ import annotations

import threading

from server import intake
from server.store import database
from server.store.database import Store
from server.store.models import Event, Issue, Version
from tests.drafts.conftest import NAME, approved, changed, submitted
from tests.server.conftest import MONDAY


def test_each_issue_is_judged_by_exactly_one_version_while_others_come_into_force(world: Store) -> None:
    ended = threading.Event()
    wrong: list[BaseException] = []

    def take_in(number: int) -> None:
        count = 0
        try:
            while not ended.is_set() or count < 5:
                count += 1
                given = {"subject": f"{number}-{count}", "grave": True}
                intake.receive(NAME, given, MONDAY, source="test", external_id=f"{number}-{count}")
        except BaseException as error:
            wrong.append(error)
        finally:
            if not world.is_postgresql:
                world.close()

    threads = [threading.Thread(target=take_in, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        # Each version says by the number and by the clock which one it is.
        for minutes in (50, 40, 30, 20):
            words = (("A: 1h", f"A: {minutes}m"), ("T10:00", f"T09:{minutes}"), ('"M{', f'"M{minutes}-{{'))
            approved(submitted(changed(*words)))
    finally:
        ended.set()
        for thread in threads:
            thread.join(60)
    assert wrong == []
    with database.session():
        versions = {row.id: row.number for row in Version.select().where(Version.name == NAME)}
        minutes_of = {1: 60, 2: 50, 3: 40, 4: 30, 5: 20}
        issues = list(Issue.select())
        seen = set()
        for issue in issues:
            number = versions[issue.version_id]
            seen.add(number)
            minutes = minutes_of[number]
            assert issue.pins["process"] == issue.version_id
            assert issue.number.startswith("M2026" if number == 1 else f"M{minutes}-"), issue.number
            assert issue.wake_at == MONDAY + minutes * 60_000
            assert {row.version_id for row in Event.select().where(Event.issue == issue)} == {issue.version_id}
    assert len(seen) > 1
    assert len({issue.number for issue in issues}) == len(issues)
