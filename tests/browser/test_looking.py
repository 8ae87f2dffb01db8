"""What is found wrong with a page that is not as it should be."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.browser.looking import BARE

PAGE = """<p id="a">since 2026-03-02 09:00</p><p><time datetime="2026-03-02T09:00:00+08:00">2 Mar, 09:00</time> from
<code>2026-03-03</code></p><pre>from: 2026-03-04</pre><input value="2026-03-05">
<button aria-label="to 2026-03-06">to</button>
<p class="pre-line">we said 2026-03-07</p><p title="until 2026-03-08">YS-2026-03-09-1 and SN2026-03-10x</p>"""


def test_days_as_machines_write_them_are_found_where_people_read_or_hear_them(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(PAGE)
    assert page.evaluate(BARE) == ["since 2026-03-02 09:00", "to 2026-03-06", "until 2026-03-08"]
    page.close()
