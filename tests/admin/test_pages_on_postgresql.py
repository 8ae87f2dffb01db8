"""Every page of the panel answers on PostgreSQL as on SQLite, on which all other tests of the panel run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server import settings
from server.settings import Settings
from server.store.database import Store
from tests.admin.visiting import Panel, panel_app
from tests.browser.examples import PAGES, VISITOR, make_up


@pytest.mark.slow
def test_every_page_answers(postgres_store: Store, use_settings: Settings) -> None:
    settings.use(replace(use_settings, database=postgres_store.url))
    made = make_up()
    visitor = Panel(panel_app()).visitor(VISITOR)
    addresses = [address for of_page in PAGES.values() for address in of_page(made)]
    failed = {address: answer.status for address in addresses if (answer := visitor.get(address)).status_code >= 500}
    assert not failed
    assert len(addresses) > 100
