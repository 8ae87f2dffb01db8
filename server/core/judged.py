"""What judging works on and gives: the view of an issue, and a decision with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from server.core.moments import Moment


class View:
    """An issue as conditions see it: `facts` by name, `now`, and for each event that has `happened` the sequence
    number of its last line."""

    __slots__ = ("facts", "happened", "now")

    def __init__(self, facts: Mapping[str, Any], now: Moment, happened: Mapping[str, int] | None = None) -> None:
        self.facts = facts
        self.now = now
        self.happened: Mapping[str, int] = {} if happened is None else happened


class Decision(NamedTuple):
    """What a table gave and why. `rule` counts from 1; None is `else`; a look-up table's row is the list of its
    keys. `facts` are the fields that were looked at, in that order, until the outcome was sure."""

    value: Any
    rule: int | list[str] | None
    facts: dict[str, Any]
