"""JMESPath expressions of a source, compiled and bounded: what a payload makes of them cannot grow past a budget.

The library's `[@,@][]` doubles a list each time it stands in an expression; 40 of them would be a terabyte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError, ParseError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

LONGEST = 2_000  # characters
BUDGET = 2_000_000  # nodes visited, and items and characters / 64 of what they give


class BadPath(ValueError):
    """A text that is no JMESPath expression; `code` and `params` of the finding."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(f"{code} {params}")
        self.code = code
        self.params = params


class PathFailed(ValueError):
    """An expression that this payload has no answer to: a wrong type for a function, or too much work."""


@dataclass(frozen=True, slots=True)
class Path:
    """A compiled JMESPath expression."""

    text: str
    _tree: Any
    _names: tuple[str, ...] | None

    @property
    def is_plain(self) -> bool:
        """Whether it only goes to a place in the payload, so that what it gives is a part of it."""
        return self._names is not None

    def of(self, payload: Any) -> Any:
        """What the expression gives for a payload; None where there is nothing. Raises PathFailed."""
        if self._names is not None:
            for name in self._names:
                payload = payload.get(name) if isinstance(payload, dict) else None
            return payload
        try:
            return _Counting().visit(self._tree, payload)
        except (JMESPathError, TypeError, ValueError, ArithmeticError, RecursionError) as problem:
            raise PathFailed(f"{self.text}: {type(problem).__name__}") from problem

    def holds(self, payload: Any) -> bool:
        """Whether it gives something that counts as true in JMESPath: not null, false, '' or an empty list or map."""
        found = self.of(payload)
        return not (found is None or found is False or found == "" or found == [] or found == {})


class _Counting(TreeInterpreter):
    def __init__(self) -> None:
        super().__init__()
        self.spent = 0

    def visit(self, node: Any, *arguments: Any, **options: Any) -> Any:
        found = super().visit(node, *arguments, **options)
        self.spent += 1
        if isinstance(found, (list, dict)):
            self.spent += len(found)
        elif isinstance(found, str):
            self.spent += len(found) // 64
        if self.spent > BUDGET:
            raise PathFailed("too much work")
        return found


def compile_path(text: object) -> Path:
    """Compile an expression. Raises BadPath: not a text, too long, a syntax error, an unknown function."""
    if not isinstance(text, str):
        raise BadPath("bad-jmespath", expression=str(text), near="")
    if len(text) > LONGEST:
        raise BadPath("bad-jmespath", expression=text[:40], near=f"{len(text)} > {LONGEST}")
    try:
        tree = jmespath.compile(text).parsed
        _check_functions(text, tree)
    except ParseError as problem:
        position = problem.lex_position if isinstance(problem.lex_position, int) else 0
        raise BadPath("bad-jmespath", expression=text, near=text[position : position + 20]) from problem
    except BadPath:
        raise
    except (JMESPathError, RecursionError, ValueError) as problem:
        raise BadPath("bad-jmespath", expression=text, near=text[:20]) from problem
    return Path(text, tree, _names(tree))


def _names(node: Any) -> tuple[str, ...] | None:
    """The names of an expression that is nothing but `name` or `name.of.name`, as most are; None for any other: those
    need the library's interpreter, which takes ten times as long."""
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return None
    found: tuple[str, ...] = ()
    for child in node["children"]:
        names = _names(child)
        if names is None:
            return None
        found += names
    return found


def _check_functions(text: str, node: Any) -> None:
    """The library finds an unknown function, or a wrong number of arguments, only when a payload arrives."""
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        known = Functions.FUNCTION_TABLE.get(name)
        if known is None:
            raise BadPath("unknown-jmespath-function", name=name, defined=", ".join(sorted(Functions.FUNCTION_TABLE)))
        signature = known["signature"]
        several = bool(signature) and bool(signature[-1].get("variadic"))
        if given < len(signature) or (given > len(signature) and not several):
            raise BadPath("bad-jmespath", expression=text, near=f"{name}(")
    for child in node["children"]:
        if isinstance(child, dict):
            _check_functions(text, child)
