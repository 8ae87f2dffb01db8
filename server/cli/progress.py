"""How far a long command is: one line on a terminal, written over again and again; nothing when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

EVERY: Final = 0.2
"""Seconds between two looks of the line."""

_CLEAR: Final = "\r\033[K"


@contextmanager
def progress(show: Callable[[str, int, int | None], str]) -> Iterator[Callable[[str, int, int | None], None]]:
    """Gives what is told how far one is: what is being done, how much is done, and of how much (None: not known);
    `show` says it in a few words."""
    is_terminal = sys.stderr.isatty()
    shown_at = 0.0

    def tell(what: str, done: int, total: int | None) -> None:
        nonlocal shown_at
        if is_terminal and time.monotonic() - shown_at >= EVERY:
            click.echo(_CLEAR + show(what, done, total), nl=False, err=True)
            shown_at = time.monotonic()

    try:
        yield tell
    finally:
        if shown_at:
            click.echo(_CLEAR, nl=False, err=True)
