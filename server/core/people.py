"""Who is who on an issue: who may act, and who becomes the owner (policy language, "Who").

What the issue itself knows is answered here; the rest is asked of the directory.
"""

from __future__ import annotations

from typing import Any

from server.core.process import SYSTEM, Whos
from server.core.turn import Turn

CUSTOMER = "customer"


def may(turn: Turn, person: str | None, by: Whos, not_by: Whos) -> str | None:
    """Why the person may not (`by`, `not_by`), or None. The system may always; without people in a script, only a
    `by` or `not_by` made of nothing but `did:` binds."""
    if person == SYSTEM:
        return None
    if _binds(turn, by) and not any(is_(turn, person, who) for who in by):
        return "by"
    if not_by and _binds(turn, not_by) and any(is_(turn, person, who) for who in not_by):
        return "not_by"
    return None


def _binds(turn: Turn, whos: Whos) -> bool:
    return turn.directory.binding or all(who.startswith("did:") for who in whos)


def is_(turn: Turn, person: str | None, who: str) -> bool:
    """Whether the person is `who` on this issue now."""
    if who == "anyone":
        return True
    if person is None:
        return False
    if who == "actor" or person in own(turn, who):
        return True
    if who.startswith("rung:"):
        return any(is_(turn, person, other) for other in on_rung(turn, who[5:]))
    if who == CUSTOMER and person == CUSTOMER:
        return True
    return turn.directory.fits(person, who, turn.place)


def own(turn: Turn, who: str) -> list[str]:
    """Those whom the issue itself names as `who`, the latest first for `did:`."""
    case = turn.case
    if who == "owner":
        return _some(case.owner)
    if who == "receiver":
        return _some(case.receiver)
    if who == "actor":
        return [turn.actor] if turn.actor not in (None, SYSTEM, CUSTOMER) else []
    if who == "involved":
        return case.involved
    if who == "watchers":
        return case.watchers
    if who.startswith("did:"):
        return [person for person in reversed(case.did.get(who[4:], [])) if person not in (SYSTEM, CUSTOMER)]
    if who.startswith("field:"):
        return _texts(turn.known.get(who[6:]))
    return []


def on_rung(turn: Turn, ladder: str) -> Whos:
    """Whoever is on the ladder's rung now, as written; nobody when it is on none."""
    state = turn.case.ladders.get(ladder)
    return turn.process.ladders[ladder].rungs[state.rung - 1].to if state and state.rung else ()


def first(turn: Turn, who: str) -> str | None:
    """The first person who is `who`, or None."""
    people = own(turn, who)
    if people:
        return people[0]
    if who in ("actor", "anyone", CUSTOMER):
        return None
    if who.startswith("rung:"):
        return next((person for other in on_rung(turn, who[5:]) if (person := first(turn, other))), None)
    if who.startswith(("did:", "field:")):
        return None
    found = turn.directory.persons(who, turn.place)
    return found[0] if found else None


def _some(person: str | None) -> list[str]:
    return [] if person is None or person in (SYSTEM, CUSTOMER) else [person]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str) and value:
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
