"""Who is told, in a process: notices by severity, ladders rung by rung, surveys to the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from server.core.durations import BadDuration, parse_duration
from server.core.overview.judging import field_grid
from server.core.overview.parts import Block, Cell, Grid, Paragraph, Points
from server.core.overview.voice import Value, Voice, mapping, several

SENDING: Final = ("always", "ask", "never")


def notices(voice: Voice) -> list[Block]:
    """The matrix of events and severities: by which channels who is told, in order."""
    found = list(voice.items("notify"))
    if not found:
        return [Paragraph(voice.say("notices.nothing"))]
    head = [voice.say("columns.notice"), *map(voice.severity, voice.severities)]
    rows = [(Cell(_occasion(voice, name, one)), *_steps_by_severity(voice, one)) for name, one in found]
    return [Grid(voice.say("sections.notices"), head, rows, matrix=True)]


def _occasion(voice: Voice, name: str, one: Value) -> list[str]:
    said = [voice.title("notify", name), voice.say("notices.on", events=voice.events(one.get("on")))]
    if "when" in one:
        said.append(voice.say("notices.when", condition=voice.condition(one["when"])))
    if "until" in one:
        said.append(voice.say("notices.until", events=voice.events(one["until"])))
    send = one.get("send")
    if send is not None and not isinstance(send, dict):  # by severity it stands in the cells
        rules = voice.by_case(send, lambda raw: voice.say(f"notices.{raw}") if raw in SENDING else str(raw))
        said.append(voice.say("notices.send_if", rules=rules))
    return said


def _steps_by_severity(voice: Voice, one: Value) -> list[Cell]:
    steps, send = one.get("steps"), one.get("send")
    names = voice.severities or [""]
    if not isinstance(steps, dict) and not isinstance(send, dict):
        return [_cell(voice, steps, send, span=len(names))]
    names = list(dict.fromkeys([*names, *map(str, mapping(steps)), *map(str, mapping(send))]))
    cells = []
    for name in names:
        own = steps.get(name) if isinstance(steps, dict) else steps
        sending = send.get(name, "never") if isinstance(send, dict) else send
        cells.append(_cell(voice, own, sending))
    return cells


def _cell(voice: Voice, steps: Any, send: Any, span: int = 1) -> Cell:
    if send == "never":
        return Cell([voice.say("notices.never")], span=span)
    said = steps_said(voice, several(steps))
    asked = [voice.say("notices.ask")] if send == "ask" else []
    if not said:
        return Cell([*asked, voice.say("notices.untold")], span=span)
    return Cell([*asked, *said], span=span, numbered=len(said) > 1 and not asked)


def steps_said(voice: Voice, steps: Sequence[Any]) -> list[str]:
    """Steps in the order in which they are taken."""
    said = []
    for step in map(mapping, steps):
        channels = voice.channels(step.get("via"))
        text = voice.say("notices.step", channels=channels, who=voice.who(step.get("to")))
        if "template" in step:
            template = voice.title("templates", str(step["template"]))
            text = voice.say("notices.step_template", step=text, template=template)
        if "wait" in step:
            text = _waited(voice, str(step["wait"]), text)
        said.append(voice.upper(text))
    return said


def _waited(voice: Voice, wait: str, step: str) -> str:
    try:
        parse_duration(wait, allow_zero=True)
    except BadDuration:
        return voice.say("notices.step_until", schedule=voice.phrases.schedule(wait), step=step)
    return voice.say("notices.step_wait", wait=voice.duration(wait), step=step)


# -- ladders -------------------------------------------------------------------------------------------------------


def ladders(voice: Voice) -> list[Block]:
    """Each ladder: what puts an issue on it, and its rungs."""
    blocks: list[Block] = []
    for name, one in voice.items("ladders"):
        title = voice.title("ladders", name)
        keys = [key for key in ("on", "climb_on", "until") if key in one]
        clauses = [voice.say(f"ladders.{key}", events=voice.events(one[key])) for key in keys]
        if "when" in one:
            clauses.append(voice.say("ladders.when", condition=voice.condition(one["when"])))
        if one.get("repeat"):
            clauses.append(voice.say("ladders.repeat", n=one["repeat"]))
        blocks.append(Paragraph(voice.say("words.named", thing=voice.quoted(title), text=voice.pairs(clauses))))
        head = [voice.say(f"columns.{key}") for key in ("rung", "who", "how")]
        head += [voice.say("ladders.within", severity=voice.severity(one)) for one in voice.severities]
        rows = [_rung(voice, place, mapping(rung)) for place, rung in enumerate(several(one.get("rungs")), 1)]
        blocks.append(Grid(title, head, rows, matrix=True))
    return blocks


def _rung(voice: Voice, place: int, rung: Value) -> tuple[Cell, ...]:
    steps = rung.get("steps")
    if isinstance(steps, dict):
        said = {str(name): voice.pairs(steps_said(voice, several(own))) for name, own in steps.items()}
        how = [voice.say("words.named", thing=voice.severity(name), text=text) for name, text in said.items()]
    elif steps is not None:
        how = steps_said(voice, several(steps))
    else:
        how = [voice.channels(rung.get("via"))]
    return (
        Cell([voice.say("ladders.rung", n=place)]),
        Cell([voice.who(rung.get("to"))]),
        Cell(how, numbered=len(how) > 1 and isinstance(steps, list)),
        *voice.cells(rung.get("within"), voice.duration, voice.say("ladders.stays")),
    )


# -- surveys -------------------------------------------------------------------------------------------------------


def surveys(voice: Voice) -> list[Block]:
    """What the customer is asked."""
    blocks: list[Block] = []
    for name, one in voice.items("surveys"):
        title = voice.title("surveys", name)
        asked = voice.say(
            "surveys.asked", title=title, events=voice.events(one.get("on")), channels=voice.channels(one.get("via"))
        )
        share = voice.say("surveys.share_all")
        if "share" in one:
            share = voice.say("surveys.share", share=voice.by_case(one["share"], str))
        ends = voice.say("surveys.expires_none")
        if "expires" in one:
            ends = voice.say("surveys.expires", duration=voice.duration(one["expires"]))
        blocks.append(Paragraph(voice.pairs([asked, share, ends])))
        questions = [(str(key), mapping(question)) for key, question in mapping(one.get("questions")).items()]
        blocks.append(field_grid(voice, title, voice.say("columns.question"), questions, "questions"))
    return [*blocks, Points([voice.say("surveys.answers")])] if blocks else []
