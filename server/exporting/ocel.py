"""OCEL 2.0, the JSON event log of process mining (ocel-standard.org): what happened, and to which objects.

Objects are the issues, with what was known of each and since when, and the people and teams that the lines name. An
event is a line of a timeline; its type is the action, or the kind of line with what it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO, Final

from server.exporting.reading import Export, Exported

STATE: Final = ("severity", "stage", "team", "owner")
_TYPES: Final[Mapping[str, str]] = {
    "integer": "integer", "rating": "integer", "number": "float", "boolean": "boolean", "datetime": "time",
}  # fmt: skip
_ABOUT: Final = ("action", "clock", "notice", "ladder", "survey", "check", "watch", "name", "process")
_SERVER: Final = ("system", "customer", "rules")


def write(export: Export, to: BinaryIO) -> None:
    """Write the log: objects, then events, then the types that they turned out to have."""
    people: dict[str, str] = {}  # id of the object: its type
    classified: set[str] = set()
    kinds: dict[str, set[str]] = {}
    to.write(b'{"objects": [')
    _write_all(to, _objects(export, people, classified))
    to.write(b'\n], "events": [')
    _write_all(to, _events(export, kinds))
    to.write(b'\n], "objectTypes": ')
    attributes = {**dict.fromkeys((*STATE, *sorted(classified)), "string"), **_fields(export)}
    types = [_type("issue", attributes), _type("person", {}), _type("team", {})]
    to.write(json.dumps(types, ensure_ascii=False).encode())
    to.write(b', "eventTypes": ')
    found = [_type(name, dict.fromkeys(sorted(keys), "string")) for name, keys in sorted(kinds.items())]
    to.write(json.dumps(found, ensure_ascii=False).encode() + b"}\n")


def _write_all(to: BinaryIO, values: Iterable[Mapping[str, Any]]) -> None:
    between = b"\n"
    for value in values:
        to.write(between + json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
        between = b",\n"


def _type(name: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in attributes.items()]}


def _fields(export: Export) -> dict[str, str]:
    return {name: _TYPES.get(kind, "string") for name, kind in export.fields.items()}


# -- objects -------------------------------------------------------------------------------------------------------


def _objects(export: Export, people: dict[str, str], classified: set[str]) -> Iterator[dict[str, Any]]:
    for one in export.issues():
        history = list(_history(one, set(export.fields)))
        classified.update(name for name, _, _ in history if name not in export.fields and name not in STATE)
        for line in one.lines:
            people.update({related["objectId"]: kind for kind, related in _related(line) if kind != "issue"})
        attributes = [{"name": name, "time": at, "value": _text(value)} for name, at, value in history]
        yield {"id": one.issue["number"], "type": "issue", "attributes": attributes, "relationships": []}
    for id, kind in sorted(people.items()):
        yield {"id": id, "type": kind, "attributes": [], "relationships": []}


def _history(one: Exported, fields: set[str]) -> Iterator[tuple[str, str, Any]]:
    """What was known of the issue, and since when: name, time, value."""
    if not one.lines:
        return
    known: dict[str, Any] = {}

    def changed(at: str, values: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
        for name, value in values.items():
            if value != known.get(name):
                known[name] = value
                yield name, at, value

    for line in one.lines:
        at, kind = line["at"], line["kind"]
        if kind == "received":
            judged = {name: line.get(name) for name in STATE} | dict(line.get("values") or {})
            yield from changed(at, judged | {name: one.received[name] for name in one.received if name in fields})
        elif kind == "action":
            given = {name: value for name, value in (line.get("with") or {}).items() if name in fields}
            yield from changed(at, {"stage": line["stage"], **given})
        elif kind == "answered":
            yield from changed(at, {name: value for name, value in line["with"].items() if name in fields})
        elif kind == "classified":
            yield from changed(at, {line["name"]: line["to"]})
        elif kind == "routed":
            yield from changed(at, {"team": line["team"], "owner": line["owner"]})
    # What a policy filled by itself stands on no line: known by the last one.
    facts = one.issue.get("facts", {})
    now = {name: facts.get(name) for name in fields if name in facts or name in known}
    yield from changed(one.lines[-1]["at"], now | {name: one.issue.get(name) for name in STATE})


def _text(value: Any) -> str:
    """Attribute values are texts (the standard's JSON schema)."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# -- events --------------------------------------------------------------------------------------------------------


def _events(export: Export, kinds: dict[str, set[str]]) -> Iterator[dict[str, Any]]:
    for one in export.issues(say=False):
        for number, line in enumerate(one.lines, 1):
            name = activity(line)
            values = {key: _text(value) for key, value in line.items() if key not in ("at", "number", "kind")}
            kinds.setdefault(name, set()).update(values)
            yield {
                "id": f"{line['number']}/{number}",
                "type": name,
                "time": line["at"],
                "attributes": [{"name": key, "value": value} for key, value in values.items()],
                "relationships": [related for _, related in _related(line)],
            }


def activity(line: Mapping[str, Any]) -> str:
    """What a line is called in the log: `accept`, `received`, `clock_breached first_response`."""
    if line["kind"] == "action":
        return str(line["action"])
    about = next((str(line[key]) for key in _ABOUT if line.get(key) is not None), "")
    return f"{line['kind']} {about}".strip()


def _related(line: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str]]]:
    """The objects that a line concerns, each with its type."""
    yield "issue", {"objectId": line["number"], "qualifier": "issue"}
    for key in ("by", "owner"):
        if isinstance(line.get(key), str) and line[key] not in _SERVER and not line[key].startswith("source:"):
            yield "person", {"objectId": f"person:{line[key]}", "qualifier": key}
    if isinstance(line.get("team"), str):
        yield "team", {"objectId": f"team:{line['team']}", "qualifier": "team"}
