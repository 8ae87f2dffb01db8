"""The store, as commands use it that do one thing and end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server import settings as environment
from server.accounts import Refused
from server.cli.configured import read_settings
from server.cli.words import fail, fail_with, language
from server.store import database
from server.store.failures import Unavailable, UnsafeStore
from server.store.migrating import TooNew, pending


@contextmanager
def opened(*, old: bool = False) -> Iterator[None]:
    """The store of the environment for the block, which a first start has made; ends with 2 when there is none, when
    it cannot be used, and when what is asked for is not possible. `old`: an older release's is good, too."""
    settings = read_settings()
    environment.use(settings)
    if not database.is_postgres_url(settings.database) and not database.sqlite_path(settings.database).is_file():
        fail("no-store", place=settings.database)
    try:
        store = database.open(settings.database)
        try:
            if pending(store) and not old:
                fail("old-store")
            with store.session():
                yield
        finally:
            store.close()
    except (Unavailable, UnsafeStore, TooNew) as error:
        fail("cannot-open", why=str(error))
    except UnicodeEncodeError:
        # An argument of the shell that is no UTF-8; no store takes it.
        fail("no-text")
    except Refused as error:
        fail_with([error.text(language())])
