"""A backup is one consistent state, and comes back whole on either database, or not at all."""

from __future__ import annotations

import io
import json
import random
import secrets
import threading
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from server import backup, delivery, intake
from server.backup import file as backup_file
from server.backup.file import NoBackup, TooNewBackup
from server.store import database, migrating
from server.store.database import Store
from server.store.failures import Unavailable
from server.store.models import (
    Attachment,
    AttachmentChunk,
    AuditEntry,
    Event,
    Issue,
    Message,
    Meta,
    Person,
    Session,
    Workload,
)
from tests.conftest import skip_or_fail
from tests.server.conftest import MONDAY
from tests.stores import SERVER, database_url
from tests.workloads import counted, kept

KINDS = ["sqlite", "postgresql"]
COMPLAINT = {"subject": "系统中断", "customer": "华兴科技", "reference": "400-7781", "summary": "x"} | {
    "category": "product"
}


@pytest.fixture(scope="session")
def second_postgres() -> Iterator[str]:
    """One more PostgreSQL database of this run."""
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        skip_or_fail(f"no PostgreSQL at {SERVER}: {error}")
    name = f"duban_test_{secrets.token_hex(6)}"
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield database_url(name)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Store]]:
    """Gives an open store without any table, of either kind; of PostgreSQL only one in a test."""
    stores: list[Store] = []

    def empty(kind: str) -> Store:
        if kind == "sqlite":
            stores.append(database.open(str(tmp_path / f"{secrets.token_hex(4)}.sqlite")))
        else:
            stores.append(database.open(request.getfixturevalue("second_postgres")))
            stores[-1].db.execute_sql("DROP SCHEMA public CASCADE")
            stores[-1].db.execute_sql("CREATE SCHEMA public")
        return stores[-1]

    yield empty
    for store in stores:
        store.close()


def receive(count: int = 1, at: int = MONDAY) -> None:
    for _ in range(count):
        intake.receive("complaint-monitoring", COMPLAINT, at, by="gong")


def hashes(manifest: backup.Manifest) -> dict[str, str]:
    return {table.name: table.sha256 for table in manifest.tables}


@pytest.fixture
def made(open_for_business: Store, tmp_path: Path) -> Path:
    """A backup of a store with documents, people and some issues."""
    receive(3)
    path = tmp_path / "made.zip"
    backup.write(open_for_business, path, MONDAY)
    return path


@pytest.fixture
def made_on_sqlite(sqlite_store: Store, tmp_path: Path) -> Path:
    """A small backup."""
    with sqlite_store.transaction():
        Meta.create(key="kept", value=True)
    path = tmp_path / "small.zip"
    backup.write(sqlite_store, path, MONDAY)
    return path


