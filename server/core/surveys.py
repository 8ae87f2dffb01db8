"""Surveys: asking the customer (policy language, "surveys")."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from server.core import notices, values
from server.core.case import Case, SurveyState
from server.core.moments import Moment
from server.core.process import Step, Survey
from server.core.turn import Happening, Turn


def is_drawn(number: str, name: str, percent: float) -> bool:
    """Whether the issue is among the `percent` % that are drawn: nobody can choose, anybody can check. The first 8
    hex digits of SHA-256 of `NUMBER/NAME`, modulo 10,000, are less than 100 × the percentage."""
    digits = hashlib.sha256(f"{number}/{name}".encode()).hexdigest()[:8]
    return int(digits, 16) % 10_000 < round(100 * percent, 6)


def hear(turn: Turn, happening: Happening) -> None:
    """Step 7: surveys whose event happened go out to the customers who are drawn."""
    for survey in turn.process.surveys.values():
        if happening.is_one_of(survey.on):
            share = 100.0 if survey.share is None else survey.share.value(turn.view)
            if share is not None and is_drawn(turn.case.number, survey.id, share):
                _ask(turn, survey)


def _ask(turn: Turn, survey: Survey) -> None:
    expires = None if survey.expires is None else turn.process.calendar.add(turn.now, survey.expires)
    former = turn.case.surveys.get(survey.id)
    turn.case.surveys[survey.id] = SurveyState("out", expires, 1 if former is None else former.times + 1)
    turn.line("surveyed", survey=survey.id)
    for via in survey.via:
        turn.line("notified", survey=survey.id, via=via, to=["customer"])
        notices.tell(turn, "survey", survey.id, via, Step((via,), ("customer",), survey.template))


def refusal(turn: Turn, survey_id: str, given: Mapping[str, Any]) -> tuple[str | None, list[values.Problem]]:
    """Why answers are refused: `stage` when too late, twice or never asked; `form` with its problems."""
    survey = turn.process.surveys.get(survey_id)
    state = turn.case.surveys.get(survey_id)
    if survey is None or state is None or state.state != "out":
        return "stage", []
    if state.expires is not None and turn.now > state.expires:
        return "stage", []
    problems = values.answers(turn.process, given, survey.questions)[1]
    return ("form" if problems else None), problems


def take(turn: Turn, survey_id: str, given: Mapping[str, Any]) -> frozenset[str]:
    """Records answers as facts and writes their line; gives the event that this is."""
    survey = turn.process.surveys[survey_id]
    turn.case.surveys[survey_id].state = "answered"
    for name, value in values.answers(turn.process, given, survey.questions)[0].items():
        turn.set_fact(name, value)
    turn.line("answered", survey=survey_id, **{"with": dict(given)})
    return turn.happens(f"survey.{survey_id}.answered")


def next_moment(case: Case, survey: Survey) -> Moment | None:
    """When the survey expires, if it is out."""
    state = case.surveys.get(survey.id)
    return None if state is None or state.state != "out" else state.expires


def pass_time(turn: Turn, survey: Survey) -> None:
    """The customer did not answer in time."""
    turn.case.surveys[survey.id].state = "expired"
    turn.line("expired", survey=survey.id)
    turn.raise_event(f"survey.{survey.id}.expired")
