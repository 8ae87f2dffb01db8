"""Is the clock to be believed? A wall clock that jumps must not make everything due at once.

It is compared with a steady clock that no one sets. Going back needs nothing: what has happened does not happen again,
and time on an issue never goes back. A jump forward by more than a minute is held until a later reading confirms it,
or an administrator; meanwhile time goes on from the last reading that was believed.
"""

from __future__ import annotations

import threading
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
    """`now` is the moment to act by; None: hold. `event` is `jumped`, `confirmed`, `taken-back` (a jump that was held)
    or `back` when it is news, and `by` how many milliseconds it was about."""

    now: Moment | None
    event: str | None = None
    by: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """A jump that is held: the last reading that was believed (None: by a process on another machine), the one that is
    not, and by how much it jumped."""

    last: Reading | None
    jumped: Reading
    by: int


class ClockGuard:
    """Looks at both clocks again and again; one for each process, for all of its threads."""

    def __init__(self, hold: Hold | None = None) -> None:
        """`hold`: what another process had begun to hold, so that a new one does not believe what that one did not."""
        self._last = None if hold is None else hold.last
        self._held = None if hold is None else hold.jumped
        self._jumped_by = 0 if hold is None else hold.by
        self._lock = threading.Lock()
        self.news: list[Verdict] = []
        """What happened, for whoever writes it down, until he takes it away."""

    def look(self, wall: Moment, steady: int) -> Verdict:
        """What to make of this reading."""
        with self._lock:
            verdict = self._look(Reading(wall, steady))
            if verdict.event is not None:
                self.news.append(verdict)
            return verdict

    def hold(self) -> Hold | None:
        """What is held now; None: the clock is believed."""
        with self._lock:
            return None if self._held is None else Hold(self._last, self._held, self._jumped_by)

    def believed(self, wall: Moment, steady: int) -> Moment:
        """The moment to go by while this reading is held: the last one believed, and the steady time since."""
        with self._lock:
            if self._held is None:
                return wall
            # Without one, by what the jump was said to be.
            return wall - self._jumped_by if self._last is None else self._last.wall + steady - self._last.steady

    def confirm(self, wall: Moment, steady: int) -> Verdict:
        """Somebody says that the clock is right as it is read now."""
        with self._lock:
            was_held, self._last, self._held = self._held is not None, Reading(wall, steady), None
            verdict = Verdict(wall, "confirmed", self._jumped_by) if was_held else Verdict(wall)
            if was_held:
                self.news.append(verdict)
            return verdict

    def _look(self, reading: Reading) -> Verdict:
        if self._held is not None:
            return self._again(reading, self._held)
        last, self._last = self._last, reading
        if last is None:
            return Verdict(reading.wall)
        ahead = reading.ahead(last)
        if ahead > JUMP:
            self._last, self._held, self._jumped_by = last, reading, ahead
            return Verdict(None, "jumped", ahead)
        return Verdict(reading.wall, "back", -ahead) if ahead < -JUMP else Verdict(reading.wall)

    def _again(self, reading: Reading, held: Reading) -> Verdict:
        """Whether the clock, since it jumped, goes on from there as a clock does; or has gone back again."""
        ahead = self._jumped_by + reading.ahead(held) if self._last is None else reading.ahead(self._last)
        if ahead <= JUMP:
            self._last, self._held = reading, None
            event, by = ("back", -ahead) if ahead < -JUMP else ("taken-back", self._jumped_by)
            return Verdict(reading.wall, event, by)
        if abs(reading.ahead(held)) > DRIFT:
            self._held, self._jumped_by = reading, ahead
            return Verdict(None)
        if reading.steady - held.steady < CONFIRM_AFTER:
            return Verdict(None)
        self._last, self._held = reading, None
        return Verdict(reading.wall, "confirmed", self._jumped_by)
