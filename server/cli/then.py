"""What was so on an issue at a moment (`duban audit at`), in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.cli.words import say

NONE = "-"


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What `server.evidence.at` gives, a sentence a line."""
    yield say("at-issue", **_filled(found, "number", "at", "process", "stage", "severity", "team", "owner"))
    if found["erased"] is not None:
        yield say("at-erased", at=found["erased"])
    for one in found["versions"]:
        yield say("at-version", **_version(one))
    if found["in_force"] is not None:
        yield say("at-in-force", **_version(found["in_force"]), since=found["in_force"]["from"])
    for one in found["because"]:
        yield _because(one)
    for one in found["clocks"]:
        yield say("at-clock", **_filled(one, "clock", "run", "state", "due"))
        if one["standing"] is not None:
            yield _standing(one["standing"])
    if found["next"] is not None:
        yield say("at-next", at=found["next"])
    for one in found["told"]:
        yield say("at-told", **_filled(one, "at", "notice", "to", "recipient", "channel", "state", "sent"))
    if not found["told"]:
        yield say("at-told-nobody")


def _filled(found: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: NONE if found[name] in (None, "") else found[name] for name in names}


def _version(one: Mapping[str, Any]) -> dict[str, Any]:
    return _filled(one, "kind", "name", "version", "sha256", "author", "approver")


def _because(one: Mapping[str, Any]) -> str:
    if "by" in one:
        return say("at-by-hand", **_filled(one, "table", "value", "by", "at"))
    facts = ", ".join(f"{name}={NONE if value is None else value}" for name, value in one["facts"].items())
    rule = ", ".join(map(str, one["rule"])) if isinstance(one["rule"], list) else one["rule"]
    if rule is None:
        return say("at-else", **_filled(one, "table", "value", "at"), facts=facts or NONE)
    return say("at-because", **_filled(one, "table", "value", "at"), rule=rule, facts=facts or NONE)


def _standing(one: Mapping[str, Any]) -> str:
    if one["why"] == "closed":
        return say("at-closed", **_filled(one, "calendar", "until"))
    return say("at-paused", **_filled({"action": None, "by": None, **one}, "stage", "since", "action", "by"))
