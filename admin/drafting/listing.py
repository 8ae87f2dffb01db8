"""The list of drafts: mine, those that wait for me, all that are open, those that are settled."""

from __future__ import annotations

from flask import abort, request
from flask.typing import ResponseReturnValue

from admin.drafting.page import DraftsPage, state_text, who
from admin.drafting.rows import rows
from admin.guard import expose, signed_in
from server import drafts
from server.store.models import Draft

SIZE = 50


class ListPages(DraftsPage):
    """The list."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """What waits for the reader and what is his; or what the filters ask for."""
        wanted = _wanted()
        before = request.args.get("after", type=int)
        chosen = {name: request.args[name] for name in ("document", "state", "person") if request.args.get(name)}
        found = drafts.found(wanted, SIZE + 1, before)
        by = signed_in()
        mine = [] if chosen or before else rows([*drafts.returned_to(by.login), *drafts.written_by(by.login)])
        waiting = [] if chosen or before else rows(drafts.waiting_for(by))
        offered = [] if chosen or before else rows(drafts.offered_to(by))
        return self.render(
            "panel/drafts/list.html",
            rows=rows(found[:SIZE]),
            after=found[SIZE - 1].id if len(found) > SIZE else None,
            mine=mine,
            waiting=waiting,
            offered=offered,
            chosen=chosen,
            names=drafts.names(),
            states=[(state, state_text(state)) for state in drafts.STATES],
            people=sorted(((login, who(login)) for login in drafts.people()), key=lambda one: one[1]),
            changes=self.may_change(),
        )


def _wanted() -> drafts.Filter:
    state = request.args.get("state", "")
    if state and state not in (*drafts.STATES, "settled"):
        abort(404)
    asked = any(request.args.get(name) for name in ("document", "person"))
    states: tuple[str, ...] = (state,) if state else drafts.STATES if asked else drafts.OPEN
    if state == "settled":
        states = (Draft.ACTIVE, Draft.SUPERSEDED, Draft.REJECTED, Draft.WITHDRAWN, Draft.REFUSED)
    return drafts.Filter(request.args.get("document", ""), states, request.args.get("person", ""))
