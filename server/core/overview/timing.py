"""The time in a process told: deadlines by severity, what happens when nobody acts, what happens by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server.core.overview.parts import Block, Cell, Grid, Paragraph, Points
from server.core.overview.voice import Value, Voice, mapping, several


def clocks(voice: Voice) -> list[Block]:
    """The matrix of severities and deadlines; then each deadline in words."""
    found = list(voice.items("clocks"))
    if not found:
        return [Paragraph(voice.say("clocks.nothing"))]
    rows = []
    for name, one in found:
        recurring = "every" in one
        span = one.get("every", one.get("within"))

        def show(raw: Any, recurring: bool = recurring) -> str:
            said = voice.duration(raw)
            return voice.say("clocks.every", duration=said) if recurring else said

        rows.append((Cell([voice.title("clocks", name)]), *voice.cells(span, show)))
    head = [voice.say("columns.clock"), *map(voice.severity, voice.severities)]
    return [Grid(voice.say("sections.clocks"), head, rows, matrix=True), Points([_clock(voice, *one) for one in found])]


def _clock(voice: Voice, name: str, one: Value) -> str:
    clauses = []
    if "on" in one:
        clauses.append(voice.say("clocks.starts", events=voice.events(one["on"])))
    if "from" in one:
        clauses.append(voice.say("clocks.from", field=voice.label(str(one["from"]).removeprefix("field:"))))
    if "first" in one:
        clauses.append(voice.say("clocks.first", durations=voice.by_case(one["first"], voice.duration)))
    if "met_by" in one:
        clauses.append(voice.say("clocks.met_by", events=voice.events(one["met_by"])))
    if "until" in one:
        clauses.append(voice.say("clocks.ends", events=voice.events(one["until"])))
    if "pause" in one:
        clauses.append(voice.say("clocks.pause", stages=voice.stages(one["pause"])))
    if "warn" in one:
        marks = voice.listed([voice.phrases.mark(str(text)) for text in several(one["warn"])])
        clauses.append(voice.say("clocks.warn", marks=marks))
    if "calendar" in one:
        clauses.append(voice.say("clocks.calendar", calendar=voice.document(one["calendar"])))
    return voice.say("words.named", thing=voice.quoted(voice.title("clocks", name)), text=voice.clauses(clauses))


# -- nobody acts ---------------------------------------------------------------------------------------------------


def nobody(voice: Voice) -> list[Block]:
    """What each deadline sets off when it warns and when it is missed; what a stage sets off by itself."""
    said, silent = [], []
    for name, one in voice.items("clocks"):
        title = voice.title("clocks", name)
        warned = list(_set_off(voice, f"clock.{name}.warned"))
        if warned and "warn" in one:
            said.append(voice.say("nobody.warned", clock=title, what=voice.pairs(warned)))
        breached = list(_set_off(voice, f"clock.{name}.breached"))
        if breached:
            said.append(voice.say("nobody.breached", clock=title, what=voice.pairs(breached)))
        else:
            silent.append(voice.quoted(title))
    if silent:
        said.append(voice.say("nobody.silent", clocks=voice.listed(silent)))
    said += [
        voice.say(
            "nobody.stays",
            stage=voice.title("stages", str(one.get("stage"))),
            duration=voice.by_case(one["after"], voice.duration),
            action=voice.title("actions", str(one.get("do"))),
        )
        for one in map(mapping, several(voice.value.get("automate")))
        if "after" in one
    ]
    return [Points(said)] if said else []


def _set_off(voice: Voice, event: str) -> Iterator[str]:
    def named(raw: Any) -> bool:
        return any(str(one) == event or str(one).startswith(f"{event}.") for one in several(raw))

    for name, one in voice.items("notify"):
        if named(one.get("on")):
            yield voice.say("nobody.notice", notice=voice.title("notify", name), who=_told(voice, one.get("steps")))
    for name, one in voice.items("ladders"):
        if named(one.get("on")):
            first = mapping(next(iter(several(one.get("rungs"))), {}))
            yield voice.say("nobody.ladder", ladder=voice.title("ladders", name), who=voice.who(first.get("to")))
        elif named(one.get("climb_on")):
            yield voice.say("nobody.climbs", ladder=voice.title("ladders", name))
    for name, one in voice.items("clocks"):
        if named(one.get("on")):
            yield voice.say("nobody.clock", clock=voice.title("clocks", name))
    for one in map(mapping, several(voice.value.get("automate"))):
        if named(one.get("on")):
            yield voice.say("nobody.action", action=voice.title("actions", str(one.get("do"))))


def _told(voice: Voice, steps: Any) -> str:
    lists = list(steps.values()) if isinstance(steps, dict) else [steps]
    found = {voice.phrases.who(str(who)): None for one in lists for step in several(one)
             for who in several(mapping(step).get("to"))}  # fmt: skip
    return voice.listed(list(found))


# -- by itself -----------------------------------------------------------------------------------------------------


def automatic(voice: Voice) -> list[Block]:
    """What the system does by itself."""
    rules = several(voice.value.get("automate"))
    return [Points([_automation(voice, mapping(one)) for one in rules])] if rules else []


def _automation(voice: Voice, one: Value) -> str:
    stage = voice.title("stages", str(one.get("stage", "")))
    when = []
    if "on" in one:
        when.append(voice.say("automatic.event", events=voice.events(one["on"])))
    if "after" in one:
        duration = voice.by_case(one["after"], voice.duration)
        when.append(voice.say("automatic.after", stage=stage, duration=duration))
    elif "at" in one:
        schedules = voice.say("words.or").join(voice.phrases.schedule(str(text)) for text in several(one["at"]))
        when.append(voice.say("automatic.at", stage=stage, schedule=schedules))
    elif stage:
        when.append(stage)
    when.append(voice.if_(one.get("when")))
    filled = voice.filled(one.get("with"))
    more = voice.say("words.and") + voice.say("automatic.with", values=filled) if filled else ""
    action = voice.title("actions", str(one.get("do", "")))
    return voice.upper(voice.say("automatic.does", when=voice.clauses(when), action=action, more=more))
