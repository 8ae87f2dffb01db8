"""Roles of the directory: their titles and permissions, who holds them; own ones made, changed and removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.accounts import words
from admin.clock import now
from admin.guard import Page, expose, signed_in
from admin.inputs import FormShown, Input
from admin.languages import gettext
from admin.people import READERS
from server.core.findings import Finding
from server.core.vocabulary import in_language
from server.directory import Amendment, Overtaken, Unfit, amend, item, mark, snapshot

NEW = ""


class RolesView(Page):
    """Roles with their permissions and holders."""

    needs = READERS
    changes = "directory.edit"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The list of roles."""
        people = snapshot()
        known = words.permissions()
        rows = [
            {
                "name": name,
                "title": in_language(title, languages.language(), name),
                "permissions": [(one, known.get(one, one)) for one in sorted(people.permissions.get(name, ()))],
                "holders": [people.people[login].name for login in people.holders.get(name, ())],
            }
            for name, title in sorted(people.role_titles.items())
        ]
        return self.render("panel/accounts/roles.html", rows=rows, may_change=self.may_change())

    @expose("/add", methods=("GET", "POST"))
    def add(self) -> ResponseReturnValue:
        """A new role."""
        self._require()
        if request.method != "POST":
            return self._form(None, {"permissions": ["issue.read"]}, NEW)
        return self._keep(None)

    @expose("/<role>/edit", methods=("GET", "POST"))
    def edit(self, role: str) -> ResponseReturnValue:
        """What a role is called and permits."""
        self._require()
        found = _known(role)
        return self._keep(role) if request.method == "POST" else self._form(role, found, mark(found))

    @expose("/<role>/remove", methods=("GET", "POST"))
    def remove(self, role: str) -> ResponseReturnValue:
        """What would become of it without the role, and its removal."""
        self._require()
        found = _known(role)
        if request.method != "POST":
            return self._removal(role, found)
        try:
            amend([Amendment("roles", role, None, request.form.get("seen", ""))], now(), signed_in().login)
        except Unfit as unfit:
            return self._removal(role, found, [one.text(languages.language()) for one in unfit.findings])
        except Overtaken:
            return self._removal(role, found, [_overtaken()])
        flash(gettext("The role is removed."), "success")
        return redirect(url_for(".index"), 303)

    def _require(self) -> None:
        if not self.may_change():
            self.inaccessible_callback("")

    def _removal(self, role: str, found: dict[str, Any], problems: list[str] | None = None) -> ResponseReturnValue:
        people = snapshot()
        body = self.render(
            "panel/accounts/role_removal.html",
            role=role,
            title=in_language(found.get("title"), languages.language(), role),
            holders=[people.people[login].name for login in people.holders.get(role, ())],
            seen=mark(found),
            problems=problems or [],
        )
        return body, 409 if problems else 200

    def _keep(self, role: str | None) -> ResponseReturnValue:
        raw, seen = _typed(role), request.form.get("seen", "")
        try:
            amend([Amendment("roles", role, raw, seen)], now(), signed_in().login)
        except Unfit as unfit:
            return self._form(role, raw, seen, unfit.findings)
        except Overtaken as overtaken:
            return self._form(role, raw, mark(overtaken.now), notice=_overtaken())
        flash(gettext("The role is kept. It counts from now on."), "success")
        return redirect(url_for(".index"), 303)

    def _form(
        self,
        role: str | None,
        raw: Mapping[str, Any],
        seen: str,
        findings: Sequence[Finding] = (),
        notice: str = "",
    ) -> ResponseReturnValue:
        problems = [(_input_of(one), one.text(languages.language())) for one in findings]
        inputs = [_marked(one, problems) for one in _inputs(role, raw)]
        named = {one.name for one in inputs}
        others = [text for name, text in problems if name not in named]
        form = FormShown(inputs, [*filter(None, [notice]), *others])
        body = self.render("panel/accounts/role.html", role=role, form=form, seen=seen)
        return body, 422 if findings else 409 if notice else 200


def _known(role: str) -> dict[str, Any]:
    found = item("roles", role)
    if found is None:
        abort(404)
    return found


def _typed(role: str | None) -> dict[str, Any]:
    """What the form holds, as an item of the directory."""
    title = {code: request.form.get(f"title_{code}", "").strip() for code in ("zh", "en")}
    raw: dict[str, Any] = {
        "name": role or request.form.get("name", "").strip(),
        "permissions": request.form.getlist("permissions"),
    }
    if any(title.values()):
        raw["title"] = {code: text for code, text in title.items() if text}
    return raw


def _inputs(role: str | None, raw: Mapping[str, Any]) -> list[Input]:
    title = raw.get("title") or {}
    by_language = title if isinstance(title, Mapping) else {"zh": title, "en": title}
    name = Input(
        "name",
        "text",
        gettext("Name in policies"),
        required=True,
        hint=gettext("Letters, digits and underscores; it stays."),
        typed=[str(raw.get("name", ""))],
    )
    return [
        *([name] if role is None else []),
        Input("title_zh", "text", gettext("Title in Chinese"), typed=[by_language.get("zh", "")]),
        Input("title_en", "text", gettext("Title in English"), typed=[by_language.get("en", "")]),
        Input(
            "permissions",
            "choice",
            gettext("Its holders may"),
            many=True,
            options=list(words.permissions().items()),
            typed=list(raw.get("permissions", ())),
        ),
    ]


def _input_of(finding: Finding) -> str:
    keys = [one for one in finding.path if isinstance(one, str)]
    if keys[:1] == ["title"]:
        return f"title_{keys[1]}" if len(keys) > 1 else "title_zh"
    return keys[0] if keys else "name" if finding.code in ("repeated-item", "bad-form") else ""


def _marked(one: Input, problems: list[tuple[str, str]]) -> Input:
    return replace(one, problem=" ".join(text for name, text in problems if name == one.name))


def _overtaken() -> str:
    return gettext("Somebody else changed this role meanwhile. Look at it again before you keep yours.")
