"""Conditions as read from a document: a tree of tests, with negation pushed down to its leaves.

Policy language, "Conditions". Pushing `not` down keeps the order in which fields are looked at and where it stops:
not(a and b) is (not a or not b), and both are sure at the same test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from server.core.kinds import Kind


@dataclass(frozen=True, slots=True)
class Ref:
    """Another field as the value: `field:G`, or `field:G+D` with D in milliseconds."""

    field: str
    kind: Kind
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Test:
    """One field tested. `value` is a Ref or, by `op`: `eq` a tuple of constants, any of which it may equal; `during`
    a calendar; `within_next` and `longer_ago_than` a Duration; `matches` an RE2 pattern; else a constant.
    `known` has none; `never` is a test that cannot be met (it was reported). `negated`: true when it is not met."""

    field: str
    kind: Kind
    op: str
    value: Any = None
    negated: bool = False

    @property
    def ref(self) -> Ref | None:
        """The other field that this test looks at."""
        return self.value if isinstance(self.value, Ref) else None


@dataclass(frozen=True, slots=True)
class Happened:
    """An event has happened, after the last `since` if that has happened."""

    event: str
    since: str | None = None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts; true without any."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts; false without any."""

    parts: tuple[Clause, ...]


Clause = Test | Happened | Every | Either

ALWAYS = Every(())


def joined(kind: type[Every] | type[Either], parts: list[Clause]) -> Clause:
    """The parts under one `Every` or `Either`, those of the same kind taken in, a single one by itself."""
    flat: list[Clause] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return flat[0] if len(flat) == 1 else kind(tuple(flat))


def negation(clause: Clause) -> Clause:
    """What is true exactly when the clause is not."""
    if isinstance(clause, Test | Happened):
        return replace(clause, negated=not clause.negated)
    other = Either if isinstance(clause, Every) else Every
    return other(tuple(negation(part) for part in clause.parts))


def leaves(clause: Clause) -> Iterator[Test | Happened]:
    """Every test in it, in document order."""
    if isinstance(clause, Test | Happened):
        yield clause
    else:
        for part in clause.parts:
            yield from leaves(part)


def fields_of(clause: Clause) -> tuple[str, ...]:
    """The fields that it may look at, in document order."""
    seen: dict[str, None] = {}
    for leaf in leaves(clause):
        if isinstance(leaf, Test):
            seen[leaf.field] = None
            if leaf.ref is not None:
                seen[leaf.ref.field] = None
    return tuple(seen)


def events_of(clause: Clause) -> tuple[str, ...]:
    """The events that it asks about, `since` included."""
    seen: dict[str, None] = {}
    for leaf in leaves(clause):
        if isinstance(leaf, Happened):
            seen[leaf.event] = None
            if leaf.since is not None:
                seen[leaf.since] = None
    return tuple(seen)


def uses_now(clause: Clause) -> bool:
    """Whether its outcome may change by time alone."""
    return any(
        isinstance(leaf, Test)
        and (leaf.op in ("within_next", "longer_ago_than") or "now" in (leaf.field, leaf.ref and leaf.ref.field))
        for leaf in leaves(clause)
    )
