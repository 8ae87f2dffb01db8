"""What the commands say, in the user's language: texts stand in `schemas/commands.yaml`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final, NoReturn

import click

from server.resources import texts_of

CLEAR: Final = "\r\033[K"
"""What empties a terminal's last line."""


def language() -> str:
    """`zh` or `en`: DUBAN_LANGUAGE, else the locale of the shell."""
    chosen = os.environ.get("DUBAN_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if chosen.lower().startswith("zh") else "en"


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return texts_of("commands")


def say(code: str, /, **params: object) -> str:
    """The text of that code with its parameters."""
    return _texts()[code][language()].format(**params)


def tell(code: str, /, **params: object) -> None:
    """Tells a person something: on standard error."""
    _line(say(code, **params))


def fail(code: str, /, **params: object) -> NoReturn:
    """Wrong use or unreadable input: says so and ends with 2."""
    tell(code, **params)
    sys.exit(2)


def fail_with(lines: Iterable[str]) -> NoReturn:
    """Input that cannot be used, for reasons already in words: says them and ends with 2."""
    for line in lines:
        _line(line)
    sys.exit(2)


def _line(text: str) -> None:
    # How far a command is may stand on the terminal's last line.
    click.echo((CLEAR if sys.stderr.isatty() else "") + text, err=True)
