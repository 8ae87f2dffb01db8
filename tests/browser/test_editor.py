"""The editor as somebody uses it: the form, the YAML, saving, and two at one draft."""

from __future__ import annotations

from collections import Counter

import pytest
from playwright.sync_api import Browser, expect

from server import drafts
from server.store.models import Session
from tests.admin.visiting import now
from tests.browser.conftest import Site
from tests.browser.driving import sticks_out
from tests.browser.editing import COMPLAINTS, desk, draft_of, read, stored

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def comments(text: str) -> Counter[str]:
    """Lines' ends that are comments, roughly: the documents have no ` #` in texts."""
    return Counter(line[line.index("#") :].strip() for line in text.splitlines() if " #" in f" {line}")


def test_a_severity_is_added_between_two_with_criteria_deadlines_and_notices(browser: Browser, site: Site) -> None:
    draft = draft_of(COMPLAINTS)
    before = stored(draft)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("severities")
    one.field("severities", "-new").fill("A2")
    one.field("severities", "-add").click()
    one.fill("severities.A2.title.zh", "较急")
    one.fill("severities.A2.title.en", "Rather urgent")
    one.field("severities.A2", "-up").click()
    one.field("severities.A2", "-up").press("Enter")
    assert list(one.value()["severities"]) == ["A", "A2", "B", "C"]

    one.part("classify")
    one.field("classify.severity", "-open").click()
    one.field("classify.severity", "-add").click()
    one.field("classify.severity.3.is").select_option("A2")
    one.field("classify.severity.3.when", "-add").click()
    one.field("classify.severity.3.when.field").select_option("urgency")
    one.field("classify.severity.3.when.operator").select_option("is")
    one.field("classify.severity.3.when.is").select_option("high")
    one.field("classify.severity.3", "-up").click()
    one.field("classify.severity.2", "-up").press("Enter")

    one.part("clocks")
    one.fill("clocks.first_response.within.A2", "2h")
    one.fill("clocks.solution.within.A2", "2wd")
    one.part("notify")
    one.field("notify.overdue.steps", "-cell").click()
    one.field("notify.overdue.steps", "-vary").click()
    one.field("notify.overdue.steps.A2", "-cell").click()
    one.wait_saved()

    after = read(stored(draft))
    assert after == read(one.text())
    assert after["classify"]["severity"][1] == {"is": "A2", "when": {"field": "urgency", "is": "high"}}
    assert after["clocks"]["first_response"]["within"] == {"A": "1h", "B": "4h", "C": "24h", "A2": "2h"}
    assert set(after["notify"]["overdue"]["steps"]) == {"A", "A2", "B", "C"}
    assert not comments(before) - comments(stored(draft)), "no comment is lost"
    assert one.complaints == []


def test_a_text_that_was_mended_is_told_to_be_sound_at_once(browser: Browser, site: Site) -> None:
    """A calendar has no examples, whose result would tell it once more."""
    one = desk(browser, site.address).open(draft_of("cn-office"))
    found, listed = one.page.locator(".ed-found"), one.page.locator("#side-findings")
    sound = found.inner_text()
    assert sound
    text = one.text()
    one.type_at(f"{text}\nunknown_part: |", "x")
    expect(found).not_to_have_text(sound)
    expect(listed.get_by_role("listitem")).not_to_have_count(0)
    one.type_at(f"{text}|", "\n")
    expect(found).to_have_text(sound)
    expect(listed.get_by_role("list")).to_have_count(0)


def test_a_deadline_has_a_worked_example_and_only_its_own_characters_change(browser: Browser, site: Site) -> None:
    draft = draft_of(COMPLAINTS)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("clocks")
    one.fill("clocks.first_response.within.A", "3wh")
    expect(one.page.locator('[data-worked="cn-office 3wh"]').first).to_contain_text("from Friday 17:00:")
    expected = stored(draft).replace("within: {A: 1h, B: 4h, C: 24h}", "within: {A: 3wh, B: 4h, C: 24h}")
    one.wait_saved()
    assert stored(draft) == expected
    one.page.locator("#editor-undo").click()
    one.wait_saved()
    assert "within: {A: 1h, B: 4h, C: 24h}" in stored(draft)
    expect(one.field("clocks.first_response.within.A")).to_have_value("1h")


