"""Calendars, sources and channels told."""

from __future__ import annotations

from typing import Any

from server.core.overview.judging import accepted, governance
from server.core.overview.parts import Block, Cell, Grid, Paragraph, Points
from server.core.overview.voice import Value, Voice, catalogue, mapping, several
from server.core.phrases import channel_text
from server.core.schema_nodes import root_of
from server.core.vocabulary import say as say_word


def about(voice: Voice) -> list[Block]:
    """What every document says of itself."""
    return [Points(list(governance(voice))), *accepted(voice)]


# -- calendars -----------------------------------------------------------------------------------------------------


def hours(voice: Voice) -> list[Block]:
    """Open hours by day, and holidays."""
    value = voice.value
    head = [voice.say("columns.day"), voice.say("columns.hours")]
    rows = [(Cell([_days(voice, str(days))]), Cell([_hours(voice, raw)])) for days, raw in voice_map(value, "hours")]
    country = mapping(value.get("holidays")).get("country")
    said = [voice.say("calendar.timezone", zone=value.get("timezone", ""))]
    said.append(
        voice.say("calendar.holidays_none")
        if country is None
        else voice.say("calendar.holidays", country=_country(voice, str(country)))
    )
    return [Grid(voice.say("sections.hours"), head, rows), Points([*said, voice.say("calendar.unnamed")])]


def _country(voice: Voice, code: str) -> str:
    return voice.say(f"countries.{code}") if code in catalogue()["countries"] else code


def dates(voice: Voice) -> list[Block]:
    """Dates that differ from everything else."""
    rows = [(Cell([str(day)]), Cell([_hours(voice, raw)])) for day, raw in voice_map(voice.value, "dates")]
    head = [voice.say("columns.day"), voice.say("columns.hours")]
    return [Grid(voice.say("sections.dates"), head, rows)] if rows else []


def voice_map(value: Value, key: str) -> list[tuple[str, Any]]:
    """The entries of a map of the document."""
    return list(mapping(value.get(key)).items())


def _days(voice: Voice, text: str) -> str:
    def day(name: str) -> str:
        known = {"daily", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
        return say_word(f"days.{name}", voice.language) if name in known else name

    first, dash, last = text.partition("-")
    return voice.upper(voice.say("calendar.range", first=day(first), last=day(last)) if dash else day(first))


def _hours(voice: Voice, raw: Any) -> str:
    if raw == "closed" or raw == []:
        return voice.say("calendar.closed")
    return voice.listed([str(one).replace("-", "–") for one in several(raw)])


# -- sources -------------------------------------------------------------------------------------------------------


def deliveries(voice: Voice) -> list[Block]:
    """Where issues come from and when."""
    value = voice.value
    said = [voice.say("source.process", process=voice.document(value.get("process")))]
    verify = mapping(value.get("verify"))
    if verify:
        said += _hook(voice, verify)
    if "each" in value:
        said.append(voice.say("source.each", path=value["each"]))
    elif verify:
        said.append(voice.say("source.whole"))
    for key in ("when", "external_id", "received"):
        if key in value:
            said.append(voice.upper(voice.say(f"source.{key}", path=value[key])))
    if value.get("extra"):
        said.append(voice.say("source.extra"))
    again = mapping(value.get("again"))
    if again:
        said.append(_again(voice, again))
    if "at" in value:
        schedules = voice.say("words.or").join(voice.phrases.schedule(str(text)) for text in several(value["at"]))
        said.append(voice.say("source.at", schedule=schedules))
    sample = mapping(value.get("sample"))
    if sample:
        said += _sample(voice, sample)
    return [Points(said)]


def _hook(voice: Voice, verify: Value) -> list[str]:
    node = root_of("source").child("verify").child("scheme")
    scheme = node.label(verify.get("scheme"), voice.language) or str(verify.get("scheme", ""))
    said = [voice.say("source.hook", name=voice.value.get("name", "")), voice.say("source.verify", scheme=scheme)]
    return said + [voice.say(f"source.{key}", **{key: verify[key]}) for key in ("secret", "header") if key in verify]


def _again(voice: Voice, again: Value) -> str:
    when = voice.say("source.again_when", path=again["when"]) if "when" in again else ""
    with_ = ""
    if "with" in again:
        pairs = [
            voice.say("words.named", thing=voice.label(str(name)), text=mapped(voice, str(name), raw))
            for name, raw in voice_map(again, "with")
        ]
        with_ = voice.say("source.again_with", values=voice.pairs(pairs))
    actions = voice.listed([voice.title("actions", str(one)) for one in several(again.get("do"))])
    return voice.say("source.again", when=when, actions=actions, **{"with": with_})


def _sample(voice: Voice, sample: Value) -> list[str]:
    covers = root_of("source").child("sample").child("covers")
    period = covers.label(sample.get("covers"), voice.language) or str(sample.get("covers", ""))
    said = [
        voice.say(
            "source.sample",
            period=period.lower(),
            process=voice.document(sample.get("of")),
            share=sample.get("share", ""),
        )
    ]
    if "where" in sample:
        said.append(voice.say("source.where", condition=voice.condition(sample["where"])))
    return said


def filling(voice: Voice) -> list[Block]:
    """What the fields of the issue are filled with."""
    rows = [
        (_field(voice, name), Cell([mapped(voice, str(name), raw)])) for name, raw in voice_map(voice.value, "fields")
    ]
    rows += [
        (_field(voice, name), Cell([voice.option(str(name), raw)])) for name, raw in voice_map(voice.value, "issue")
    ]
    head = [voice.say("columns.field"), voice.say("columns.filled")]
    return [Grid(voice.say("sections.mapping"), head, rows)] if rows else []


def _field(voice: Voice, name: Any) -> Cell:
    label = voice.label(str(name))
    return Cell([label] if label == str(name) else [label, str(name)])


def mapped(voice: Voice, name: str, raw: Any) -> str:
    """One mapping of a field in words."""
    if not isinstance(raw, dict):
        return voice.say("source.path", path=raw)
    if "value" in raw:
        return voice.say("source.constant", value=voice.option(name, raw["value"]))
    pairs = [f"{key} → {voice.option(name, value)}" for key, value in voice_map(raw, "table")]
    if "else" in raw:
        pairs.append(voice.say("source.else", value=voice.option(name, raw["else"])))
    return voice.say("source.table", path=raw.get("from", ""), pairs=voice.listed(pairs))


# -- channels ------------------------------------------------------------------------------------------------------


def ways(voice: Voice) -> list[Block]:
    """The channels, in order."""
    kinds = root_of("channels").child("channels").child("c").child("type")
    found = {str(name): mapping(one) for name, one in voice_map(voice.value, "channels")}
    rows = []
    for name, one in found.items():
        title = voice.text(one.get("title"), channel_text(name, voice.language))
        kind = kinds.label(one.get("type"), voice.language) or str(one.get("type", ""))
        limits = [voice.say("channels.secret", secret=one["secret"])] if "secret" in one else []
        if "max_length" in one:
            limits.append(voice.say("channels.max_length", n=one["max_length"]))
        other = str(one.get("otherwise", ""))
        otherwise = voice.text(mapping(found.get(other)).get("title"), channel_text(other, voice.language))
        rows.append(
            (
                Cell([title] if title == name else [title, name]),
                Cell([kind]),
                Cell([str(one.get("url", "–"))]),
                Cell([otherwise or "–"]),
                Cell(limits),
            )
        )
    head = [voice.say(f"columns.{key}") for key in ("channel", "kind", "address", "otherwise", "limits")]
    return [Grid(voice.say("sections.ways"), head, rows), Paragraph(voice.say("channels.order"))]
