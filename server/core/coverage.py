"""Rules that can never be reached, and options that no rule names: what `check` warns of in decision lists.

A rule is unreachable when no issue meets it without meeting an earlier one. What is said here is certain; where the
search would take too long, nothing is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.core.cells import FALSE, TRUE, Space
from server.core.clauses import Clause, Every, Happened, Test, events_of, fields_of, leaves, negation
from server.core.lookups import Lookup
from server.core.satisfying import Constraint, Literal, TooHard, satisfiable

STEPS = 2_000  # choices per question


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A rule that is never reached. `rule` counts from 1; `covered_by` are the earlier rules that take all its issues
    together; none: the rule contradicts itself."""

    rule: int
    covered_by: tuple[int, ...]


def unreachable(clauses: Sequence[Clause], assured: bool = False) -> list[Unreachable]:
    """The rules of a decision list that can never be reached; `clauses` are their conditions in order (ALWAYS for a
    rule without one). `assured`: fields that always have a value (severity, stage) have one here; not so in
    `classify`, where severity may not have been judged yet."""
    search = _Search(clauses, assured)
    found: list[Unreachable] = []
    for index, clause in enumerate(clauses):
        covering = search.covering(clauses[:index], clause)
        if covering is not None:
            found.append(Unreachable(index + 1, tuple(number + 1 for number in covering)))
    return found


def unnamed_options(clauses: Sequence[Clause]) -> dict[str, tuple[str, ...]]:
    """For each choice that the rules compare with constants, the options that none of them names. A test by `is_not`
    or `not_in` speaks of all options."""
    named: dict[str, set[str]] = {}
    options: dict[str, tuple[str, ...]] = {}
    for clause in clauses:
        for leaf in leaves(clause):
            if isinstance(leaf, Test) and leaf.kind.options is not None and leaf.op in ("eq", "contains"):
                options[leaf.field] = leaf.kind.options
                mentioned = named.setdefault(leaf.field, set())
                if leaf.negated or leaf.ref is not None:
                    mentioned.update(leaf.kind.options)
                elif leaf.op == "contains" and leaf.kind.name == "text":
                    mentioned.update(
                        option for option in leaf.kind.options if leaf.value.casefold() in option.casefold()
                    )
                else:
                    for value in leaf.value if leaf.op == "eq" else [leaf.value]:
                        mentioned.update(value if isinstance(value, list) else [value])
    left = {field: tuple(option for option in options[field] if option not in named[field]) for field in options}
    return {field: unnamed for field, unnamed in left.items() if unnamed}


def unnamed_keys(lookup: Lookup) -> dict[str, tuple[str, ...]]:
    """For each choice that a look-up table goes by, the options for which it has no row at all."""
    found: dict[str, tuple[str, ...]] = {}
    levels = [lookup.rows]
    for field, kind in zip(lookup.fields, lookup.kinds, strict=True):
        named = {key for level in levels for key in level}
        if kind.options is not None and kind.name == "text":
            found[field] = tuple(option for option in kind.options if option not in named)
        levels = [below for level in levels for below in level.values() if isinstance(below, dict)]
    return {field: unnamed for field, unnamed in found.items() if unnamed}


class _Search:
    """Questions about one list of rules, over one space of values."""

    def __init__(self, clauses: Sequence[Clause], assured: bool) -> None:
        self.space = Space(clauses, assured)
        self.about = {id(clause): _about(clause) for clause in clauses}
        self.demands = {id(clause): self._demands(clause) for clause in clauses}
        self.refusals = {id(clause): self._demands(negation(clause)) for clause in clauses}

    def covering(self, earlier: Sequence[Clause], clause: Clause) -> list[int] | None:
        """The earlier rules that leave the clause nothing; None when it can be reached, or that is too hard to
        tell."""
        if not self._can_be_met(clause, []):
            return []
        for chosen in self._circles(earlier, clause):
            if not self._can_be_met(clause, [earlier[index] for index in chosen]):
                return self._fewest(earlier, clause, chosen)
        return None

    def _circles(self, earlier: Sequence[Clause], clause: Clause) -> list[list[int]]:
        """Ever more of the earlier rules: those about nothing else than the clause, those that share something with
        it, directly and then by others. What is covered is mostly covered by near ones, and that is shown faster."""
        about = [self.about[id(rule)] for rule in earlier]
        near = self.about[id(clause)]
        circles = [[index for index, names in enumerate(about) if names <= near]]
        while len(circles[-1]) < len(earlier):
            reached = [index for index, names in enumerate(about) if names & near or not names]
            near = near.union(*(about[index] for index in reached))
            if reached == circles[-1]:
                # Rules about other things can cover it only if they cover everything.
                circles.append(list(range(len(earlier))))
            else:
                circles.append(reached)
        return circles

    def _fewest(self, earlier: Sequence[Clause], clause: Clause, chosen: list[int]) -> list[int]:
        """Without the rules that are not needed to cover the clause: halves are tried first, single rules last."""
        needed, size = list(chosen), len(chosen)
        while size:
            for start in reversed(range(0, len(needed), size)):
                fewer = needed[:start] + needed[start + size :]
                if not self._can_be_met(clause, [earlier[index] for index in fewer]):
                    needed = fewer
            size //= 2
        return needed

    def _can_be_met(self, clause: Clause, others: Sequence[Clause]) -> bool:
        """Whether an issue may meet the clause and none of the others; true when that is too hard to tell."""
        demands = list(self.demands[id(clause)])
        for other in others:
            demands += self.refusals[id(other)]
        try:
            return satisfiable(self.space.domains, demands, self.space.ties, STEPS)
        except TooHard:
            return True

    def _demands(self, clause: Clause) -> list[Constraint]:
        """Constraints that can be met together exactly when the clause can."""
        if isinstance(clause, Test | Happened):
            return [(self.space.literal(clause),)]
        if isinstance(clause, Every):
            return [demand for part in clause.parts for demand in self._demands(part)]
        found: list[Constraint] = []
        found.append(tuple(self._literal(part, found) for part in clause.parts))
        return found

    def _literal(self, clause: Clause, constraints: list[Constraint]) -> Literal:
        """A literal that can hold only if the clause is met: a variable of its own for what is not a single test."""
        if isinstance(clause, Test | Happened):
            return self.space.literal(clause)
        variable = self.space.new()
        constraints.extend(((variable, FALSE), *demand) for demand in self._demands(clause))
        return variable, TRUE


def _about(clause: Clause) -> frozenset[tuple[str, str]]:
    fields = [("field", name) for name in fields_of(clause)]
    return frozenset([*fields, *(("event", name) for name in events_of(clause))])