def test_a_year_is_a_picture_whose_days_are_clicked(browser: Browser, site: Site) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("dates")
    year = one.page.evaluate("duban.editor.form.year")
    one.page.locator(f"#day-{year}-03-18").click()
    expect(one.page.locator(f"#day-{year}-03-18.ed-day-own")).to_be_visible()
    assert one.value()["dates"] == {f"{year}-03-18": "closed"}
    one.page.locator(f"#day-{year}-03-18").click()
    expect(one.page.locator(f"#day-{year}-03-18.ed-day-own")).to_have_count(0)
    assert "dates" not in one.value() or one.value()["dates"] == {}


@pytest.mark.parametrize(
    ("before", "typed", "wanted"),
    [
        ("calendar: |\n", "c", "cn-office"),
        ("name: x\n|\n", "sta", "stages"),
        ("stages:\n  open: {}\nactions:\n  a: {from: |}\n", "o", "open"),
        ("stages:\n  open: {}\nactions:\n  a:\n    |\n", "fr", "from"),
        ("fields: {impact: {type: text}}\nroute:\n  - to: team:support\n    when: {field: |}\n", "im", "impact"),
        ("fields: {impact: {type: |}}\n", "ch", "choice"),
        ("severities: {A: {}}\nclocks:\n  c:\n    within:\n      |\n", "A", "A"),
        ("actions:\n  a:\n    by: |\n", "tea", "team:support"),
    ],
)
def test_the_yaml_is_completed_from_the_schema_and_the_document(
    browser: Browser, site: Site, before: str, typed: str, wanted: str
) -> None:
    one = desk(browser, site.address).open(draft_of("contingency"))
    one.mode("yaml")
    one.type_at(before, typed)
    expect(
        one.page.locator(".cm-tooltip-autocomplete .cm-completionLabel").get_by_text(wanted, exact=True)
    ).to_be_visible()


def test_a_near_miss_is_underlined_listed_and_mended_by_its_fix(browser: Browser, site: Site) -> None:
    draft = draft_of(
        COMPLAINTS, stored(draft_of(COMPLAINTS)).replace("until: respond, within", "until: respnd, within")
    )
    one = desk(browser, site.address).open(draft)
    one.mode("yaml")
    expect(one.page.locator("#side-findings")).to_contain_text("respnd")
    one.page.locator("#side-findings .ed-link").first.click()
    expect(one.page.locator(".cm-lintRange-error").get_by_text("respnd", exact=True)).to_be_visible()
    one.page.get_by_role("button", name="Use “respond”").first.click()
    assert "until: respond, within" in one.text()
    expect(one.page.locator("#side-findings")).not_to_contain_text("respnd")


def test_broken_yaml_rests_the_form_until_it_is_mended(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address).open(draft_of("cn-office"))
    one.mode("both")
    text = one.text()
    one.page.evaluate("duban.editor.yaml.view.dispatch({changes: {from: 0, insert: 'a: [1\\n'}})")
    expect(one.page.locator(".ed-broken")).to_contain_text("line")
    assert one.page.locator(".ed-form-body").evaluate("one => one.inert") is True
    one.page.evaluate("duban.editor.yaml.undo()")
    expect(one.page.locator(".ed-broken")).to_be_hidden()
    assert one.text() == text


def test_two_at_one_draft_are_told_of_each_other(browser: Browser, site: Site) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("yaml")
    theirs = stored(draft).replace("Office hours", "Hours of mo")
    drafts.write(draft, theirs.encode(), drafts.caller("mo"), now())
    one.type_at("|" + stored(draft).replace("Hours of mo", "Hours of root"), "# mine\n")
    box = one.page.locator('[data-notice="overtaken"]')
    expect(box).to_contain_text("changed this draft at")
    assert stored(draft) == theirs
    one.page.locator("#conflict-both").click()
    expect(one.page.locator(".cm-mergeView")).to_contain_text("Hours of mo")
    one.page.locator("#conflict-mine").click()
    one.page.wait_for_url(f"**/admin/editor/{draft + 1}/")
    assert stored(draft + 1).startswith("# mine")
    assert stored(draft) == theirs


