"""Who changed what in the documents, and when: searched by the words of what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import request
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.drafting.page import title_of
from admin.evidence.wording import documents
from admin.guard import Page, expose
from admin.languages import gettext
from server.core.schema_nodes import root_of
from server.core.vocabulary import in_language
from server.directory import snapshot
from server.evidence import changed
from server.evidence.changed import Change
from server.store.models import Version

SIZE: Final = 20
SENTENCES: Final = 30
"""Sentences of one version that are shown at once; the others can be unfolded."""

KINDS: Final = ("process", "calendar", "source", "channels")


class ChangesView(Page):
    """Changes of documents."""

    needs = ("audit.read", "policy.approve", "policy.propose")

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Versions, newest first, each with what is another than in the one before."""
        chosen = {name: request.args.get(name, "").strip()[:200] for name in ("document", "part", "q")}
        before = request.args.get("before", type=int)
        found = changed.search(chosen["document"], chosen["part"], chosen["q"], languages.language(), before, SIZE)
        return self.render(
            "panel/evidence/changes.html",
            rows=[_shown(one, chosen["q"]) for one in found.changes],
            chosen=chosen,
            next=found.next,
            is_first=before is None,
            is_narrowed=any(chosen.values()),
            documents=documents(),
            parts_of=_parts(),
            most=SENTENCES,
        )


def _shown(one: Change, words: str) -> dict[str, Any]:
    row, names = one.version, {login: person.name for login, person in snapshot().people.items()}
    sentences: Sequence[Mapping[str, Any]] = one.changes or ()
    return {
        "title": title_of(row),
        "name": row.name,
        "number": row.number,
        "before": one.before,
        "author": names.get(row.author or "", row.author or ""),
        "approver": names.get(row.approver or "", row.approver or ""),
        "shipped": row.origin == Version.SHIPPED,
        "reason": row.reason,
        "stored": clock.shown(row.created_at),
        "since": "" if one.since is None else clock.shown(one.since),
        "readable": one.before is None or one.changes is not None,
        "sentences": [_marked(told["text"][languages.language()], words) for told in sentences],
    }


def _marked(text: str, words: str) -> list[tuple[str, bool]]:
    """A sentence in pieces, those that were looked for marked."""
    hits = [False] * len(text)
    for word in words.split():
        for found in changed.pattern_of(word).finditer(text):
            hits[found.start() : found.end()] = [True] * (found.end() - found.start())
    pieces: list[tuple[str, bool]] = []
    for letter, hit in zip(text, hits, strict=True):
        if pieces and pieces[-1][1] == hit:
            pieces[-1] = (pieces[-1][0] + letter, hit)
        else:
            pieces.append((letter, hit))
    return pieces


def _parts() -> list[tuple[str, str]]:
    """The parts of documents by their titles in the schemas."""
    found: dict[str, str] = {}
    language = languages.language()
    for kind in KINDS:
        root = root_of(kind)
        for name in root.schema.get("properties") or {}:
            if name not in ("kind", "name", "language"):
                found.setdefault(name, root.child(name).title(language) or name)
    found["clocks"] = gettext("%(clocks)s (deadlines)", clocks=found["clocks"])
    return sorted(found.items(), key=lambda one: in_language(one[1], language, one[0]))
