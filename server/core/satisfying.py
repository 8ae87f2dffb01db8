"""Whether clauses over variables with finite domains can all be met: a small DPLL search, bounded.

A variable's domain is a set of cells, kept as the bits of an integer; a literal `(variable, mask)` says that the value
lies in the mask; a clause is met when one of its literals is.
"""

from __future__ import annotations

from collections.abc import Sequence

Literal = tuple[int, int]
Constraint = tuple[Literal, ...]
Groups = tuple[list[Constraint], list[Constraint]]  # demands, ties


class TooHard(Exception):
    """The search took more steps than it was given."""


def satisfiable(domains: Sequence[int], demands: Sequence[Constraint], ties: Sequence[Constraint], steps: int) -> bool:
    """Whether there is a value for each variable so that every demand and every tie has a literal that holds. The
    demands are what choices are made for; ties follow mostly. Raises TooHard after so many choices."""
    start = list(domains)
    groups = _propagated(start, (list(demands), _tied(demands, ties)))
    waiting = [] if groups is None else [(start, groups)]
    while waiting:
        known, left = waiting.pop()
        urgent = left[0] or left[1]
        if not urgent:
            return True
        steps -= 1
        if steps < 0:
            raise TooHard
        variable, mask = min(urgent, key=len)[0]
        for part in (known[variable] & ~mask, known[variable] & mask):  # the last is tried first
            narrowed = known.copy()
            narrowed[variable] = part
            rest = _propagated(narrowed, left)
            if rest is not None:
                waiting.append((narrowed, rest))
    return False


def _tied(demands: Sequence[Constraint], ties: Sequence[Constraint]) -> list[Constraint]:
    """The ties that have to do with the demands, directly or by others; the rest can be met whatever these ask."""
    reached = {variable for demand in demands for variable, _ in demand}
    found: list[Constraint] = []
    left = list(ties)
    while left:
        near = [tie for tie in left if any(variable in reached for variable, _ in tie)]
        if not near:
            break
        found += near
        reached.update(variable for tie in near for variable, _ in tie)
        left = [tie for tie in left if not any(variable in reached for variable, _ in tie)]
    return found


def _propagated(domains: list[int], groups: Groups) -> Groups | None:
    """Narrows the domains by every constraint that has one way left, until nothing changes. Gives the constraints
    still open, without literals that cannot hold; None when one cannot be met."""
    demands, ties = list(groups[0]), list(groups[1])
    while True:
        before = domains.copy()
        for constraints in (demands, ties):
            still_open = _narrowed(domains, constraints)
            if still_open is None:
                return None
            constraints[:] = still_open
        if domains == before:
            return demands, ties


def _narrowed(domains: list[int], constraints: Sequence[Constraint]) -> list[Constraint] | None:
    """One pass over the constraints; those still open, or None when one cannot be met."""
    still_open: list[Constraint] = []
    for constraint in constraints:
        possible = [literal for literal in constraint if domains[literal[0]] & literal[1]]
        if any(not domains[variable] & ~mask for variable, mask in possible):
            continue
        if not possible:
            return None
        if len(possible) == 1:
            variable, mask = possible[0]
            domains[variable] &= mask
        else:
            still_open.append(tuple(possible))
    return still_open
