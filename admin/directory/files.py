"""The directory as a file: taken out as YAML, XLSX or CSV; brought in after looking at what it would change."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.directory import forms
from admin.guard import expose, signed_in
from admin.languages import gettext
from server import audit, directory
from server.core.findings import Finding, dotted
from server.directory import Change, DirectoryChanged, Plan, tables, uploading
from server.directory.cells import plain, row
from server.directory.content import SECTIONS
from server.directory.headings import heading, sheet_name
from server.store import database

SIZE: Final = 200
_TYPES: Final = {
    "yaml": "application/yaml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def section_names() -> dict[str, str]:
    """The sections of the directory in words."""
    return {
        "people": gettext("People"),
        "teams": gettext("Teams"),
        "rotas": gettext("Duty rotas"),
        "customers": gettext("Customers"),
        "roles": gettext("Roles"),
    }


class FilesView(forms.DirectoryPage):
    """Import and export."""

    edits = frozenset({"look"})

    @expose("/", methods=("GET", "POST"))
    def index(self) -> ResponseReturnValue:
        """What can be taken out, and where a file is brought in."""
        if request.method == "POST":
            return self._kept()
        return self._start()

    def _start(self, problem: str = "") -> ResponseReturnValue:
        page = self.render(
            "panel/directory/files.html", tables=_tables(), problem=problem, zone=str(clock.zone()),
        )  # fmt: skip
        return page, 422 if problem else 200

    def _kept(self) -> ResponseReturnValue:
        file = request.files.get("file")
        if file is None or not file.filename:
            return self._start(gettext("Choose a file first."))
        with file.stream as stream:
            data = stream.read(directory.spreadsheets.MAX_BYTES + 1)
        if len(data) > directory.spreadsheets.MAX_BYTES:
            return self._start(gettext("The file is too large: at most 10 MiB are read."))
        name = file.filename.rsplit("/")[-1].rsplit("\\")[-1].replace("\x00", "")
        removes = request.form.get("mode") == "complete"
        return redirect(
            url_for(".look", upload=uploading.keep(name, data, removes, signed_in().login, clock.now())), 303
        )

    @expose("/check/<int:upload>", methods=("GET", "POST"))
    def look(self, upload: int) -> ResponseReturnValue:
        """What the file would change; done exactly so when that is confirmed."""
        who, now, zone = signed_in().login, clock.now(), clock.zone()
        status = 200
        if request.method == "POST":
            if request.form.get("do") == "forget":
                uploading.forget(upload, who)
                flash(gettext("Nothing was imported."), "info")
                return redirect(url_for(".index"), 303)
            try:
                count = uploading.finish(upload, request.form.get("sha256", ""), who, now, zone)
            except (uploading.PlanChanged, DirectoryChanged):
                status = 409
                flash(
                    gettext("The directory was changed meanwhile: look again at what the file would do now."), "danger"
                )
            else:
                if count is None:
                    abort(404)
                flash(gettext("Imported: %(count)s changes.", count=count), "success")
                return redirect(url_for(".index"), 303)
        found = uploading.look(upload, who, now, zone)
        if found is None:
            abort(404)
        return self._looked(found), status

    def _looked(self, found: uploading.Looked) -> str:
        changes = () if found.plan is None else found.plan.changes
        page = max(1, min(request.args.get("page", 1, type=int), len(changes) // SIZE + 1))
        shown = changes[(page - 1) * SIZE : page * SIZE]
        counts = Counter((one.section, one.how) for one in changes)
        errors = [one for one in found.findings if one.level == "error"]
        warnings = [one for one in found.findings if one.level != "error"]
        return self.render(
            "panel/directory/import.html",
            found=found,
            rows=[] if found.plan is None else [_row(one, found.plan) for one in shown],
            counts=[
                (name, [counts[section, how] for how in HOWS])
                for section, name in section_names().items()
                if any(counts[section, how] for how in HOWS)
            ],
            total=len(changes),
            pages={"page": page, "last": max(1, -(-len(changes) // SIZE)), "count": len(changes)},
            errors=[_finding(one) for one in errors],
            warnings=[_finding(one) for one in warnings[:SIZE]],
            sections=section_names(),
        )

    @expose("/export/<what>.<format>")
    def export(self, what: str, format: str) -> ResponseReturnValue:
        """The directory, or a section of it, as a file; that somebody took it is for the audit trail."""
        out = io.BytesIO()
        if (what, format) == ("directory", "yaml"):
            out.write(directory.export().encode("utf-8"))
        elif (what, format) == ("directory", "xlsx"):
            tables.write_xlsx(out, languages.language())
        elif what in SECTIONS and format == "csv":
            tables.write_csv(what, out, languages.language())
        else:
            abort(404)
        with database.transaction():
            audit.record("directory.exported", clock.now(), {"what": what, "format": format}, by=signed_in().login)
        answer = Response(out.getvalue(), content_type=_TYPES[format])
        answer.headers["Content-Disposition"] = f'attachment; filename="{what}.{format}"'
        return answer


def _tables() -> list[dict[str, Any]]:
    language = languages.language()
    return [
        {
            "id": section,
            "title": title,
            "sheet": sheet_name(section, language),
            "columns": [heading(section, column, language) for column in directory.cells.COLUMNS[section]],
        }
        for section, title in section_names().items()
    ]


HOWS: Final = ("added", "changed", "removed")


def _row(change: Change, plan: Plan) -> dict[str, Any]:
    was = _cells(change, plan.before)
    now = _cells(change, plan.target)
    columns = [name for name in dict.fromkeys([*was, *now]) if was.get(name, "") != now.get(name, "")]
    return {
        "section": change.section,
        "id": change.id,
        "how": change.how,
        "cells": [] if change.how == "removed" else [(name, was.get(name, ""), now.get(name, "")) for name in columns],
    }


def _cells(change: Change, content: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    attributes = content[change.section].get(change.id)
    if attributes is None:
        return {}
    cells = row(change.section, directory.as_written(change.section, change.id, attributes))
    return {name: plain(text) for name, text in cells.items()}  # to be read, not to be opened by a spreadsheet


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding with its place as a spreadsheet names it."""
    table = not finding.file.lower().endswith((".yaml", ".yml"))
    column, letters = finding.column, ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return {
        "file": finding.file,
        "line": finding.line,
        "column": letters if table else finding.column,
        "text": forms.sentence(finding, dotted(finding.path, languages.language()) if finding.path else ""),
    }
