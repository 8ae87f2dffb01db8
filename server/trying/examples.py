"""The examples of a draft, played; and new ones, made of a trial or of a real issue."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from server.backtesting import past_issue
from server.core.example_text import expected
from server.core.examples import Expected, play_example
from server.core.findings import Finding
from server.core.forecast import placeholder
from server.core.moments import Moment
from server.core.printing import fact_printed
from server.core.process import SYSTEM, Process
from server.core.replaying import Happened, Past, fitted
from server.core.scripts import read_script
from server.core.simulate import play, timeline
from server.trying.beside import Beside
from server.trying.playing import Trial, in_order

ISSUES_OWN: Final = ("subject", "channel", "preferred", "received")
"""What every issue has, and an example keeps of a real one. Its description stays where it is."""


@dataclass(frozen=True, slots=True)
class ExampleShown:
    """One example that was played: its place in the document, its name as written, whether it passes, and if not, what
    is wrong; its printed timeline and what was expected of it."""

    index: int
    name: Any
    passes: bool
    line: int
    lines: Sequence[Mapping[str, Any]]
    expected: Sequence[Expected]
    findings: Sequence[Finding]


def examples(tried: Beside, only: Collection[int] | None = None) -> list[ExampleShown]:
    """Every example of the text, or `only` those at these places in it, played; `[]` when it is no process or cannot be
    used."""
    if tried.process is None or tried.document is None:
        return []
    found = []
    for index, example in enumerate(tried.process.raw.get("examples", [])):
        if only is not None and index not in only:
            continue
        path = ("examples", index)
        played = play_example(example, tried.process, tried.library.processes, path)
        findings = [tried.document.placed(one) for one in played.findings]
        line = tried.document.place(path)[0]
        shown = (played.lines, played.expected, findings)
        found.append(ExampleShown(index, example.get("name"), not findings, line, *shown))
    return found


# -- new ones ------------------------------------------------------------------------------------------------------


def example_of_trial(tried: Beside, trial: Trial, until: Moment, name: str) -> dict[str, Any]:
    """The trial as an example that the text passes now, up to `until`. Raises BadScript."""
    process = tried.process
    assert process is not None
    script = trial.script(process)
    private = _private(process)
    made = {
        **script,
        "issue": _without(script["issue"], private, process, trial.received),
        "events": _up_to(until, script.get("events", []), process, trial.received),
    }
    return _expecting(_unnamed(made, process), tried, until, name)


def example_of_issue(
    tried: Beside,
    number: str,
    now: Moment,
    name: str,
    further: Sequence[Mapping[str, Any]] = (),
    until: Moment | None = None,
) -> dict[str, Any]:
    """A real issue as an example that the text passes now: what was recorded, without its description, its private
    fields and the names of people. `further`: what else happens to it, up to `until`. Raises BadScript, UnknownIssue,
    and Unreadable for one that cannot be played."""
    process = tried.process
    assert process is not None
    past = past_issue(number, now)
    first = past.events[0]
    facts, _, _ = fitted(first.event["facts"], past.process, process)
    kept = {key: value for key, value in facts.items() if key in ISSUES_OWN or key in process.fields}
    if kept.get("received") == first.now:
        del kept["received"]
    made = {
        "start": process.calendar.show(first.now),
        "by": first.event.get("by"),
        "issue": _without(_printed(kept, process), _private(process), process, first.now),
        "events": [
            *(event for happened in past.events[1:] for event in _events(happened, past, process)),
            *_up_to(until, further, process, first.now),
        ],
    }
    return _expecting(_unnamed(made, process), tried, past.until if until is None else until, name)


def _up_to(
    until: Moment | None, events: Sequence[Mapping[str, Any]], process: Process, start: Moment
) -> list[Mapping[str, Any]]:
    """What is done up to a moment, in order of time and without private values."""
    private = _private(process)
    return [
        {**one, "with": _without(one["with"], private, process, start)} if one.get("with") else one
        for one in in_order(events, process)
        if until is None or process.calendar.parse(str(one["at"])) <= until
    ]


def _events(happened: Happened, past: Past, process: Process) -> Iterable[dict[str, Any]]:
    event, at = happened.event, process.calendar.show(happened.now)
    given = _without(_printed(event.get("with") or {}, past.process), _private(process), process, happened.now)
    rest = {"with": given} if given else {}
    match event["kind"]:
        case "action" if event["action"] != "migrated":
            yield {"at": at, "do": event["action"], "by": event.get("by"), **rest}
        case "survey":
            yield {"at": at, "survey": event["survey"], **rest}
        case "confirm" | "send" as kind:
            yield {"at": at, kind: event["notice"], "by": event.get("by")}


def _printed(facts: Mapping[str, Any], process: Process) -> dict[str, Any]:
    printed = {name: fact_printed(name, value, process) for name, value in facts.items()}
    if isinstance(printed.get("received"), int):
        printed["received"] = process.calendar.show(printed["received"])
    return printed


def _private(process: Process) -> frozenset[str]:
    return frozenset(name for name, one in {**process.fields, **process.questions}.items() if one.private)


def _without(facts: Mapping[str, Any], private: Collection[str], process: Process, now: Moment) -> dict[str, Any]:
    """The facts without the private ones; those that cannot be left out have a placeholder."""
    found = {}
    for name, value in facts.items():
        if name not in private:
            found[name] = value
        elif name in process.fields:
            found[name] = placeholder(process, process.fields[name], now)
    return found


def _unnamed(made: Mapping[str, Any], process: Process) -> dict[str, Any]:
    """The script with `p1`, `p2` … in the place of logins: who it was is nothing to a policy."""
    names: dict[str, str] = {}

    def called(login: Any) -> Any:
        if not isinstance(login, str) or login in ("", SYSTEM, "customer") or login.startswith("team:"):
            return login
        return names.setdefault(login, f"p{len(names) + 1}")

    def facts(given: Mapping[str, Any]) -> dict[str, Any]:
        people = {name for name, one in process.fields.items() if one.type == "person"} | {"to"}
        return {name: called(value) if name in people else value for name, value in given.items()}

    found = {**made, "issue": facts(made["issue"])}
    if "by" in found:
        found["by"] = called(found["by"])
    found["events"] = [
        {
            key: called(value) if key == "by" else facts(value) if key == "with" else value
            for key, value in one.items()
            if value is not None
        }
        for one in made["events"]
    ]
    return {key: value for key, value in found.items() if value not in (None, [])}


def _expecting(made: Mapping[str, Any], tried: Beside, until: Moment, name: str) -> dict[str, Any]:
    """The script with its name in front and what happens in it behind."""
    process = tried.process
    assert process is not None
    until = until // 1000 * 1000
    script = read_script({**made, "until": process.calendar.show(until)}, process)
    lines = timeline(play(replace(script, until=until), process, tried.library.processes))
    shown = {"until": process.calendar.show(until)}
    return {"name": name, **made, **shown, "expect": expected(list(lines))}
