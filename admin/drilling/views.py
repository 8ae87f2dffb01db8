"""Pages about drills."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.drafting.page import who
from admin.drilling.report import Report
from admin.findings import told
from admin.guard import SAFE, Page, caller, expose, signed_in
from admin.languages import gettext
from admin.reading import words_of
from server import directory, drills, policies
from server.core.findings import Finding
from server.core.moments import parse
from server.core.scripts import BadScript

SIZE = 50


class DrillsView(Page):
    """Drills: nobody is told anything."""

    needs = ("policy.propose", "system", "audit.read")

    def may_change(self) -> bool:
        found = caller()
        return found is not None and (found.may("policy.propose") or found.may("system"))

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """The drills that were played, newest first."""
        after = request.args.get("after", type=int)
        rows = drills.newest(SIZE + 1, after)
        return self.render(
            "panel/drills/list.html",
            rows=[_brief(row) for row in rows[:SIZE]],
            after=rows[SIZE - 1].id if len(rows) > SIZE else None,
            changes=self.may_change(),
        )

    @expose("/play", methods=("GET", "POST"))
    def play(self) -> ResponseReturnValue:
        """Choose one of a process's examples, or write a script; then play it."""
        processes = policies.in_force().processes
        name, number = request.values.get("process", ""), request.args.get("example", type=int)
        if name and name not in processes:
            abort(404)
        offered = drills.examples(processes[name].process, languages.language(), directory.snapshot()) if name else []
        text = next((one.text for one in offered if one.number == number), "")
        findings: list[Finding] = []
        if request.method not in SAFE:
            text = request.form.get("script", "").replace("\r\n", "\n")
            try:
                made = drills.run_text(text, clock.now(), languages.language(), by=signed_in().login)
                flash(gettext("Played. Nobody was told anything."), "success")
                return redirect(url_for(".drill", drill=made["drill"]), 303)
            except BadScript as error:
                findings = list(error.findings)
        body = self.render(
            "panel/drills/play.html",
            processes=[(one, words_of(processes[one].process).title) for one in sorted(processes)],
            process=name,
            examples=offered,
            text=text,
            findings=told(findings, {one.file: "script" for one in findings}),
            changes=self.may_change(),
        )
        return body, 422 if findings else 200

    @expose("/<int:drill>/")
    def drill(self, drill: int) -> ResponseReturnValue:
        """A drill with its report."""
        row = _row(drill)
        found = drills.shown(row)
        return self.render(
            "panel/drills/drill.html", drill=_brief(row), report=Report(found), found=found, script=row.script
        )

    @expose("/<int:drill>/download")
    def download(self, drill: int) -> ResponseReturnValue:
        """The report as it is kept, as a file."""
        text = json.dumps(drills.shown(_row(drill)), ensure_ascii=False, indent=1)
        headers = {"Content-Disposition": f'attachment; filename="drill-{drill}.json"'}
        return text, 200, {**headers, "Content-Type": "application/json; charset=utf-8"}


def _row(drill: int) -> Any:
    try:
        return drills.kept(drill)
    except drills.UnknownDrill:
        abort(404)


def _brief(row: Any) -> dict[str, Any]:
    found = drills.brief(row)
    at = clock.shown(parse(found["at"]))
    return {**found, "at": at, "by": "" if row.by is None else who(row.by), "version": row.sha256[:12]}
