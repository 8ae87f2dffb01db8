"""`/metrics`: what an operator's Prometheus reads. Open like `/healthz`, so it says nothing about customers or people,
and asking often costs little (docs/metrics.md)."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from typing import Final

from flask import Response, request

from server import metrics, settings
from server.api.answers import raw
from server.api.requests import now
from server.api.table import routes
from server.metrics import Family, Sample
from server.store import database
from server.store.failures import Unavailable

log = logging.getLogger("duban.metrics")

UNKNOWN: Final = "unknown"
"""The route of requests that lead nowhere: their paths are chosen by strangers."""

BEGAN: Final = "duban.began"
"""Where the environment of a request says when it began, if that was before Flask came to see it."""

_METHODS: Final = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def show() -> Response:
    """The figures; also without a database, which is then the figure that matters."""
    return raw(metrics.text(_families()).encode(), 200, mimetype=metrics.CONTENT_TYPE)


def _families() -> Iterator[Family]:
    kind = "postgresql" if database.is_postgres_url(settings.current().database) else "sqlite"
    about = {"version": version("duban"), "database": kind, "python": platform.python_version()}
    yield Family("duban_build_info", "gauge", "1; the labels say what runs.", (Sample(1, about),))
    found: list[Family] = []
    try:
        with database.session():
            found = [*metrics.counted(), *metrics.so_many_now(now())]
    except Unavailable as error:
        log.warning("the database cannot be used: %s", error)
    said = "1 when the database answers; without it the other figures are left out."
    yield Family("duban_database_up", "gauge", said, (Sample(1 if found else 0),))
    yield from found


def measured(answer: Callable[[], Response]) -> Response:
    """The answer, counted by its route with how long it took."""
    began = time.monotonic()
    response = answer()
    asked = request._get_current_object()  # type: ignore[attr-defined]
    method = asked.method if asked.method in _METHODS else UNKNOWN
    route = UNKNOWN if asked.url_rule is None else _route_of(asked.url_rule.rule)
    count(method, route, response.status_code, asked.environ.get(BEGAN, began))
    return response


def count(method: str, route: str, status: int, began: float) -> None:
    """Count an answer, and how long it took since `began`, a reading of the monotonic clock."""
    metrics.count(metrics.REQUESTS, method, route, str(status))
    metrics.observe(metrics.DURATION, time.monotonic() - began, method, route)


@cache
def _route_of(rule: str) -> str:
    """The route as the table writes it; the panel's pages are one, those behind links are named by their first part."""
    found = next((route.path for route in routes() if route.rule == rule), None)
    return found or "/" + rule.split("/")[1]
