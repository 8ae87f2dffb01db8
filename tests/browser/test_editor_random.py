"""Hundreds of random edits in the form: each is written into the text, which the server reads as the browser does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Site
from tests.browser.editing import COMPLAINTS, desk, draft_of, read

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

STEPS = (Path(__file__).parent / "random_edits.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("document", "seed"),
    [
        (COMPLAINTS, 1),
        (COMPLAINTS, 2),
        ("issue-notification", 3),
        ("cn-office", 4),
        ("default", 5),
        ("alertmanager", 6),
    ],
)
def test_random_edits_in_the_form_are_read_by_the_server_as_by_the_browser(
    browser: Browser, site: Site, document: str, seed: int
) -> None:
    one = desk(browser, site.address).open(draft_of(document))
    one.mode("form")
    done = one.page.evaluate(STEPS.split("\n", 1)[1], [seed, 150])
    assert len(done) > 20
    for label, text, value, _ in done:
        assert read(text) == json.loads(value), label
    refused = one.page.evaluate("duban.editor.form.refused ?? 0")
    assert refused == 0, "every edit of the form can be written into the text"
    # Saving is refused while the document has another name, and a preview where there is no issue.
    assert [said for said in one.complaints if "status of 422" not in said and "status of 404" not in said] == []
