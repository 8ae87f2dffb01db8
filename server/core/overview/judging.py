"""The first parts of a process told: what it is, what is recorded, how it is judged, whose it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server.core.findings import title
from server.core.overview.parts import Block, Cell, Grid, Paragraph, Points
from server.core.overview.voice import Value, Voice, mapping, several
from server.core.schema_nodes import root_of


def governance(voice: Voice) -> Iterator[str]:
    """What every document says of itself: its name, who owns it, who approves."""
    value = voice.value
    yield voice.say("about.name", name=value.get("name", ""), language=value.get("language", 1))
    owner = value.get("owner")
    yield (
        voice.say("about.owner_none") if owner is None else voice.upper(voice.say("about.owner", who=voice.who(owner)))
    )
    yield voice.count("about.approvals", value.get("approvals", 1))


def accepted(voice: Voice) -> list[Block]:
    """The warnings that the owner has accepted, with the reasons."""
    said = mapping(voice.value.get("accept"))
    if not said:
        return []
    points = [
        voice.say("words.named", thing=voice.upper(title(str(code), voice.language)), text=voice.text(reason))
        for code, reason in said.items()
    ]
    return [Paragraph(voice.say("about.accept")), Points(points)]


def about(voice: Voice) -> list[Block]:
    """The process in short."""
    value = voice.value
    said = [*governance(voice)]
    for key in ("review", "keep"):
        if key in value:
            said.append(voice.upper(voice.say(f"about.{key}", duration=voice.duration(value[key]))))
        else:
            said.append(voice.say(f"about.{key}_none"))
    private = [voice.label(name) for name, one in voice.words.fields.items() if mapping(one).get("private")]
    key = "about.private" if private else "about.private_none"
    said.append(voice.say(key, names=voice.listed(private)))
    said.append(voice.say("about.calendar", calendar=voice.document(value.get("calendar"))))
    said.append(voice.say("about.channels", channels=voice.document(value.get("channels", "default"))))
    name = str(value.get("name", ""))
    said.append(voice.say("about.number", number=value.get("number", f"{name.upper()}-{{date}}-{{serial:3}}")))
    return [Points(said), *accepted(voice)]


def fields(voice: Voice) -> list[Block]:
    """What is recorded."""
    declared = list(voice.items("fields"))
    if not declared:
        return [Paragraph(voice.say("fields.own")), Paragraph(voice.say("fields.nothing"))]
    return [
        Paragraph(voice.say("fields.own") + " " + voice.say("fields.declared", n=len(declared))),
        field_grid(voice, voice.say("sections.fields"), voice.say("columns.field"), declared, "fields"),
    ]


def field_grid(voice: Voice, caption: str, first: str, declared: list[tuple[str, Value]], section: str) -> Grid:
    """Fields, or the questions of a survey."""
    rows = []
    for name, one in declared:
        label = voice.text(one.get("label"), name)
        demands = [voice.say(f"fields.{key}") for key in ("required", "key", "private") if one.get(key)]
        rows.append(
            (
                Cell([label] if label == name else [label, name]),
                Cell(list(_kind(voice, one, section))),
                Cell([voice.listed(demands)]),
                Cell(list(_limits(voice, one))),
            )
        )
    columns = [first, *(voice.say(f"columns.{key}") for key in ("kind", "demands", "limits"))]
    return Grid(caption, columns, rows)


def _kind(voice: Voice, one: Value, section: str) -> Iterator[str]:
    node = root_of("process").child("fields").child("f").child("type")
    kind = node.label(one.get("type"), voice.language) or str(one.get("type", ""))
    details = [voice.say("fields.many")] if one.get("many") else []
    if one.get("type") == "rating" or "of" in one:
        details.append(voice.say("fields.of", n=one.get("of", 5)))
    yield voice.say("words.bracketed", text=kind, detail=voice.listed(details)) if details else kind
    options = [
        label
        if (label := voice.text(text, str(name))) == name
        else voice.say("words.bracketed", text=label, detail=name)
        for name, text in mapping(one.get("options")).items()
    ]
    if options:
        yield voice.listed(options)


def _limits(voice: Voice, one: Value) -> Iterator[str]:
    for key in ("minimum", "maximum", "max_length"):
        if key in one:
            yield voice.say(f"fields.{key}", n=one[key])
    if "pattern" in one:
        yield voice.say("fields.pattern", text=one["pattern"])


# -- judging -------------------------------------------------------------------------------------------------------


def judging(voice: Voice) -> list[Block]:
    """The severities, and how they and the other names are judged."""
    names = [voice.severity(name) for name in voice.severities]
    blocks: list[Block] = []
    if names:
        blocks.append(Paragraph(voice.say("judging.severities", n=len(names), names=voice.listed(names))))
    for name, table in mapping(voice.value.get("classify")).items():
        blocks += _table(voice, str(name), table)
    return [*blocks, Paragraph(voice.say("judging.again"))]


def _table(voice: Voice, name: str, table: Any) -> Iterator[Block]:
    label = voice.label(name)
    if isinstance(table, list):
        key = "severity" if name == "severity" else "list"
        yield Paragraph(voice.say(f"judging.{key}", name=label))
        rows: list[tuple[Cell, ...]] = []
        for rule in map(mapping, table):
            when = voice.condition(rule["when"]) if "when" in rule else voice.say("words.otherwise_alone")
            rows.append((Cell([voice.option(name, rule.get("is"))]), Cell([when])))
        yield Grid(label, [label, voice.say("columns.if")], rows)
        return
    table = mapping(table)
    looked_up = [str(one) for one in several(table.get("from"))]
    labels = [voice.label(one) for one in looked_up]
    key = "severity_table" if name == "severity" else "table"
    yield Paragraph(voice.upper(voice.say(f"judging.{key}", name=label, fields=voice.listed(labels))))
    rows = [
        (*(Cell([text]) for text in keys), Cell([voice.option(name, value)]))
        for keys, value in _rows(voice, mapping(table.get("table")), looked_up, ())
    ]
    if "else" in table:
        otherwise = Cell([voice.say("words.otherwise_alone")], span=max(len(looked_up), 1))
        rows.append((otherwise, Cell([voice.option(name, table["else"])])))
    yield Grid(label, [*labels, label], rows)


def _rows(
    voice: Voice, rows: Value, looked_up: list[str], keys: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    field, rest = (looked_up[0], looked_up[1:]) if looked_up else ("", [])
    for key, value in rows.items():
        said = (*keys, voice.option(field, key))
        if isinstance(value, dict):
            yield from _rows(voice, value, rest, said)
        else:
            yield (*said, *("–" for _ in rest)), value


def route(voice: Voice) -> list[Block]:
    """Whose an issue is."""
    rules = several(voice.value.get("route"))
    if not rules:
        return [Paragraph(voice.say("route.nothing"))]
    node = root_of("process").child("route").items_for([])
    assert node is not None
    rows = []
    for rule in map(mapping, rules):
        to = str(rule.get("to", ""))
        field = to.removeprefix("field:")
        team = voice.say("route.field", field=voice.label(field)) if to != field else voice.who(to)
        when = voice.condition(rule["when"]) if "when" in rule else voice.say("words.otherwise_alone")
        assign = node.child("assign").label(rule.get("assign", "nobody"), voice.language) or str(rule.get("assign"))
        rows.append((Cell([when]), Cell([team]), Cell([assign])))
    head = [voice.say(f"columns.{key}") for key in ("if", "team", "person")]
    return [Paragraph(voice.say("route.first")), Grid(voice.say("sections.route"), head, rows)]
