"""The panel over a store with the shipped documents, the people of the seeds and some more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from server import directory, policies, settings
from server.accounts import users
from server.resources import data_dir
from server.settings import Settings
from server.store import database
from server.store.models import Role
from tests.admin.visiting import PASSWORD, Panel, panel_app

ROLES = {
    "inspector": ["issue.read", "private.read", "audit.read"],
    "reader": ["issue.read"],
}


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> bytes:
    """The bytes of a store with documents and people who can sign in."""
    path = tmp_path_factory.mktemp("staffed") / "staffed.sqlite"
    path.write_bytes(sqlite_template)
    now = time.time_ns() // 1_000_000
    store = database.open(str(path))
    policies.load_shipped(now)
    plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes())
    assert plan is not None, findings
    directory.carry_out(plan, now)
    with database.transaction():
        for name, permissions in ROLES.items():
            Role.create(name=name, title=name, permissions=permissions)
        directory.changed()
    users.add_user("ida", now, roles=["inspector"], password=PASSWORD, name="Ida Inspector")
    users.add_user("rita", now, roles=["reader"], password=PASSWORD, name="Rita Reader")
    users.add_user("nils", now, password=PASSWORD, name="Nils Nobody")
    users.add_user("root", now, roles=["administrator"], password=PASSWORD, name="Root")
    for login in ("gong", "mo", "chen"):
        users.set_password(login, PASSWORD, now)
    store.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path.read_bytes()


@pytest.fixture
def use_settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings of a server at http://127.0.0.1:8080; those of before come back."""
    before = settings._current
    made = Settings(
        data=tmp_path,
        database=str(tmp_path / "duban.sqlite"),
        queue="",
        url="http://127.0.0.1:8080",
        secret="a secret of the tests, long enough to sign forms",
        signing_key=None,
        admin_password=None,
    )
    settings.use(made)
    yield made
    settings._current = before


@pytest.fixture
def panel(use_settings: Settings, staffed: bytes) -> Iterator[Panel]:
    """The panel of a server with people and documents, and no issues."""
    Path(use_settings.database).write_bytes(staffed)
    store = database.open(use_settings.database)
    yield Panel(panel_app())
    store.close()


@pytest.fixture
def panel_over_https(use_settings: Settings, staffed: bytes) -> Iterator[Panel]:
    """The same behind https."""
    settings.use(replace(use_settings, url="https://duban.example"))
    Path(use_settings.database).write_bytes(staffed)
    store = database.open(use_settings.database)
    yield Panel(panel_app(), base_url="https://duban.example")
    store.close()
