"""Every page of the panel, looked at: axe finds nothing, nothing is refused or fails, nothing sticks out.

Part of `make test-browser`, not of `make test`: it takes minutes, and is named by its path. Each page is seen in every
combination of language, width and appearance. The pictures stay in .cache/screenshots.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from server.settings import Settings
from server.store import database
from tests.admin.visiting import PASSWORD, panel_app
from tests.browser.conftest import listening
from tests.browser.examples import PAGES, VISITOR, Made, make_up
from tests.browser.sweeping import COMBINATIONS, SIGN_IN, picture_name, sweep

# Werkzeug's own server leaves a file open when a browser hangs up in the middle of it; gunicorn does not.
pytestmark = [pytest.mark.walk, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
LANGUAGES = ("zh", "en")


@pytest.fixture
def made_up(use_settings: Settings, sqlite_template: bytes) -> Iterator[tuple[str, Made]]:
    """A server over the made-up store, and what lies there."""
    Path(use_settings.database).write_bytes(sqlite_template)
    store = database.open(use_settings.database)
    made = make_up()
    with listening(panel_app()) as address:
        yield address, made
    store.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_accessible_and_obeys_its_policy(
    browser: Browser, made_up: tuple[str, Made], language: str
) -> None:
    address, made = made_up
    visitor = sweep(browser, address, language)
    visitor.visit(SIGN_IN, "sign_in", COMBINATIONS)
    visitor.page.locator("#login").fill(VISITOR)
    visitor.page.locator("#password").fill(PASSWORD)
    visitor.page.locator("form[data-once] button").click()
    visitor.page.wait_for_url("**/admin/**")
    for endpoint, addresses in PAGES.items():
        for number, path in enumerate(addresses(made)):
            visitor.visit(path, picture_name(endpoint, number), COMBINATIONS)
    assert visitor.seen > 0
    assert not visitor.problems, visitor.report()
