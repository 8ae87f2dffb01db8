"""A demo: the people of `seeds/directory.yaml`, and the issues of `seeds/issues.yaml` in every stage of every process.

The issues are played through the interpreter like real ones, at moments that lie just before now, in order, with the
sweep in between. Their messages are held until an administrator lets them go. All of it is one transaction.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from server import accounts, acting, directory, intake, policies
from server.accounts.users import ADMINISTRATOR
from server.core import actions, values
from server.core.case import Case
from server.core.durations import parse_duration
from server.core.moments import DAY, MINUTE, Moment
from server.core.process import SYSTEM, Process
from server.core.turn import Turn
from server.core.world import Asked
from server.directory import snapshot
from server.events import Held, Surroundings
from server.numbering import live_directory
from server.recording import held
from server.resources import data_dir
from server.starting import Demo, Login
from server.store import database
from server.store.models import Issue, Meta
from server.sweep import next_on_issues, sweep

MARK: Final = "demo"
HELD_BACK: Final = Surroundings(hold_messages=True)
LONGEST_AGO: Final = 120 * DAY


class NobodyMay(RuntimeError):
    """A step of the shipped issues that nobody can do: `seeds/issues.yaml` does not fit the policies."""


def load(now: Moment) -> tuple[Demo | None, bool]:
    """Bring the demo into the store, all or nothing. None when it was loaded before; None and True when the store has
    people or issues of its own, which a demo must not mix with."""
    with database.transaction():
        if Meta.get_or_none(Meta.key == MARK) is not None:
            return None, False
        if Issue.select().exists() or set(snapshot().people) - set(accounts.administrators()):
            return None, True
        plan, findings = directory.plan((data_dir("seeds") / "directory.yaml").read_bytes(), "directory.yaml")
        if plan is None:
            raise RuntimeError(f"the demo's people cannot be used: {'; '.join(map(str, findings))}")
        directory.carry_out(plan, now)
        logins = tuple(_logins(now))
        play(list(_stories(now)), now)
        Meta.insert(key=MARK, value={"at": now}).execute()
        return Demo(logins, len(snapshot().people), int(Issue.select().count())), False


def _logins(now: Moment) -> Iterator[Login]:
    """One person for each role, with a password; whoever has one already keeps it."""
    people = snapshot()
    given: set[str] = set()
    for role, holders in people.holders.items():
        if role == ADMINISTRATOR or not holders:
            continue
        login = min(holders, key=lambda login: len(people.roles_of[login]))
        if login in given:
            continue
        given.add(login)
        password = secrets.token_urlsafe(9)
        accounts.set_password(login, password, now)
        yield Login(login, password, tuple(sorted(people.roles_of[login])))


# -- the issues ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Story:
    """One issue on its way: what happens to it, and when."""

    process: Process
    facts: Mapping[str, Any]
    by: str | None
    steps: list[tuple[Moment, Mapping[str, Any]]]
    start: Moment
    number: str = ""


def play(stories: Sequence[Story], now: Moment) -> None:
    """Let everything happen in order of time, and time pass up to now."""
    queue = [(story.start, index, 0) for index, story in enumerate(stories)]
    heapq.heapify(queue)
    while queue:
        moment, index, done = heapq.heappop(queue)
        _pass_time(moment - 1)
        story = stories[index]
        if done == 0:
            story.number = _receive(story)
        else:
            _do(story, story.steps[done - 1][1], moment)
        if done < len(story.steps):
            heapq.heappush(queue, (story.steps[done][0], index, done + 1))
    _pass_time(now)


def _pass_time(until: Moment) -> None:
    # Of the issues alone: schedules and activations are the worker's.
    while (due := next_on_issues()) is not None and due <= until:
        if not sweep(due, surroundings=HELD_BACK):
            return


def courses() -> list[dict[str, Any]]:
    """The courses of `seeds/issues.yaml`, with the issues that take them."""
    found: list[dict[str, Any]] = yaml.load(
        (data_dir("seeds") / "issues.yaml").read_text(encoding="utf-8"),
        Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),  # noqa: S506 (a safe loader)
    )
    return found


def _stories(now: Moment) -> Iterator[Story]:
    for course in courses():
        process = policies.in_force().processes[course["process"]].process
        for issue in course["issues"]:
            steps = course["steps"][: issue["steps"]]
            end = now - parse_duration(issue["rests"]).elapsed_ms(days_too=True)
            begin = start(process, [step["after"] for step in steps], end)
            times = list(moments(process, begin, steps))
            facts = {**course["issue"], **issue["issue"]}
            yield Story(process, facts, course.get("by"), list(zip(times, steps, strict=True)), begin)


def moments(process: Process, begin: Moment, steps: Sequence[Mapping[str, Any]]) -> Iterator[Moment]:
    """When each of the steps is done of an issue that begins then."""
    moment = begin
    for step in steps:
        moment = process.calendar.add(moment, parse_duration(step["after"]))
        yield moment


def start(process: Process, afters: list[str], end: Moment) -> Moment:
    """The latest full minute from which all these durations, one after the other, are over by `end`."""
    durations = [parse_duration(after) for after in afters]

    def over(moment: Moment) -> Moment:
        for duration in durations:
            moment = process.calendar.add(moment, duration)
        return moment

    early, late = (end - LONGEST_AGO) // MINUTE, end // MINUTE + 1
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if over(middle * MINUTE) <= end else (early, middle)
    return early * MINUTE


def _receive(story: Story) -> str:
    facts = _dated(story.process, story.facts, story.start)
    received = intake.receive(story.process.name, facts, story.start, by=story.by, surroundings=HELD_BACK)
    return str(received.number)


def _do(story: Story, step: Mapping[str, Any], now: Moment) -> None:
    if _overtaken(held(story.number).case, step):
        return
    if "survey" in step:
        acting.answer(story.number, step["survey"], step["with"], now, surroundings=HELD_BACK)
        return
    given = _dated(story.process, step.get("with", {}), now)
    by = step.get("by") or _somebody(held(story.number), step["do"], given, now)
    acting.act(story.number, step["do"], by, given, now, surroundings=HELD_BACK)


def _overtaken(case: Case, step: Mapping[str, Any]) -> bool:
    """Whether the clock came first: across a week of holidays two working hours are longer than the seven days after
    which the process does a step by itself, or a survey ends."""
    if "survey" in step:
        return case.surveys[step["survey"]].state == "expired"
    return SYSTEM in case.did.get(step["do"], ())


def _dated(process: Process, given: Mapping[str, Any], now: Moment) -> dict[str, Any]:
    """The values, with dates and times that are written as `+3d` reckoned from that moment."""
    found = dict(given)
    for name, value in given.items():
        field = values.editable(process, name)
        if field.type in ("date", "datetime") and isinstance(value, str) and value.startswith("+"):
            moment = process.calendar.add(now, parse_duration(value[1:], allow_zero=True))
            found[name] = process.calendar.date(moment) if field.type == "date" else process.calendar.show(moment)
    return found


def _somebody(found: Held, action: str, given: Mapping[str, Any], now: Moment) -> str:
    """Somebody who may do the action: the owner if he may, then those of the team, then anybody. Raises NobodyMay."""
    people = snapshot()
    turn = Turn(found.pinned.process, found.case, Asked(live_directory()), found.case.moment)
    turn.at(now)
    team = people.members.get(found.case.team or "", ())
    owner = (found.case.owner,) if found.case.owner else ()
    for login in dict.fromkeys((*owner, *team, *people.people)):
        refused = actions.refusal(turn, action, login, given)
        if refused is None:
            return str(login)
        if refused.why not in ("by", "not_by"):
            raise NobodyMay(f"{found.number} {action}: {refused}")
    raise NobodyMay(f"{found.number} {action}")