def test_what_was_typed_outlives_a_signing_out_and_a_server_that_is_away(browser: Browser, site: Site) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("yaml")
    Session.delete().execute()
    one.type_at("|" + one.text(), "# typed while signed out\n")
    expect(one.page.locator('[data-notice="signed_out"]')).to_contain_text("signed out")
    other = one.page.context.new_page()
    other.goto(f"{site.address}/admin/sign-in/")
    other.locator("#login").fill("root")
    other.locator("#password").fill("a long password")
    other.locator("form[data-once] button").click()
    other.wait_for_url("**/admin/**")
    one.wait_saved()
    assert stored(draft).startswith("# typed while signed out")

    one.page.route("**/text", lambda route: route.abort())
    one.type_at("|" + one.text(), "# and while it is away\n")
    expect(one.page.locator('[data-notice="server_away"]')).to_be_visible()
    one.page.unroute("**/text")
    one.wait_saved()
    assert stored(draft).startswith("# and while it is away")


def test_what_was_not_saved_is_back_when_one_comes_back(browser: Browser, site: Site) -> None:
    draft = draft_of("cn-office")
    one = desk(browser, site.address).open(draft)
    one.mode("yaml")
    one.page.route("**/text", lambda route: route.abort())
    one.type_at("|" + one.text(), "# left behind\n")
    one.until(f"localStorage.getItem('duban-draft-{draft}')?.includes('left behind')")
    one.page.goto(f"{site.address}/admin/documents/")
    one.page.unroute("**/text")
    one.open(draft)
    assert one.text().startswith("# left behind")
    one.wait_saved()
    assert stored(draft).startswith("# left behind")


def test_pasted_markup_is_text_everywhere(browser: Browser, site: Site) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    one = desk(browser, site.address).open(draft_of("cn-office"))
    one.mode("form")
    one.fill("title.en", nasty)
    assert one.value()["title"]["en"] == nasty
    one.part("accept")
    assert one.page.locator("img[src=x]").count() == 0
    assert one.complaints == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_part_is_usable_on_a_telephone(browser: Browser, site: Site, language: str) -> None:
    one = desk(browser, site.address, width=390, language=language).open(draft_of(COMPLAINTS))
    for button in one.page.locator(".ed-parts button").all():
        button.click()
        assert sticks_out(one.page) == 0, button.inner_text()
    assert one.complaints == []


def test_an_example_that_fails_is_marked_on_the_tab_and_in_the_form(browser: Browser, site: Site) -> None:
    text = bytes(drafts.in_force(COMPLAINTS).data).decode()
    draft = draft_of(COMPLAINTS, text.replace("kind: received, severity: A", "kind: received, severity: C", 1))
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    expect(one.page.locator("#tab-examples .tag-bad")).to_contain_text("1")
    expect(one.page.locator("#part-examples .tag-bad")).to_contain_text("1")
    one.part("examples")
    failing = one.page.locator(".ed-card", has=one.page.locator(".ed-card-head .tag-bad"))
    expect(failing).to_have_count(1)
    expect(failing.locator(".problem-error").first).to_contain_text("This example fails: ")
    one.page.evaluate("text => { duban.editor.yaml.replace(text); duban.editor.readText(); }", text)
    expect(one.page.locator("#tab-examples .tag-bad")).to_have_count(0)
    expect(one.page.locator("#part-examples .tag-bad")).to_have_count(0)
    assert one.complaints == []


def test_an_address_leads_to_a_place_in_the_form(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address).open(draft_of(COMPLAINTS))
    one.mode("form")
    one.page.goto("about:blank")
    draft = draft_of(COMPLAINTS)
    one.page.goto(f"{site.address}/admin/editor/{draft}/#at/clocks/first_response/warn/0")
    one.until("document.documentElement.dataset.editor === 'ready'")
    expect(one.page.locator("#part-clocks")).to_have_attribute("aria-current", "true")
    assert "first_response" in one.page.evaluate("document.activeElement.closest('[data-path]').dataset.path")
    expect(one.page.locator(":focus")).to_be_in_viewport()


def test_a_calendar_that_was_just_begun_has_an_empty_year(browser: Browser, site: Site) -> None:
    text = "kind: calendar\nname: nights\ntitle: Nights\ntimezone: Asia/Shanghai\nhours: {}\n"
    one = desk(browser, site.address).open(draft_of("nights", text))
    one.mode("form")
    one.part("dates")
    expect(one.page.locator(".ed-year .nothing")).to_contain_text("The year is empty until")
    year = one.page.evaluate("duban.editor.form.year")
    expect(one.page.locator(f"#day-{year}-03-18")).to_be_visible()
    assert one.complaints == []
