"""What the interpreter asks of the world outside the issue, and how the answers are kept.

Every question with its answer is kept with the event, and replay feeds the kept answers (architecture, "One idea"),
so that judging anew gives the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from server.core.moments import Moment


class Place(NamedTuple):
    """Where a question is asked from: the issue's process and number, its team, owner and receiver, and when."""

    process: str
    number: str
    team: str | None
    owner: str | None
    receiver: str | None
    now: Moment


class Directory(Protocol):
    """The world outside the issue. Logins are texts; `who` is a Who as written (`role:monitor`, `supervisor+1`)."""

    @property
    def binding(self) -> bool:
        """Whether `by` and `not_by` are checked at all (a script without people: only `did:`)."""

    def number(self, process: str, received: Moment) -> str:
        """The number of a new issue."""

    def fits(self, person: str, who: str, place: Place) -> bool:
        """Whether the person is `who`, as far as the directory knows; what the issue itself knows (that he owns it,
        that he did something) is not asked."""

    def persons(self, who: str, place: Place) -> list[str]:
        """Those who are `who`, first one first."""

    def choose(self, team: str, how: str, place: Place) -> str | None:
        """The person of the team whose turn it is: `round_robin`, `least_busy` or `on_duty`."""

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        """How many issues with these values were received since, this one included (counted up to `count` + 1)."""

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        """Whether that process would refuse a new issue with these fields."""


class Unanswered(LookupError):
    """A question that was not asked when the event was recorded: `question` names it."""

    def __init__(self, question: Sequence[Any]) -> None:
        super().__init__(f"not asked then: {question!r}")
        self.question = list(question)


class Asked:
    """A directory that keeps each question with its answer, in order."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.answers: list[list[Any]] = []

    @property
    def binding(self) -> bool:
        return self._directory.binding

    def number(self, process: str, received: Moment) -> str:
        answer = self._directory.number(process, received)
        self.answers.append([["number", process], answer])
        return answer

    def fits(self, person: str, who: str, place: Place) -> bool:
        answer = self._directory.fits(person, who, place)
        self.answers.append([["fits", person, who], answer])
        return answer

    def persons(self, who: str, place: Place) -> list[str]:
        answer = self._directory.persons(who, place)
        self.answers.append([["persons", who], answer])
        return answer

    def choose(self, team: str, how: str, place: Place) -> str | None:
        answer = self._directory.choose(team, how, place)
        self.answers.append([["choose", team, how], answer])
        return answer

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        answer = self._directory.in_window(process, watch, values, count, since, now)
        self.answers.append([["in_window", process, watch, list(values)], answer])
        return answer

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        answer = self._directory.refuses(process, fields, now)
        self.answers.append([["refuses", process, dict(fields)], answer])
        return answer


class Kept:
    """The kept answers, for replay: each question in its order; another one raises Unanswered."""

    def __init__(self, answers: Sequence[Sequence[Any]], binding: bool = True) -> None:
        self.binding = binding
        self._answers = list(answers)
        self._next = 0

    def _answer(self, *question: Any) -> Any:
        if self._next < len(self._answers) and list(self._answers[self._next][0]) == list(question):
            self._next += 1
            return self._answers[self._next - 1][1]
        raise Unanswered(question)

    def number(self, process: str, received: Moment) -> str:
        return str(self._answer("number", process))

    def fits(self, person: str, who: str, place: Place) -> bool:
        return bool(self._answer("fits", person, who))

    def persons(self, who: str, place: Place) -> list[str]:
        return list(self._answer("persons", who))

    def choose(self, team: str, how: str, place: Place) -> str | None:
        answer = self._answer("choose", team, how)
        return None if answer is None else str(answer)

    def in_window(self, process: str, watch: str, values: Sequence[Any], count: int, since: Moment, now: Moment) -> int:
        return int(self._answer("in_window", process, watch, list(values)))

    def refuses(self, process: str, fields: Mapping[str, Any], now: Moment) -> bool:
        return bool(self._answer("refuses", process, dict(fields)))
