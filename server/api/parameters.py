"""Parameters of the query: known ones only, each once, each of its type."""

from __future__ import annotations

import re

from flask import request

from server.api.problems import Failed, said
from server.core.moments import BadTime, Moment, OutOfRange, parse

_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)


def only_these(*names: str) -> None:
    """Raises Failed for a parameter that is not one of these: a slip of the pen must not widen what is found."""
    for name, values in request.args.lists():
        if name not in names:
            raise bad(name, "unknown")
        if len(values) > 1:
            raise bad(name, "twice")


def text(name: str) -> str | None:
    """The parameter's text; None when it is not there or empty."""
    found = request.args.get(name) or None
    # PostgreSQL takes no NUL, and what is longer is never a name.
    if found is not None and ("\x00" in found or len(found) > 1000):
        raise bad(name, "text")
    return found


def integer(name: str, default: int | None, low: int, high: int) -> int:
    """The parameter's number within its bounds; the default when it is not there or empty."""
    found = request.args.get(name) or None
    if found is None and default is not None:
        return default
    if found is None or not _INTEGER.fullmatch(found) or not low <= int(found) <= high:
        raise bad(name, "integer", low=low, high=high)
    return int(found)


def boolean(name: str) -> bool | None:
    """Whether the parameter is `true` or `false`; None when it is not there or empty."""
    found = request.args.get(name) or None
    if found is None:
        return None
    if found not in ("true", "false"):
        raise bad(name, "boolean")
    return found == "true"


def moment(name: str, default: Moment | None = None) -> Moment:
    """The parameter's time with its offset; the default when it is not there or empty."""
    found = request.args.get(name) or None
    if found is None and default is not None:
        return default
    try:
        # In a query, `+` stands for a space.
        return parse((found or "").replace(" ", "+"))
    except (BadTime, OutOfRange) as error:
        raise bad(name, "moment") from error


def bad(name: str, why: str, **params: object) -> Failed:
    """The problem with a parameter; `why` is one of the reasons in `schemas/problems.yaml`."""
    return Failed(400, "bad-parameter", name=name, why=said(f"parameter-{why}", **params))
