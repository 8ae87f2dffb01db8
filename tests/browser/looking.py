"""What is wrong with a page as it is seen now: what axe finds, what sticks out; and a picture of it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from playwright.sync_api import Page, expect

from tests.browser.driving import sticks_out
from tests.conftest import skip_or_fail

ROOT: Final = Path(__file__).resolve().parents[2]
AXE: Final = ROOT / ".cache" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES: Final = ROOT / ".cache" / "screenshots"
TALLEST: Final = 6_000  # of a picture; a long document is many times that
RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
FIND: Final = """async rules => {
  const found = await axe.run(document, {runOnly: rules, resultTypes: ['violations'], elementRef: false});
  return found.violations.map(one => [one.id, one.nodes.length, one.nodes[0].html.slice(0, 160),
                                      one.nodes[0].any.map(each => each.message).join('; ').slice(0, 200)]);
}"""
# Nothing that moves is in the picture, and nothing is seen half-way from one appearance to the other.
STILL: Final = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync('*, *::before, *::after { transition: none !important; animation: none !important; }');
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
# What people read or hear, but for a document's text, what somebody wrote or was sent, and what is being typed.
BARE: Final = r"""() => {
  const bare = /(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])/, found = new Set();
  const verbatim = `code, pre, textarea, script, style, .source, .lines, .cm-editor,
    .pre-line, .message-text, .problem, .hint`;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (element.closest(verbatim)) continue;
    const told = ['aria-label', 'aria-valuetext', 'title'];
    const texts = node === element ? told.map(name => node.getAttribute(name)) : [node.data];
    for (const text of texts) if (text && bare.test(text)) found.add(text.trim().slice(0, 160));
  }
  return [...found];
}"""
NOTE_VIOLATIONS: Final = """window.__refused = [];
document.addEventListener('securitypolicyviolation', event => window.__refused.push(
  `${event.effectiveDirective}: ${event.blockedURI} ${event.sample} ${event.sourceFile || ''}:${event.lineNumber}`));"""


def need_axe() -> None:
    """Skip the test where axe-core is not there."""
    if not AXE.is_file():
        skip_or_fail("axe-core is not there: `make bundle` brings it")


def make_ready(page: Page) -> None:
    """Bring a page to rest, and axe into it; again after something has changed on it."""
    # What is asked of a page that still waits for its stylesheets is answered as if it had none.
    page.wait_for_load_state()
    # Pages that load more by script say when they are done.
    expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=15_000)
    if not page.evaluate("'axe' in window"):
        page.evaluate(STILL)
        page.evaluate(AXE.read_text("utf-8"))


def wrong_with(page: Page) -> list[str]:
    """What is wrong with a page that was made ready, as it is now."""
    found = []
    wider = sticks_out(page)
    if wider > 0:
        found.append(f"is {wider} pixels wider than the window")
    for rule, count, markup, why in page.evaluate(FIND, RULES):
        found.append(f"axe {rule} × {count}: {markup} — {why}")
    return found + [f"shows a day as machines write it: {text}" for text in page.evaluate(BARE)]


def take_picture(page: Page, file: Path) -> None:
    """Keep the whole page as a picture, as far as it is not too tall."""
    assert page.viewport_size is not None
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), TALLEST)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = {"x": 0, "y": 0, "width": width, "height": max(tall, height)}
    page.screenshot(path=file, full_page=True, clip=part, timeout=90_000)
