"""One draft as its page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from admin import clock, languages
from admin import findings as told
from admin.documents import kept
from admin.drafting.page import TONES, checked, file_of, origin_text, state_text, title_of, who
from admin.drafting.rows import Row, rows
from admin.drafting.times import spelled
from admin.languages import gettext
from server import calling, checkup, drafts, policies
from server.core import documents
from server.core.findings import Finding
from server.core.moments import MINUTE
from server.directory import snapshot
from server.store.models import Draft


@dataclass(frozen=True, slots=True)
class FindingShown:
    """What the check found: `key` is how a form names it, `accepted` whether the submitter has acknowledged it, `link`
    the address of the editor at its place."""

    level: str
    line: int
    text: str
    code: str
    key: str
    accepted: bool
    link: str


@dataclass(frozen=True, slots=True)
class Happened:
    """A step that was taken."""

    at: str
    text: str
    icon: str
    tone: str
    remark: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change in the words of the document. `kind`: added, removed, changed …"""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class DraftShown:
    """A draft in the reader's words."""

    id: int
    name: str
    title: str
    kind: str
    state: str
    state_text: str
    tone: str
    origin: str
    sha256: str
    reason: str
    remark: str
    base: int
    effective: str
    needs: int
    given: int
    authors: Sequence[str]
    submitted_by: str
    overtaken_by: int
    seq: int


def shown(draft: Draft) -> DraftShown:
    """What stands in the head of every page about the draft."""
    base, standing = drafts.base_of(draft), drafts.in_force(draft.name)
    overtaken = drafts.is_overtaken(draft) and draft.state not in (Draft.ACTIVE, Draft.SUPERSEDED)
    return DraftShown(
        id=draft.id,
        name=draft.name,
        title=title_of(draft),
        kind=draft.kind,
        state=draft.state,
        state_text=state_text(draft.state),
        tone=TONES.get(draft.state, ""),
        origin=origin_text(draft.origin),
        sha256=draft.sha256,
        reason=draft.reason,
        remark=draft.remark,
        base=0 if base is None else base.number,
        effective="" if draft.effective_at is None else spelled(draft.effective_at),
        needs=drafts.needed(draft) if draft.state in (Draft.DRAFT, Draft.SUBMITTED) else draft.approvals,
        given=len(drafts.approvers(draft)),
        authors=[who(login) for login in sorted(drafts.authors(draft))],
        submitted_by="" if draft.submitted_by is None else who(draft.submitted_by),
        overtaken_by=standing.number if overtaken and standing is not None else 0,
        seq=draft.seq,
    )


# -- findings -------------------------------------------------------------------------------------------------------


def findings(draft: Draft) -> list[FindingShown]:
    """What the check finds on it now, errors first."""
    return _findings(draft, checked(draft))


def _findings(draft: Draft, found: Iterable[Finding]) -> list[FindingShown]:
    listed = [_finding(one, draft) for one in found]
    return sorted(listed, key=lambda one: (one.level != "error", one.line))


def _finding(finding: Finding, draft: Draft) -> FindingShown:
    place = drafts.place(finding)
    (one,) = told.of_texts([finding], dict([file_of(draft)]))
    return FindingShown(
        level=finding.level,
        line=one.line,
        text=one.text,
        code=finding.code,
        key=key_of(place),
        accepted=place in draft.acknowledged,
        link=told.place_in_editor(draft.id, finding) if one.line and draft.state == Draft.DRAFT else "",
    )


def key_of(place: dict[str, str]) -> str:
    """How a form names a warning: as commands do, CODE@PLACE."""
    return f"{place['code']}@{place['at']}"


def place_of(key: str) -> dict[str, str]:
    """The warning that a form names."""
    code, _, at = key.partition("@")
    return {"code": code, "at": at}


_live: dict[tuple[Any, ...], list[Finding]] = {}


