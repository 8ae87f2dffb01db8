"""`make demo N=100000`, that is `python -m server.cli.populating N`: a store with many issues that look real."""

from __future__ import annotations

import time

import click

from server import settings as environment
from server.cli.configured import read_settings
from server.cli.words import fail, say, tell
from server.store import database


@click.command(help=say("help-populate"))
@click.argument("count", type=click.IntRange(1, 10_000_000))
@click.option("--waiting", is_flag=True, help=say("option-waiting"))
def populate(count: int, waiting: bool) -> None:
    """Brings so many issues into the store."""
    from server import populating
    from server.starting import prepare
    from server.store.failures import Unavailable, UnsafeStore

    settings = environment.with_secrets(read_settings())
    environment.use(settings)
    now = time.time_ns() // 1_000_000
    try:
        if prepare(settings, now, demo=True).demo_refused:
            fail("demo-refused")
        database.open(settings.database)
        begun = time.monotonic()
        last = begun

        def told(done: int) -> None:
            nonlocal last
            if time.monotonic() - last >= 10:
                last = time.monotonic()
                tell("populated-so-far", done=done, count=count)

        played = populating.populate(count, now, waiting=waiting, told=told)
        seconds = max(time.monotonic() - begun, 0.001)
        tell("populated", count=count, played=played, seconds=round(seconds), rate=round(count / seconds))
        database.current().close()
    except (Unavailable, UnsafeStore) as error:
        fail("cannot-open", why=str(error))


if __name__ == "__main__":
    populate()
