"""Tables of two fields edited as a matrix, and the reasons that an example expects, in the editor."""

from __future__ import annotations

import difflib

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site
from tests.browser.driving import sticks_out
from tests.browser.editing import COMPLAINTS, desk, draft_of, read, stored

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

BLOCK = """\
  severity:   # by effect and hurry
    from: [impact, hurry]
    table:
      # the whole business stands
      stopped: {high: A, low: A}   # whoever calls
      degraded:
        high: B   # told at once
        low: C
    else: C   # all else
"""
DOCUMENT = f"""\
kind: process
name: lookups   # a process with a table of two fields
title: {{zh: 查表, en: Look-ups}}
calendar: cn-office
fields:
  impact: {{type: choice, options: {{stopped: {{zh: 停顿, en: Stopped}}, degraded: 受影响, none: 无影响}}}}
  hurry: {{type: choice, options: {{high: 急, low: 缓, never: 不急}}}}
severities: {{A: {{title: 重}}, B: {{title: 中}}, C: {{title: 轻}}}}
classify:
{BLOCK}stages: {{open: {{}}, done: {{final: true}}}}
actions:
  finish: {{from: open, to: done}}
examples:
  - name: 停顿   # the gravest
    start: 2026-03-02T09:00:00+08:00
    issue: {{subject: x, impact: stopped, hurry: high}}
    expect:
      - {{kind: received, severity: A}}   # as judged
"""
TABLE = "classify.severity.table"


def changed(before: str, after: str) -> list[str]:
    """The lines that are other ones, as a difference shows them."""
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_a_cell_a_row_and_a_column_are_changed_and_only_their_own_characters(browser: Browser, site: Site) -> None:
    draft = draft_of("lookups", DOCUMENT)
    one = desk(browser, site.address, language="zh").open(draft)
    one.mode("form")
    one.part("classify")
    one.field("classify.severity", "-open").click()
    matrix = one.page.locator("table.ed-lookup")
    assert matrix.locator("thead th").all_inner_texts()[1:] == ["急 ", "缓 "]
    one.field(f"{TABLE}.degraded.low").select_option("B")
    assert changed(DOCUMENT, one.text()) == ["-         low: C", "+         low: B"]
    one.field(f"{TABLE}.stopped.low").select_option("B")
    assert one.text().count("stopped: {high: A, low: B}   # whoever calls") == 1

    one.field(TABLE, "-column-add").select_option("never")
    assert one.value()["classify"]["severity"]["table"]["degraded"] == {"high": "B", "low": "B", "never": "A"}
    one.field(f"{TABLE}.degraded.never").select_option("C")
    one.field(TABLE, "-row-add").select_option("none")
    one.field(f"{TABLE}.none.high").select_option("C")
    one.field(f"{TABLE}.low", "-column-remove").focus()
    one.page.keyboard.press("Enter")
    table = {
        "stopped": {"high": "A", "never": "A"},
        "degraded": {"high": "B", "never": "C"},
        "none": {"high": "C"},
    }
    assert one.value()["classify"]["severity"]["table"] == table
    one.field(f"{TABLE}.none", "-remove").click()
    for remark in ("by effect and hurry", "the whole business", "whoever calls", "told at once", "all else"):
        assert one.text().count(f"# {remark}") == 1, remark
    one.wait_saved()
    del table["none"]
    assert read(stored(draft))["classify"]["severity"]["table"] == table

    while one.text() != DOCUMENT:
        before = one.text()
        one.page.locator("#editor-undo").click()
        assert one.text() != before, "the beginning is reached by undoing"
    assert one.complaints == []


def test_a_matrix_fits_on_a_telephone_and_one_level_stays_a_list(browser: Browser, site: Site) -> None:
    one = desk(browser, site.address, width=390).open(draft_of("lookups", DOCUMENT))
    one.mode("form")
    one.part("classify")
    one.field("classify.severity", "-open").click()
    expect(one.page.locator("table.ed-lookup")).to_be_visible()
    assert sticks_out(one.page) == 0
    remove = one.page.get_by_role("button", name="Remove hurry: 缓")
    remove.focus()
    one.page.keyboard.press("Enter")
    table = one.value()["classify"]["severity"]["table"]
    assert table == {"stopped": {"high": "A"}, "degraded": {"high": "B"}}
    one.open(draft_of(COMPLAINTS))
    one.part("classify")
    one.field("classify.department", "-open").click()
    assert one.page.locator("table.ed-lookup").count() == 0
    assert one.field("classify.department.table.product", "-open").count() == 1


def test_the_reasons_that_an_example_expects_have_inputs(browser: Browser, site: Site) -> None:
    draft = draft_of("lookups", DOCUMENT)
    one = desk(browser, site.address).open(draft)
    one.mode("form")
    one.part("examples")
    entry = "examples.0.expect.0"
    for path in ("examples.0", entry):
        if one.field(path, "-open").count() and one.field(path, "-open").get_attribute("aria-expanded") == "false":
            one.field(path, "-open").click()
    one.field(entry, "-more").select_option("because")
    way = one.field(f"{entry}.because", "-way")
    way.select_option(label="Each of the reasons")
    if not one.field(f"{entry}.because.0", "-more").count():
        one.field(f"{entry}.because", "-add").click()
    reason = f"{entry}.because.0"
    if one.field(reason, "-open").count() and one.field(reason, "-open").get_attribute("aria-expanded") == "false":
        one.field(reason, "-open").click()
    for part in ("table", "value"):
        if not one.field(f"{reason}.{part}").count():
            one.field(reason, "-more").select_option(part)
    one.fill(f"{reason}.value", "A")
    if one.field(f"{reason}.table").evaluate("one => one.tagName") == "SELECT":
        one.field(f"{reason}.table").select_option("severity")
    else:
        one.fill(f"{reason}.table", "severity")
    one.wait_saved()
    expected = read(stored(draft))["examples"][0]["expect"][0]
    assert expected == {"kind": "received", "severity": "A", "because": [{"table": "severity", "value": "A"}]}
    assert "# as judged" in stored(draft)
    one.page.locator("#tab-examples").click()
    expect(one.page.locator("#side-examples [data-failing]")).to_have_attribute("data-failing", "0")
    assert one.complaints == []
