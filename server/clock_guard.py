"""Is the clock to be believed? A wall clock that jumps must not make everything due at once.

It is compared with a steady clock that no one sets. Going back needs nothing: what has happened does not happen again,
and time on an issue never goes back. A jump forward by more than a minute is held until a later reading confirms it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.core.moments import MINUTE, SECOND, Moment

JUMP: Final = MINUTE
CONFIRM_AFTER: Final = 10 * SECOND
DRIFT: Final = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Reading:
    """What both clocks showed, in milliseconds."""

    wall: Moment
    steady: int

    def ahead(self, earlier: Reading) -> int:
        """By how much the wall clock went ahead of the steady one since."""
        return (self.wall - earlier.wall) - (self.steady - earlier.steady)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`now` is the moment to act by; None: hold. `event` is `jumped`, `confirmed` or `back` when it is news, and `by`
    how many milliseconds it was about."""

    now: Moment | None
    event: str | None = None
    by: int = 0


class ClockGuard:
    """Looks at both clocks again and again; one for each process that lets time pass."""

    def __init__(self) -> None:
        self._last: Reading | None = None
        self._held: Reading | None = None
        self._jumped_by = 0

    def look(self, wall: Moment, steady: int) -> Verdict:
        """What to make of this reading."""
        reading = Reading(wall, steady)
        if self._last is None:
            self._last = reading
            return Verdict(wall)
        if self._held is not None:
            return self._again(reading)
        ahead = reading.ahead(self._last)
        if ahead > JUMP:
            self._held, self._jumped_by = reading, ahead
            return Verdict(None, "jumped", ahead)
        self._last = reading
        return Verdict(wall, "back", -ahead) if ahead < -JUMP else Verdict(wall)

    def confirm(self) -> None:
        """An administrator says that the clock is right."""
        self._last, self._held = self._held or self._last, None

    def _again(self, reading: Reading) -> Verdict:
        """Whether the clock, since it jumped, goes on from there as a clock does; or has gone back again."""
        assert self._held is not None
        assert self._last is not None
        if reading.ahead(self._last) <= JUMP:
            self._last, self._held = reading, None
            return Verdict(reading.wall, "back", self._jumped_by)
        if abs(reading.ahead(self._held)) > DRIFT:
            self._held = reading
            return Verdict(None)
        if reading.steady - self._held.steady < CONFIRM_AFTER:
            return Verdict(None)
        self._last, self._held = reading, None
        return Verdict(reading.wall, "confirmed", self._jumped_by)
