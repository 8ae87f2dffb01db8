"""Lint of events: what waits for an event that can never happen (policy language, "Events")."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from server.core.defined import Report, each
from server.core.findings import Path
from server.core.lint_flow import Flow
from server.core.process import Process

LISTENING = {
    "clocks": ("on", "until", "met_by"),
    "notify": ("on", "until"),
    "ladders": ("on", "climb_on", "until"),
    "surveys": ("on",),
}


def check(report: Report, process: Process, flow: Flow) -> None:
    """Every event that a part waits for, or a condition asks about."""
    for event, path in _named(process.raw):
        why = _impossible(process, flow, event)
        if why:
            report.warn(path, "event-never-happens", event=event, why=why)
    for part in ("clocks", "ladders"):
        for id, body in process.raw.get(part, {}).items():
            for key in ("on", "climb_on"):
                for event, at in each(body.get(key), (part, id, key)):
                    if _ends_in_final(process, flow, event):
                        report.warn(at, "timed-in-final", event=event)


def _named(raw: Any) -> Iterator[tuple[str, Path]]:
    for part, keys in LISTENING.items():
        for id, body in raw.get(part, {}).items():
            for key in keys:
                yield from each(body.get(key), (part, id, key))
    for index, body in enumerate(raw.get("automate", [])):
        yield from each(body.get("on"), ("automate", index, "on"))
    for part in (
        "classify",
        "route",
        "actions",
        "clocks",
        "notify",
        "ladders",
        "automate",
        "surveys",
        "checks",
        "watches",
        "targets",
        "reports",
    ):
        yield from _asked(raw.get(part), (part,))


def _asked(raw: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """What `happened` and `since` name, wherever a condition stands."""
    if isinstance(raw, dict):
        if isinstance(raw.get("happened"), str):
            for key in ("happened", "since"):
                yield from each(raw.get(key), (*path, key))
            return
        for key, value in raw.items():
            yield from _asked(value, (*path, key))
    elif isinstance(raw, list):
        for index, value in enumerate(raw):
            yield from _asked(value, (*path, index))


def _impossible(process: Process, flow: Flow, event: str) -> str:
    """Why the event can never happen (a word of the catalogue), or empty."""
    head, _, rest = event.partition(".")
    if head in _WHY and rest:
        return _WHY[head](process, flow, rest)
    action = flow.own.get(event)
    if action is not None and not any(stage in flow.reached for stage in flow.sources(action)):
        return "never_in_its_stages"
    if event == "answer" and event in process.actions and not process.surveys:
        return "no_surveys"
    return ""


def _stage(process: Process, flow: Flow, stage: str) -> str:
    return "" if stage in flow.reached else "never_entered"


def _clock(process: Process, flow: Flow, rest: str) -> str:
    name, _, what = rest.partition(".")
    clock = process.clocks[name]
    if what == "warned" and not clock.warn:
        return "no_warn"
    if what == "met" and not (clock.met_by if clock.recurring else clock.until):
        return "no_met_by" if clock.recurring else "no_until"
    return ""


def _ladder(process: Process, flow: Flow, rest: str) -> str:
    name, _, what = rest.partition(".")
    ladder = process.ladders[name]
    ends = ladder.climb_on or ladder.rungs[-1].within is not None
    return "last_rung_stays" if what == "exhausted" and not ends else ""


def _notice(process: Process, flow: Flow, rest: str) -> str:
    steps = [step for steps in process.notices[rest.partition(".")[0]].steps.values() for step in steps]
    ways = {via for step in steps for via in step.via}
    return "" if "preferred" in ways or any(map(process.is_manual, ways)) else "no_manual"


def _survey(process: Process, flow: Flow, rest: str) -> str:
    name, _, what = rest.partition(".")
    return "no_expires" if what == "expired" and process.surveys[name].expires is None else ""


_WHY: dict[str, Callable[[Process, Flow, str], str]] = {
    "stage": _stage,
    "clock": _clock,
    "ladder": _ladder,
    "notice": _notice,
    "survey": _survey,
}


def _ends_in_final(process: Process, flow: Flow, event: str) -> bool:
    """Whether the issue is surely in a final stage when the event has happened: nothing new is timed there."""
    if event.startswith("stage."):
        return process.is_final(event.removeprefix("stage."))
    action = flow.own.get(event)
    return action is not None and all(process.is_final(stage) for stage in flow.after(action))
