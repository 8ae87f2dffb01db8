"""A policy tried before it is in force, and an issue's future, as somebody does it in a browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from server import drafts
from server.backtesting import kept
from server.core.moments import HOUR
from server.store.models import Draft
from server.trying import beside, examples
from tests.admin.trying.drafting import HALF_AN_HOUR, draft
from tests.admin.visiting import COMPLAINTS, now, receive
from tests.browser.conftest import Site
from tests.browser.editing import Desk, desk, read, stored

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def fill_in(page: Page) -> None:
    """An urgent complaint, received on a Monday morning."""
    page.locator("#trial-received").fill("2026-03-02T09:00")
    for name, text in {
        "subject": "支付中断",
        "customer": "华兴科技",
        "reference": "400-7781",
        "summary": "无法下单",
    }.items():
        page.locator(f'[id="trial-issue.{name}"]').fill(text)
    page.locator('[id="trial-issue.category"]').select_option("product")
    page.locator('[id="trial-issue.outage"]').select_option("true")
    page.get_by_role("button", name="Play it").last.click()
    expect(page.locator("[data-stops]")).to_be_visible()


def lanes(page: Page, kind: str) -> list[str]:
    """What the rows of the axis are called in full."""
    return page.locator(f".axis-name-{kind} title").evaluate_all("all => all.map(one => one.textContent)")


def stop(page: Page) -> str:
    """What stands at the moment that is looked at."""
    return page.locator(".stop:visible").inner_text()


def scrub_to(page: Page, text: str) -> None:
    """Move the slider by keyboard until the issue stands so, and wait for what can be done then."""
    slider = page.locator("#trial-scrub")
    slider.focus()
    for _ in range(60):
        if text in stop(page):
            break
        slider.press("ArrowRight")
    settled(page)
    assert text in stop(page)


def settled(page: Page) -> None:
    """Wait until what can be done at the moment that is looked at is there."""
    expect(page.locator("[data-doing].trial-waits")).to_have_count(0)
    expect(page.locator("[data-trying][aria-busy]")).to_have_count(0)


def act(page: Page, title: str) -> None:
    """Do what needs no more than its button."""
    card = page.locator("[data-doing] details", has=page.locator("summary", has_text=re.compile(f"^{title}$")))
    card.locator("summary").click()
    card.get_by_role("button", name=title, exact=True).click()
    expect(page.locator(".done-list")).to_contain_text(title)


def test_an_issue_is_filled_in_looked_at_through_time_acted_on_and_kept_as_an_example(
    browser: Browser, site: Site
) -> None:
    number = draft(HALF_AN_HOUR)
    one = desk(browser, site.address)
    page = one.page
    page.goto(f"{site.address}/admin/drafts/{number}/")
    page.get_by_role("link", name="Try it").first.click()
    fill_in(page)
    assert {"First response", "Solution"} <= set(lanes(page, "clock"))
    assert "Technical support" in stop(page)
    assert "Urgent" in stop(page)
    assert {"周海", "陆建国"} <= set(lanes(page, "person"))
    assert page.locator("circle.axis-dot.tone-main").count() > 5

    cursor = page.locator("[data-cursor]").get_attribute("x1")
    scrub_to(page, "missed")
    assert page.locator("[data-cursor]").get_attribute("x1") != cursor
    assert "09:30:00" in stop(page).splitlines()[0]
    page.get_by_role("button", name="One step back").click()
    expect(page.locator(".stop:visible")).not_to_contain_text("missed")
    act(page, "First response")
    timeline = page.locator("ol.timeline")
    expect(timeline).to_contain_text("“First response” was met")
    expect(timeline).not_to_contain_text("“First response” was missed")
    because = timeline.locator("li", has_text="“Solution” was missed").locator(".because")
    expect(because).to_contain_text("because by then this has not happened: the action “Tell the customer”")

    page.locator("#example-name").fill("半小时内响应")
    page.get_by_role("button", name="Make it an example").click()
    expect(page.locator("main")).to_contain_text("The example is in the draft now")
    made = examples(beside(COMPLAINTS, stored(number).encode()))[-1]
    assert (made.name, made.passes) == ("半小时内响应", True)
    assert one.complaints == []


def test_the_editor_tries_the_text_that_is_being_typed(browser: Browser, site: Site) -> None:
    number = draft()
    one = desk(browser, site.address).open(number)
    one.mode("form")
    one.part("clocks")
    one.fill("clocks.first_response.within.A", "20m")
    one.page.locator("#tab-try").click()
    expect(one.page.locator("#trial-received")).to_be_visible()
    fill_in(one.page)
    scrub_to(one.page, "missed")
    assert "09:20:00" in stop(one.page).splitlines()[0]
    before = len(one.value()["examples"])
    one.page.locator("#example-name").fill("twenty")
    one.page.get_by_role("button", name="Make it an example").click()
    one.until(f"duban.editor.form.source.value.examples.length === {before + 1}")
    assert one.value()["examples"][-1]["name"] == "twenty"
    one.page.locator("#tab-changes").click()
    expect(one.page.locator("#side-changes")).to_contain_text("First response")
    expect(one.page.locator("#side-changes")).to_contain_text("20 min")
    one.wait_saved()
    assert one.complaints == []


def test_what_would_change_is_told_and_played_on_past_issues_with_its_progress(browser: Browser, site: Site) -> None:
    late = receive("支付失败", outage=True, at=now() - 3 * HOUR)
    number = draft(HALF_AN_HOUR)
    one = desk(browser, site.address)
    page = one.page
    page.goto(f"{site.address}/admin/trying/{number}/")
    page.get_by_role("link", name="What would change").first.click()
    expect(page.locator(".diff-list")).to_contain_text("30 min")
    expect(page.locator("main")).to_contain_text("No back-test of exactly this text")
    page.get_by_role("button", name="Start the back-test").click()
    expect(page.locator("progress")).to_be_visible()
    expect(page.locator("section p[role=status]")).to_contain_text("It has not begun yet")
    assert kept.work(now)
    # The page follows by itself: what was found stands there without a click.
    expect(page.locator("progress")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("would have gone otherwise")
    expect(page.locator("main")).to_contain_text(late)
    expect(page.locator("main")).to_contain_text("As the draft would have it")
    page.get_by_role("link", name="What would change").first.click()
    expect(page.locator("main")).to_contain_text("would have gone otherwise")
    assert one.complaints == []


def test_an_issues_future_is_looked_at_from_its_page(browser: Browser, site: Site) -> None:
    number = receive("登录失败", outage=True)
    one = desk(browser, site.address)
    page = one.page
    page.goto(f"{site.address}/admin/issues/{number}")
    page.get_by_role("link", name="What happens if nobody acts").click()
    expect(page.locator("ol.timeline")).to_contain_text("“First response” was missed")
    assert "First response" in lanes(page, "clock")
    scrub_to(page, "First response missed")
    page.locator('[name="go"][value="first"]').click()
    expect(page.locator(".stop:visible")).not_to_contain_text("First response missed")
    act(page, "First response")
    expect(page.locator("ol.timeline")).to_contain_text("“First response” was met")
    page.locator("#example-name").fill("登录失败时")
    page.get_by_role("button", name="Make it an example").click()
    expect(page.locator("main")).to_contain_text("The example is in the draft now")
    row = Draft.select().order_by(Draft.id.desc()).get()
    assert [found.passes for found in examples(beside(COMPLAINTS, bytes(row.data)))[-1:]] == [True]
    assert read(bytes(row.data).decode())["examples"][-1]["name"] == "登录失败时"
    assert one.complaints == []


def test_an_answer_that_comes_late_moves_no_slider_and_no_click_is_lost(browser: Browser, site: Site) -> None:
    number = receive("登录失败", outage=True)
    one = desk(browser, site.address)
    page = one.page
    page.goto(f"{site.address}/admin/what-if/{number}")
    slider = page.locator("#trial-scrub")
    held: list[Route] = []
    page.route("**/what-if/*", lambda route: held.append(route))
    with page.expect_request("**/what-if/*"):
        slider.press("ArrowRight")
    slider.press("ArrowRight")
    for route in held:
        route.continue_()
    page.unroute("**/what-if/*")
    settled(page)
    expect(slider).to_have_value("2")

    held.clear()
    page.route("**/what-if/*", lambda route: held.append(route))
    slider.press("ArrowRight")
    with page.expect_request("**/what-if/*"):
        page.locator('[name="go"][value="first"]').click()
    page.wait_for_timeout(500)  # longer than the pause after which a moved slider is asked for
    for route in held:
        route.continue_()
    page.unroute("**/what-if/*")
    settled(page)
    expect(slider).to_have_value("0")
    assert one.complaints == []


def test_an_issues_future_is_there_without_scripts(browser: Browser, site: Site) -> None:
    number = receive("登录失败", outage=True)
    state = desk(browser, site.address).page.context.storage_state()
    page = browser.new_context(storage_state=state, java_script_enabled=False).new_page()
    page.goto(f"{site.address}/admin/what-if/{number}")
    expect(page.locator("ol.timeline")).to_contain_text("“First response” was missed")
    before = page.locator(".stop:visible").inner_text()
    page.get_by_role("button", name="One step on").click()
    assert page.locator(".stop:visible").inner_text() != before


def begin(one: Desk, kind: str, name: str) -> int:
    """Begin an empty document on its page, and wait for the editor."""
    one.page.goto(f"{one.address}/admin/documents/")
    one.page.get_by_role("link", name="New document").click()
    one.page.locator("#from").select_option(kind)
    one.page.locator("#name").fill(name)
    one.page.locator("#title-en").fill(f"All of {name}")
    one.page.get_by_role("button", name="Begin it").click()
    one.until("document.documentElement.dataset.editor === 'ready'")
    one.mode("form")
    return int(one.page.url.rstrip("/").rsplit("/", 1)[1])


def test_a_process_is_written_from_nothing_without_yaml(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address)
    number = begin(one, "empty:process", "returns")
    for part in ("severities", "classify", "stages"):
        expect(one.page.locator(f"#part-{part}")).to_contain_text("required")
    one.field("calendar").select_option("cn-office")
    one.field("owner").select_option("team:quality")
    for part, name in (("severities", "A"), ("stages", "open"), ("stages", "done")):
        one.part(part)
        one.field(part, "-new").fill(name)
        one.field(part, "-add").click()
    one.field("stages.done.final").check()
    one.part("classify")
    if one.field("classify", "-new").evaluate("one => one.tagName") == "SELECT":
        one.field("classify", "-new").select_option("severity")
    else:
        one.field("classify", "-new").fill("severity")
    one.field("classify", "-add").click()
    if not one.field("classify.severity.0.is").count():
        one.field("classify.severity", "-open").click()
    one.field("classify.severity.0.is").select_option("A")
    one.part("actions")
    one.field("actions", "-new").fill("finish")
    one.field("actions", "-add").click()
    one.field("actions.finish", "-more").select_option("to")
    one.field("actions.finish.to").select_option("done")
    one.wait_saved()
    found = [finding for finding in drafts.check(drafts.one(number), now()) if finding.level == "error"]
    assert found == [], stored(number)
    value = read(stored(number))
    assert (value["name"], list(value["stages"]), value["classify"]) == (
        "returns",
        ["open", "done"],
        {"severity": [{"is": "A"}]},
    )
    assert one.complaints == []


def test_a_taken_name_is_refused_where_it_was_typed(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address)
    one.page.goto(f"{site.address}/admin/drafts/new")
    one.page.locator("#from").select_option("contingency")
    one.page.locator("#name").fill("cn-office")
    one.page.locator("#title-zh").fill("另一个日历")
    one.page.get_by_role("button", name="Begin it").click()
    expect(one.page.get_by_role("alert")).to_contain_text("There is a document called cn-office already")
    expect(one.page.locator("#name")).to_have_value("cn-office")
    expect(one.page.locator("#title-zh")).to_have_value("另一个日历")
    expect(one.page.locator("#from")).to_have_value("contingency")
