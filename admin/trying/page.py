"""What the pages about a draft have in common: the draft, the text that is tried, whole pages and parts of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from flask import abort, current_app, request
from flask.typing import ResponseReturnValue

from admin import bundles, findings
from admin.drafting.page import title_of
from admin.guard import Page, caller, signed_in
from admin.languages import gettext
from admin.reading import Words, words_of
from server import drafts
from server.accounts import Caller
from server.backtesting import kept
from server.store.models import Draft
from server.trying import Beside, beside

READERS: Final = ("policy.propose", "policy.approve", "audit.read", "system")
"""Who may look at drafts, and try them."""

PART: Final = "X-Duban-Part"
"""The header by which a script asks for the part of a page that changes."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A draft and the text that is tried: the one that is being typed (`typed`), else the draft's own."""

    draft: Draft
    text: Beside
    typed: bool
    words: Words | None

    @property
    def id(self) -> int:
        """The draft's number."""
        return int(self.draft.id)

    @property
    def is_process(self) -> bool:
        """Whether it is a process: other documents have no examples and judge no issues."""
        return self.draft.kind == "process" or self.text.process is not None

    @property
    def is_open(self) -> bool:
        """Whether its text may still be changed."""
        return self.draft.state == Draft.DRAFT


class DraftPage(Page):
    """A page about a draft. What is posted is mostly a question about a text that is being typed; what does change
    something says so by `require`."""

    needs = READERS

    def is_visible(self) -> bool:
        return False

    def is_accessible(self) -> bool:
        """Those who look at all drafts; and whoever owns a document, for `tried` to say which drafts are his."""
        who = caller()
        return super().is_accessible() or (who is not None and drafts.may_propose_anything(who))

    def may_change(self) -> bool:
        """Whoever may look may ask; the rest is asked for where it is done."""
        return self.is_accessible()

    def require(self, allowed: bool) -> ResponseReturnValue | None:
        """What to answer whoever may not, or None."""
        return None if allowed else self.inaccessible_callback("")

    def tried(self, draft: int) -> Tried:
        """The draft of that number with the text of this request; for whoever may not look at it there is no answer
        but that."""
        row = draft_of(draft)
        if not may_try(signed_in(), row):
            self.inaccessible_callback("")
        text = request.form.get("text") if request.method == "POST" else None
        typed = bool(text)
        data = text.encode("utf-8", "replace") if text else bytes(row.data)
        if typed and data == bytes(row.data):
            typed = False
        found = beside(row.name, data)
        return Tried(row, found, typed, None if found.process is None else words_of(found.process))

    def shown(self, name: str, tried: Tried, status: int = 200, **values: Any) -> ResponseReturnValue:
        """The page, or the part of it that a script asks for."""
        template = f"panel/trying/{name}_part.html" if request.headers.get(PART) else f"panel/trying/{name}.html"
        return self.render(template, tried=tried, here_now=name, **values), status

    def render(self, template: str, **kwargs: Any) -> str:
        who, tried = signed_in(), kwargs.get("tried")
        return super().render(
            template,
            **{
                "may_ask": tried is not None and kept.may_ask(who, tried.draft.name),
                "may_write": tried is not None and tried.is_open and drafts.may_propose(who, tried.draft),
                "may_see_issues": who.may("issue.read"),
                "known_endpoints": current_app.view_functions,
                "scripts": bundles.entries(),
                "document_title": "" if tried is None else title_of(tried.draft),
                "actor": request.form.get("actor", ""),
                **kwargs,
            },
        )


def may_try(who: Caller, draft: Draft) -> bool:
    """Whether somebody may look at the draft and try it: as he may in the editor."""
    return any(who.may(permission) for permission in READERS) or drafts.may_propose(who, draft)


def draft_of(number: int) -> Draft:
    """The draft of that number; nothing is there when there is none."""
    try:
        return drafts.one(number)
    except drafts.NotDone:
        abort(404)


def errors(text: Beside) -> list[str]:
    """Why the text cannot be tried, each with its line."""
    return [
        gettext("line %(number)s: %(problem)s", number=one.line, problem=one.text) if one.line else one.text
        for one in findings.of_texts(text.findings[:20], {f"{text.name}.yaml": text.data})
    ]
