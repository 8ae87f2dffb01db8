"""The page behind a survey's link: a customer answers without an account, once, until it expires (policy language,
"surveys"). Plain HTML that needs no script; in the language that the browser asks for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs

from flask import Blueprint, Flask, Response, make_response, render_template

from server import acting, settings
from server.api.problems import Failed, language
from server.api.requests import body, now
from server.core.moments import Moment
from server.core.process import Field, Survey
from server.core.values import Problem
from server.core.vocabulary import in_language
from server.messages import SurveyToken, read_token
from server.recording import Overtaken, UnknownIssue, held
from server.resources import texts_of

MOST_FIELDS: Final = 200


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return texts_of("pages")


class _Closed(Exception):
    """The survey was answered, has expired, or was asked again."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a link asks: the survey as the issue's version has it."""

    link: SurveyToken
    subject: str
    survey: Survey


def register(app: Flask) -> None:
    """Put the page into the application."""
    pages = Blueprint("survey", __name__, template_folder="templates")
    for method, view in (("GET", ask), ("POST", take)):
        pages.add_url_rule(
            "/s/<token>", view.__name__, view, methods=[method], provide_automatic_options=False
        )  # fmt: skip
    app.register_blueprint(pages)


def ask(token: str) -> Response:
    """The questions."""
    try:
        return _form(_asked(token, now()))
    except _Closed:
        return _page("survey/said.html", 410, said="closed")
    except UnknownIssue:
        return _page("survey/said.html", 404, said="unknown")


def take(token: str) -> Response:
    """The customer's answers."""
    at = now()
    try:
        asked = _asked(token, at)
        given, texts = _answers(asked.survey)
        link = asked.link
        try:
            acting.answer(link.number, link.survey, given, at, link.times)
        except acting.BadForm as error:
            return _form(asked, texts, error.problems, 422)
        return _page("survey/said.html", 200, said="thanks")
    except (_Closed, acting.NotPossible):
        return _page("survey/said.html", 410, said="closed")
    except UnknownIssue:
        return _page("survey/said.html", 404, said="unknown")
    except Overtaken:
        response = _page("survey/said.html", 503, said="busy")
        response.headers["Retry-After"] = "1"
        return response


def _asked(token: str, at: Moment) -> _Asked:
    """What the link asks. Raises UnknownIssue when it is none of ours, _Closed when it is over."""
    link = read_token(settings.current().secret or "", token)
    if link is None:
        raise UnknownIssue(token)
    found = held(link.number)
    survey = found.pinned.process.surveys.get(link.survey)
    state = found.case.surveys.get(link.survey)
    if survey is None or state is None or state.state != "out" or state.times != link.times:
        raise _Closed
    if state.expires is not None and at > state.expires:
        raise _Closed
    return _Asked(link, str(found.case.facts["subject"]), survey)


def _answers(survey: Survey) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The answers as values of their questions, and as the texts that the browser sent."""
    try:
        texts = parse_qs(body().decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise Failed(400, "bad-request") from error
    known = {name: values for name, values in texts.items() if name in survey.questions}
    return {name: _value(survey.questions[name], values) for name, values in known.items()}, known


def _value(question: Field, values: list[str]) -> Any:
    """The value that a form's texts mean; what means none stays text, and is refused as such."""
    if question.many:
        return values
    text = values[0].replace("\r\n", "\n")
    if question.type == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if question.type in ("integer", "rating", "number"):
        return _number(text)
    return text


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text) if len(text) <= 40 and text.isascii() else text
        except ValueError:
            continue
    return text


def _form(
    asked: _Asked,
    texts: Mapping[str, list[str]] | None = None,
    problems: tuple[Problem, ...] = (),
    status: int = 200,
) -> Response:
    shown = language()
    wrong = {problem.at.removeprefix("/"): problem.text(shown) for problem in problems}
    known = texts or {}
    questions = [
        _question(question, shown, known.get(name, []), wrong.get(name))
        for name, question in asked.survey.questions.items()
    ]
    return _page(
        "survey/form.html",
        status,
        heading=in_language(asked.survey.title, shown),
        number=asked.link.number,
        subject=asked.subject,
        questions=questions,
        others=[text for name, text in wrong.items() if name not in asked.survey.questions],
    )


def _question(question: Field, shown: str, given: list[str], wrong: str | None) -> dict[str, Any]:
    return {
        "id": question.id,
        "label": in_language(question.label, shown, question.id),
        "type": question.type,
        "many": question.many,
        "required": question.required,
        "options": {name: in_language(text, shown, name) for name, text in question.options.items()},
        "of": question.of,
        "minimum": question.minimum,
        "maximum": question.maximum,
        "max_length": question.max_length,
        "given": given,
        "wrong": wrong,
    }


def _page(template: str, status: int, **values: Any) -> Response:
    shown = language()
    nonce = secrets.token_urlsafe(16)
    response = make_response(
        render_template(
            template,
            say={name: text[shown] for name, text in _texts().items()},
            locale="zh-CN" if shown == "zh" else "en",
            nonce=nonce,
            **values,
        ),
        status,
    )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    response.headers["Vary"] = "Accept-Language"
    return response
