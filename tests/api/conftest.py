"""The interface over a store with the shipped documents and the people of the seeds, on Monday at nine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from server import accounts, settings
from server.api import hooks
from server.api.limits import Allowance, SharedAllowance
from server.core.moments import Moment
from server.settings import Settings
from server.store.database import Store
from server.wsgi import create_app
from tests.api.calling import Api, Clock
from tests.api.described import Promises
from tests.publishing import publish
from tests.server.conftest import MONDAY, open_for_business

__all__ = ["open_for_business"]

SECRET = "a secret for links"


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application; which store it works on is said by each test."""
    app = create_app(known(tmp_path_factory.mktemp("api")))
    promises = app.extensions["promises"] = Promises()
    app.after_request(promises.look)
    return app


def known(folder: Path) -> Settings:
    """Settings of a server at http://127.0.0.1:8080."""
    return Settings(
        data=folder,
        database="",
        queue="",
        url="http://127.0.0.1:8080",
        secret=SECRET,
        signing_key=secrets.token_bytes(32),
        admin_password=None,
        language="en",
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What time it is for requests."""
    made = Clock(MONDAY)
    monkeypatch.setattr("server.clock.now", lambda: made.now)
    return made


@pytest.fixture
def app(built: Flask, clock: Clock, open_for_business: Store, tmp_path: Path) -> Iterator[Flask]:
    """The application over the store, with fresh allowances."""
    before = settings._current
    settings.use(known(tmp_path))
    built.config["DUBAN"] = settings.current()
    built.extensions["duban.hooks"] = hooks.Limits()
    built.extensions["duban.tries"] = Allowance(60, 60)
    built.extensions["duban.tokens"] = SharedAllowance(0)
    built.extensions["promises"].broken.clear()
    yield built
    settings._current = before
    assert not built.extensions["promises"].broken, "an answer is not as described"


@pytest.fixture
def api(app: Flask) -> Api:
    """Nobody calls."""
    return Api(app.test_client())


@pytest.fixture
def calls(app: Flask) -> Any:
    """Who calls: a login, with the scopes given or all that the person has."""

    def caller(login: str, *scopes: str, now: Moment = MONDAY) -> Api:
        held = scopes or tuple(sorted(accounts_of(login)))
        return Api(app.test_client(), accounts.issue_token(login, held, now))

    return caller


def accounts_of(login: str) -> frozenset[str]:
    """The permissions of a person."""
    from server.directory import snapshot

    return snapshot().permissions_of(login)


@pytest.fixture
def put_in_force(open_for_business: Store) -> Any:
    """Brings a document into force."""

    def put(text: str) -> None:
        publish(text, MONDAY)

    return put
