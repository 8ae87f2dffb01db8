"""Making a real issue, with what was done to it on trial, an example of a draft of its process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from admin import clock, findings, languages
from admin.guard import signed_in
from admin.languages import gettext
from server import drafts
from server.backtesting import Unreadable
from server.core.example_text import NoPlace, with_example
from server.core.moments import Moment, OutOfRange
from server.core.scripts import BadScript
from server.drafts import NotDone
from server.events import Held
from server.store.models import Draft
from server.trying import beside, example_of_issue

NEW: Final = "new"
LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """The draft that has the example now; or why it could not be made."""

    draft: int = 0
    problem: str = ""


def drafts_for(found: Held) -> list[tuple[str, str]]:
    """The drafts that the reader may write the example into, a new one the last."""
    who, process = signed_in(), found.case.process
    rows = [row for row in drafts.drafts(process, open_only=True) if row.state == Draft.DRAFT]
    choices = [
        (str(row.id), gettext("draft %(number)s", number=row.id)) for row in rows if drafts.may_propose(who, row)
    ]
    if drafts.may_change(who, process):
        choices.append((NEW, gettext("a new draft")))
    return choices


def keep(found: Held, draft: str, name: str, events: Sequence[Mapping[str, Any]], until: Moment | None) -> Kept:
    """Write the example into that draft, if the reader may."""
    if draft not in dict(drafts_for(found)):
        return Kept(problem=gettext("Choose a draft that you may write into."))
    who, now, process = signed_in(), clock.now(), found.case.process
    try:
        row = drafts.in_force(process) if draft == NEW else drafts.one(int(draft), process)
        if row is None:
            return Kept(problem=gettext("No version of it is in force."))
        tried = beside(process, bytes(row.data))
        if tried.process is None:
            return Kept(problem=gettext("The text cannot be used yet: mend its errors first."))
        number = found.number
        made = example_of_issue(tried, number, now, name[:LONGEST_NAME] or number, events, until)
        text = with_example(tried.data.decode("utf-8"), made).encode()
        if draft == NEW:
            return Kept(int(drafts.begin(process, text, who, now).id))
        return Kept(int(drafts.write(row.id, text, who, now, row.seq).id))
    except Unreadable:
        return Kept(problem=gettext("That issue cannot be played any more: its private fields are erased."))
    except NotDone as error:
        return Kept(problem=error.text(languages.language()))
    except (NoPlace, BadScript, OutOfRange) as error:
        return Kept(problem=gettext("It cannot be made an example: %(why)s", why=why_not(error)))


def why_not(error: Exception) -> str:
    """Why no example could be made, in the reader's words."""
    if isinstance(error, BadScript):
        return "; ".join(findings.text(finding, "script") for finding in error.findings)
    if isinstance(error, NoPlace):
        return gettext("the examples are written in a way that nothing can be added to; write them one below the other")
    return str(error)