# -- there and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", KINDS)
def test_it_comes_back_the_same_on_either_database(
    open_for_business: Store, place: Callable[[str], Store], tmp_path: Path, other: str
) -> None:
    receive(3)
    with open_for_business.transaction():
        # As after two that wrote at once on PostgreSQL.
        owner, count = next(iter(counted().items()))
        Workload.update(open=count + 5).where(Workload.owner == owner).execute()
        Workload.create(owner=owner, open=-5)
        salted = Attachment.create(issue=1, name="a.bin", size=256, sha256="", at=MONDAY)
        AttachmentChunk.create(attachment=salted, number=0, data=bytes(range(256)))
        # A row that refers to a later one of its own table.
        batch = Message.create(key="batch", channel="email", at=MONDAY, created_at=MONDAY)
        Message.update(batch=batch).where(Message.id < batch.id).execute()
        Session.create(hash="h", person="gong", created_at=MONDAY, seen_at=MONDAY, expires_at=MONDAY + 1)
    written = backup.write(open_for_business, tmp_path / "a.zip", MONDAY)
    store = place(other)
    assert backup.restore(store, tmp_path / "a.zip", MONDAY + 1000) == written
    with store.session():
        assert Issue.select().count() == 3
        assert bytes(AttachmentChunk.get().data) == bytes(range(256))
        assert Session.select().count() == 0, "nobody is signed in by a backup"
        again = backup.write(store, tmp_path / "b.zip", MONDAY + 2000)
    different = {name for name, sha in hashes(again).items() if sha != hashes(written)[name]}
    assert different == {"meta", "audit_entry"}, "the hold, and that it was restored"
    assert [row.kind for row in AuditEntry.select().order_by(AuditEntry.id)][-2:] == ["delivery.held", "store.restored"]
    receive(7, MONDAY + 3000)
    assert kept() == counted()


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other", KINDS)
def test_life_goes_on_afterwards(made: Path, place: Callable[[str], Store], other: str) -> None:
    store = place(other)
    backup.restore(store, made, MONDAY + 1000)
    with store.session():
        last = Issue.select().order_by(Issue.id.desc()).get()
        receive(2, MONDAY + 2000)
        numbers = [row.id for row in Issue.select().order_by(Issue.id)]
        assert numbers == list(range(1, last.id + 3))
        assert Issue.select().order_by(Issue.id.desc()).get().number > last.number
        assert migrating.pending(store) == []
        with pytest.raises(Exception, match=r"(?i)foreign key"), store.transaction():
            store.db.execute_sql('INSERT INTO watcher ("issue_id", "person_id", "at") VALUES (999, \'gong\', 0)')


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_messages_are_held_until_an_administrator_decides(made: Path, place: Callable[[str], Store]) -> None:
    store = place("sqlite")
    backup.restore(store, made, MONDAY + 1000)
    with store.session():
        hold = delivery.outgoing_hold()
        assert hold is not None
        assert (hold.at, hold.reason) == (MONDAY + 1000, delivery.RESTORED)
        waiting = Message.update(state=Message.PENDING, next_at=MONDAY).execute()
        assert waiting
        assert delivery.release_outgoing(MONDAY + 2000, "root", send=False) == waiting
        assert delivery.outgoing_hold() is None
        Message.update(state=Message.PENDING, next_at=MONDAY).execute()
        assert delivery.release_outgoing(MONDAY + 3000, "root", send=False) == 0
        assert delivery.waiting() == waiting, "what is not held is not dropped"


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("other", KINDS)
def test_what_came_up_since_the_restore_cannot_have_left_and_is_not_dropped(
    made: Path, place: Callable[[str], Store], other: str
) -> None:
    store = place(other)
    backup.restore(store, made, MONDAY + 1000)
    with store.session():
        old = {row.id for row in Message.select()}
        before = len(old)
        receive(1, MONDAY + 1000)
        fresh = {row.id for row in Message.select()} - old
        assert fresh
        Message.update(state=Message.PENDING, next_at=MONDAY).execute()
        assert (delivery.waiting(), delivery.doubtful()) == (before + len(fresh), before)
        assert delivery.release_outgoing(MONDAY + 2000, "root", send=False) == before
        assert {row.id for row in Message.select().where(Message.state == Message.PENDING)} == fresh
        delivery.hold_outgoing(MONDAY + 3000, "the mail server is moved", "root")
        assert delivery.release_outgoing(MONDAY + 4000, "root", send=False) == len(fresh), "somebody held all of them"


@pytest.mark.parametrize("kind", KINDS)
def test_a_backup_of_an_older_release_is_brought_up_to_date(
    place: Callable[[str], Store], tmp_path: Path, kind: str
) -> None:
    old = place(kind)
    with old.transaction():
        migrating.take_steps(old, until="0001_begin")
        old.db.execute_sql("INSERT INTO meta (key, value) VALUES ('kept', 'true')")
    manifest = backup.write(old, tmp_path / "old.zip", MONDAY)
    assert manifest.step == "0001_begin"
    store = place("postgresql" if kind == "sqlite" else "sqlite")
    backup.restore(store, tmp_path / "old.zip", MONDAY)
    with store.session():
        assert migrating.pending(store) == []
        assert Meta.get(Meta.key == "kept").value is True


