"""What a template may spend: steps, output, sizes; and the filters that keep to it.

The library's own limits leave holes, each of which a test tries: loops that follow one another are not added up,
a range is turned into a list before its loop is counted, `5.5 in range` walks the range, a filter may make a value as
large as the memory, and `date` and `now` read the clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Any

import liquid.builtin.filters.array as array
import liquid.builtin.filters.math as numbers
import liquid.builtin.filters.misc as misc
import liquid.builtin.filters.string as strings
from liquid import RenderContext
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import FilterArgumentError, ResourceLimitError
from liquid.undefined import Undefined
from liquid.utils import ReadOnlyChainMap


@dataclass(frozen=True, slots=True)
class Limits:
    """What one rendering may use. `steps`: nodes, names and filters evaluated; the others are characters and items."""

    steps: int = 20_000
    output: int = 65_536
    iterations: int = 5_000
    value: int = 65_536
    items: int = 1_000
    bits: int = 128


DEFAULT_LIMITS = Limits()


class TooMuch(ResourceLimitError):
    """The template used more than its limits allow; `what` names the limit."""

    def __init__(self, what: str) -> None:
        super().__init__(what, token=None)
        self.what = what


class MeteredContext(RenderContext):
    """A render context that counts every step, and knows no clock."""

    __slots__ = ("limits", "steps", "iterations", "_disabled")

    def __init__(self, template: Any, *, limits: Limits = DEFAULT_LIMITS, **options: Any) -> None:
        self.limits = limits
        self.steps = 0
        self.iterations = 0
        super().__init__(template, **options)
        # The library's scope ends with `now` and `today`, which read the clock.
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    # Trap: every node asks for this before it is rendered; it is the one place that sees all of them.
    @property
    def disabled_tags(self) -> list[str]:
        self.charge(1)
        return self._disabled

    @disabled_tags.setter
    def disabled_tags(self, tags: list[str]) -> None:
        self._disabled = tags

    def charge(self, steps: int) -> None:
        """Use up steps. Raises TooMuch when there are none left."""
        self.steps += steps
        if self.steps > self.limits.steps:
            raise TooMuch("steps")

    def get(self, path: list[object], **options: Any) -> object:
        found = super().get(path, **options)
        self.charge(1 + effort(found))
        return found

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count a loop that is entered with all its turns, whether nested or after another."""
        self.iterations += length
        if self.iterations > self.limits.iterations:
            raise TooMuch("iterations")

    def get_buffer(self, buf: Any = None) -> StringIO:
        return MeteredOutput(self)


