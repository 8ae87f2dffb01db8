"""Examples: a policy proves itself (policy language, "examples").

What is expected must be on the timeline, in that order; what is under `not` must not be on it at all. An expectation
names some keys of a line; maps within it name some of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from server.core.findings import Finding
from server.core.moments import Moment
from server.core.process import Process
from server.core.scripts import BadScript, read_script
from server.core.simulate import play, timeline

Matcher = Callable[[Mapping[str, Any]], bool]


def run_examples(process: Process, processes: Mapping[str, Process]) -> list[Finding]:
    """Plays every example of the process; a finding for each line that is missing or must not be there."""
    found: list[Finding] = []
    for index, example in enumerate(process.raw.get("examples", [])):
        found += run_example(example, process, processes, ("examples", index))
    return found


def run_example(
    example: Mapping[str, Any], process: Process, processes: Mapping[str, Process], path: tuple[str | int, ...] = ()
) -> list[Finding]:
    """Plays one example and compares; findings with paths behind `path`."""
    return play_example(example, process, processes, path).findings


@dataclass(frozen=True, slots=True)
class Expected:
    """A line of `expect` against the timeline: `met`, and the place in the timeline of the line that it stands for
    (unmet: of the one that is nearest to it; of one that must not be there, of the one that is)."""

    wanted: Mapping[str, Any]
    unwanted: bool
    met: bool
    place: int | None


@dataclass(frozen=True, slots=True)
class PlayedExample:
    """An example that was played: its timeline as it is printed (empty when it could not be played), each of its
    expectations, and the findings; none: it passes."""

    lines: Sequence[Mapping[str, Any]]
    expected: Sequence[Expected]
    findings: list[Finding]


def play_example(
    example: Mapping[str, Any], process: Process, processes: Mapping[str, Process], path: tuple[str | int, ...] = ()
) -> PlayedExample:
    """Plays one example and compares line by line; findings with paths behind `path`."""
    try:
        script = read_script(example, process)
        lines = list(timeline(play(script, process, processes)))
    except BadScript as error:
        return PlayedExample((), (), [replace(finding, path=(*path, *finding.path)) for finding in error.findings])
    found: list[Finding] = []
    expected: list[Expected] = []
    position = 0
    for index, wanted in enumerate(example.get("expect", [])):
        at = (*path, "expect", index)
        unwanted = wanted.get("not")
        line = _matcher(wanted if unwanted is None else unwanted, process, script.start)
        if unwanted is not None:
            hit = next((place for place, entry in enumerate(lines) if line(entry)), None)
            expected.append(Expected(unwanted, True, hit is None, hit))
            if hit is not None:
                params = {"wanted": shown(unwanted), "found": shown(lines[hit])}
                found.append(Finding("example-unexpected", at, params))
            continue
        next_hit = next((number for number in range(position, len(lines)) if line(lines[number])), None)
        if next_hit is None:
            near = _nearest(wanted, lines)
            params = {"wanted": shown(wanted), "found": "" if near is None else shown(lines[near])}
            found.append(Finding("example-missing", at, params))
            expected.append(Expected(wanted, False, False, near))
        else:
            position = next_hit + 1
            expected.append(Expected(wanted, False, True, next_hit))
    return PlayedExample(lines, expected, found)


def _matcher(wanted: Mapping[str, Any], process: Process, start: Moment) -> Matcher:
    prepared = dict(wanted)
    for key in ("at", "due"):
        if isinstance(prepared.get(key), str):
            prepared[key] = _moment(prepared[key], process, start)
    return lambda line: all(key in line and _fits(value, line[key]) for key, value in prepared.items())


def _moment(text: str, process: Process, start: Moment) -> str:
    from server.core.durations import parse_duration

    try:
        if text.startswith("+"):
            return process.calendar.show(process.calendar.add(start, parse_duration(text[1:], allow_zero=True)))
        return process.calendar.show(process.calendar.parse(text))
    except ValueError:
        return text  # matches nothing, and is shown as it was written


def _fits(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        return all(key in found and _fits(value, found[key]) for key, value in wanted.items())
    if isinstance(found, list) and not isinstance(wanted, list):
        return bool(found == [wanted])
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(_fits, wanted, found))
    return isinstance(wanted, bool) == isinstance(found, bool) and bool(wanted == found)


def _nearest(wanted: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> int | None:
    """The place of the line that agrees with most of what was expected, for the finding; None: none agrees."""

    def agreement(line: Mapping[str, Any]) -> int:
        return sum(key in line and _fits(value, line[key]) for key, value in wanted.items())

    best = max(range(len(lines)), key=lambda place: agreement(lines[place]), default=None)
    return None if best is None or not agreement(lines[best]) else best


def shown(line: Mapping[str, Any]) -> str:
    """A line in few words: `clock_met clock=first_response at=…`."""
    rest = " ".join(f"{key}={value}" for key, value in line.items() if key not in ("kind", "because"))
    return f"{line.get('kind', '')} {rest}".strip()
