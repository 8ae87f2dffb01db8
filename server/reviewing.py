"""The owner of a process is reminded when its version in force is as old as `review` says (policy language, `review`).

Once for each version. The document names no channel for it: the first for e-mail, else the first that is not by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server import audit, messages, nudging, policies, settings
from server.core.calendars import Calendar
from server.core.case import Case
from server.core.channels import Channels
from server.core.durations import parse_duration
from server.core.moments import Moment
from server.core.schedules import Schedule, parse_schedule
from server.core.turn import Telling
from server.core.vocabulary import LANGUAGES, in_language, say
from server.directory import LiveDirectory
from server.messages.texts import Words, Writer
from server.policies import InForce, Pinned
from server.store import database
from server.store.models import Activation, Meta

AT: Final = parse_schedule("daily 09:00")
"""When the server looks; in the calendar of each process."""

WITHOUT_OWNER: Final = "role:process_owner"


@dataclass(frozen=True, slots=True)
class ReviewWriter(Writer):
    """Words the reminder: `texts` by language, with `subject` and `body`."""

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    page: str = ""

    def words(self, language: str, recipient: str, hidden: Collection[str], short: bool) -> Words:
        """The reminder, and where the document is."""
        text = self.texts[language if language in self.texts else LANGUAGES[0]]
        rest = text["subject"] if short else text["body"]
        return Words(text["subject"], f"{rest}\n{self.page}", text["subject"])


def recurring(found: InForce) -> Iterator[tuple[str, Sequence[Schedule], Calendar]]:
    """The processes that say when they are to be reviewed."""
    for name, pinned in found.processes.items():
        if "review" in pinned.process.raw:
            yield name, (AT,), pinned.process.calendar


def came_round(name: str, at: Moment, stands_for: int, now: Moment) -> None:
    """Remind the owner of the process if it is time, and nobody was reminded of this version."""
    pinned = policies.in_force().processes[name]
    with database.session():
        since = Activation.get(Activation.name == name, Activation.until_at.is_null())
        due = due_at(pinned, since.from_at)
        key = f"reviewed:{name}"
        reminded = Meta.get_or_none(Meta.key == key)
        if due is None or due > now or (reminded is not None and reminded.value == since.id):
            return
        with database.transaction():
            Meta.insert(key=key, value=since.id).on_conflict(
                conflict_target=[Meta.key], preserve=[Meta.value]
            ).execute()
            _tell(pinned, since, now)
            body = {"name": name, "version": since.version.number, "in_force_since": since.from_at}
            audit.record("policy.review-due", now, body)
    nudging.nudge()


def due_at(pinned: Pinned, since: Moment) -> Moment | None:
    """When a version that is in force since then is to be reviewed; None: its text asks for no review."""
    review = pinned.process.raw.get("review")
    return None if review is None else pinned.process.calendar.add(since, parse_duration(review))


def _tell(pinned: Pinned, since: Any, now: Moment) -> None:
    process = pinned.process
    owner = str(process.raw.get("owner") or WITHOUT_OWNER)
    via = channel(pinned.channels)
    if via is None:
        return
    occasion = messages.Occasion(
        issue_id=None,
        event_id=None,
        seq=1,
        process=process,
        case=Case(process.name, f"review/{process.name}/{since.id}", now, None, process.first_stage, now),
        channels=pinned.channels,
        entries=[{"at": now, "kind": "review"}],
        directory=LiveDirectory(),
        now=now,
        settings=settings.current(),
    )
    telling = Telling(0, "review", process.name, via, (owner,), "", 0, False, None, {})
    texts = _texts(pinned, since)
    page = f"{settings.current().url}/admin/documents/{process.name}"
    messages.write([telling], occasion, lambda one, about: ReviewWriter(one, about, texts, page))


def channel(channels: Channels) -> str | None:
    """The channel that reminders take; None: the document has only tasks by hand."""
    found = [one for one in channels.channels.values() if one.type != "manual"]
    return next((one.name for one in found if one.type == "email"), found[0].name if found else None)


def _texts(pinned: Pinned, since: Any) -> dict[str, dict[str, str]]:
    process = pinned.process
    made = {}
    for language in LANGUAGES:
        words = {
            "title": in_language(process.title, language, process.name),
            "version": since.version.number,
            "since": process.calendar.date(since.from_at),
            "review": process.raw["review"],
        }
        made[language] = {part: say(f"review.{part}", language, **words) for part in ("subject", "body")}
    return made
