"""What is found wrong with a page that is not as it should be."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser, expect

from tests.browser.looking import BARE, make_ready, need_axe

PAGE = """<p id="a">since 2026-03-02 09:00</p><p><time datetime="2026-03-02T09:00:00+08:00">2 Mar, 09:00</time> from
<code>2026-03-03</code></p><pre>from: 2026-03-04</pre><input value="2026-03-05">
<button aria-label="to 2026-03-06">to</button>
<p class="pre-line">we said 2026-03-07</p><p title="until 2026-03-08">YS-2026-03-09-1 and SN2026-03-10x</p>"""

LATE = """<!doctype html><html lang="en"><head><title>Late</title><link rel="stylesheet" href="late.css"></head>
<body><p role="alert">Here</p></body></html>"""


class Late(BaseHTTPRequestHandler):
    """Gives a page at once, and its stylesheet half a second later."""

    def do_GET(self) -> None:
        kind, body = ("text/html", LATE)
        if self.path.endswith(".css"):
            kind, body = ("text/css", "p { color: rgb(1, 2, 3) }")
            time.sleep(0.5)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_page_is_looked_at_with_its_stylesheets_however_late_they_come(browser: Browser) -> None:
    need_axe()
    with ThreadingHTTPServer(("127.0.0.1", 0), Late) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="commit")
        expect(page.get_by_role("alert")).to_be_attached()
        make_ready(page)
        assert page.evaluate("getComputedStyle(document.querySelector('p')).color") == "rgb(1, 2, 3)"
        page.close()
        server.shutdown()


def test_days_as_machines_write_them_are_found_where_people_read_or_hear_them(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(PAGE)
    assert page.evaluate(BARE) == ["since 2026-03-02 09:00", "to 2026-03-06", "until 2026-03-08"]
    page.close()
