"""The audit trail as auditors read it: searched, in words, with how it stands and where each entry is sealed."""

from __future__ import annotations

import json
from typing import Any, Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from admin import clock
from admin.clock import now
from admin.evidence.kinds import group_text, kind_text
from admin.evidence.periods import Period, period
from admin.evidence.standing import shown
from admin.evidence.wording import Wording, documents
from admin.guard import Page, expose, signed_in
from admin.languages import gettext
from server import sealing, settings
from server.evidence import placing, proving, searching, standing
from server.evidence.searching import Entry, Filters
from server.store import database
from server.store.models import AuditCheckpoint

SIZE: Final = 50
NAMES: Final = ("kind", "by", "issue", "document", "since", "until")


class TrailView(Page):
    """The trail; to verify it is no change of anything."""

    needs = ("audit.read",)
    changes = "audit.read"

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """A page of entries, and how the trail stands."""
        chosen = {name: request.args.get(name, "").strip()[:200] for name in NAMES}
        within = period(chosen["since"], chosen["until"])
        entries: list[Entry] = []
        if not within.problems:
            entries = searching.search(_filters(chosen, within), _cursor(request.args), SIZE + 1)
        following = entries[SIZE - 1].place if len(entries) > SIZE else None
        return self.render(
            "panel/evidence/trail.html",
            rows=_rows(entries[:SIZE]),
            chosen=chosen,
            problems=within.problems,
            is_narrowed=any(chosen.values()),
            is_first="after" not in request.args,
            next=None if following is None else f"{following[0]}-{following[1]}",
            kinds=_kinds(),
            people=_people(),
            documents=documents(),
            standing=shown(),
        )

    @expose("/standing")
    def standing(self) -> ResponseReturnValue:
        """How the trail stands, alone: what the page asks for while a verification is under way."""
        return self.render("panel/evidence/standing.html", standing=shown())

    @expose("/verify", methods=("POST",))
    def verify(self) -> ResponseReturnValue:
        """Have the whole trail verified by a worker."""
        standing.ask(signed_in().login, now())
        flash(gettext("The trail is being verified. You may leave this page; the result is kept here."), "info")
        return redirect(url_for(".index"), 303)

    @expose("/<int:entry>")
    def entry(self, entry: int) -> ResponseReturnValue:
        """One entry: its text, and the proof that it is in the sealed trail."""
        found = searching.one(entry)
        if found is None:
            abort(404)
        return self.render("panel/evidence/entry.html", row=_rows([found])[0], proof=_proof(found), text=found.text)


def _filters(chosen: dict[str, str], within: Period) -> Filters:
    return Filters(
        kind=chosen["kind"],
        by=chosen["by"],
        issue=chosen["issue"],
        document=chosen["document"],
        since=within.since,
        until=within.until,
    )


def _cursor(args: MultiDict[str, str]) -> tuple[int, int] | None:
    text = args.get("after", "")
    if not text:
        return None
    at, dash, id_ = text.partition("-")
    if not dash or not (at.isascii() and at.isdigit() and id_.isascii() and id_.isdigit()) or len(text) > 38:
        abort(404)
    if max(int(at), int(id_)) >= 2**63:
        abort(404)
    return int(at), int(id_)


def _rows(entries: list[Entry]) -> list[dict[str, Any]]:
    words = Wording()
    sealed = placing.places(one.id for one in entries)
    return [
        {
            "id": one.id,
            "at": clock.shown(one.at, "second"),
            "kind": one.kind,
            "kind_text": kind_text(one.kind),
            "by": words.who(one.by),
            "login": one.by or "",
            "number": one.number or "",
            "text": words.sentence(one),
            "lines": words.lines(one),
            "raw": readable(one.text),
            "sealed": sealed.get(one.id),
        }
        for one in entries
    ]


def readable(text: str) -> str:
    """An entry's text with a key on each line; as it is when it is no JSON (any more)."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text


def _proof(found: Entry) -> dict[str, Any] | None:
    """The proof of inclusion, followed here and now; None: no checkpoint covers the entry yet."""
    with database.snapshot():
        proof = proving.prove(found.id)
        if proof is None:
            return None
        stated = AuditCheckpoint.get_or_none(AuditCheckpoint.size == proof.checkpoint.size)
    why = ""
    try:
        proving.follow(proof, found.text.encode(), sealing.keys(settings.current()))
    except proving.BadProof as bad:
        why = str(bad)
    return {
        "proof": proof,
        "why": why,
        "block": proof.blocks[0],
        "signed": "" if stated is None else clock.shown(stated.at, "second"),
        "note": proof.checkpoint.text,
        "json": json.dumps(proof.as_dict(), indent=2),
    }


# -- what can be chosen ----------------------------------------------------------------------------------------------


def _kinds() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """The kinds that there are, by what they are about."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in searching.kinds():
        groups.setdefault(kind.partition(".")[0], []).append((kind, kind_text(kind)))
    return [(group, group_text(group), found) for group, found in groups.items()]


def _people() -> list[tuple[str, str]]:
    from admin.inputs import people

    return people()
