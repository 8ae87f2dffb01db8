"""Scripts that do not load, and examples (contract, "A script"; policy language, "examples")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.spec.playing import example_findings, problems_of


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ({"events": [{"at": "+2m", "do": "report"}, {"at": "+1m", "do": "report"}]}, "not-in-order"),
        ({"events": [{"at": "2026-03-02T08:59:59+08:00", "do": "report"}]}, "not-in-order"),
        ({"until": "2026-03-02T08:59:59+08:00"}, "not-in-order"),
        ({"start": "soon"}, "not-moment"),
        ({"events": [{"at": "1m", "do": "report"}]}, "not-moment"),
        ({"events": [{"at": "+1parsec", "do": "report"}]}, "bad-duration"),
        ({"events": [{"at": "+1m"}]}, "bad-event"),
        ({"events": [{"do": "report"}]}, "bad-event"),
        ({"events": [{"at": "+1m", "do": "report", "confirm": "n"}]}, "bad-event"),
        ({"events": [{"at": "+1m", "do": "report", "what": 1}]}, "unknown-key"),
        ({"what": 1}, "unknown-key"),
        ({"issue": {"subject": ""}}, "required"),
        ({"issue": {"zzz": 1}}, "no-such-field"),
        ({"issue": {"received": "2026-03-02T09:05:01+08:00"}}, "received-ahead"),
        ({"events": [{"at": "+1m", "receive": {"text": "x"}}]}, "required"),
        ({"events": [{"at": "+1m", "receive": {"subject": "x", "number": "SIM-1"}}]}, "same-number"),
        ({"events": [{"at": "+1m", "do": "report", "issue": "SIM-2"}]}, "unknown-issue"),
    ],
)
def test_a_script_that_does_not_load_says_what_is_wrong(script: dict[str, Any], code: str) -> None:
    assert [finding.code for finding in problems_of({"script": script})] == [code]


POLICY = {"clocks": {"c": {"on": "received", "until": "accept", "within": "1h"}}}
EVENTS = [{"at": "+20m", "do": "report", "with": {}}, {"at": "+30m", "do": "accept"}]


@pytest.mark.parametrize(
    ("expect", "codes"),
    [
        ([{"kind": "received", "severity": "B"}, {"at": "+30m", "kind": "clock_met", "clock": "c"}], []),
        ([{"kind": "clock_met", "due": "+1h"}], []),
        ([{"at": "2026-03-02T09:20", "action": "report"}, {"action": "accept", "stage": "doing"}], []),
        ([{"action": "accept"}, {"action": "report"}], ["example-missing"]),
        ([{"kind": "received"}, {"kind": "received"}], ["example-missing"]),
        ([{"kind": "clock_met", "clock": "d"}], ["example-missing"]),
        ([{"not": {"kind": "clock_breached"}}], []),
        ([{"not": {"kind": "clock_met"}}], ["example-unexpected"]),
        ([{"kind": "clock_met"}, {"not": {"action": "report"}}], ["example-unexpected"]),
        ([{"kind": "action", "zzz": 1}], ["example-missing"]),
    ],
)
def test_an_example_wants_lines_in_that_order_and_others_not_at_all(expect: list[Any], codes: list[str]) -> None:
    case = {"policy": POLICY, "script": {"events": EVENTS, "expect": expect}}
    assert [finding.code for finding in example_findings(case)] == codes
