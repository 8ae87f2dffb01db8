"""Past issues of a JSON Lines file: a line each, as `decide` takes an issue, besides what happened to it then.

A line is an issue's fields, with `number`, `by`, `people`, `events`, `until` and `start` as in a script; or a script
with its issue under `issue`. It is received at `start`, else at its `received`, else at the moment of the back-test.
The version that judged is that of the folder of policies; each line is a script of its own, so a watch counts nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from server.backtesting.comparing import Given
from server.core import values
from server.core.advance import advance, step
from server.core.moments import Moment, OutOfRange
from server.core.process import Process
from server.core.replaying import MOST_LINES, Happened, Past
from server.core.scripts import BadScript, Script, read_script
from server.core.simulate import ScriptWorld, event_of
from server.core.turn import Turn
from server.core.world import Asked
from server.payloads import BadPayload, read_json


class TooLong(ValueError):
    """A line that gives more than anybody reads: a clock that recurs each second, for a year."""


_SCRIPT: Final = ("start", "by", "people", "events", "until")


class Written(ScriptWorld):
    """The directory that a line is: it answers in the draft's world as it did before."""

    def __init__(self, processes: Mapping[str, Process], script: Script) -> None:
        super().__init__(processes, script.people)
        self.missing: list[list[Any]] = []
        self.counted()

    def recall(self, happened: object) -> None:
        """Nothing: who is who does not change in a line."""


def issues(
    lines: Iterable[tuple[int, str]], before: Process, processes: Mapping[str, Process], now: Moment
) -> Iterator[tuple[int, Given]]:
    """The issues of numbered lines, played through the version that judged them."""
    for place, line in lines:
        number = f"line {place}"
        try:
            script = read_script(_script(line, before, now), before)
            yield place, _played(number, script, before, processes)
        except BadPayload as error:
            yield place, Given(number, None, why="unreadable", problem=str(error))
        except (BadScript, TooLong, OutOfRange) as error:
            yield place, Given(number, None, why="refused", problem=str(error))


def _script(line: str, process: Process, now: Moment) -> dict[str, Any]:
    given = read_json(line.encode())
    if not isinstance(given, dict):
        raise BadPayload("payload-not-json", line=1, column=1)
    given.pop("process", None)
    if isinstance(given.get("issue"), dict):
        script = given
    else:
        script = {key: given.pop(key) for key in _SCRIPT if key in given}
        script["issue"] = given
    script.setdefault("start", script["issue"].get("received") or process.calendar.show(now))
    return script


def _played(number: str, script: Script, process: Process, processes: Mapping[str, Process]) -> Given:
    given = dict(script.issue)
    number = str(given.pop("number", number))
    facts, problems = values.new_issue(process, given, script.start, extra=True)
    if problems:
        return Given(number, None, why="refused", problem=", ".join(one.text() for one in problems))
    world = Written(processes, script)
    received = {"kind": "received", "facts": {**facts, "number": number}, "by": script.by}
    done = advance(process, None, received, script.start, world)
    case = done.case
    events = [Happened({**received, "facts": facts}, script.start, (), done.entries)]
    for doing in script.events:
        if doing.at > script.until:
            break
        if doing.kind == "receive" or doing.number not in (None, number):
            return Given(number, None, why="other-issue")
        entries = _pass(process, case, doing.at - 1, world)
        if entries:
            events.append(Happened({"kind": "time"}, doing.at - 1, (), entries))
        event = event_of(doing)
        done = advance(process, case, event, doing.at, world, copied=False)
        case = done.case
        if done.refused is None:  # what was refused has not happened
            events.append(Happened(event, doing.at, (), done.entries))
    events.append(Happened({"kind": "time"}, script.until, (), _pass(process, case, script.until, world)))
    return Given(number, Past(number, process, events, script.until), Written(processes, script))


def _pass(process: Process, case: Any, until: Moment, world: ScriptWorld) -> list[dict[str, Any]]:
    turn = Turn(process, case, Asked(world), case.moment)
    while step(turn, until):
        if len(turn.entries) > MOST_LINES:
            raise TooLong(str(MOST_LINES))
    return turn.entries
