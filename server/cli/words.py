"""What the commands say, in the user's language: texts stand in `schemas/commands.yaml`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NoReturn

import click
import yaml

from server.resources import data_dir


def language() -> str:
    """`zh` or `en`: DUBAN_LANGUAGE, else the locale of the shell."""
    chosen = os.environ.get("DUBAN_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "en"
    return "zh" if chosen.lower().startswith("zh") else "en"


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts: dict[str, dict[str, str]] = yaml.load(
        (data_dir("schemas") / "commands.yaml").read_text(encoding="utf-8"),
        Loader=loader,  # noqa: S506 (a safe loader)
    )
    return texts


def say(code: str, /, **params: object) -> str:
    """The text of that code with its parameters."""
    return _texts()[code][language()].format(**params)


def tell(code: str, /, **params: object) -> None:
    """Tells a person something: on standard error."""
    click.echo(say(code, **params), err=True)


def fail(code: str, /, **params: object) -> NoReturn:
    """Wrong use or unreadable input: says so and ends with 2."""
    tell(code, **params)
    sys.exit(2)


def fail_with(lines: Iterable[str]) -> NoReturn:
    """Input that cannot be used, for reasons already in words: says them and ends with 2."""
    for line in lines:
        click.echo(line, err=True)
    sys.exit(2)
