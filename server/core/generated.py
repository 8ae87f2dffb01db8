"""Writes conditions as one Python function, which is what makes judging with a full explanation affordable.

Each field is fetched when it is first looked at, and noted in `facts` at that moment, so that `facts` is the
explanation when the function returns. The writer follows which fields have been looked at on every way through the
code: most need no question at run time whether they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from server.core.clauses import Clause, Either, Every, Happened, Test, fields_of, leaves, uses_now
from server.core.expressions import Bindings, expression, happened_expression
from server.core.kinds import CalendarLike

Seen = frozenset[str]
Body = Callable[[Seen, int], None]

_DEEP = 40  # Python takes 100 levels of indentation; below this one, long conditions are written flat


class Writer:
    """Source text of one function over a view."""

    def __init__(self, calendar: CalendarLike | None, explain: bool) -> None:
        self.calendar = calendar
        self.explain = explain
        self.bindings = Bindings()
        self.lines: list[str] = []
        self.variables: dict[str, str] = {}
        self.fetched: set[str] = set()  # somewhere above in the text, on some way or other
        self.asked: set[str] = set()  # those for which the code asks whether they were fetched
        self.flags = 0

    def line(self, depth: int, text: str) -> None:
        """Adds a line of code."""
        self.lines.append(" " * depth + text)

    def lines_of(self, text: str) -> Body:
        """A body of this one line."""
        return lambda _, depth: self.line(depth, text)

    def look(self, field: str, seen: Seen, depth: int) -> Seen:
        """Writes what fetches the field, unless it has been on every way that leads here."""
        if field in seen:
            return seen
        variable = self.variables.setdefault(field, f"f{len(self.variables)}")
        source = "view.now" if field == "now" else f"get({field!r})"
        noted = f"facts[{field!r}] = " if self.explain else ""
        if variable in self.fetched:
            self.asked.add(variable)
            self.line(depth, f"if {variable} is LACKING: {variable} = {noted}{source}")
        else:
            self.fetched.add(variable)
            self.line(depth, f"{variable} = {noted}{source}")
        return seen | {field}

    def when(self, clause: Clause, body: Body, seen: Seen, depth: int, leaves_function: bool) -> Seen:
        """Writes `body` where the clause is true. `leaves_function`: the body is short and ends with a return, so it
        may be repeated. Gives the fields seen on every way that goes on below."""
        if isinstance(clause, Every):
            return self._every(clause.parts, body, seen, depth, leaves_function)
        if isinstance(clause, Either):
            return self._either(clause.parts, body, seen, depth, leaves_function)
        if isinstance(clause, Test) and clause.ref is not None:
            return self._compared(clause, body, seen, depth)
        if isinstance(clause, Test):
            seen = self.look(clause.field, seen, depth)
        self.line(depth, f"if {self._expression(clause)}:")
        body(seen, depth + 1)
        return seen

    def _expression(self, leaf: Test | Happened) -> str:
        if isinstance(leaf, Happened):
            text = happened_expression(leaf)
        else:
            other = self.variables[leaf.ref.field] if leaf.ref else ""
            text = expression(leaf, self.variables[leaf.field], other, self.calendar, self.bindings)
        return f"not ({text})" if leaf.negated else text

    def _needs(self, leaf: Clause, seen: Seen) -> bool:
        """Whether the clause is more than one expression over fields already seen."""
        return isinstance(leaf, Every | Either) or not seen.issuperset(fields_of(leaf)) or _refers(leaf)

    def _compared(self, test: Test, body: Body, seen: Seen, depth: int) -> Seen:
        """A test against another field, which is not looked at when this one has no value."""
        assert test.ref is not None
        seen = self.look(test.field, seen, depth)
        variable = self.variables[test.field]
        if not test.negated:
            self.line(depth, f"if {variable} is not None:")
            within = self.look(test.ref.field, seen, depth + 1)
            self.line(depth + 1, f"if {self._expression(test)}:")
            body(within, depth + 2)
            return seen
        flag = self._flag(depth, "True")
        self.line(depth, f"if {variable} is not None:")
        self.look(test.ref.field, seen, depth + 1)
        self.line(depth + 1, f"{flag} = {self._expression(test)}")
        self.line(depth, f"if {flag}:")
        body(seen, depth + 1)
        return seen

    def _flag(self, depth: int, value: str) -> str:
        self.flags += 1
        name = f"t{self.flags}"
        self.line(depth, f"{name} = {value}")
        return name

    def _raise(self, flag: str) -> Body:
        return self.lines_of(f"{flag} = True")

    def _every(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int, leaves_function: bool) -> Seen:
        if not parts:
            self.line(depth, "if True:")
            body(seen, depth + 1)
            return seen
        if depth > _DEEP and len(parts) > 1:
            return self._every_flat(parts, body, seen, depth)
        first, rest = parts[0], parts[1:]
        if isinstance(first, Test):
            seen = self.look(first.field, seen, depth)
        ready = self._ready(parts, seen)
        if ready > 1:
            self.line(depth, f"if {self._chain(parts[:ready], 'and')}:")
            self._every_rest(parts[ready:], body, seen, depth + 1, leaves_function)
            return seen
        if not rest:
            return self.when(first, body, seen, depth, leaves_function)
        return self.when(
            first,
            lambda within, deeper: self._every_rest(rest, body, within, deeper, leaves_function),
            seen,
            depth,
            False,
        )

    def _every_rest(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int, leaves_function: bool) -> None:
        if parts:
            self._every(parts, body, seen, depth, leaves_function)
        else:
            body(seen, depth)

    def _every_flat(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int) -> Seen:
        flag = self._flag(depth, "True")
        for part in parts:
            self.line(depth, f"if {flag}:")
            self.line(depth + 1, f"{flag} = False")
            self.when(part, self._raise(flag), seen, depth + 1, False)
        self.line(depth, f"if {flag}:")
        body(seen, depth + 1)
        return seen

    def _either(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int, leaves_function: bool) -> Seen:
        if not parts:
            self.line(depth, "if False:")
            body(seen, depth + 1)
            return seen
        if isinstance(parts[0], Test):
            seen = self.look(parts[0].field, seen, depth)
        if self._ready(parts, seen) == len(parts):
            self.line(depth, f"if {self._chain(parts, 'or')}:")
            body(seen, depth + 1)
            return seen
        if leaves_function:
            while parts:
                ready = max(self._ready(parts, seen), 1)
                seen = self._either_of(parts[:ready], body, seen, depth, True)
                parts = parts[ready:]
            return seen
        return self._either_flat(parts, body, seen, depth)

    def _either_flat(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int) -> Seen:
        flag = self._flag(depth, "False")
        first, within = True, seen
        while parts:
            ready = max(self._ready(parts, within), 1)
            if not first:
                self.line(depth, f"if not {flag}:")
            after = self._either_of(parts[:ready], self._raise(flag), within, depth if first else depth + 1, False)
            if first:
                seen = after
            # Later parts stand side by side, each behind its own `if`: the way on is through the false ends.
            within, first, parts = after, False, parts[ready:]
        self.line(depth, f"if {flag}:")
        body(seen, depth + 1)
        return seen

    def _either_of(self, parts: Sequence[Clause], body: Body, seen: Seen, depth: int, leaves_function: bool) -> Seen:
        if len(parts) == 1:
            return self.when(parts[0], body, seen, depth, leaves_function)
        self.line(depth, f"if {self._chain(parts, 'or')}:")
        body(seen, depth + 1)
        return seen

    def _ready(self, parts: Sequence[Clause], seen: Seen) -> int:
        """How many of the first parts are expressions over fields already seen."""
        count = 0
        while count < len(parts) and not self._needs(parts[count], seen):
            count += 1
        return count

    def _chain(self, parts: Sequence[Clause], word: str) -> str:
        texts = [self._expression(part) for part in parts if isinstance(part, Test | Happened)]
        return f" {word} ".join(f"({text})" for text in texts)

    def function(self, name: str, clauses: Sequence[Clause], extra: dict[str, Any]) -> Callable[..., Any]:
        """Compiles what was written into `def name(view)`, with what the clauses need at its beginning."""
        head = ["get = view.facts.get"] if self.variables else []
        if any(uses_now(clause) for clause in clauses):
            head.append("now = view.now")
        if any(isinstance(leaf, Happened) for clause in clauses for leaf in leaves(clause)):
            head.append("happened = view.happened")
        if self.explain:
            head.append("facts = {}")
        if self.asked:
            head.append(" = ".join([*sorted(self.asked), "LACKING"]))
        source = "\n".join([f"def {name}(view):", *(f" {text}" for text in head), *self.lines, ""])
        types = {"type": type, "str": str, "int": int, "bool": bool, "list": list}
        space: dict[str, Any] = {"__builtins__": {}, **types, **self.bindings.names, **extra}
        # Everything of the document stands in the source as a literal (`repr`) or is bound by a name of ours.
        exec(compile(source, f"<judging {name}>", "exec"), space)  # noqa: S102
        function: Callable[..., Any] = space[name]
        function.__doc__ = source
        return function


def _refers(clause: Clause) -> bool:
    return isinstance(clause, Test) and clause.ref is not None
