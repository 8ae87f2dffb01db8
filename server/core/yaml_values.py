"""The values of a YAML text in which nothing is unusual: twice as fast as reading it with the place of every value
(`server.core.documents`), which is needed only where something is wrong, and for the garbage collector a sixth."""

from __future__ import annotations

from typing import Any, Final

import yaml

from server.core.scalars import BadNumber, plain
from server.core.yaml_errors import MAX_LEVELS

PARSER: Final[Any] = getattr(yaml, "CLoader", yaml.Loader)
"""The one in C if it was built; only its events are used."""


def values_of(text: str) -> dict[str, Any] | None:
    """The map that the text is; None when it is none, or anything in it is not as it is in nearly all documents, right
    or wrong: whoever wants to know reads it with `server.core.documents`."""
    parser = PARSER(text)
    try:
        parser.get_event()  # the stream begins
        begin = parser.get_event()
        if type(begin) is not yaml.DocumentStartEvent or begin.tags or begin.version not in (None, (1, 2)):
            return None
        found = _value(parser)
        parser.get_event()  # the document ends
        ends = type(parser.get_event()) is yaml.StreamEndEvent
    except (yaml.YAMLError, BadNumber, _Unusual):
        return None
    finally:
        parser.dispose()
    return found if ends and isinstance(found, dict) else None


def first_of(text: str, wanted: str) -> Any:
    """The value of that key of the map that the text is, which is read no further; None where it is not found, or
    anything before it is not as usual."""
    parser = PARSER(text)
    try:
        for kind in (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.MappingStartEvent):
            if type(parser.get_event()) is not kind:
                return None
        while type(key := parser.get_event()) is yaml.ScalarEvent:
            value = _value(parser)
            if key.value == wanted:
                return value
    except (yaml.YAMLError, BadNumber, _Unusual):
        return None
    finally:
        parser.dispose()
    return None


class _Unusual(Exception):
    """A tag, an anchor, an alias, a key twice, or one that is no text, `<<`, too many levels."""


def _value(parser: Any) -> Any:
    """The value that begins with the next event. An explicit stack: depth costs no recursion."""
    root: list[Any] = []
    here: Any = root
    key: str | None = None  # of a map: the key whose value comes next
    stack: list[tuple[Any, str | None]] = []
    while True:
        event = parser.get_event()
        kind = type(event)
        value: Any
        if kind is yaml.ScalarEvent:
            value = event.value
            if event.tag or event.anchor:
                raise _Unusual
            if key is None and type(here) is dict:
                if value in here or value == "<<":
                    raise _Unusual
                key = value
                continue
            if event.style in (None, ""):
                value = plain(value)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if event.tag or event.anchor or (key is None and type(here) is dict) or len(stack) == MAX_LEVELS:
                raise _Unusual
            stack.append((here, key))
            here, key = {} if kind is yaml.MappingStartEvent else [], None
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            value = here
            here, key = stack.pop()
        else:
            raise _Unusual
        if type(here) is dict:
            here[key], key = value, None
        else:
            here.append(value)
        if not stack:
            return root[0]
