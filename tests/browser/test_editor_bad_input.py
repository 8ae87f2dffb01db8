"""What a document should not be, in the editor: too long, of 500 clocks, with markup pasted into every text; YAML that
breaks under the form, a session that ends and a server that goes away while a save is on its way."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Route, expect

from server.accounts import end_sessions
from server.resources import data_dir
from tests.admin.visiting import COMPLAINTS, PASSWORD, now
from tests.browser.conftest import Site
from tests.browser.editing import Desk, desk, draft_of, read, stored

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]

LARGEST = 256 * 1024
NASTY = "\"><img src=x onerror=alert(1)><script>alert(2)</script>{{ 7*7 }} 'a': # b"
# All cards at once: to draw a part anew for each of its hundreds would take longer than all the rest.
OPEN = """() => {
  const { form } = duban.editor;
  for (const each of document.querySelectorAll('.ed-card:not(.is-open)')) form.open.add(each.dataset.path);
  form.draw();
}"""
# One text after the other, as Playwright fills an input in and leaves it, but within the page;
# each edit is drawn before the next one begins.
PASTE = """async text => {
  const drawn = () => new Promise(resolve => setTimeout(() => setTimeout(resolve)));
  const ids = [...document.querySelectorAll('.ed-text input, .ed-text textarea')].map(each => each.id).filter(Boolean);
  const kept = [];
  for (const id of ids) {
    const place = document.getElementById(id);
    place.focus();
    place.value = text;
    for (const name of ['input', 'change']) place.dispatchEvent(new Event(name, {bubbles: true}));
    place.blur();
    await drawn();
    kept.push([id, document.getElementById(id)?.value]);
  }
  return kept;
}"""


def shipped(name: str) -> str:
    return (data_dir("policies") / f"{name}.yaml").read_text("utf-8")


def test_a_document_as_long_as_may_be_is_written_and_a_longer_one_is_kept_and_refused_in_words(
    browser: Browser, site: Site
) -> None:
    text = shipped(COMPLAINTS)
    line = "# padding, as a machine writes it\n"
    text += line * ((LARGEST - 100 - len(text.encode())) // len(line))
    draft = draft_of(COMPLAINTS, text)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("clocks")
    one.fill("clocks.first_response.within.A", "50m")
    one.wait_saved()
    assert "{A: 50m," in stored(draft)
    before = stored(draft)
    one.mode("yaml")
    one.page.evaluate("line => duban.editor.yaml.view.dispatch({changes: {from: 0, insert: line.repeat(10)}})", line)
    refused = one.page.locator('[data-notice="not_saved"]')
    expect(refused).to_contain_text("at most 256 KiB")
    assert one.text() == line * 10 + before, "what was typed stays"
    assert stored(draft) == before
    one.page.evaluate("length => duban.editor.yaml.view.dispatch({changes: {from: 0, to: length}})", len(line) * 10)
    one.wait_saved()
    expect(refused).to_have_count(0)


def test_a_process_of_500_clocks_is_edited_in_the_form(browser: Browser, site: Site) -> None:
    clocks = "".join(
        f"  more_{n}: {{title: {{zh: 时限{n}, en: Clock {n}}}, on: received, until: offer, within: {n + 1}h}}\n"
        for n in range(491)
    )
    text = shipped(COMPLAINTS).replace("\nnotify:", f"{clocks}\nnotify:", 1)
    draft = draft_of(COMPLAINTS, text)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("clocks")
    assert len(one.value()["clocks"]) == 500
    one.field("clocks.more_490", "-open").click()
    one.fill("clocks.more_490.within", "3h")
    one.field("clocks.more_490", "-up").click()
    one.wait_saved()
    after = read(stored(draft))["clocks"]
    assert after["more_490"]["within"] == "3h"
    assert list(after)[-2:] == ["more_490", "more_489"]
    assert one.complaints == []


@pytest.mark.parametrize("document", ["improvement", "cn-office", "default", "alertmanager"])
def test_markup_pasted_into_every_text_is_text(browser: Browser, site: Site, document: str) -> None:
    draft = draft_of(document)
    one = desk(browser, site.address).open(draft)
    one.page.on("dialog", lambda dialog: one.complaints.append(f"dialog: {dialog.message}"))
    one.mode("form")
    pasted = 0
    for part in one.page.locator(".ed-parts button").all():
        part.click()
        pasted += paste_everywhere(one)
    assert pasted > 1
    one.page.locator("#tab-findings").click()
    one.wait_saved()
    assert json.dumps(NASTY, ensure_ascii=False)[1:-1] in json.dumps(read(stored(draft)), ensure_ascii=False)
    assert read(stored(draft)) == one.value()
    for page in (f"/admin/editor/{draft}/", f"/admin/drafts/{draft}/", "/admin/documents/"):
        one.page.goto(f"{one.address}{page}")
        assert one.page.locator("img[src=x]").count() == 0, page
    assert one.complaints == []


def paste_everywhere(one: Desk) -> int:
    """Open every card of the part that is open, and paste into each text for people in it; how many there were."""
    for _ in range(3):  # cards in cards
        one.page.evaluate(OPEN)
    pasted = one.page.evaluate(PASTE, NASTY)
    assert [each for each, kept in pasted if kept != NASTY] == []
    assert one.page.locator(".ed img[src=x]").count() == 0
    return len(pasted)


def test_yaml_that_breaks_while_the_form_is_open_loses_nothing_of_either(browser: Browser, site: Site) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("both")
    one.fill("title.en", "Hours that we keep")
    one.page.evaluate("duban.editor.yaml.view.dispatch({changes: {from: 0, insert: 'broken: [1\\n'}})")
    expect(one.page.locator(".ed-broken")).to_contain_text("line")
    one.field("title.en").evaluate("each => each.focus()")
    assert one.page.evaluate("document.activeElement.id") != "f-title.en", "nobody types into a form that rests"
    one.wait_saved()
    assert stored(draft).startswith("broken: [1\n"), "a draft may be broken, and is kept as it is"
    one.page.evaluate("duban.editor.yaml.view.dispatch({changes: {from: 0, to: 'broken: [1\\n'.length}})")
    expect(one.page.locator(".ed-broken")).to_be_hidden()
    expect(one.field("title.en")).to_have_value("Hours that we keep")
    one.fill("title.en", "Hours of ours")
    one.wait_saved()
    assert read(stored(draft))["title"]["en"] == "Hours of ours"


def test_a_session_that_ends_in_mid_edit_is_renewed_in_another_window_and_the_form_goes_on(
    browser: Browser, site: Site
) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    end_sessions("root", now(), by="root")
    one.fill("title.en", "Typed by nobody")
    notice = one.page.locator('[data-notice="signed_out"]')
    with one.page.context.expect_page() as opened:
        notice.get_by_role("link", name="Sign in in a new tab").click()
    other = opened.value
    other.get_by_label("Login").fill("root")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/admin/**")
    one.fill("title.zh", "无人键入")
    one.wait_saved()
    expect(notice).to_have_count(0)
    assert read(stored(draft))["title"] == {"zh": "无人键入", "en": "Typed by nobody"}


def test_a_server_that_goes_away_while_a_save_is_on_its_way_has_it_once_and_whole_in_the_end(
    browser: Browser, site: Site
) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    lost: list[str] = []

    def lose_the_answer(route: Route) -> None:
        """The server writes, and is gone before it can say so; what comes next does not reach it at all."""
        if not lost:
            route.fetch()
        lost.append(route.request.post_data or "")
        route.abort()

    one.page.route("**/text", lose_the_answer)
    one.fill("title.en", "Written once")
    expect(one.page.locator('[data-notice="server_away"]')).to_be_visible()
    one.fill("title.zh", "之后")
    one.until("duban.editor.state.dataset.state !== 'saved'")
    one.page.unroute("**/text")
    one.wait_saved()
    expect(one.page.locator('[data-notice="overtaken"]')).to_have_count(0)
    assert read(stored(draft))["title"] == {"zh": "之后", "en": "Written once"}


def test_what_is_typed_while_the_form_is_drawn_on_a_slow_machine_stays_in_order(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address).open(draft_of("cn-office"))
    one.mode("form")
    one.field("title.en").fill("")
    one.field("title.en").focus()
    for letter in "Rather urgent":
        one.page.evaluate("duban.editor.form.cost = 1000")  # so that committing waits for a pause
        one.page.keyboard.type(letter)
        one.page.evaluate("duban.editor.form.draw()")
    expect(one.field("title.en")).to_have_value("Rather urgent")
    one.page.keyboard.press("Tab")
    assert one.value()["title"]["en"] == "Rather urgent"
