"""Whether targets are met by their figures (policy language, "measures, targets, reports"). Shares and means are
compared as exact fractions; a figure over nothing is neither met nor missed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from server.core.measures import Target

MET: Final = "met"
MISSED: Final = "missed"
NO_DATA: Final = "no_data"


def value_of(form: str, cell: Mapping[str, Any]) -> Fraction | None:
    """The exact value of a figure's cell: a number, a share, or milliseconds; None over nothing, or when kinds of
    time are mixed."""
    if form == "number":
        return Fraction(cell["number"])
    if form == "share":
        return Fraction(cell["numerator"], cell["denominator"]) if cell["denominator"] else None
    if form == "duration" and len(cell["means"]) == 1:
        return Fraction(cell["means"][0]["ms"], cell["means"][0]["count"])
    return None


def judge(targets: Sequence[Target], figures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each target with its figure and outcome: `met`, `missed` or `no_data`. With `by`, each group has its own
    outcome, and the target is met when no group misses it."""
    return [_judged(target, figure) for target, figure in zip(targets, figures, strict=True)]


def _judged(target: Target, figure: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"id": target.id, **figure}
    if target.where is not None:
        found["where"] = target.where
    for key, limit in (("at_least", target.at_least), ("at_most", target.at_most)):
        if limit is not None:
            found[key] = limit.text
    outcome = _outcome(target, figure["form"], figure["total"])
    if "groups" in figure:
        groups = [{**group, "outcome": _outcome(target, figure["form"], group)} for group in figure["groups"]]
        outcomes = {group["outcome"] for group in groups}
        found["groups"] = groups
        outcome = MISSED if MISSED in outcomes else MET if MET in outcomes else outcome
    return {**found, "outcome": outcome}


def _outcome(target: Target, form: str, cell: Mapping[str, Any]) -> str:
    value = value_of(form, cell)
    if value is None:
        return NO_DATA
    too_little = target.at_least is not None and value < target.at_least.value
    too_much = target.at_most is not None and value > target.at_most.value
    return MISSED if too_little or too_much else MET
