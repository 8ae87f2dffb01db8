"""Where an independent reading of the language page and this interpreter once differed: the page's reading stands."""

from __future__ import annotations

from typing import Any

from tests.core.spec.playing import lines_of, short


def _played(case: dict[str, Any]) -> list[str]:
    """The timeline in short, without the line of the first issue's receipt."""
    return [short(line) for line in lines_of(case)[1:]]


def test_a_field_that_an_action_leaves_as_it_was_is_no_reason_to_judge_anew() -> None:
    # The form fills `flag`, `set` empties it again: nothing recorded has changed, so the table is not asked, although
    # it would now say otherwise (classify: "after every event that changed a recorded field").
    table = [{"is": "A", "when": {"field": "stage", "is": "doing"}}, {"is": "C"}]
    go = {"from": "new", "to": "doing", "by": "anyone", "form": {"flag": "optional"}, "set": {"flag": None}}
    policy = {"classify": {"severity": table}, "actions": {"go": go}}
    events = [
        {"at": "+1m", "do": "go", "with": {"flag": False}},
        {"at": "+2m", "do": "edit", "with": {"flag": True}},
    ]
    assert _played({"policy": policy, "script": {"events": events}}) == [
        '09:01 action go - {"flag":false} doing',
        '09:02 action edit - {"flag":true} doing',
        "09:02 classified severity C A rules",
    ]
