"""How long the server takes for each page of the panel, over 100,000 issues and 200 versions on SQLite.

`DUBAN_BENCH_KEEP=FOLDER`: what was filled stays there, and is measured again by the next run.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median

from server import drafts, populating, settings
from server.settings import Settings
from server.store import database
from server.store.migrating import migrate
from server.store.models import Issue, Version
from tests.admin.visiting import PASSWORD, now
from tests.bench.bench_editor import LARGEST
from tests.bench.panel_process import ROUNDS, Asked, Taken, measure
from tests.bench.result import Result
from tests.browser.examples import PAGES, VISITOR, make_up
from tests.publishing import publish

ISSUES = int(os.environ.get("DUBAN_BENCH_ISSUES", "100000"))
VERSIONS = 200
OF = ("complaint-monitoring", "cn-office")
TARGET = 0.150
SHOWN = 5  # pages whose figures are told

TRIED = {"issue.subject": "系统中断", "issue.customer": "c", "issue.reporter": "r", "issue.impact": "stopped"}


def run() -> list[Result]:
    """Ask for every page of the sweep, and for what a text that is being typed would do, as an administrator."""
    with _folder() as folder:
        known = _settings(folder)
        made = folder / "asked.pickle"
        if not made.exists():
            made.write_bytes(pickle.dumps(_filled(known)))
        asked: list[Asked] = pickle.loads(made.read_bytes())
        # Filling leaves a process with much to look through; a web process begins anew.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
            return _results(fresh.submit(measure, known, asked).result())


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    kept = os.environ.get("DUBAN_BENCH_KEEP")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def _settings(folder: Path) -> Settings:
    return Settings(
        data=folder,
        database=str(folder / "duban.sqlite"),
        queue="",
        url="http://127.0.0.1:8080",
        secret="a secret of the benchmark, long enough to sign forms",
        signing_key=None,
        admin_password=PASSWORD,
    )


def _filled(known: Settings) -> list[Asked]:
    """Fill the store; give what is asked for."""
    settings.use(known)
    store = database.open(known.database)
    try:
        migrate(store)
        made = make_up()
        versions()
        populating.populate(ISSUES - Issue.select().count(), now())
        draft = drafts.begin(LARGEST, None, drafts.caller(VISITOR), now())
        text = bytes(draft.data).decode()
        pages = [Asked(path) for addresses in PAGES.values() for path in addresses(made)]
        tried = [("try", TRIED), ("examples", {}), ("changes", {})]
        return pages + [
            Asked(f"/admin/trying/{draft.id}/{page}", {"text": text, **form}, "text") for page, form in tried
        ]
    finally:
        store.close()


def versions() -> None:
    """Bring so many versions of two documents into force, one after the other."""
    missing = VERSIONS - Version.select().count()
    texts = {name: _text(name) for name in OF}
    for number in range(missing):
        name = OF[number % len(OF)]
        publish(texts[name] + f"\n# amended {number}\n".encode(), now())


def _text(name: str) -> bytes:
    return bytes(Version.select().where(Version.name == name).order_by(Version.id.desc()).first().data)


def _calibration() -> tuple[float, float]:
    """What counting to a million takes here and now, in seconds by the clock and of the processor."""
    clock, processor = [], []
    for _ in range(15):
        begin, used = time.perf_counter(), time.process_time()
        sum(range(1_000_000))
        clock.append(time.perf_counter() - begin)
        processor.append(time.process_time() - used)
    return median(clock), median(processor)


def _results(found: list[Taken]) -> list[Result]:
    again = {one.path: (one.clock, one.processor) for one in found if not one.typed}
    typed = {one.path: (one.clock, one.processor) for one in found if one.typed}
    first = {one.path: one.first for one in found}
    beside = f"{ISSUES:,} issues, {VERSIONS} versions"
    return [
        _result("panel, slowest page, 95 of 100 requests", again, f"each {ROUNDS} times; {beside}"),
        _result(
            "panel, trying a text that is typed, 95 of 100", typed, f"another text each of {ROUNDS} times; {LARGEST}"
        ),
        _result("panel, slowest first request in a fresh process", first, f"a process for each; {beside}"),
    ]


def _result(name: str, taken: dict[str, tuple[float, float]], detail: str) -> Result:
    """The slowest of these, given as seconds by the clock and of the processor."""
    paths = sorted(taken, key=lambda path: taken[path][0], reverse=True)
    clock, processor = taken[paths[0]]
    told = "; ".join(f"{path} {taken[path][0] * 1000:.0f} ms" for path in paths[:SHOWN])
    late = sum(seconds > TARGET for seconds, _ in taken.values())
    hardest = max(taken, key=lambda path: taken[path][1])
    counting, counted = _calibration()
    detail = (
        f"{len(taken)} addresses, {detail}; {late} above the target; of the processor {processor * 1000:.0f} ms, "
        f"at most {taken[hardest][1] * 1000:.0f} ({hardest}); counting to a million took {counting * 1000:.0f} ms, "
        f"of the processor {counted * 1000:.0f}; slowest: {told}"
    )
    return Result(name, f"{clock * 1000:.0f} ms", "≤ 150 ms", clock <= TARGET, detail)


if __name__ == "__main__":
    for one in run():
        print(one.line())
