"""An example added to the text of a process, all else left byte for byte as it is written.

The text is the only truth: comments, order and layout are its author's. Whatever is added is read again with the rest;
unless the document then says what it said before and the example besides, nothing is changed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from server.core import documents
from server.core.scalars import BadNumber, plain

Line = Mapping[str, Any]

MOST_EXPECTED: Final = 60
"""Lines that a new example expects; somebody is to read them."""

_PLAIN: Final = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff./+-]*(?: [\w\u4e00-\u9fff./+-]+)*")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")

_OF_YAML_1_1: Final = frozenset(("y", "n", "yes", "no", "on", "off"))
"""Words that older readers of YAML take for true and false."""

_KEPT: Final[Mapping[str, Sequence[str]]] = {
    "received": ("severity", "team"),
    "action": ("action", "stage"),
    "refused": ("action", "why"),
    "classified": ("name", "to"),
    "opened": ("process",),
    "clock_started": ("clock", "due"),
    "clock_met": ("clock",),
    "clock_breached": ("clock",),
    "clock_finished_late": ("clock",),
    "notified": ("notice", "ladder", "rung", "survey", "via", "to"),
    "escalated": ("ladder", "rung"),
    "exhausted": ("ladder",),
    "surveyed": ("survey",),
    "check_failed": ("check",),
    "raised": ("watch",),
}
"""What an example expects of a line: what the process is for, and not how it gets there."""


class NoPlace(ValueError):
    """The text has no place for an example: it cannot be read, or is written in a way that nothing can be added to."""


def expected(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """What an example expects whose timeline is this one."""
    found = []
    for line in lines:
        keys = _KEPT.get(line["kind"])
        if keys is not None:
            rest = {key: line[key] for key in keys if line.get(key) is not None}
            found.append({"at": line["at"], "kind": line["kind"], **rest})
    return found[:MOST_EXPECTED]


def with_example(text: str, example: Mapping[str, Any]) -> str:
    """The text with the example as the last of its `examples`. Raises NoPlace."""
    before, _ = documents.read(text.encode())
    if before is None:
        raise NoPlace("the text cannot be read")
    there = before.value.get("examples") or []
    if not isinstance(there, list):
        raise NoPlace("the examples are no list")
    added = _added(text, example)
    after, _ = documents.read(added.encode())
    wanted = {**before.value, "examples": [*there, dict(example)]}
    if after is None or after.value != wanted:
        raise NoPlace("nothing can be added to the examples as they are written")
    return added


def _added(text: str, example: Mapping[str, Any]) -> str:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise NoPlace(str(error)) from error
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise NoPlace("the document is no block of keys")
    line_end = "\r\n" if "\r\n" in text else "\n"
    pair = next((one for one in root.value if one[0].value == "examples"), None)
    if pair is None:
        head = text if not text or text.endswith("\n") else text + line_end
        return head + _block(example, "  ", line_end, head="examples:")
    key, value = pair
    if isinstance(value, yaml.SequenceNode) and value.flow_style and value.value:
        place = value.end_mark.index - 1
        return f"{text[:place].rstrip()}, {flow(example)}{text[place:]}"
    if isinstance(value, yaml.SequenceNode) and not value.flow_style:
        indent = " " * value.start_mark.column
        place = _line_after(text, _end_of(value))
        head = text[:place] if text[:place].endswith("\n") else text[:place] + line_end
        return head + _block(example, indent, line_end) + text[place:]
    # `examples: []`, or nothing behind the key: the block stands below it.
    place = text.index(":", key.end_mark.index) + 1
    end = value.end_mark.index if isinstance(value, yaml.SequenceNode) else place
    rest = text[end:]
    stop = rest.find("\n")
    comment, below = (rest, "") if stop < 0 else (rest[:stop].rstrip("\r"), rest[stop + 1 :])
    return f"{text[:place]}{comment.rstrip()}{line_end}{_block(example, '  ', line_end)}{below}"


def _end_of(node: Any) -> int:
    """Where the last thing that is written in a block ends: the block's own end lies behind the comments below it."""
    while isinstance(node, yaml.SequenceNode | yaml.MappingNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = int(node.end_mark.index)
    # A block scalar takes in the line breaks behind it.
    return end - 1 if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">") else end


def _line_after(text: str, place: int) -> int:
    """The beginning of the line after the one in which that place is."""
    stop = text.find("\n", place)
    return len(text) if stop < 0 else stop + 1


# -- writing -------------------------------------------------------------------------------------------------------


def _block(example: Mapping[str, Any], indent: str, line_end: str, head: str = "") -> str:
    """The example as an item of a block: lists one item a line, the rest in one line each."""
    rows: list[str] = []
    for key, value in example.items():
        if isinstance(value, list) and value:
            rows.append(f"{key}:")
            rows += [f"  - {flow(item)}" for item in value]
        elif isinstance(value, Mapping) and key == "issue" and value:
            rows.append(f"{key}:")
            rows += [f"  {flow(name)}: {flow(item)}" for name, item in value.items()]
        else:
            rows.append(f"{key}: {flow(value)}")
    lines = [f"{indent}{'- ' if place == 0 else '  '}{row}" for place, row in enumerate(rows)]
    return "".join(f"{line}{line_end}" for line in ([head] if head else []) + lines)


def flow(value: Any) -> str:
    """A value in one line, quoted where it must be."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and _is_plain(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_plain(text: str) -> bool:
    if text.lower() in _OF_YAML_1_1:
        return False
    if _TIME.fullmatch(text):
        return True
    try:
        return bool(_PLAIN.fullmatch(text)) and plain(text) == text
    except BadNumber:
        return False
