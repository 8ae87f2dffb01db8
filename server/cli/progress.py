"""How far a long command is: one line on a terminal, written over again and again; nothing when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import click

from server.cli.words import CLEAR, say

T = TypeVar("T")

EVERY: Final = 0.2
"""Seconds between two looks of the line."""


@contextmanager
def progress(show: Callable[[str, int, int | None], str]) -> Iterator[Callable[[str, int, int | None], None]]:
    """Gives what is told how far one is: what is being done, how much is done, and of how much (None: not known);
    `show` says it in a few words."""
    is_terminal = sys.stderr.isatty()
    shown_at = 0.0

    def tell(what: str, done: int, total: int | None) -> None:
        nonlocal shown_at
        if is_terminal and time.monotonic() - shown_at >= EVERY:
            click.echo(CLEAR + show(what, done, total), nl=False, err=True)
            shown_at = time.monotonic()

    try:
        yield tell
    finally:
        if shown_at:
            click.echo(CLEAR, nl=False, err=True)


def counted(items: Iterable[T], code: str, total: int | None = None) -> Iterator[T]:
    """The items, while a terminal is told how many there were. Results that go to a terminal themselves show it."""
    if sys.stdout.isatty():
        yield from items
        return
    with progress(lambda _, done, of: say(code, done=f"{done:,}", total=f"{of or 0:,}")) as told:
        for done, item in enumerate(items, start=1):
            yield item
            told("", done, total)
