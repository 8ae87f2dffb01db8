"""A running server with the panel, its people and a few issues."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from server import demo, policies
from server.accounts import set_password, users
from server.core.moments import HOUR
from server.recording import held
from server.settings import Settings
from server.store import database
from tests.admin.conftest import panel, staffed, use_settings
from tests.admin.visiting import PASSWORD, Panel, now, panel_app, receive
from tests.browser.driving import chromium

__all__ = ["panel", "staffed", "use_settings"]


@dataclass(frozen=True)
class Site:
    """A server that is up: where it is, an issue that is answered by its owner, one that is overdue."""

    address: str
    number: str
    owner: str
    overdue: str


@pytest.fixture(scope="session")
def started_browser() -> Iterator[Browser]:
    """The browser of this run."""
    with chromium() as found:
        yield found


@pytest.fixture
def browser(started_browser: Browser) -> Iterator[Browser]:
    """A browser without pages. Those of a test end with it: each is a process of a hundred mebibytes, which goes on
    asking whether there is anything new."""
    yield started_browser
    for context in started_browser.contexts:
        context.close()


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """The application on a port of its own; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def site(panel: Panel) -> Iterator[Site]:
    """The panel on a port of its own."""
    overdue = receive("系统中断，无法下单", outage=True, at=now() - 30 * HOUR, phone="13800001111")
    number = receive("发票金额与合同不一致，客户要求当日答复", category="price", phone="13800002222")
    owner = held(number).case.owner
    assert owner is not None
    set_password(owner, PASSWORD, now())
    with listening(panel.app) as address:
        yield Site(address, number, owner, overdue)


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> bytes:
    """The bytes of a store as the first `make serve` leaves it, everybody's password a known one."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    path.write_bytes(sqlite_template)
    store = database.open(str(path))
    policies.load_shipped(now())
    users.first_administrator(now(), PASSWORD)
    loaded, _ = demo.load(now())
    assert loaded is not None
    for one in loaded.logins:
        set_password(one.login, PASSWORD, now())
    store.db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path.read_bytes()


@pytest.fixture
def address(use_settings: Settings, demo_store: bytes) -> Iterator[str]:
    """Where a server with the demo's people and issues is."""
    Path(use_settings.database).write_bytes(demo_store)
    store = database.open(use_settings.database)
    with listening(panel_app()) as found:
        yield found
    store.close()
