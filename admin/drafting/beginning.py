"""Beginning a draft: of what is in force, of an earlier version, of texts that are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import languages
from admin.documents.shown import KINDS, kind_text, one_of_kind
from admin.drafting import meaning, shown, times
from admin.drafting.page import DraftsPage, Refusal, posted, refusal, title_of
from admin.findings import Told
from admin.guard import SAFE, expose, signed_in
from admin.languages import gettext
from server import drafts
from server.core.documents import MAX_BYTES
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.store.models import Draft

MOST_FILES = 20


@dataclass(frozen=True, slots=True)
class Document:
    """A document that can be changed."""

    name: str
    title: str
    version: int


class BeginningPages(DraftsPage):
    """The beginning of a draft."""

    @expose("/begin", methods=("GET", "POST"))
    def begin(self) -> ResponseReturnValue:
        """Begin a draft: of a document in force, or of a text that is pasted or chosen as a file."""
        name, refused = request.values.get("document", ""), None
        if request.method not in SAFE:
            try:
                draft = drafts.begin(name, None, signed_in(), self.now(), posted("reason"))
                return redirect(url_for("panel_editor.edit", draft=draft.id), 303)
            except drafts.NotDone as error:
                refused = refusal(error)
        body = self.render(
            "panel/drafts/begin.html", documents=_documents(), chosen=name, reason=posted("reason"), refused=refused
        )
        return body, 200 if refused is None else refused.status

    @expose("/new", methods=("GET", "POST"))
    def new(self) -> ResponseReturnValue:
        """Begin a document that there is not yet: empty, or of another one's text."""
        title = {language: posted(f"title_{language}") for language in languages.NAMES if posted(f"title_{language}")}
        chosen, name, refused = posted("from"), posted("name"), None
        if request.method not in SAFE:
            try:
                made = drafts.create(chosen, name, title, signed_in(), self.now(), posted("reason"))
                return redirect(url_for("panel_editor.edit", draft=made.id), 303)
            except drafts.NotDone as error:
                refused = refusal(error)
        body = self.render(
            "panel/drafts/new.html",
            kinds=[(f"{drafts.EMPTY}{kind}", one_of_kind(kind)) for kind in KINDS],
            templates=_templates(),
            chosen=chosen or request.args.get("from", ""),
            name=name,
            title=title,
            reason=posted("reason"),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status

    @expose("/propose", methods=("GET", "POST"))
    def propose(self) -> ResponseReturnValue:
        """Hand in one or several texts as one act, all of them or none."""
        accepted, refused = request.form.getlist("accept"), None
        when = times.chosen(times.offered(None), request.form)
        files, texts = _given()
        if request.method not in SAFE and "look" not in request.form:
            try:
                at = times.moment_of(when)
                places = [shown.place_of(key) for key in accepted]
                done = drafts.propose(files, signed_in(), self.now(), posted("reason"), places, at)
                return _proposed(done)
            except times.NoTime:
                refused = Refusal(422, gettext("Give a date and a time, such as 2026-11-30 09:00."))
            except drafts.NotDone as error:
                refused = refusal(error, files)
        body = self.render(
            "panel/drafts/propose.html",
            texts=texts or [""],
            reason=posted("reason"),
            when=when,
            accepted=accepted,
            warnings=[] if refused is None else _warnings(refused),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status

    @expose("/roll-back/<document>/<int:version>", methods=("GET", "POST"))
    def roll_back(self, document: str, version: int) -> ResponseReturnValue:
        """Begin a draft of the text of an earlier version."""
        row, refused = _version(document, version), None
        if request.method not in SAFE:
            try:
                return _to(drafts.rollback(document, version, signed_in(), self.now(), posted("reason")))
            except drafts.NotDone as error:
                refused = refusal(error)
        return self.back("roll_back", row, meaning.going_back(document, row.kind, version), refused)

    @expose("/emergency/<document>", methods=("GET", "POST"))
    def emergency(self, document: str) -> ResponseReturnValue:
        """Put the version before the one in force back in force, at once."""
        signed_in().require("system")
        refused = None
        if request.method not in SAFE:
            try:
                version = drafts.emergency(document, signed_in(), self.now(), posted("reason"))
                flash(gettext("Version %(number)s is in force again.", number=version.number), "success")
                return redirect(url_for("panel_documents.document", document=document), 303)
            except drafts.NotDone as error:
                refused = refusal(error)
        standing = drafts.in_force(document)
        if standing is None:
            abort(404)
        try:
            before = drafts.before(document)
        except drafts.NotDone as error:
            return self.back("emergency", standing, [], refused or refusal(error))
        to = drafts.responsible_for(standing)
        owners = snapshot().names(languages.language()).get(to, to)
        said = meaning.in_an_emergency(document, standing.kind, before.number, owners)
        return self.back("emergency", before, said, refused)

    def back(self, name: str, row: Any, said: list[meaning.Sentence], refused: Refusal | None) -> ResponseReturnValue:
        """The page of a way back."""
        standing = drafts.in_force(row.name)
        found = None if standing is None else shown.between(standing, row)
        body = self.render(
            f"panel/drafts/{name}.html",
            row=row,
            title=title_of(row),
            said=said,
            changes=found,
            reason=posted("reason"),
            refused=refused,
        )
        return body, 200 if refused is None else refused.status


def _to(draft: Draft) -> ResponseReturnValue:
    flash(gettext("A draft is begun. Nothing changes before somebody else has approved it."), "success")
    return redirect(url_for(".draft", draft=draft.id), 303)


def _proposed(done: list[Draft]) -> ResponseReturnValue:
    if not done:
        flash(gettext("All of it is in force already: there is nothing to hand in."), "info")
        return redirect(url_for(".index"), 303)
    flash(gettext("Handed in. Those who may approve it are told."), "success")
    return redirect(url_for(".draft", draft=done[0].id) if len(done) == 1 else url_for(".index"), 303)


def _warnings(refused: Refusal) -> list[tuple[str, Told]]:
    """What has to be acknowledged, each with how the form names it."""
    told = [one for one in refused.findings if one.level != "error"]
    return [(shown.key_of(drafts.place(found)), one) for found, one in zip(refused.warnings, told, strict=True)]


def _documents() -> list[Document]:
    by = signed_in()
    rows = [drafts.in_force(one["name"]) for one in drafts.documents()]
    return [Document(row.name, title_of(row), row.number) for row in rows if drafts.may_change(by, row.name)]


def _templates() -> list[tuple[str, list[tuple[str, str]]]]:
    """The documents that a new one may be made of, by kind."""
    language = languages.language()
    found = drafts.templates()
    groups = []
    for kind in KINDS:
        options = [(one.name, f"{in_language(one.title, language, one.name)} ({one.name})") for one in found
                   if one.kind == kind]  # fmt: skip
        if options:
            groups.append((gettext("A copy of: %(kind)s", kind=kind_text(kind)), options))
    return groups


def _version(document: str, version: int) -> Any:
    try:
        return drafts.version_row(document, version)
    except drafts.NotDone:
        abort(404)


def _given() -> tuple[list[tuple[str, bytes]], list[str]]:
    """The documents that were given: those typed, and those chosen as files; and all of them as texts, so that none
    has to be chosen again."""
    texts = [text.replace("\r\n", "\n") for text in request.form.getlist("text") if text.strip()]
    sent = [file.read(MAX_BYTES + 1) for file in request.files.getlist("files") if file.filename]
    texts += [data.decode("utf-8", "replace") for data in sent]
    texts = texts[:MOST_FILES]
    return [(gettext("text %(number)s", number=place), text.encode()) for place, text in enumerate(texts, 1)], texts
