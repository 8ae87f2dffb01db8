"""The editor's page: a draft is opened, or begun, written and saved. The text is the only truth; the page's script
shows it as a form, too, and without the script it is a plain text area."""

from __future__ import annotations

import json
from typing import Any

from flask import abort, current_app, flash, jsonify, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from jinja2.utils import htmlsafe_json_dumps

from admin import bundles, clock, languages
from admin.drafting.page import title_of
from admin.editing.asking import Asking
from admin.editing.schemas import schema_in
from admin.editing.standing import overtaken, overtaken_text, readable, said, shown, state, writable, written
from admin.editing.texts import texts
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from server import drafts, editing
from server.core.findings import Finding
from server.core.schema import KINDS
from server.drafts import NotDone
from server.store.models import Draft


class EditorView(Asking, Page):
    """Drafts while they are written. Who may write into one depends on its document, so each view asks by itself."""

    needs = ()

    def is_visible(self) -> bool:
        return False

    def may_change(self) -> bool:
        return True

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """An editor has a draft; documents have the button that begins one."""
        return redirect(url_for("panel_documents.index"), 303)

    @expose("/of/<document>", methods=("POST",))
    def begin(self, document: str) -> ResponseReturnValue:
        """Go on with one's own draft of the document, or begin one: of what is in force, or of the version named."""
        who = signed_in()
        number = request.form.get("version", type=int)
        try:
            found = drafts.own(document, who) if number is None else None
            if found is None:
                text = None if number is None else bytes(drafts.version_row(document, number).data)
                found = drafts.begin(document, text, who, clock.now())
        except NotDone as error:
            return self._not_done(error)
        return redirect(url_for(".edit", draft=found.id), 303)

    @expose("/<int:draft>/")
    def edit(self, draft: int) -> ResponseReturnValue:
        """The draft in the editor; to read only when it is handed in, or somebody else's to write."""
        return self._page(readable(draft))

    @expose("/<int:draft>/", methods=("POST",))
    def save(self, draft: int) -> ResponseReturnValue:
        """Save the text of the plain form; what was typed stays on the page when it is not saved."""
        found = writable(draft)
        text = request.form.get("text", "").replace("\r\n", "\n")
        if request.form.get("sha256") != found.sha256:
            return make_response(self._page(found, text, problem=overtaken_text(found), overtaken=True), 409)
        try:
            drafts.write(found.id, text.encode("utf-8", "surrogatepass"), signed_in(), clock.now(), found.seq)
        except NotDone as error:
            return make_response(self._page(found, text, problem=error.text(languages.language())), error.status)
        flash(gettext("Saved."), "success")
        return redirect(url_for(".edit", draft=found.id), 303)

    @expose("/<int:draft>/text", methods=("POST",))
    def write(self, draft: int) -> ResponseReturnValue:
        """Save the text in the body, if what is stored has still the hash that If-Match names; else say who changed it,
        and to what."""
        found = writable(draft)
        if request.headers.get("If-Match", "").strip('" ') != found.sha256:
            return said(409, "overtaken", **overtaken(found))
        data = request.get_data()
        try:
            if data != bytes(found.data):
                found = drafts.write(found.id, data, signed_in(), clock.now(), found.seq)
        except NotDone as error:
            fresh = drafts.one(draft)
            if error.code == "draft-changed":
                return said(409, "overtaken", **overtaken(fresh))
            return said(error.status, error.code, message=error.text(languages.language()))
        return jsonify(state(found))

    @expose("/<int:draft>/state")
    def standing(self, draft: int) -> ResponseReturnValue:
        """How the draft stands, and a fresh token for requests: what an editor needs that was signed out meanwhile."""
        return jsonify({**state(readable(draft)), "token": generate_csrf()})

    @expose("/<int:draft>/copy", methods=("POST",))
    def copy(self, draft: int) -> ResponseReturnValue:
        """Keep the text in the body as a draft of its own."""
        found = writable(draft)
        try:
            made = drafts.begin(found.name, request.get_data(), signed_in(), clock.now(), found.reason)
        except NotDone as error:
            return said(error.status, error.code, message=error.text(languages.language()))
        answer = jsonify({"address": url_for(".edit", draft=made.id)})
        answer.status_code = 201
        return answer

    def _page(self, draft: Draft, typed: str | None = None, problem: str = "", overtaken: bool = False) -> str:
        text = bytes(draft.data).decode("utf-8", "replace")
        shown = text if typed is None else typed
        found = drafts.check_text(draft.name, shown.encode("utf-8", "replace"), clock.now())
        writable = draft.state == Draft.DRAFT and drafts.may_propose(signed_in(), draft)
        return self.render(
            "panel/editor/editor.html",
            draft=draft,
            title=title_of(draft),
            text=shown,
            stored=text,
            writable=writable,
            findings=found,
            problem=problem,
            overtaken=overtaken,
            written=written(draft),
            has_drafts="panel_drafts.draft" in current_app.view_functions,
            # Its own way of writing JSON: the template's would sort the schema's keys, whose order is that of the form.
            data=htmlsafe_json_dumps(self._data(draft, text, writable, found), dumps=json.dumps),
        )

    def _data(self, draft: Draft, text: str, writable: bool, found: list[Finding]) -> dict[str, Any]:
        """What the script begins with."""
        kind = draft.kind if draft.kind in KINDS else ""
        language = languages.language()
        places = ("write", "standing", "copy", "check", "worked", "preview")
        return {
            "draft": draft.id,
            "name": draft.name,
            "kind": kind,
            "text": text,
            "writable": writable,
            "language": language,
            "schema": {one: schema_in(one, language) for one in ([kind] if kind else KINDS)},
            "names": editing.names(language),
            "built_in": editing.built_in(language),
            "texts": texts(),
            "findings": shown(found, draft.kind),
            "addresses": {
                **{place: url_for(f".{place}", draft=draft.id) for place in places},
                "year": url_for(".year", draft=draft.id, year=0).removesuffix("0"),
                "sign_in": url_for("panel_sign_in.index"),
            },
            "beside": _beside(draft),
            **state(draft),
        }

    def _not_done(self, error: NotDone) -> ResponseReturnValue:
        if error.status == 404:
            abort(404)
        flash(error.text(languages.language()), "danger")
        return redirect(url_for("panel_documents.index"), 303)


_BESIDE = {"examples": "trying_examples", "try": "trying_trial", "changes": "trying_changes"}


def _beside(draft: Draft) -> dict[str, dict[str, str]]:
    """The scripts of what stands beside the text, by tab, as far as they are built, and the address that they ask."""
    made, where = bundles.entries(), "panel_trying.draft"
    if where not in current_app.view_functions:
        return {}
    return {
        tab: {
            "module": url_for("panel_bundle.file", name=made[entry]["file"]),
            "draftUrl": url_for(where, draft=draft.id),
        }
        for tab, entry in _BESIDE.items()
        if entry in made
    }
