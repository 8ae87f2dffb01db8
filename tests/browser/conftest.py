"""A running server with the panel, its people and a few issues."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from server.accounts import set_password
from server.core.moments import HOUR
from server.recording import held
from tests.admin.conftest import panel, staffed, use_settings
from tests.admin.visiting import PASSWORD, Panel, now, receive
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
def browser() -> Iterator[Browser]:
    """The browser of this run."""
    with chromium() as found:
        yield found


@pytest.fixture
def site(panel: Panel) -> Iterator[Site]:
    """The panel on a port of its own."""
    overdue = receive("系统中断，无法下单", outage=True, at=now() - 30 * HOUR, phone="13800001111")
    number = receive("发票金额与合同不一致，客户要求当日答复", category="price", phone="13800002222")
    owner = held(number).case.owner
    assert owner is not None
    set_password(owner, PASSWORD, now())
    server = make_server("127.0.0.1", 0, panel.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", number, owner, overdue)
    server.shutdown()
    thread.join(10)
    server.server_close()
