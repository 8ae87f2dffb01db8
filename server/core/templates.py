"""Message and form templates: Liquid without files, clock or unbounded work (policy language, section 2, templates).

Tags: `if unless case for break continue assign capture cycle echo comment #`. A text is compiled when the policy is
checked, so that syntax, unknown filters and unknown names are found there; what is left to go wrong when a message is
rendered raises RenderProblem and concerns that one message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from liquid import DictLoader, Environment, Mode
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    echo_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError
from liquid.expression import Expression
from liquid.static_analysis import TemplateAnalysis
from liquid.template import BoundTemplate

from server.core.template_limits import DEFAULT_LIMITS, FILTERS, BoundedRange, Limits, MeteredContext, TooMuch

TEMPLATE_LENGTH = 16_384  # characters
MARKUP_LENGTH = 1_000  # characters of one {{ … }} or {% … %}
_TAGS = (
    content.Literal,
    output.Output,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    capture_tag.CaptureTag,
    cycle_tag.CycleTag,
    echo_tag.EchoTag,
    comment_tag.CommentTag,
    inline_comment_tag.InlineCommentTag,
)
_INNER_TAGS = ("content", "expression", "illegal", "output", "literal", "statement")


class BadTemplate(ValueError):
    """A template that does not compile: `code` and `params` of the finding, `line` and `column` in the text from 1."""

    def __init__(self, code: str, line: int = 1, column: int = 1, **params: str | int) -> None:
        self.code = code
        self.line = line
        self.column = column
        self.params: dict[str, str | int] = {"line": line, "column": column, **params}
        super().__init__(f"{code} {self.params}")


class RenderProblem(Exception):
    """A template that could not be rendered with these facts: `code` and `params` of the finding."""

    def __init__(self, code: str, **params: str | int) -> None:
        self.code = code
        self.params = params
        super().__init__(f"{code} {params}")


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a template uses: `clocks.reply.due` is three parts; None stands for a computed one."""

    path: tuple[str | int | None, ...]
    line: int
    column: int
    written: str = ""  # where it is another: `entry.at` in a loop over the history

    def __str__(self) -> str:
        return self.written or ".".join("*" if part is None else str(part) for part in self.path)


