"""What verifying finds, and how it is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was. `place`: where in the trail, from 1 (`to`: up to where; None: not in it);
    `entry`: an entry's id; `params` are the rest of what its text says."""

    code: str
    place: int | None = None
    entry: int | None = None
    to: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The finding as JSON, without a text."""
        own = {"code": self.code, "place": self.place, "to": self.to, "entry": self.entry}
        return {**{key: value for key, value in own.items() if value is not None}, **self.params}

    def order(self) -> tuple[bool, int]:
        """Findings by their place in the trail, and then those that have none."""
        return self.place is None, self.place or 0
