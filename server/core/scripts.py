"""Scripts: an issue and what happens to it, written down (contract, "A script"). Read only; `simulate` plays them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.core import kinds
from server.core.durations import BadDuration, parse_duration
from server.core.findings import Finding
from server.core.moments import BadTime, Moment, OutOfRange
from server.core.process import Process

Path = tuple[str | int, ...]

SCRIPT_KEYS = ("process", "start", "issue", "by", "people", "events", "until", "name", "expect")
EVENT_KEYS = {
    "do": ("at", "do", "by", "with", "issue"),
    "survey": ("at", "survey", "with", "issue", "by"),
    "confirm": ("at", "confirm", "by", "issue"),
    "send": ("at", "send", "by", "issue"),
    "receive": ("at", "receive", "by"),
}


class BadScript(ValueError):
    """A script that does not load, or whose issue is refused: `findings` say why."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("; ".join(finding.text() for finding in findings))
        self.findings = list(findings)


@dataclass(frozen=True, slots=True)
class Doing:
    """One event of a script, at its moment: `kind` is the key that says what is done, `what` its value."""

    at: Moment
    kind: str
    what: Any
    by: str | None
    given: Mapping[str, Any]
    number: str | None
    path: Path


@dataclass(frozen=True, slots=True)
class Script:
    """A script, read for its process."""

    start: Moment
    issue: Mapping[str, Any]
    by: str | None
    people: Mapping[str, tuple[str, ...]] | None
    events: tuple[Doing, ...]
    until: Moment


def read_script(raw: Any, process: Process) -> Script:
    """The script that a document's value is. Raises BadScript with every finding (paths within the script)."""
    return _Reading(process).script(raw)


class _Reading:
    def __init__(self, process: Process) -> None:
        self.process = process
        self.findings: list[Finding] = []
        self.start = 0

    def bad(self, path: Path, code: str, **params: str | int) -> None:
        self.findings.append(Finding(code, path, params))

    def script(self, raw: Any) -> Script:
        if not isinstance(raw, dict):
            raise BadScript([Finding("bad-script", ())])
        self.keys(raw, SCRIPT_KEYS, ())
        if "start" not in raw:
            self.bad((), "missing-key", key="start")
        self.start = self.moment(raw.get("start", "1970-01-01T00:00:00Z"), ("start",))
        issue = self.mapping(raw.get("issue", {}), ("issue",))
        people = self.people(raw["people"]) if raw.get("people") is not None else None
        events = self.events(raw.get("events") or [])
        last = events[-1].at if events else self.start
        until = self.moment(raw["until"], ("until",)) if "until" in raw else last
        if "until" in raw and until < self.start:
            self.bad(("until",), "not-in-order", text=str(raw["until"]))
        if self.findings:
            raise BadScript(self.findings)
        return Script(self.start, issue, self.person(raw.get("by"), ("by",)), people, tuple(events), until)

    def keys(self, raw: Mapping[str, Any], allowed: Sequence[str], path: Path) -> None:
        for key in raw:
            if key not in allowed:
                near = kinds.near(key, allowed)
                self.bad((*path, key), "unknown-key", key=key, near=near, defined=", ".join(allowed))

    def mapping(self, raw: Any, path: Path) -> dict[str, Any]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.bad(path, "not-mapping")
            return {}
        return raw

    def person(self, raw: Any, path: Path) -> str | None:
        if raw is not None and not isinstance(raw, str):
            self.bad(path, "not-login", value=str(raw))
            return None
        return raw

    def people(self, raw: Any) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for login, whos in self.mapping(raw, ("people",)).items():
            whos = whos if isinstance(whos, list) else [whos]
            if not all(isinstance(who, str) for who in whos):
                self.bad(("people", login), "not-login", value=str(whos))
            found[login] = tuple(str(who) for who in whos if who is not None)
        return found

    def moment(self, raw: Any, path: Path) -> Moment:
        """A moment of a script: ISO, or `+` and a duration from the start, by the process's calendar."""
        calendar = self.process.calendar
        try:
            if isinstance(raw, str) and raw.startswith("+"):
                return calendar.add(self.start, parse_duration(raw[1:], allow_zero=True))
            if isinstance(raw, str):
                return calendar.parse(raw)
        except BadDuration as error:
            self.findings.append(Finding(error.code, path, error.params))
            return self.start
        except (BadTime, OutOfRange):
            pass
        self.bad(path, "not-moment", text=str(raw))
        return self.start

    def events(self, raw: Any) -> list[Doing]:
        if not isinstance(raw, list):
            self.bad(("events",), "not-list")
            return []
        found: list[Doing] = []
        for index, item in enumerate(raw):
            doing = self.event(item, ("events", index))
            if doing is None:
                continue
            if doing.at < (found[-1].at if found else self.start):
                self.bad(("events", index, "at"), "not-in-order", text=str(item.get("at")))
            found.append(doing)
        return found

    def event(self, raw: Any, path: Path) -> Doing | None:
        given = [key for key in EVENT_KEYS if isinstance(raw, dict) and key in raw]
        if len(given) != 1 or "at" not in raw:
            self.bad(path, "bad-event", defined=", ".join(EVENT_KEYS))
            return None
        kind = given[0]
        self.keys(raw, EVENT_KEYS[kind], path)
        what = raw[kind]
        if kind == "receive":
            what = self.mapping(what, (*path, kind))
        elif not isinstance(what, str):
            self.bad((*path, kind), "not-text", name=kind)
        return Doing(
            at=self.moment(raw["at"], (*path, "at")),
            kind=kind,
            what=what,
            by=self.person(raw.get("by"), (*path, "by")),
            given=self.mapping(raw.get("with"), (*path, "with")),
            number=None if raw.get("issue") is None else str(raw["issue"]),
            path=path,
        )
