"""Rows are put in another order by mouse and by keyboard, and what was done is undone, in the editor."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.conftest import Site
from tests.browser.editing import COMPLAINTS, Desk, desk, draft_of, read, stored

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SEVERITIES = ["A", "B", "C"]


def opened(browser: Browser, site: Site, part: str) -> tuple[Desk, int]:
    draft = draft_of(COMPLAINTS)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part(part)
    return one, draft


def row(one: Desk, *path: str) -> Locator:
    """A row or card of the form, by its path."""
    steps = ",".join(f'"{step}"' for step in path)
    return one.page.locator(f"tr[data-path='[{steps}]'], li[data-path='[{steps}]']")


def drag(one: Desk, what: Locator, to: Locator, below: bool) -> None:
    """Take a row by its grip and let it go at another one, as a hand does."""
    grip, target = what.locator(".ed-grip").first, to
    grip.hover()  # waits until the form has been drawn
    start, end = grip.bounding_box(), target.bounding_box()
    assert start is not None
    assert end is not None
    mouse = one.page.mouse
    mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    mouse.down()
    y = end["y"] + (end["height"] - 3 if below else 3)
    mouse.move(end["x"] + 20, (start["y"] + y) / 2, steps=8)
    mouse.move(end["x"] + 20, y, steps=8)
    one.page.wait_for_timeout(300)
    mouse.up()


def lines(text: str) -> list[str]:
    return sorted(text.splitlines())


def test_a_row_is_dragged_to_another_place_with_its_comment(browser: Browser, site: Site) -> None:
    one, draft = opened(browser, site, "severities")
    before = stored(draft)
    assert list(one.value()["severities"]) == SEVERITIES
    drag(one, row(one, "severities", "C"), row(one, "severities", "A"), below=False)
    one.until("Object.keys(duban.editor.form.source.value.severities).join() === 'C,A,B'")
    one.wait_saved()
    assert list(read(stored(draft))["severities"]) == ["C", "A", "B"]
    assert lines(stored(draft)) == lines(before), "the same lines in another order"
    shown = one.page.locator("[data-path^='[\"severities\",']").evaluate_all("all => all.map(one => one.dataset.path)")
    assert [path for path in shown if path.count(",") == 1][:3] == [f'["severities","{id}"]' for id in ("C", "A", "B")]
    drag(one, row(one, "severities", "C"), row(one, "severities", "B"), below=True)
    one.wait_saved()
    one.until("Object.keys(duban.editor.form.source.value.severities).join() === 'A,B,C'")
    assert stored(draft) == before
    assert one.complaints == []


def test_a_card_is_moved_by_keyboard_and_the_keyboard_stays_with_it(browser: Browser, site: Site) -> None:
    one, draft = opened(browser, site, "clocks")
    before, order = stored(draft), list(one.value()["clocks"])
    one.field(f"clocks.{order[2]}", "-up").focus()
    one.page.keyboard.press("Enter")
    one.page.keyboard.press("Enter")
    assert list(one.value()["clocks"]) == [order[2], order[0], order[1], *order[3:]]
    focused = one.page.evaluate("document.activeElement.closest('[data-path]')?.dataset.path")
    assert focused == f'["clocks","{order[2]}"]'
    expect(one.page.locator(".sr-only[role=status], [aria-live=polite]").first).to_be_attached()
    one.field(f"clocks.{order[2]}", "-down").press("Enter")
    one.field(f"clocks.{order[2]}", "-down").press("Enter")
    one.wait_saved()
    assert stored(draft) == before
    assert one.complaints == []


def test_undo_by_keyboard_brings_back_the_exact_text(browser: Browser, site: Site) -> None:
    one, draft = opened(browser, site, "severities")
    before = stored(draft)
    texts = [before]

    def done() -> None:
        assert one.text() != texts[-1]
        texts.append(one.text())
        one.page.wait_for_timeout(700)  # what is typed without a pause is undone at once

    one.fill("severities.B.title.en", "Rather grave")
    done()
    one.field("severities.C", "-up").press("Enter")
    done()
    one.field("severities.A", "-remove").click()
    done()
    one.part("clocks")
    one.fill("clocks.first_response.within.B", "3wh")
    done()
    one.part("severities")
    one.field("severities", "-new").fill("D")
    one.field("severities", "-add").click()
    done()

    # From within an input of the form, and from a button of it.
    one.field("severities.D.title.zh").focus()
    one.page.keyboard.press("Control+z")
    assert one.text() == texts[-2]
    for expected in reversed(texts[:-2]):
        one.field("severities", "-new").focus()
        one.page.keyboard.press("Control+z")
        assert one.text() == expected
    one.wait_saved()
    assert stored(draft) == before
    expect(one.field("severities.B.title.en")).to_have_value(read(before)["severities"]["B"]["title"]["en"])
    for expected in texts[1:]:
        one.page.keyboard.press("Control+Shift+z")
        assert one.text() == expected
    assert one.complaints == []
