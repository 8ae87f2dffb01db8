"""What one benchmark found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside its target, both as text with their units; `detail` says how it was measured."""

    name: str
    figure: str
    target: str
    met: bool
    detail: str = ""

    def line(self) -> str:
        """Give the line that is printed: `met     judging: 4.1 × (target ≤ 8 ×)  detail`."""
        verdict = "met   " if self.met else "MISSED"
        detail = f"  [{self.detail}]" if self.detail else ""
        return f"{verdict}  {self.name}: {self.figure} (target {self.target}){detail}"


def side_by_side(*calls: Callable[[], object], rounds: int = 7, repeat: int = 1) -> tuple[float, ...]:
    """Give the median seconds of one call of each, taken in turns so that a noisy moment hits all of them alike.

    `repeat` calls are timed together, for calls that are too short for the clock.
    """
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, seconds in zip(calls, taken, strict=True):
            begin = perf_counter()
            for _ in range(repeat):
                call()
            seconds.append((perf_counter() - begin) / repeat)
    return tuple(median(seconds) for seconds in taken)
