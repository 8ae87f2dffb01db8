"""Versions are stored once and compiled once; issues keep those that judged them; a bad document stops nothing."""

from __future__ import annotations

import threading

import peewee
import pytest

from server import intake, policies
from server.recording import held
from server.resources import data_dir
from server.store.database import Store
from server.store.models import Activation, AuditEntry, Version
from tests.publishing import approved, publish
from tests.server.conftest import MONDAY

pytestmark = pytest.mark.usefixtures("store")


def text_of(name: str) -> str:
    return (data_dir("policies") / f"{name}.yaml").read_text("utf-8")


def test_the_first_start_brings_the_shipped_documents_into_force_and_the_second_nothing() -> None:
    names = policies.load_shipped(MONDAY)
    assert len(names) == len(list(data_dir("policies").glob("*.yaml")))
    assert policies.load_shipped(MONDAY) == []
    found = policies.in_force()
    assert found.findings == ()
    assert found.versions.keys() == set(names)
    version = Version.get(Version.name == "complaint-monitoring")
    assert (version.number, version.origin, version.approver) == (1, "shipped", None)
    assert bytes(version.data).decode() == text_of("complaint-monitoring")
    assert AuditEntry.select().where(AuditEntry.kind == "policy.activated").count() == len(names)


def test_two_first_starts_at_once_store_each_document_once(store: Store) -> None:
    def start() -> None:
        policies.load_shipped(MONDAY)
        if not store.is_postgresql:
            store.close()

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Version.select().count() == Activation.select().count() == len(list(data_dir("policies").glob("*.yaml")))


def test_what_is_in_force_is_compiled_once_and_anew_when_another_version_is() -> None:
    policies.load_shipped(MONDAY)
    before = policies.in_force()
    assert policies.in_force() is before
    changed = text_of("improvement").replace("GJ", "GX")
    version = approved(changed, MONDAY)
    assert policies.in_force() is before  # not yet in force
    policies.activate(version, MONDAY + 1, "b")
    after = policies.in_force()
    assert after.processes["improvement"].process.number.startswith("GX")
    # What did not change is not compiled again.
    assert after.processes["contingency"].process is before.processes["contingency"].process
    rows = Activation.select().where(Activation.name == "improvement").order_by(Activation.id)
    assert [(row.from_at, row.until_at, row.by) for row in rows] == [
        (MONDAY, MONDAY + 1, None),
        (MONDAY + 1, None, "b"),
    ]


def test_an_issue_keeps_the_version_that_judged_it() -> None:
    policies.load_shipped(MONDAY)
    given = {"subject": "x", "origin": "root_cause"}
    first = intake.receive("improvement", given, MONDAY).number
    changed = text_of("improvement").replace("GJ", "GX")
    publish(changed, MONDAY)
    second = intake.receive("improvement", given, MONDAY).number
    assert (first[:2], second[:2]) == ("GJ", "GX")
    assert held(first).pinned.process.number.startswith("GJ")
    assert held(second).pinned.process.number.startswith("GX")


def test_a_calendar_keeps_the_holidays_it_was_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    policies.load_shipped(MONDAY)
    version = Version.get(Version.name == "cn-office")
    assert version.dates["2026-10-01"] == "closed"
    monkeypatch.setattr(policies, "_dates", lambda value: {**version.dates, "2026-03-03": "closed"})
    publish(version.text, MONDAY)
    calendar = policies.in_force().calendars["cn-office"]
    assert not calendar.is_working_day("2026-03-03")
    # The process goes by it, too, and not by one compiled before from the same text.
    assert policies.in_force().processes["complaint-monitoring"].process.calendar is calendar


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("improvement", "kind: process\nname: improvement\n", "document-not-usable"),
        ("improvement", None, "document-not-usable"),
        ("cn-office", "kind: calendar\nname: cn-office\ntimezone: Mars/Olympus\nhours: {}\n", "bad-time-zone"),
    ],
)
def test_a_document_that_does_not_compile_is_told_of_and_stops_nothing_else(
    name: str, text: str | None, code: str
) -> None:
    policies.load_shipped(MONDAY)
    bad = text or text_of(name).replace("calendar: cn-office", "calendar: nowhere").replace("cn-allday", "nowhere")
    publish(bad, MONDAY)
    found = policies.in_force()
    assert name not in found.processes | found.calendars
    assert code in {finding.code for finding in found.findings}
    assert "contingency" in found.processes  # goes by cn-allday
    assert intake.receive("contingency", {"subject": "x", "class": "technical"}, MONDAY).created
    with pytest.raises(intake.UnknownProcess):
        intake.receive("improvement", {"subject": "x"}, MONDAY)


def test_issues_of_a_process_go_on_when_its_next_version_does_not_compile() -> None:
    policies.load_shipped(MONDAY)
    number = intake.receive("improvement", {"subject": "x", "origin": "root_cause"}, MONDAY).number
    publish(b"kind: process\nname: improvement\n", MONDAY)
    assert "improvement" not in policies.in_force().processes
    assert held(number).pinned.process.name == "improvement"


def test_a_proposed_version_needs_an_approver_who_is_not_its_author() -> None:
    text = text_of("improvement").encode()
    for author, approver in ((None, None), ("a", None), ("a", "a")):
        with pytest.raises(peewee.IntegrityError):
            policies.add_version(text, MONDAY, origin="proposed", author=author, approver=approver)
    assert Version.select().count() == 0


def test_what_is_no_document_is_not_stored() -> None:
    for text in (b"\xff", b"- a list", b"kind: process\n", b"a: 1\na: 2\n"):
        with pytest.raises(policies.BadDocument):
            policies.add_version(text, MONDAY)
