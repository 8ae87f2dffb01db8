"""The flow of a process told: stages, actions, who may do them, and who checks the answer."""

from __future__ import annotations

from collections.abc import Iterator

from server.core.overview.parts import Block, Cell, Grid, Paragraph, Points
from server.core.overview.voice import Value, Voice, mapping, several
from server.core.process import BUILT_IN


def flow(voice: Voice) -> list[Block]:
    """Stages and actions."""
    stages = list(voice.items("stages"))
    rows = []
    for place, (name, one) in enumerate(stages):
        notes = [] if place else [voice.say("flow.starts")]
        if one.get("final"):
            notes.append(voice.say("flow.final"))
        rows.append((Cell([voice.title("stages", name)]), Cell(notes)))
    head = [voice.say("columns.stage"), voice.say("columns.meaning")]
    blocks: list[Block] = [Paragraph(voice.say("flow.stages", n=len(stages))), Grid(head[0], head, rows)]
    actions = [_action(voice, name, one) for name, one in voice.items("actions")]
    if actions:
        columns = [voice.say(f"columns.{key}") for key in ("action", "from", "to", "by", "form", "more")]
        blocks += [Paragraph(voice.say("flow.actions")), Grid(columns[0], columns, actions)]
    return [*blocks, Paragraph(voice.say("flow.built_in"))]


def _action(voice: Voice, name: str, one: Value) -> tuple[Cell, ...]:
    sources = voice.stages(one["from"]) if "from" in one else voice.say("words.any_stage")
    to = voice.stages(one["to"]) if "to" in one else voice.say("words.same_stage")
    by = [voice.who(one["by"]) if "by" in one else voice.say("flow.default_by")]
    if "not_by" in one:
        by.append(voice.say("flow.not_by", who=voice.who(one["not_by"])))
    form = [
        voice.say("flow.required", field=voice.label(str(field))) if how == "required" else voice.label(str(field))
        for field, how in mapping(one.get("form")).items()
    ]
    return (
        Cell([voice.title("actions", name)]),
        Cell([sources]),
        Cell(["–" if name in BUILT_IN else to]),
        Cell(by),
        Cell([voice.listed(form)] if form else []),
        Cell(list(_more(voice, one))),
    )


def _more(voice: Voice, one: Value) -> Iterator[str]:
    if "when" in one:
        yield voice.say("flow.when", condition=voice.condition(one["when"]))
    for field, value in mapping(one.get("set")).items():
        label = voice.label(str(field))
        if value is None:
            yield voice.say("flow.emptied", field=label)
        else:
            yield voice.say("flow.set", field=label, value=voice.copied(str(field), value))
    if "assign" in one:
        routed = one["assign"] == "route"
        yield voice.say("flow.assign_route") if routed else voice.say("flow.assign", who=voice.who(one["assign"]))
    if one.get("reopens"):
        yield voice.say("flow.reopens")
    opens = mapping(one.get("opens"))
    if opens:
        filled = voice.filled(opens.get("fields"))
        key = "flow.opens_with" if filled else "flow.opens"
        yield voice.say(key, process=voice.document(opens.get("process")), fields=filled)


def checking(voice: Voice) -> list[Block]:
    """Who checks the answer: what somebody else must do, what ends an issue, what the customer is asked."""
    said = []
    final = {name for name, one in voice.items("stages") if one.get("final")}
    automatic = {str(mapping(one).get("do")) for one in several(voice.value.get("automate"))}
    for name, one in voice.items("actions"):
        title, by = voice.title("actions", name), voice.who(one.get("by")) or voice.say("flow.default_by")
        if "not_by" in one:
            said.append(voice.say("checking.not_by", action=title, by=by, not_by=voice.who(one["not_by"])))
        elif one.get("to") in final:
            said.append(voice.say("checking.closing", action=title, by=by))
        if one.get("to") in final and name in automatic:
            said.append(voice.say("checking.closing_auto", action=title))
    for name, _ in voice.items("surveys"):
        said.append(voice.say("checking.asked", survey=voice.title("surveys", name)))
    return [Points([*said, voice.say("checking.put_back")])]
