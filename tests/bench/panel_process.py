"""The pages of the panel as a web process answers them: each for the first time in the process, and again and again."""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from server import settings
from server.settings import Settings
from server.store import database
from server.wsgi import make_ready
from tests.admin.visiting import Panel, Visitor, panel_app
from tests.browser.examples import VISITOR

ROUNDS = 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: a page, or with a form the part of a page that a script asks for. `edited`: the input whose
    text is another one each time."""

    path: str
    form: dict[str, str] = field(default_factory=dict)
    edited: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What something asked for takes, in seconds by the clock and of the processor: the first time in a process that
    was just started, and 95 times of 100 at most when it is asked for again and again. `typed`: with another text
    each time."""

    path: str
    typed: bool
    first: tuple[float, float]
    clock: float
    processor: float


def measure(known: Settings, asked: list[Asked]) -> list[Taken]:
    """What each of these takes; those that are no page at this time are left out. In a process of its own."""
    settings.use(known)
    store = database.open(known.database)
    app = panel_app()
    make_ready(app)
    store.close()
    cookies, token = _in_a_child(lambda: _signed_in(Panel(app)))

    def visitor() -> Visitor:
        found = Panel(app).visitor()
        for name, value in cookies.items():
            found.client.set_cookie(name, value, domain="127.0.0.1")
        return found

    # The first requests come to processes that have answered none.
    firsts = [_in_a_child(lambda one=one: _request(visitor(), one, token, 0)) for one in asked]
    who = visitor()
    found = []
    for one, (status, *first) in zip(asked, firsts, strict=True):
        if status < 400:
            taken = [_request(who, one, token, number)[1:] for number in range(1, ROUNDS + 1)]
            clock, processor = ([pair[place] for pair in taken] for place in (0, 1))
            worst = (of_hundred(clock, 95), of_hundred(processor, 95))
            found.append(Taken(one.path, bool(one.edited), (first[0], first[1]), *worst))
    store.close()
    return found


def of_hundred(values: list[float], share: int) -> float:
    """The value that so many of a hundred do not exceed."""
    return sorted(values)[-(-len(values) * share // 100) - 1]


def _signed_in(panel: Panel) -> tuple[dict[str, str], str]:
    """The cookies of a session, and the token of its forms."""
    visitor = panel.visitor(VISITOR)
    token = visitor.token()
    return {cookie.key: cookie.value for cookie in visitor.client._cookies.values()}, token


def _request(who: Visitor, asked: Asked, token: str, number: int) -> tuple[int, float, float]:
    """The status, and the seconds that it took by the clock and of the processor."""
    form: dict[str, Any] = {**asked.form, "csrf_token": token}
    if asked.edited:
        form[asked.edited] = f"{form[asked.edited]}\n# {number}\n"
    more = {"base_url": who.base_url, "headers": {"Referer": f"{who.base_url}/admin/", "X-Duban-Part": "1"}}
    begin, used = time.perf_counter(), time.process_time()
    answer = who.client.post(asked.path, data=form, **more) if asked.form else who.get(asked.path)
    return answer.status_code, time.perf_counter() - begin, time.process_time() - used


def _in_a_child(work: Callable[[], T]) -> T:
    """What `work` gives, done by a copy of this process."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            database.current().dispose()
            with os.fdopen(theirs, "wb") as answer:
                pickle.dump(work(), answer)
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with os.fdopen(ours, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if not said:
        raise RuntimeError("a request failed; see above")
    found: T = pickle.loads(said)
    return found