class MeteredOutput(StringIO):
    """Output that is charged for and ends at the limit."""

    def __init__(self, context: MeteredContext) -> None:
        super().__init__()
        self.context = context
        self.size = 0

    def write(self, text: str, /) -> int:
        self.context.charge(1 + len(text) // 1024)
        self.size += len(text)
        if self.size > self.context.limits.output:
            raise TooMuch("output")
        return super().write(text)


class BoundedRange(RangeLiteral):
    """`(a..b)` that is counted before anything walks it."""

    def evaluate(self, context: RenderContext) -> range:
        found = super().evaluate(context)
        limit = context.limits.iterations if isinstance(context, MeteredContext) else DEFAULT_LIMITS.iterations
        # len() of a range past 2**63 raises OverflowError.
        if found.stop - found.start > limit:
            raise TooMuch("iterations")
        return found


def weight(value: object, depth: int = 4) -> int:
    """How many characters a value holds, lists and mappings with all they hold."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, tuple)) and depth:
        return len(value) + sum(weight(item, depth - 1) for item in value)
    if isinstance(value, Mapping) and depth:
        return len(value) + sum(weight(item, depth - 1) for item in value.values())
    return 16


def effort(value: object) -> int:
    """Steps for touching a value as a whole, as `contains`, comparisons and filters do."""
    if isinstance(value, str):
        return len(value) // 256
    return len(value) // 2 if isinstance(value, (list, tuple, dict)) else 0


def _check(value: object, limits: Limits) -> None:
    if isinstance(value, int) and value.bit_length() > limits.bits:
        raise TooMuch("number")
    if isinstance(value, (list, tuple, range)) and len(value) > limits.items:
        raise TooMuch("items")
    if weight(value) > limits.value:
        raise TooMuch("value")


def bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose arguments and result are kept within the limits, and charged for by their size."""
    wants_context = getattr(function, "with_context", False)
    wants_environment = getattr(function, "with_environment", False)

    def filtered(value: Any, *arguments: Any, context: MeteredContext, **options: Any) -> Any:
        for argument in (value, *arguments, *options.values()):
            _check(argument, context.limits)
        context.charge(1 + effort(value))
        if wants_context:
            options["context"] = context
        if wants_environment:
            options["environment"] = context.env
        result = function(value, *arguments, **options)
        _check(result, context.limits)
        return result

    filtered.with_context = True  # type: ignore[attr-defined]
    return filtered


def _texts(*values: object) -> list[str]:
    return ["" if value is None or isinstance(value, Undefined) else str(value) for value in values]


def replace(value: object, old: object, new: object = "") -> str:
    """`replace`, its result counted before it is made: 64 K times 64 K would be 4 G."""
    text, part, other = _texts(value, old, new)
    if len(text) + text.count(part) * len(other) > DEFAULT_LIMITS.value:
        raise TooMuch("value")
    return text.replace(part, other)


def join(value: object, separator: object = " ") -> str:
    """`join`, its result counted before it is made."""
    items = _texts(*value) if isinstance(value, (list, tuple, range)) else _texts(value)
    between = _texts(separator)[0]
    if sum(map(len, items)) + len(items) * len(between) > DEFAULT_LIMITS.value:
        raise TooMuch("value")
    return between.join(items)


def uniq(value: object) -> list[object]:
    """The items of a list, each once, in their order."""
    found: dict[str, object] = {}
    for item in value if isinstance(value, (list, tuple)) else [value]:
        found.setdefault(repr(item), item)
    return list(found.values())


_MOMENT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?.*)?")
_PARTS = {"Y": 1, "m": 2, "d": 3, "H": 4, "M": 5, "S": 6}


def date(value: object, pattern: object) -> object:
    """A date or moment as printed, in another pattern: `%Y %m %d %H %M %S %y %-m %-d %%`. No clock, no other directive.

    Trap: strftime pads to any width that is asked for (`%999999999d`), and the library's filter reads the clock.
    """
    found = _MOMENT.fullmatch(str(value)) if value is not None else None
    if found is None:
        return value

    def part(directive: re.Match[str]) -> str:
        plain, letter = directive[1], directive[2]
        if letter == "%":
            return "%"
        if letter == "y":
            return found[1][2:]
        if letter not in _PARTS:
            raise FilterArgumentError(f"date: %{letter}", token=None)
        text = found[_PARTS[letter]] or "00"
        return text.lstrip("0") or "0" if plain else text

    return re.sub(r"%(-?)(.)", part, str(pattern), flags=re.S)


_PLAIN: Mapping[str, Any] = {
    "abs": numbers.abs_,
    "at_least": numbers.at_least,
    "at_most": numbers.at_most,
    "ceil": numbers.ceil,
    "divided_by": numbers.divided_by,
    "floor": numbers.floor,
    "minus": numbers.minus,
    "modulo": numbers.modulo,
    "plus": numbers.plus,
    "round": numbers.round_,
    "times": numbers.times,
    "append": strings.append,
    "capitalize": strings.capitalize,
    "downcase": strings.downcase,
    "escape": strings.escape,
    "lstrip": strings.lstrip,
    "prepend": strings.prepend,
    "remove": strings.remove,
    "remove_first": strings.remove_first,
    "replace": replace,
    "replace_first": strings.replace_first,
    "rstrip": strings.rstrip,
    "slice": strings.slice_,
    "split": strings.split,
    "squish": strings.squish,
    "strip": strings.strip,
    "strip_newlines": strings.strip_newlines,
    "truncate": strings.truncate,
    "truncatewords": strings.truncatewords,
    "upcase": strings.upcase,
    "url_encode": strings.url_encode,
    "compact": array.compact,
    "concat": array.concat,
    "first": array.first,
    "join": join,
    "last": array.last,
    "map": array.map_,
    "reverse": array.reverse,
    "sort": array.sort,
    "uniq": uniq,
    "where": array.where,
    "date": date,
    "default": misc.default,
    "size": misc.size,
}

FILTERS: Mapping[str, Callable[..., Any]] = {name: bounded(function) for name, function in _PLAIN.items()}
