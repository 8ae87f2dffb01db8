"""How long the server takes for each page of the panel, over 100,000 issues and 200 versions on SQLite."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from server import populating, settings
from server.settings import Settings
from server.store import database
from server.store.migrating import migrate
from server.store.models import Issue, Version
from tests.admin.visiting import PASSWORD, Panel, Visitor, now, panel_app
from tests.bench.result import Result
from tests.browser.examples import PAGES, VISITOR, make_up
from tests.publishing import publish

ISSUES = int(os.environ.get("DUBAN_BENCH_ISSUES", "100000"))
VERSIONS = 200
OF = ("complaint-monitoring", "cn-office")
TARGET = 0.150
WARMING = 8
ROUNDS = 20
SHOWN = 5  # pages whose figures are told


@dataclass(frozen=True, slots=True)
class Taken:
    """What a page took, 95 times of 100 at most: by the clock, and of the processor."""

    path: str
    clock: float
    processor: float


def run() -> list[Result]:
    """Ask for every page of the sweep, as an administrator."""
    with tempfile.TemporaryDirectory() as folder:
        settings.use(_settings(Path(folder)))
        store = database.open(settings.current().database)
        try:
            migrate(store)
            made = make_up()
            versions()
            populating.populate(ISSUES - Issue.select().count(), now())
            visitor = Panel(panel_app()).visitor(VISITOR)
            paths = [path for addresses in PAGES.values() for path in addresses(made)]
            return _results([asked for path in paths if (asked := ask(visitor, path))])
        finally:
            store.close()


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


def versions() -> None:
    """Bring so many versions of two documents into force, one after the other."""
    missing = VERSIONS - Version.select().count()
    texts = {name: _text(name) for name in OF}
    for number in range(missing):
        name = OF[number % len(OF)]
        publish(texts[name] + f"\n# amended {number}\n".encode(), now())


def _text(name: str) -> bytes:
    return bytes(Version.select().where(Version.name == name).order_by(Version.id.desc()).first().data)


def ask(visitor: Visitor, path: str) -> Taken | None:
    """What the page takes; None: it is no page at this time."""
    # What is worked out once and then known, is known in a server that runs.
    if max(visitor.get(path).status_code for _ in range(WARMING)) >= 400:
        return None
    clock, processor = [], []
    for _ in range(ROUNDS):
        begin, used = time.perf_counter(), time.process_time()
        visitor.get(path)
        clock.append(time.perf_counter() - begin)
        processor.append(time.process_time() - used)
    return Taken(path, _of_hundred(clock, 95), _of_hundred(processor, 95))


def _of_hundred(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def _calibration() -> float:
    """What counting to a million takes here and now."""
    taken = []
    for _ in range(7):
        begin = time.perf_counter()
        sum(range(1_000_000))
        taken.append(time.perf_counter() - begin)
    return median(taken)


def _results(pages: list[Taken]) -> list[Result]:
    pages.sort(key=lambda page: page.clock, reverse=True)
    unit = _calibration()
    slowest = pages[0]
    told = "; ".join(f"{page.path} {page.clock * 1000:.0f} ms" for page in pages[:SHOWN])
    by_itself = (
        f"{slowest.processor * 1000:.0f} ms of the processor; {slowest.clock / unit:.0f} × counting to a million"
    )
    detail = f"of {len(pages)} pages, {ISSUES:,} issues, {VERSIONS} versions; {by_itself}; slowest: {told}"
    figure = f"{slowest.clock * 1000:.0f} ms"
    return [Result("panel, slowest page, 95 of 100", figure, "≤ 150 ms", slowest.clock <= TARGET, detail)]


if __name__ == "__main__":
    for one in run():
        print(one.line())
