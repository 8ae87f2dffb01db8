"""From a process document to frozen objects, once per version (policy language, section 2).

The document has passed its schema and its references; what only compiling can tell (conditions, durations, patterns)
is reported here, with its place in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

import re2

from server.core import kinds, values
from server.core.ago import NotHere, parse_ago
from server.core.bycase import ByCase, compile_by_case, relocated
from server.core.calendars import Calendar
from server.core.conditions import Condition, compile_condition
from server.core.durations import BadDuration, BadSchedule, Duration, Schedule, parse_duration, parse_schedule
from server.core.findings import Finding
from server.core.kinds import CalendarLike, Kind, Scope
from server.core.process import (
    BUILT_IN,
    Action,
    Automation,
    ChannelKind,
    Check,
    Classification,
    Clock,
    Field,
    Ladder,
    Mark,
    Notice,
    Opens,
    Process,
    Route,
    Rung,
    Span,
    Stage,
    Step,
    Survey,
    Wait,
    Watch,
    Whos,
)
from server.core.tables import Table, compile_table

T = TypeVar("T")
Path = tuple[str | int, ...]

DEFAULT_BY = ("owner", "team", "supervisor")
ALSO_BY: Mapping[str, Whos] = {
    "edit": ("receiver",),
    "comment": ("receiver", "customer", "watchers"),
    "attach": ("receiver", "customer", "watchers"),
    "link": ("receiver", "customer", "watchers"),
}
_PATTERNS = re2.Options()
_PATTERNS.log_errors = False

KINDS = {
    "integer": Kind("number", whole=True),
    "number": kinds.NUMBER,
    "rating": Kind("number", whole=True),
    "boolean": kinds.BOOLEAN,
    "date": kinds.DATE,
    "datetime": kinds.DATETIME,
}


def listed(value: Any) -> list[Any]:
    """One or a list, as a list; nothing is an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def compile_process(
    raw: Mapping[str, Any],
    sha256: str,
    calendars: Mapping[str, Calendar],
    channels: Mapping[str, ChannelKind],
) -> tuple[Process, list[Finding]]:
    """The process that a valid document describes, and findings with their paths in it. `calendars` has all that it
    names, `channels` those of its channels document in their order."""
    compiler = _Compiler(raw, calendars, channels)
    return compiler.process(sha256), compiler.findings


def event_names(raw: Mapping[str, Any]) -> list[str]:
    """Every event that can happen on an issue of this process (policy language, "Events")."""
    names = ["received", *BUILT_IN, *raw.get("actions", {})]
    names += [f"stage.{stage}" for stage in raw.get("stages", {})]
    names += [f"classified.{name}" for name in raw.get("classify", {})]
    for clock, body in raw.get("clocks", {}).items():
        names += [f"clock.{clock}.{what}" for what in ("warned", "met", "breached")]
        names += [f"clock.{clock}.warned.{mark}" for mark in listed(body.get("warn"))]
    names += [f"ladder.{ladder}.{what}" for ladder in raw.get("ladders", {}) for what in ("climbed", "exhausted")]
    names += [f"notice.{notice}.confirmed" for notice in raw.get("notify", {})]
    names += [f"survey.{survey}.{what}" for survey in raw.get("surveys", {}) for what in ("answered", "expired")]
    names += [f"check.{check}.failed" for check in raw.get("checks", {})]
    names += [f"watch.{watch}.raised" for watch in raw.get("watches", {})]
    return list(dict.fromkeys(names))


def field_names(raw: Mapping[str, Any]) -> dict[str, Kind]:
    """Every name that a condition may look at, with its kind: declared and built-in fields, questions, tables."""
    found = {**values.OWN, **values.SET_BY_SERVER, "extra": kinds.TEXT}
    found["severity"] = Kind("text", tuple(raw.get("severities", {})), always=True)
    found["stage"] = Kind("text", tuple(raw.get("stages", {})), always=True)
    for name, body in raw.get("fields", {}).items():
        found[name] = kind_of(body)
    for survey in raw.get("surveys", {}).values():
        for name, body in survey.get("questions", {}).items():
            found[name] = kind_of(body)
    for name, table in raw.get("classify", {}).items():
        if name != "severity":
            found[name] = _kind_of_table(table)
    return found