def test_a_backup_made_while_issues_come_in_is_one_consistent_state(
    open_for_business: Store, place: Callable[[str], Store], tmp_path: Path
) -> None:
    receive(5)
    ended = threading.Event()
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with open_for_business.session():
                while not ended.wait(0.05):
                    receive(1, MONDAY + 1)
        except BaseException as error:
            failures.append(error)
        finally:
            open_for_business.discard()

    seen: set[str] = set()

    def slowly(what: str, _done: int, _total: int | None) -> None:
        if what not in seen:
            seen.add(what)
            time.sleep(0.06)

    writer = threading.Thread(target=write)
    writer.start()
    time.sleep(0.3)
    before = Issue.select().count()
    manifest = backup.write(open_for_business, tmp_path / "busy.zip", MONDAY, slowly)
    after = Issue.select().count()
    ended.set()
    writer.join()
    assert not failures
    assert after >= before + 10, "they did come in meanwhile"
    assert before <= manifest.count("issue") < after
    store = place("sqlite")
    backup.restore(store, tmp_path / "busy.zip", MONDAY)
    with store.session():
        for issue in Issue.select():
            events = [event.seq for event in Event.select().where(Event.issue == issue).order_by(Event.seq)]
            assert events == list(range(1, issue.seq + 1))
            entries = AuditEntry.select().where(AuditEntry.issue == issue)
            assert entries.where(AuditEntry.kind == "issue.received").count() == 1
        planned = {row.issue_id for row in Message.select()} - {None}
        assert planned <= {issue.id for issue in Issue.select()}


@pytest.mark.parametrize(("store", "other"), [KINDS, KINDS[::-1]], indirect=["store"])
def test_memory_does_not_grow_with_the_store(
    open_for_business: Store, place: Callable[[str], Store], tmp_path: Path, other: str
) -> None:
    receive(1)
    with open_for_business.transaction():
        attached = Attachment.create(issue=1, name="large", size=1, sha256="", at=MONDAY)
        for number in range(24):
            AttachmentChunk.create(attachment=attached, number=number, data=random.Random(number).randbytes(1 << 20))
    store = place(other)
    tracemalloc.start()
    try:
        backup.write(open_for_business, tmp_path / "large.zip", MONDAY)
        backup.restore(store, tmp_path / "large.zip", MONDAY)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20 << 20, f"{peak >> 20} MiB for 24 MiB"


# -- what is refused -----------------------------------------------------------------------------------------------


def refused(store: Store, path: Path, why: type[Exception]) -> str:
    """A restore that must be refused, and leave nothing; what it says."""
    with pytest.raises(why) as error:
        backup.restore(store, path, MONDAY)
    assert store.db.get_tables() == []
    return str(error.value)


