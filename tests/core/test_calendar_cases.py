"""The sums with known answers in tests/cases/working-time, through the function behind `duban calendar batch`."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from server.core import moments
from server.core.calendars import Calendar, compile_calendar
from server.core.documents import read
from server.core.sums import batch, batch_line

FOLDER = Path(__file__).parent.parent / "cases" / "working-time"
CASES = [json.loads(line) for line in (FOLDER / "cases.jsonl").read_text().splitlines()]


@cache
def calendars() -> dict[str, Calendar]:
    found: dict[str, Calendar] = {}
    for file in sorted((FOLDER / "calendars").glob("*.yaml")):
        document, findings = read(file.read_bytes(), file.name)
        assert document is not None, findings
        found[document.value["name"]] = compile_calendar(document.value)
    return found


def test_all_seventy_four_cases_are_there() -> None:
    assert len(CASES) == 74
    assert len(calendars()) == 8


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_sum_is_the_one_that_the_help_desk_expects(case: dict[str, Any]) -> None:
    answer = batch_line(json.dumps(case), calendars())
    if case["op"] == "add":
        assert moments.parse(answer["result"]) == moments.parse(case["expected"])
    else:
        assert answer == {"result": case["expected"]}


def test_a_batch_answers_each_line_and_a_bad_line_holds_up_nothing() -> None:
    good = json.dumps({"op": "between", "calendar": "zammad-eu1", "start": "2013-03-21", "end": "2013-03-22"})
    answers = list(batch([good, "\n", "nonsense", '{"op": "subtract"}', good + "\n"], calendars()))
    assert [list(answer) for answer in answers] == [["result"], ["error"], ["error"], ["result"]]
    assert answers[0] == {"result": 8 * 3600}
    assert "add or between" in answers[2]["error"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ({"op": "add", "calendar": "nowhere", "start": "2013-03-21", "duration": "1d"}, "zammad-eu1"),
        ({"op": "add", "calendar": "zammad-eu1", "start": "21.3.2013", "duration": "1d"}, "21.3.2013"),
        ({"op": "add", "calendar": "zammad-eu1", "start": "2013-03-21", "duration": "1x"}, "1x"),
        ({"op": "add", "calendar": "zammad-eu1", "start": "2013-03-21"}, "duration"),
        ({"op": "add", "calendar": "zammad-eu1", "start": "2013-03-21", "duration": 5}, "duration"),
        ({"op": "add", "calendar": "zammad-eu1", "start": "9999-12-01", "duration": "1y"}, "9999"),
        ({"op": "between", "calendar": "zammad-eu1", "start": "2013-03-21", "end": "1912-01-01"}, "1970"),
    ],
)
def test_an_error_names_what_is_wrong(line: dict[str, Any], names: str) -> None:
    for language in ("en", "zh"):
        answer = batch_line(json.dumps(line), calendars(), language)
        assert list(answer) == ["error"]
        assert names in answer["error"]


def test_open_time_of_fractions_of_a_second_is_rounded_down() -> None:
    line = {"op": "between", "calendar": "zammad-eu1", "start": "2013-03-21T10:00:00.900", "end": "2013-03-21T10:00:03"}
    assert batch_line(json.dumps(line), calendars()) == {"result": 2}
