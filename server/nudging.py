"""Waking the worker after a commit. A nudge is only a hint: if it is lost, the sweep finds what there is to do."""

from __future__ import annotations

from collections.abc import Callable

from server.store import database

Hook = Callable[[], object]

_hooks: list[Hook] = []


def on_nudge(hook: Hook) -> Callable[[], None]:
    """Call `hook` after each commit that left something to do; gives what takes it back."""
    _hooks.append(hook)
    return lambda: _hooks.remove(hook)


def nudge() -> None:
    """Wake whoever waits for work."""
    for hook in _hooks:
        hook()


def after_commit() -> None:
    """Nudge once what is being written is on disk."""
    if _hooks:
        database.after_commit(nudge)
