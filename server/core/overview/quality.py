"""The rest of a process told: data checks, early warning, targets, reports, templates, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server.core.example_words import expected_text
from server.core.overview.parts import Block, Cell, Folded, Grid, Paragraph, Points, Quote
from server.core.overview.voice import Value, Voice, mapping, several
from server.core.report_text import measure_text
from server.core.schema_nodes import root_of


def quality(voice: Voice) -> list[Block]:
    """Checks and watches."""
    said = []
    for name, one in voice.items("checks"):
        condition = voice.condition(one.get("when"))
        clauses = [voice.say("quality.check", title=voice.title("checks", name), condition=condition)]
        if one.get("set_aside"):
            clauses.append(voice.say("quality.set_aside"))
        said.append(voice.pairs(clauses))
    for name, one in voice.items("watches"):
        window = voice.duration(one.get("window", ""))
        title = voice.title("watches", name)
        clauses = [voice.say("quality.watch", title=title, window=window, count=one.get("count"))]
        if "same" in one:
            labels = [voice.label(str(field)) for field in several(one["same"])]
            clauses.append(voice.say("quality.same", fields=voice.listed(labels)))
        clauses.append(voice.if_(one.get("when")))
        said.append(voice.clauses(clauses))
    return [Points(said)] if said else []


# -- figures -------------------------------------------------------------------------------------------------------


def figures(voice: Voice) -> list[Block]:
    """Targets and reports."""
    blocks: list[Block] = []
    targets = [_target(voice, name, one) for name, one in voice.items("targets")]
    if targets:
        blocks.append(Points(targets))
    rows = [_report(voice, name, one) for name, one in voice.items("reports")]
    if rows:
        head = [voice.say(f"columns.{key}") for key in ("report", "when", "shows", "who")]
        blocks.append(Grid(head[0], head, rows))
    return blocks


def _measure(voice: Voice, raw: Any, where: Any = None) -> str:
    try:
        said = measure_text(voice.words, raw, voice.reader, where)
    except (KeyError, TypeError, StopIteration, ValueError):  # of a document that the check refuses
        return str(raw) if where is None else voice.say("words.bracketed", text=raw, detail=voice.condition(where))
    top = mapping(mapping(raw).get("top"))
    return voice.say("figures.top", measure=said, n=top["n"]) if "n" in top else said


def _target(voice: Voice, name: str, one: Value) -> str:
    wanted = voice.clauses([voice.say(f"figures.{key}", limit=_limit(voice, one[key]))
                            for key in ("at_least", "at_most") if key in one])  # fmt: skip
    measure = _measure(voice, one.get("measure", ""), one.get("where"))
    title = voice.title("targets", name)
    if title != name:
        measure = voice.say("words.bracketed", text=title, detail=measure)
    return voice.say("words.named", thing=measure, text=wanted)


def _limit(voice: Voice, raw: Any) -> str:
    return voice.duration(raw) if isinstance(raw, str) and not raw.endswith("%") else str(raw)


def _report(voice: Voice, name: str, one: Value) -> tuple[Cell, ...]:
    schedules = voice.pairs([voice.phrases.schedule(str(text)) for text in several(one.get("at"))])
    covers = root_of("process").child("reports").child("r").child("covers")
    period = covers.label(one.get("covers"), voice.language) or str(one.get("covers", ""))
    told = [voice.say("figures.to", channels=voice.channels(one.get("via")), who=voice.who(one.get("to")))]
    if "draft_for" in one:
        told.append(voice.say("figures.draft_for", who=voice.who(one["draft_for"])))
    return (
        Cell([voice.title("reports", name)]),
        Cell([voice.upper(voice.say("figures.report", schedule=schedules, period=period.lower()))]),
        Cell([_measure(voice, raw) for raw in several(one.get("show"))]),
        Cell(told),
    )


# -- texts ---------------------------------------------------------------------------------------------------------


def templates(voice: Voice) -> list[Block]:
    """Messages and forms as they are written."""
    blocks: list[Block] = []
    for name, one in voice.items("templates"):
        notes = []
        if one.get("print"):
            notes.append(voice.say("templates.print"))
        if "subject" in one:
            subject = voice.text(one["subject"])
            notes.append(voice.say("words.named", thing=voice.say("templates.subject"), text=subject))
        blocks.append(Quote(voice.title("templates", name), notes, voice.text(one.get("body"))))
    return blocks


def examples(voice: Voice) -> list[Block]:
    """The examples by which a process proves itself."""
    found = several(voice.value.get("examples"))
    if not found:
        return []
    folded = [Folded(voice.text(one.get("name")), list(_example(voice, one))) for one in map(mapping, found)]
    return [Paragraph(voice.say("examples.passes")), *folded]


def _example(voice: Voice, one: Value) -> Iterator[str]:
    if "start" in one:
        yield voice.say("examples.start", start=voice.reader.printed(str(one["start"])))
    if "by" in one:
        yield voice.say("examples.by", by=one["by"])
    if "issue" in one:
        yield voice.say("examples.issue", issue=voice.filled(one["issue"]))
    if "people" in one:
        people = [voice.say("words.named", thing=str(login), text=voice.who(roles))
                  for login, roles in mapping(one["people"]).items()]  # fmt: skip
        yield voice.say("examples.people", people=voice.pairs(people))
    for event in several(one.get("events")):
        yield voice.say("examples.event", event=voice.shown(event, "examples", "*", "events", "*"))
    if "until" in one:
        yield voice.say("examples.until", until=one["until"])
    for entry in several(one.get("expect")):
        absent = mapping(entry).get("not")
        if absent is not None:
            yield voice.say("examples.not", entry=expected_text(voice.words, mapping(absent), voice.reader))
        else:
            yield voice.say("examples.expect", entry=expected_text(voice.words, mapping(entry), voice.reader))