def test_a_file_that_was_cut_off_is_refused(made_on_sqlite: Path, place: Callable[[str], Store]) -> None:
    store, data = place("sqlite"), made_on_sqlite.read_bytes()
    for length in (0, 1, 50, len(data) // 2, len(data) - 64, len(data) - 1):
        made_on_sqlite.write_bytes(data[:length])
        refused(store, made_on_sqlite, NoBackup)


def test_a_file_with_one_flipped_bit_is_refused(made_on_sqlite: Path, place: Callable[[str], Store]) -> None:
    store, data = place("sqlite"), made_on_sqlite.read_bytes()
    chosen = [*range(4), *range(len(data) - 90, len(data)), *random.Random(7).sample(range(len(data)), 60)]
    for at in chosen:
        changed = bytearray(data)
        changed[at] ^= 1
        made_on_sqlite.write_bytes(changed)
        refused(store, made_on_sqlite, NoBackup)
    made_on_sqlite.write_bytes(data)
    backup.restore(store, made_on_sqlite, MONDAY)


def resealed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest of a backup as somebody with the same program could."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members[backup_file.MANIFEST])
    change(manifest)
    members[backup_file.MANIFEST] = json.dumps(manifest).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.comment = backup_file.unsealed_comment()
        for name, data in members.items():
            archive.writestr(name, data)
    backup_file.seal(file, lambda *_: None)
    path.write_bytes(file.getvalue())


@pytest.mark.parametrize("newer", [{"release": "99.0.0"}, {"format": 2}, {"step": "9999_future"}])
def test_a_file_of_a_newer_release_is_refused(
    made_on_sqlite: Path, place: Callable[[str], Store], newer: dict[str, Any]
) -> None:
    resealed(made_on_sqlite, lambda manifest: manifest.update(newer))
    assert str(next(iter(newer.values()))) in refused(place("sqlite"), made_on_sqlite, TooNewBackup)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_does_not_hold_what_it_says_leaves_nothing(
    made_on_sqlite: Path, place: Callable[[str], Store], kind: str
) -> None:
    resealed(made_on_sqlite, lambda manifest: manifest["tables"][-1].update(rows=7))
    assert "instead of 7" in refused(place(kind), made_on_sqlite, NoBackup)
    resealed(made_on_sqlite, lambda manifest: manifest["tables"][0]["columns"].update(more="text"))
    assert "is not that of step" in refused(place(kind), made_on_sqlite, NoBackup)


@pytest.mark.parametrize("kind", KINDS)
def test_a_restore_that_breaks_off_leaves_nothing(
    made_on_sqlite: Path, place: Callable[[str], Store], kind: str
) -> None:
    store = place(kind)

    def break_off(what: str, _done: int, _total: int | None) -> None:
        if what == "meta":
            raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        backup.restore(store, made_on_sqlite, MONDAY, break_off)
    assert store.db.get_tables() == []
    backup.restore(store, made_on_sqlite, MONDAY)


@pytest.mark.parametrize("kind", KINDS)
def test_a_store_that_is_not_empty_is_refused_and_stays_as_it_is(
    made_on_sqlite: Path, place: Callable[[str], Store], kind: str
) -> None:
    store = place(kind)
    migrating.migrate(store)
    with store.transaction():
        Person.create(login="li", name="Li")
    with pytest.raises(backup.NotEmpty):
        backup.restore(store, made_on_sqlite, MONDAY)
    with store.session():
        assert [person.login for person in Person.select()] == ["li"]
        assert Meta.select().where(Meta.key == "kept").count() == 0
        assert not delivery.is_outgoing_held()


def test_empty_tables_are_an_empty_store(made_on_sqlite: Path, place: Callable[[str], Store]) -> None:
    for kind in KINDS:
        store = place(kind)
        migrating.migrate(store)
        backup.restore(store, made_on_sqlite, MONDAY)
        with store.session():
            assert Meta.get(Meta.key == "kept").value is True


def test_tables_newer_than_the_backups_are_refused(place: Callable[[str], Store], tmp_path: Path) -> None:
    old, new = place("sqlite"), place("sqlite")
    with old.transaction():
        migrating.take_steps(old, until="0001_begin")
    backup.write(old, tmp_path / "old.zip", MONDAY)
    migrating.migrate(new)
    with pytest.raises(backup.OtherSteps, match="0001_begin"):
        backup.restore(new, tmp_path / "old.zip", MONDAY)


# -- the file ------------------------------------------------------------------------------------------------------


def test_only_its_owner_can_read_it_and_it_is_never_written_over(made_on_sqlite: Path) -> None:
    assert made_on_sqlite.stat().st_mode & 0o777 == 0o600
    before = made_on_sqlite.read_bytes()
    with pytest.raises(FileExistsError):
        backup.write(database.current(), made_on_sqlite, MONDAY)
    assert made_on_sqlite.read_bytes() == before


def test_one_that_breaks_off_leaves_no_file(sqlite_store: Store, tmp_path: Path) -> None:
    with sqlite_store.transaction():
        Meta.create(key="kept", value=True)
    (tmp_path / "copies").mkdir()

    def break_off(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="space"):
        backup.write(sqlite_store, tmp_path / "copies" / "a.zip", MONDAY, break_off)
    assert list((tmp_path / "copies").iterdir()) == []


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_ordinary_tools_can_read_it(made: Path) -> None:
    with zipfile.ZipFile(made) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        lines = archive.read("tables/person.jsonl").decode().splitlines()
    (people,) = [table for table in manifest["tables"] if table["name"] == "person"]
    assert len(lines) == people["rows"] > 10
    row = dict(zip(people["columns"], json.loads(lines[0]), strict=True))
    assert row["login"] == min(json.loads(line)[0] for line in lines)
