"""Webhook sources in force: where they take deliveries, how these are verified, how they fare; and a sample payload
tried through the mapping."""

from __future__ import annotations

import base64
import json
import os
import secrets
from typing import Any, Final

from flask import abort, request
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.clock import now
from admin.guard import Page, expose, signed_in
from admin.inputs import problem_text
from admin.languages import gettext
from admin.reading import words_of
from server import audit, metrics, policies, settings
from server.core.schema_nodes import root_of
from server.core.sources import Source
from server.core.values import Problem
from server.core.vocabulary import in_language
from server.core.wording import fact_text
from server.intake.kept_rows import problems_of
from server.intake.rehearsing import Rehearsed, rehearse
from server.metrics import figure
from server.payloads import LARGEST, BadPayload
from server.settings import named_value
from server.standard_webhooks import PREFIX
from server.store import database
from server.store.models import Issue, Kept

RECENT: Final = 5
LOOKED_AT: Final = 20_000
"""The last issues among which those of a source are looked for: there is no index by source and time."""

OUTCOMES: Final = ("created", "repeated", "kept", "unverified")


class SourcesView(Page):
    """Sources of webhooks."""

    needs = ("integration.edit", "system")
    changes = "integration.edit"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The webhooks in force."""
        found = metrics.counted()
        rows = [_shown(one, found) for _, one in sorted(policies.in_force().sources.items()) if one.verify is not None]
        return self.render("panel/running/sources.html", rows=rows, changes=self.may_change())

    @expose("/<source>", methods=("GET", "POST"))
    def source(self, source: str) -> ResponseReturnValue:
        """One of them; with a payload: what would be recorded of it."""
        found = _webhook(source)
        body = request.form.get("body", "")
        tried: list[dict[str, Any]] | None = None
        problem, count = "", 0
        if request.method == "POST":
            try:
                given = body.encode("utf-8", "replace")
                if len(given) > LARGEST:
                    raise BadPayload("too-large")
                items, count = rehearse(source, given, now())
                tried = [_tried(one, found) for one in items]
            except BadPayload as bad:
                problem = problem_text(Problem(bad.pointer, bad.code, bad.params)) if bad.code != "too-large" else ""
                problem = problem or gettext("The payload is too large.")
        page = self._page(found, body=body, tried=tried, problem=problem, count=count)
        return (page, 422) if problem else page

    @expose("/<source>/secret", methods=("POST",))
    def secret(self, source: str) -> ResponseReturnValue:
        """A new secret, shown once: it is for whoever sets the environment, and kept nowhere here."""
        found = _webhook(source)
        assert found.verify is not None
        if found.verify.scheme == "none" or not found.verify.secret.startswith("env:"):
            abort(400)
        made = _secret(source, found.verify.scheme)
        with database.transaction():
            audit.record("source.secret_made", now(), {"name": source}, by=signed_in().login)
        return self._page(found, made=made)

    def _page(self, found: Source, **more: Any) -> str:
        kept = Kept.select().where(Kept.state == Kept.KEPT).order_by(Kept.id.desc()).limit(500)
        last = Issue.select(Issue.id).order_by(Issue.id.desc()).limit(1).scalar() or 0
        issues = Issue.select().where(Issue.id > last - LOOKED_AT, Issue.source == found.name)
        return self.render(
            "panel/running/source.html",
            one=_shown(found, metrics.counted()),
            kept=[
                {"id": row.id, "at": clock.shown(row.at), "why": " ".join(map(problem_text, problems_of(row)))}
                for row in [row for row in kept if row.source == found.name][:RECENT]
            ],
            issues=[
                {"number": row.number, "at": clock.shown(row.recorded_at)}
                for row in issues.order_by(Issue.id.desc()).limit(RECENT)
            ],
            changes=self.may_change(),
            **{"body": "", "tried": None, "problem": "", "made": "", "count": 0, **more},
        )


def _webhook(name: str) -> Source:
    found = policies.in_force().sources.get(name)
    if found is None or found.verify is None:
        abort(404)
    return found


def _secret(name: str, scheme: str) -> str:
    """A secret of the form that the scheme wants."""
    match scheme:
        case "standard-webhooks":
            return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()
        case "basic":
            return f"{name}:{secrets.token_urlsafe(32)}"
    return secrets.token_urlsafe(32)


def _shown(one: Source, found: Any) -> dict[str, Any]:
    verify = one.verify
    assert verify is not None
    value = named_value(verify.secret, os.environ) if verify.secret else None
    active = len((value or "").split())
    if verify.scheme == "none":
        state, tone = gettext("not verified: whoever knows the address can deliver"), "warn"
    elif not active:
        state, tone = gettext("no secret is set: every delivery is refused"), "bad"
    elif active == 1:
        state, tone = gettext("one secret"), "good"
    else:
        state, tone = gettext("%(count)s secrets, each is accepted", count=active), "info"
    return {
        "name": one.name,
        "title": in_language(one.title, languages.language(), one.name),
        "process": one.process,
        "url": f"{settings.current().url}/hooks/{one.name}",
        "scheme": verify.scheme,
        "verified": root_of("source").child("verify").child("scheme").label(verify.scheme, languages.language())
        or verify.scheme,
        "header": verify.header if verify.scheme == "hmac-sha256" else "",
        "secret": verify.secret.removeprefix("env:") if verify.secret.startswith("env:") else "",
        "state": state,
        "tone": tone,
        "counts": [
            (_outcome(name), int(figure(found, metrics.INTAKE.name, source=one.name, outcome=name)))
            for name in OUTCOMES
        ],
    }


def _outcome(name: str) -> str:
    words = {
        "created": gettext("issues made"),
        "repeated": gettext("known already"),
        "kept": gettext("kept with a problem"),
        "unverified": gettext("signature refused"),
    }
    return words[name]


def _tried(one: Rehearsed, source: Source) -> dict[str, Any]:
    words = {
        "created": gettext("would become an issue"),
        "known": gettext("is known already as %(number)s", number=one.number),
        "again": gettext(
            "would do an action on %(number)s: %(actions)s", number=one.number, actions=", ".join(one.actions)
        ),
        "nothing": gettext("makes no issue and concerns none"),
        "kept": gettext("would be kept with a problem"),
    }
    tones = {"created": "good", "kept": "bad", "nothing": ""}
    pinned = policies.in_force().processes.get(source.process)
    told = None if pinned is None else words_of(pinned.process)
    facts = [
        (name if told is None else told.label(name), _text(name, value, told)) for name, value in one.facts.items()
    ]
    judged: list[tuple[str, str]] = []
    if one.judged is not None and told is not None:
        team = one.judged["team"]
        judged = [
            (told.label("severity"), str((told.severity(one.judged["severity"]) or {}).get("title", ""))),
            (told.label("team"), told.who(f"team:{team}") if team else "–"),
            *[(told.of("clocks", run["clock"]), clock.told(run["due"]) or "–") for run in one.judged["clocks"]],
        ]
    return {
        "id": one.external_id,
        "text": words[one.outcome],
        "tone": tones.get(one.outcome, "info"),
        "facts": facts,
        "judged": judged,
        "problems": [problem_text(problem) for problem in one.problems],
    }


def _text(name: str, value: Any, words: Any) -> str:
    if isinstance(value, dict) or words is None:
        return json.dumps(value, ensure_ascii=False)[:2000]
    return str(fact_text(words.vocabulary, name, value, words.reader))[:2000]
