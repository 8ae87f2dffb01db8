"""Entering a new issue by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import inputs, listing
from admin.clock import now
from admin.guard import SAFE, Page, expose, signed_in
from admin.inputs import FormShown, Input
from admin.languages import gettext
from admin.reading import Words, words_of
from server import intake, policies
from server.core import values
from server.core.process import Process
from server.forms import described

OWN = ("subject", "description", "channel", "preferred", "received")
"""What a person gives beside the declared fields; source and external id are for machines."""


class NewIssueView(Page):
    """The form of a new issue: first the process is chosen, then its fields are filled in."""

    needs = ("issue.write",)
    changes = "issue.write"

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """Choose, fill in, send."""
        name = request.args.get("process", "")
        found = policies.in_force().processes.get(name)
        if found is None:
            return self.render("panel/choose_process.html", processes=listing.processes())
        words = words_of(found.process)
        made = new_issue_inputs(found.process, words)
        if request.method in SAFE:
            return self._page(words, FormShown(tuple(made)))
        made = inputs.filled(made, request.form)
        try:
            received = intake.hand_in(name, inputs.given(made), now(), by=signed_in().login)
        except intake.Refused as refused:
            return self._page(words, inputs.marked(made, refused.problems, words)), 422
        flash(gettext("Issue %(number)s is recorded.", number=received.number), "success")
        return redirect(url_for("panel_issues.issue", number=received.number), 303)

    def _page(self, words: Words, form: FormShown) -> str:
        later = later_fields(words.process)
        return self.render(
            "panel/new_issue.html",
            words=words,
            first=replace(form, inputs=[one for one in form.inputs if one.name not in later]),
            later=replace(form, inputs=[one for one in form.inputs if one.name in later], problems=()),
            refused=bool(form.problems) or any(one.problem for one in form.inputs),
            zone=words.process.calendar.zone.key,
        )


def later_fields(process: Process) -> frozenset[str]:
    """Fields that actions ask for while the issue is handled; they may be given at once, and seldom are."""
    asked = {name for action in process.actions.values() if not action.built_in for name in action.form}
    known = {name: process.fields.get(name) for name in asked}
    return frozenset(name for name, field in known.items() if field and not field.required and not field.key)


def new_issue_inputs(process: Process, words: Words) -> list[Input]:
    """The inputs of a new issue: what every issue has, then what the process must know, then the rest."""
    own: dict[str, Any] = {}
    for name in OWN:
        field = values.own_field(name)
        assert field is not None
        own[name] = described(field, name == "subject")
    declared = {name: described(field, field.required) for name, field in process.fields.items()}
    first = {name: one for name, one in declared.items() if one["required"]}
    rest = {name: one for name, one in declared.items() if not one["required"]}
    return inputs.inputs({**own, **first, **rest}, words)