def live(draft: Draft) -> list[FindingShown]:
    """What the draft counts on that is not there: people, rotas, channels, secrets; as of this minute."""
    at = clock.now()
    key = (policies.revision(), snapshot().revision, draft.name, draft.sha256, at // MINUTE)
    if key not in _live:
        if len(_live) > 200:
            _live.clear()
        data = bytes(draft.data)
        # Documents that it does not name would only take time to compile.
        named = [(file, text) for file, text in drafts.files_in_force() if _is_named(file, text, draft)]
        _live[key] = checkup.check([(f"{draft.name}.yaml", data)], at, named)
    return _findings(draft, _live[key])


def _is_named(file: str, text: bytes, draft: Draft) -> bool:
    name = file.removesuffix(".yaml")
    if name == draft.name:
        return False
    return name.encode() in bytes(draft.data) or text.lstrip().startswith(b"kind: channels")


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a process and how many of them fail."""

    count: int
    failing: int


def examples(draft: Draft) -> Examples | None:
    """None for what has none: another kind of document, or a text that cannot be read."""
    document, _ = documents.read(bytes(draft.data))
    listed = None if document is None else document.value.get("examples")
    if draft.kind != "process" or not isinstance(listed, list):
        return None
    failing = {one.path[1] for one in checked(draft) if one.path[:1] == ("examples",) and one.level == "error"}
    return Examples(len(listed), len(failing))


# -- what it changes ------------------------------------------------------------------------------------------------


def changes(draft: Draft) -> list[Change] | None:
    """What it changes in what it is based on; None where that cannot be said."""
    found = drafts.changes(draft, calling.naming(kept.value_of(draft)))
    return None if found is None else _changes(found)


def between(before: Any, after: Any) -> list[Change] | None:
    """What is another in a later text; None where that cannot be said."""
    try:
        return _changes(policies.changes(before, after, calling.naming(kept.value_of(after))))
    except policies.Unusable:
        return None


def _changes(found: Iterable[Any]) -> list[Change]:
    return [Change(one["change"], one["text"][languages.language()]) for one in found]


def lines_of_difference(draft: Draft) -> list[tuple[str, str]]:
    """The text's difference from its base, line by line: kind (`add`, `drop`, `place`, `same`), line."""
    base = drafts.base_of(draft)
    kinds = {"+": "add", "-": "drop", "@": "place"}
    lines = drafts.unified(base, draft).splitlines()[2:] if base is not None else []
    return [(kinds.get(line[:1], "same"), line) for line in lines]


# -- what became of it ----------------------------------------------------------------------------------------------


def history(draft: Draft) -> list[Happened]:
    """Every step, oldest first."""
    return [_happened(step) for step in drafts.steps(draft)]


def _happened(step: drafts.Step) -> Happened:
    text, icon, tone = _words(step.kind, who(step.by))
    return Happened(clock.shown(step.at), text, icon, tone, "" if step.remark == "-" else step.remark)


def _words(kind: str, by: str) -> tuple[str, str, str]:
    words = {
        "begun": (gettext("%(who)s began it", who=by), "fa-pencil", ""),
        "written": (gettext("%(who)s wrote in it, too", who=by), "fa-pencil", ""),
        Draft.SUBMITTED: (gettext("%(who)s handed it in", who=by), "fa-paper-plane-o", "info"),
        "approved": (gettext("%(who)s approved it", who=by), "fa-check", "good"),
        Draft.ACTIVE: (gettext("it took effect"), "fa-play", "good"),
        Draft.SUPERSEDED: (gettext("the next version took over"), "fa-step-forward", ""),
        Draft.REJECTED: (gettext("%(who)s sent it back", who=by), "fa-reply", "bad"),
        Draft.WITHDRAWN: (gettext("%(who)s took it back", who=by), "fa-undo", "warn"),
        Draft.REFUSED: (gettext("it could not take effect"), "fa-ban", "bad"),
    }
    return words.get(kind, (kind, "fa-circle-o", ""))


def others(draft: Draft) -> list[Row]:
    """The newest other drafts of the document."""
    return rows(drafts.beside(draft))