# What may be named: a mapping has just these parts, None has no parts that are checked (a list, a text).
Names = Mapping[str, "Names | None"]
EACH = "*"
"""In Names, what every item of a list has."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template; `names` are those it takes from outside, in the order of the text, `of_entries` what it
    takes from the history's entries in its loops over them."""

    text: str
    names: tuple[Name, ...]
    of_entries: tuple[Name, ...]
    _bound: BoundTemplate

    def unknown(self, known: Names) -> list[Name]:
        """The names that are not among `known`; for `check`, which refuses them."""
        return [name for name in (*self.names, *self.of_entries) if not _is_known(name.path, known)]

    def render(self, context: Mapping[str, object], limits: Limits = DEFAULT_LIMITS) -> str:
        """The text for these values; a name without a value prints nothing. Raises RenderProblem."""
        metered = MeteredContext(self._bound, globals=context, limits=limits)
        buffer = metered.get_buffer()
        try:
            self._bound.render_with_context(metered, buffer)
        except TooMuch as problem:
            raise RenderProblem("template-too-much", limit=problem.what) from problem
        except (LiquidError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as problem:
            raise RenderProblem("template-failed", reason=_reason(problem)) from problem
        return buffer.getvalue()

    def render_line(self, context: Mapping[str, object], limits: Limits = DEFAULT_LIMITS) -> str:
        """As `render`, on one line: for subjects. A line break in a fact must not begin a new header (RFC 5322)."""
        return one_line(self.render(context, limits))


def one_line(text: str) -> str:
    """The text with every run of control characters and line separators as one space, trimmed."""
    return re.sub("[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).strip()


def compile_template(text: str) -> Template:
    """Compile a template. Raises BadTemplate with the place of the problem in the text."""
    if len(text) > TEMPLATE_LENGTH:
        raise BadTemplate("template-too-long", length=len(text), limit=TEMPLATE_LENGTH)
    _scan(text)
    try:
        bound = _ENVIRONMENT.from_string(text)
        for node in _nodes(bound, bound.nodes):
            for expression in node.expressions():
                _bind_ranges(text, expression)
        used = bound.analyze(include_partials=False)
    except BadTemplate:
        raise
    except LiquidError as problem:
        raise _syntax(text, problem) from problem
    except (RecursionError, ValueError, OverflowError) as problem:
        raise BadTemplate("template-syntax", near=text[:40]) from problem
    for name, spans in used.filters.items():
        if name not in FILTERS:
            line, column = _place(text, spans[0].index)
            raise BadTemplate("template-unknown-filter", line, column, filter=name, known=", ".join(sorted(FILTERS)))
    found = sorted((v.span.index, tuple(_part(s) for s in v.segments)) for vs in used.globals.values() for v in vs)
    names = tuple(Name(path, *_place(text, index)) for index, path in found)
    return Template(text, names, tuple(_of_entries(text, bound, used)), bound)


_DELIMITER = re.compile(r"\{\{|\{%|\}\}|%\}")
_CLOSING = {"{{": "}}", "{%": "%}"}


def _scan(text: str) -> None:
    """Refuse what the library's lexer is slow on: `{{` 16,000 times takes it 43 s, an unclosed `{% raw %}` a second."""
    opened: re.Match[str] | None = None
    for found in _DELIMITER.finditer(text):
        if opened is None:
            if found[0] in _CLOSING:
                opened = found
            continue
        if found[0] in _CLOSING or found.end() - opened.start() > MARKUP_LENGTH:
            break
        if found[0] == _CLOSING[opened[0]]:
            word = re.match(r"\{%-?\s*(raw|doc)\b", text[opened.start() : found.end()])
            if word:
                raise BadTemplate(
                    "template-unknown-tag", *_place(text, opened.start()), tag=word[1], known=_known_tags()
                )
            opened = None
    if opened is not None:
        near = text[opened.start() : opened.start() + 40].split("\n")[0]
        raise BadTemplate("template-syntax", *_place(text, opened.start()), near=near)


def _environment() -> Environment:
    class Plain(Environment):
        """Plain text: nothing is escaped, nothing is loaded, only the tags and filters listed here exist."""

        def setup_tags_and_filters(self, *, extra: bool = False) -> None:
            for tag in _TAGS:
                self.add_tag(tag)
            self.filters.update(FILTERS)

    return Plain(tolerance=Mode.STRICT, loader=DictLoader({}), strict_filters=True, autoescape=False)


_ENVIRONMENT = _environment()


def _nodes(bound: BoundTemplate, nodes: list[Node]) -> Iterator[Node]:
    context = MeteredContext(bound)
    waiting = list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children(context, include_partials=False))


def _bind_ranges(text: str, expression: Expression) -> None:
    """Bound the range of a `for`; refuse it anywhere else, where the library would walk it uncounted."""
    if isinstance(expression, LoopExpression) and isinstance(expression.iterable, RangeLiteral):
        plain = expression.iterable
        expression.iterable = BoundedRange(plain.token, plain.start, plain.stop)
    for child in expression.children():
        if isinstance(child, BoundedRange):
            for end in child.children():
                _bind_ranges(text, end)
        elif isinstance(child, RangeLiteral):
            raise BadTemplate("template-range", *_place(text, child.token.start_index))
        else:
            _bind_ranges(text, child)
    if isinstance(expression, RangeLiteral) and not isinstance(expression, BoundedRange):
        raise BadTemplate("template-range", *_place(text, expression.token.start_index))


def _of_entries(text: str, bound: BoundTemplate, used: TemplateAnalysis) -> Iterator[Name]:
    """What loops over the history take from its entries. A name that is also assigned, or loops over something else,
    may be anything."""
    loops = [node.expression for node in _nodes(bound, bound.nodes) if isinstance(node, for_tag.ForNode)]
    others = {loop.identifier for loop in loops if str(loop.iterable) != "history"} | set(used.locals)
    for name in sorted({str(loop.identifier) for loop in loops} - others):
        outside = {variable.span.index for variable in used.globals.get(name, ())}
        for variable in used.variables.get(name, ()):
            parts = tuple(_part(segment) for segment in variable.segments)
            if len(parts) > 1 and variable.span.index not in outside:
                written = ".".join("*" if part is None else str(part) for part in parts)
                yield Name(("history", 0, *parts[1:]), *_place(text, variable.span.index), written)


def _is_known(path: tuple[str | int | None, ...], known: Names) -> bool:
    level: Names | None = known
    for part in path:
        if level is None:
            return True
        if part is None:
            return False
        key = EACH if isinstance(part, int) else part
        if key not in level:
            return False
        level = level[key]
    return True


def _part(segment: object) -> str | int | None:
    return segment if isinstance(segment, (str, int)) else None


def _syntax(text: str, problem: LiquidError) -> BadTemplate:
    index = problem.token.start_index if problem.token is not None and problem.token.start_index >= 0 else 0
    line, column = _place(text, index)
    near = text[index : index + 40].split("\n")[0]
    unknown = re.match(r"unexpected tag '(\w+)'", str(problem.message))
    if unknown:
        return BadTemplate("template-unknown-tag", line, column, tag=unknown[1], known=_known_tags())
    return BadTemplate("template-syntax", line, column, near=near)


def _known_tags() -> str:
    return ", ".join(sorted(tag.name for tag in _TAGS if tag.name.isalpha() and tag.name not in _INNER_TAGS))


def _place(text: str, index: int) -> tuple[int, int]:
    before = text[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


def _reason(problem: Exception) -> str:
    message = problem.message if isinstance(problem, LiquidError) else problem
    return f"{type(problem).__name__}: {message}"[:200]
