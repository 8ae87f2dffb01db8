"""How a draft stands that somebody has in the editor: who may read it, who wrote it last, and that in words."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, abort, make_response

from admin import clock
from admin.documents import DocumentsView
from admin.findings import as_dict
from admin.guard import signed_in
from admin.languages import gettext
from server import drafts
from server.accounts import NotPermitted
from server.core.findings import Finding
from server.directory import snapshot
from server.drafts import NotDone
from server.store.models import Draft


def readable(draft: int) -> Draft:
    """The draft, for somebody who may read documents or write this one; else the request is refused."""
    try:
        found = drafts.one(draft)
    except NotDone:
        abort(404)
    who = signed_in()
    if not any(who.may(one) for one in DocumentsView.needs) and not drafts.may_propose(who, found):
        raise NotPermitted(DocumentsView.needs[0])
    return found


def writable(draft: int) -> Draft:
    """The draft, for somebody who may write it; else the request is refused."""
    found = readable(draft)
    if not drafts.may_propose(signed_in(), found):
        raise NotPermitted("policy.propose")
    return found


def state(draft: Draft) -> dict[str, Any]:
    """How a draft stands."""
    return {"sha256": draft.sha256, "state": draft.state, **written(draft)}


def written(draft: Draft) -> dict[str, Any]:
    """Who wrote the draft's text last, and when."""
    login, at = drafts.last_written(draft)
    person = snapshot().people.get(login) if login else None
    return {"by": (person.name if person else login) or "", "login": login or "", "at": clock.text(at)}


def overtaken(draft: Draft) -> dict[str, Any]:
    """What somebody needs to know whose text is not saved because the draft was changed."""
    return {**state(draft), "message": overtaken_text(draft), "text": bytes(draft.data).decode("utf-8", "replace")}


def overtaken_text(draft: Draft) -> str:
    """Who changed the draft meanwhile, and when."""
    last = written(draft)
    return gettext(
        "%(who)s changed this draft at %(when)s, after you opened it. Your text is not saved yet.",
        who=last["by"] or gettext("Somebody"),
        when=last["at"],
    )


def shown(found: list[Finding], kind: str) -> list[dict[str, Any]]:
    """Findings in a document of that kind as the script takes them."""
    return [as_dict(one, kind) for one in found]


def said(status: int, code: str, **more: Any) -> Response:
    """A refusal as the script takes it."""
    return make_response(json.dumps({"code": code, **more}), status, {"Content-Type": "application/json"})
