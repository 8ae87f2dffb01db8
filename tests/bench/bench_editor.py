"""The editor of documents in a real browser: how much script it loads, when it is ready, what a keystroke costs."""

from __future__ import annotations

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser
from werkzeug.serving import make_server

from admin import bundles
from server import drafts, policies, settings
from server.accounts import users
from server.settings import Settings
from server.store import database
from server.store.migrating import migrate
from server.wsgi import create_app
from tests.bench.result import Result
from tests.browser.driving import chromium, open_page

LARGEST: Final = "issue-notification"
"""The largest shipped process."""

PASSWORD: Final = "a long password"
READY, KEYSTROKE, SCRIPT = 1.5, 50.0, 250_000

# Median and p95 of a title typed in the form, and of a letter typed in the YAML until the form shows it; and how long
# this browser takes for a fixed piece of work, beside which the figures are to be read.
KEYSTROKES: Final = """() => {
  const page = duban.editor, form = page.form, view = page.yaml.view;
  const taken = (count, run) => {
    const found = [];
    for (let i = 0; i < count; i++) { const begun = performance.now(); run(i); found.push(performance.now() - begun); }
    found.sort((a, b) => a - b);
    return [found[count >> 1], found[Math.floor(count * 0.95)]];
  };
  form.go('clocks');
  const clock = Object.keys(form.get(['clocks']))[0], path = ['clocks', clock, 'title', 'en'];
  form.set(path, 'Typed');
  const typed = taken(40, i => form.set(path, `Typed ${i}`, { isTyping: true }));
  form.draw();
  const at = () => page.yaml.text.indexOf('Typed');
  const inYaml = taken(40, () => { view.dispatch({ changes: { from: at(), insert: 'x' } }); page.readText(); });
  let sum = 0;
  const fixed = taken(9, () => { for (let i = 0; i < 5e6; i++) sum = (sum * 31 + i) | 0; });
  return { typed, inYaml, fixed: fixed[0] };
}"""


def run() -> list[Result]:
    """Open the largest shipped process in the editor, and type."""
    entry = bundles.entries().get("editor")
    if entry is None:
        return [Result("the editor", "not measured", "no target", False, "the bundle is not built: make bundle")]
    size = sum((bundles.FOLDER / f"{name}.gz").stat().st_size for name in (entry["file"], *entry["shared"]))
    results = [Result("the editor's script", f"{size / 1000:.0f} kB", f"≤ {SCRIPT // 1000} kB", size <= SCRIPT, "gzip")]
    with _served() as address, chromium() as browser:
        ready = [_opened(browser, address)[0] for _ in range(5)]
        _, found = _opened(browser, address, type_too=True)
    beside = f"a fixed loop took {found['fixed']:.0f} ms; {os.cpu_count()} cores"
    median = statistics.median(ready)
    results.append(Result("the editor is ready", f"{median:.2f} s", f"≤ {READY} s", median <= READY, beside))
    for name, (middle, worst) in (("a letter in the form", found["typed"]), ("a letter in the YAML", found["inYaml"])):
        detail = f"p95 {worst:.0f} ms; {beside}"
        results.append(Result(name, f"{middle:.0f} ms", f"≤ {KEYSTROKE:.0f} ms", middle <= KEYSTROKE, detail))
    return results


def _opened(browser: Browser, address: str, type_too: bool = False) -> tuple[float, dict[str, Any]]:
    """Seconds from asking for the page, nothing of it in the browser yet, until it can be used; and the figures."""
    page = open_page(browser, address, width=1440)
    page.goto(f"{address}/admin/sign-in/")
    page.locator("#login").fill("admin")
    page.locator("#password").fill(PASSWORD)
    page.locator("form[data-once] button").click()
    page.wait_for_url("**/admin/**")
    begun = time.perf_counter()
    page.goto(f"{address}/admin/editor/1/", wait_until="commit")
    while not page.evaluate("document.documentElement.dataset.editor === 'ready'"):
        page.wait_for_timeout(10)
    taken = time.perf_counter() - begun
    page.locator("#mode-both").click()
    found = page.evaluate(KEYSTROKES) if type_too else {}
    page.context.close()
    return taken, found


@contextmanager
def _served() -> Iterator[str]:
    """A server with the shipped documents, and the draft in it."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        known = Settings(
            data=data,
            database=str(data / "duban.sqlite"),
            queue="",
            url="http://127.0.0.1:8080",
            secret="a secret of the benchmarks, long enough to sign forms",
            signing_key=None,
            admin_password=None,
        )
        settings.use(replace(known))
        store = database.open(known.database)
        at = time.time_ns() // 1_000_000
        migrate(store)
        policies.load_shipped(at)
        users.first_administrator(at, PASSWORD)
        drafts.begin(LARGEST, None, drafts.caller("admin"), at)
        server = make_server("127.0.0.1", 0, create_app(known), threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)
        server.server_close()
        store.close()