def kind_of(body: Mapping[str, Any]) -> Kind:
    """The kind of value that a declared field or question has."""
    if body["type"] == "choice":
        return Kind("list" if body.get("many") else "text", tuple(body.get("options", {})))
    return KINDS.get(body["type"], kinds.TEXT)


def _kind_of_table(table: Any) -> Kind:
    """The kind of value that a classified name has: that of all its outcomes, else text."""
    outcomes = list(_outcomes(table))
    if outcomes and all(isinstance(value, bool) for value in outcomes):
        return kinds.BOOLEAN
    if outcomes and all(isinstance(value, int | float) and not isinstance(value, bool) for value in outcomes):
        return kinds.NUMBER
    return Kind("text", tuple(dict.fromkeys(map(str, outcomes))))


def _outcomes(table: Any) -> Iterable[Any]:
    if isinstance(table, list):
        yield from (rule["is"] for rule in table if isinstance(rule, dict) and "is" in rule)
    elif isinstance(table, dict):
        yield from _rows(table.get("table"))
        yield from _rows(table.get("else"))


def _rows(rows: Any) -> Iterable[Any]:
    if isinstance(rows, dict):
        for row in rows.values():
            yield from _rows(row)
    elif rows is not None:
        yield rows


class _Compiler:
    """Compiles one document; findings gather as it goes."""

    def __init__(
        self, raw: Mapping[str, Any], calendars: Mapping[str, Calendar], channels: Mapping[str, ChannelKind]
    ) -> None:
        self.raw = raw
        self.calendars = calendars
        self.channels = channels
        self.calendar = calendars[raw["calendar"]]
        self.findings: list[Finding] = []
        self.severities = tuple(raw["severities"])
        self.events = event_names(raw)
        named: dict[str, CalendarLike] = dict(calendars)
        self.scope = Scope(field_names(raw), self.calendar, self.events, named)

    def process(self, sha256: str) -> Process:
        raw = self.raw
        fields = {name: self.field(name, body, ("fields", name)) for name, body in raw.get("fields", {}).items()}
        routes = tuple(self.route(body, ("route", index)) for index, body in enumerate(raw.get("route", [])))
        looked_at = {name for route in routes if route.when for name in route.when.fields}
        stages = {id: self.stage(id, body or {}) for id, body in raw["stages"].items()}
        return Process(
            name=raw["name"],
            title=raw["title"],
            sha256=sha256,
            calendar=self.calendar,
            channels=self.channels,
            number=raw.get("number", raw["name"].upper() + "-{date}-{serial:3}"),
            fields=fields,
            kinds=self.scope.names,
            severities=self.severities,
            classify=tuple(self.table(name, table) for name, table in raw["classify"].items()),
            route=routes,
            route_fields=frozenset(looked_at | {route.field for route in routes if route.field}),
            stages=stages,
            first_stage=next(iter(stages)),
            actions=self.actions(),
            clocks=self.each("clocks", self.clock),
            notices=self.each("notify", self.notice),
            ladders=self.each("ladders", self.ladder),
            automations=tuple(
                self.automation(body, ("automate", index)) for index, body in enumerate(raw.get("automate", []))
            ),
            surveys=self.each("surveys", self.survey),
            checks=self.each("checks", self.check),
            watches=self.each("watches", self.watch),
            events=frozenset(self.events),
            raw=raw,
        )

    def each(self, part: str, compile_one: Callable[[str, Mapping[str, Any], Path], T]) -> dict[str, T]:
        return {id: compile_one(id, body, (part, id)) for id, body in self.raw.get(part, {}).items()}

    # -- small things ---------------------------------------------------------------------------------------------

    def found(self, path: Path, problems: Iterable[Finding]) -> None:
        self.findings += relocated(list(problems), path)

    def condition(self, raw: Any, path: Path) -> Condition | None:
        if raw is None:
            return None
        condition = compile_condition(raw, self.scope)
        self.found(path, condition.problems)
        return condition

    def by_case(self, raw: Any, path: Path, parse: Callable[[Any], T], plain_maps: bool = False) -> ByCase[T]:
        found = compile_by_case(raw, self.scope, parse, self.severities, plain_maps)
        self.found(path, found.problems)
        return found

    def duration(self, raw: Any, path: Path, parse: Callable[[str], Duration] = parse_duration) -> Duration:
        try:
            return parse(raw)
        except BadDuration as error:
            self.findings.append(Finding(error.code, path, error.params))
        except NotHere:
            self.findings.append(Finding("window-not-elapsed", path, {"text": str(raw)}))
        return parse_duration("now")

    def schedule(self, raw: Any, path: Path) -> Schedule:
        try:
            return parse_schedule(raw)
        except BadSchedule as error:
            self.findings.append(Finding(error.code, path, error.params))
            return parse_schedule("daily 00:00")

    def field(self, id: str, body: Mapping[str, Any], path: Path) -> Field:
        pattern = None
        if "pattern" in body:
            try:
                pattern = re2.compile(body["pattern"], _PATTERNS)
            except re2.error as error:
                self.findings.append(
                    Finding("bad-pattern", (*path, "pattern"), {"pattern": body["pattern"], "why": str(error)})
                )
        return Field(
            id=id,
            type=body["type"],
            label=body.get("label", id),
            kind=kind_of(body),
            options=dict(body.get("options", {})),
            many=bool(body.get("many")),
            required=bool(body.get("required")),
            key=bool(body.get("key")),
            private=bool(body.get("private")),
            minimum=body.get("minimum"),
            maximum=body.get("maximum"),
            max_length=body.get("max_length"),
            pattern=pattern,
            of=body.get("of", 5),
        )

    def stage(self, id: str, body: Mapping[str, Any]) -> Stage:
        return Stage(id, body.get("title", id), bool(body.get("final")))

    # -- judging --------------------------------------------------------------------------------------------------

    def table(self, name: str, raw: Any) -> Classification:
        table: Table = compile_table(name, raw, self.scope)
        self.found(("classify", name), table.problems)
        return Classification(name, table)

    def route(self, body: Mapping[str, Any], path: Path) -> Route:
        to = body["to"]
        field = to[6:] if to.startswith("field:") else ""
        when = self.condition(body.get("when"), (*path, "when"))
        return Route("" if field else to.removeprefix("team:"), field, when, body.get("assign", "nobody"))

    # -- flow -----------------------------------------------------------------------------------------------------

    def actions(self) -> dict[str, Action]:
        own = self.raw.get("actions", {})
        found = {id: self.action(id, body or {}, ("actions", id)) for id, body in own.items()}
        for id in BUILT_IN:
            if id not in found:
                found[id] = self.action(id, {}, ("actions", id))
        return found

    def action(self, id: str, body: Mapping[str, Any], path: Path) -> Action:
        opens = body.get("opens")
        by = tuple(listed(body.get("by"))) or (*DEFAULT_BY, *ALSO_BY.get(id, ()))
        return Action(
            id=id,
            title=body.get("title", id),
            by=by,
            not_by=tuple(listed(body.get("not_by"))),
            sources=tuple(listed(body["from"])) if "from" in body else None,
            to=body.get("to"),
            when=self.condition(body.get("when"), (*path, "when")),
            form={name: need == "required" for name, need in body.get("form", {}).items()},
            set=self.constants(body.get("set", {}), (*path, "set")),
            reopens=bool(body.get("reopens")),
            assign=body.get("assign"),
            opens=None if opens is None else Opens(opens["process"], dict(opens.get("fields", {}))),
            built_in=id in BUILT_IN,
        )

    def constants(self, raw: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """What `set` fills in: `field:G` stays as written, constants become facts."""
        found: dict[str, Any] = {}
        for name, value in raw.items():
            if value is None or (isinstance(value, str) and value.startswith("field:")):
                found[name] = value
                continue
            field = self.editable(name)
            if field is None:
                continue
            try:
                found[name] = values.fact(field, value, self.calendar.zone)
            except values.Unfit:
                self.findings.append(Finding("bad-constant", (*path, name), {"name": name, "value": str(value)}))
        return found

    def editable(self, name: str) -> Field | None:
        body = self.raw.get("fields", {}).get(name)
        if body is not None:
            return self.field(name, {key: value for key, value in body.items() if key != "pattern"}, ())
        return values.own_field(name)

    # -- clocks ---------------------------------------------------------------------------------------------------

    def clock(self, id: str, body: Mapping[str, Any], path: Path) -> Clock:
        recurring = "every" in body
        main = "every" if recurring else "within"
        calendar = self.calendars[body["calendar"]] if "calendar" in body else self.calendar
        first = self.by_case(body["first"], (*path, "first"), _span) if "first" in body else None
        return Clock(
            id=id,
            title=body.get("title", id),
            on=frozenset(listed(body["on"])),
            until=frozenset(listed(body.get("until"))),
            span=self.by_case(body[main], (*path, main), _span),
            recurring=recurring,
            calendar=calendar,
            first=first,
            met_by=frozenset(listed(body.get("met_by"))),
            since=_field_of(body.get("from")),
            pause=frozenset(listed(body.get("pause"))),
            warn=tuple(self.marks(body, path)),
        )

    def marks(self, body: Mapping[str, Any], path: Path) -> Iterable[Mark]:
        for index, text in enumerate(listed(body.get("warn"))):
            at: Path = (*path, "warn", index) if isinstance(body["warn"], list) else (*path, "warn")
            if isinstance(text, str) and text.endswith("%"):
                try:
                    yield Mark(text, percent=Fraction(str(percentage(text))))
                except ValueError as error:
                    self.findings.append(Finding(getattr(error, "code", "bad-percentage"), at, {"text": text}))
                continue
            try:
                yield Mark(text, before=parse_duration(text).elapsed_ms(days_too=True))
            except ValueError as error:
                code = getattr(error, "code", "bad-duration")
                self.findings.append(Finding(code, at, getattr(error, "params", {"text": str(text)})))

    # -- telling --------------------------------------------------------------------------------------------------

    def step(self, body: Mapping[str, Any], path: Path) -> Step:
        wait = None
        if "wait" in body:
            text = body["wait"]
            if isinstance(text, str) and " " in text and not text.endswith((" eod", " close")):
                wait = Wait(schedule=self.schedule(text, (*path, "wait")))
            else:
                wait = Wait(duration=self.duration(text, (*path, "wait")))
        return Step(tuple(listed(body["via"])), tuple(listed(body["to"])), body.get("template", ""), wait)

    def steps(self, raw: list[Any], path: Path) -> tuple[Step, ...]:
        return tuple(self.step(body, (*path, index)) for index, body in enumerate(raw))

    def variants(self, raw: Any, path: Path) -> dict[str, tuple[Step, ...]]:
        """Steps by severity, or under the key `` when one list serves all."""
        if isinstance(raw, list):
            return {"": self.steps(raw, path)}
        return {severity: self.steps(listed(part), (*path, severity)) for severity, part in raw.items()}

    def notice(self, id: str, body: Mapping[str, Any], path: Path) -> Notice:
        return Notice(
            id=id,
            title=body.get("title", id),
            on=frozenset(listed(body["on"])),
            until=frozenset(listed(body.get("until"))),
            send=self.by_case(body["send"], (*path, "send"), _send) if "send" in body else None,
            when=self.condition(body.get("when"), (*path, "when")),
            steps=self.variants(body["steps"], (*path, "steps")),
        )

    def ladder(self, id: str, body: Mapping[str, Any], path: Path) -> Ladder:
        return Ladder(
            id=id,
            title=body.get("title", id),
            on=frozenset(listed(body.get("on"))),
            climb_on=frozenset(listed(body.get("climb_on"))),
            until=frozenset(listed(body.get("until"))),
            when=self.condition(body.get("when"), (*path, "when")),
            rungs=tuple(self.rung(rung, (*path, "rungs", index)) for index, rung in enumerate(body["rungs"])),
            repeat=int(body.get("repeat", 0)),
        )

    def rung(self, body: Mapping[str, Any], path: Path) -> Rung:
        to = tuple(listed(body["to"]))
        if "steps" in body:
            steps = self.variants(body["steps"], (*path, "steps"))
        else:
            steps = {"": (Step(tuple(listed(body.get("via"))), to, body.get("template", "")),)}
        within = self.by_case(body["within"], (*path, "within"), parse_duration) if "within" in body else None
        return Rung(to, steps, within)

    def automation(self, body: Mapping[str, Any], path: Path) -> Automation:
        when = self.condition(body.get("when"), (*path, "when"))
        after = self.by_case(body["after"], (*path, "after"), parse_duration) if "after" in body else None
        schedules = tuple(self.schedule(text, (*path, "at")) for text in listed(body.get("at")))
        return Automation(
            do=body["do"],
            values=dict(body.get("with", {})),
            when=when,
            on=frozenset(listed(body.get("on"))),
            stage=body.get("stage", ""),
            after=after,
            at=schedules,
        )

    # -- asking and watching --------------------------------------------------------------------------------------

    def survey(self, id: str, body: Mapping[str, Any], path: Path) -> Survey:
        questions = {
            name: self.field(name, question, (*path, "questions", name))
            for name, question in body.get("questions", {}).items()
        }
        return Survey(
            id=id,
            title=body.get("title", id),
            on=frozenset(listed(body["on"])),
            share=self.by_case(body["share"], (*path, "share"), percentage) if "share" in body else None,
            via=tuple(listed(body["via"])),
            expires=self.duration(body["expires"], (*path, "expires")) if "expires" in body else None,
            questions=questions,
            template=body.get("template", ""),
        )

    def check(self, id: str, body: Mapping[str, Any], path: Path) -> Check:
        when = self.condition(body["when"], (*path, "when"))
        assert when is not None
        return Check(id, body.get("title", id), when, bool(body.get("set_aside")))

    def watch(self, id: str, body: Mapping[str, Any], path: Path) -> Watch:
        return Watch(
            id=id,
            title=body.get("title", id),
            count=int(body["count"]),
            window=self.duration(body["window"], (*path, "window"), parse_ago),
            same=tuple(listed(body.get("same"))),
            when=self.condition(body.get("when"), (*path, "when")),
        )


class BadPercentage(ValueError):
    """A text that is no percentage."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = "bad-percentage"
        self.params = {"text": text}


def percentage(raw: Any) -> float:
    """`20%` as 20.0. Raises BadPercentage."""
    text = str(raw)
    try:
        number = float(text.removesuffix("%"))
    except ValueError:
        number = -1.0
    if not text.endswith("%") or not 0 <= number <= 100:
        raise BadPercentage(text)
    return number


def _span(raw: Any) -> Span:
    field = _field_of(raw)
    return Span(raw, field=field) if field else Span(raw, duration=parse_duration(raw))


def _field_of(raw: Any) -> str:
    return raw[6:] if isinstance(raw, str) and raw.startswith("field:") else ""


class BadSend(ValueError):
    """None of `always`, `ask`, `never`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.code = "bad-send"
        self.params = {"text": text}


def _send(raw: Any) -> str:
    if raw not in ("always", "ask", "never"):
        raise BadSend(str(raw))
    return str(raw)
