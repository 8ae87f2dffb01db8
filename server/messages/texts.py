"""What a message says: the template in the reader's language, or words of the server's own.

A template that cannot be rendered stops nothing: the message says the default and carries the problem.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from server.channels.outgoing import shortened
from server.core.moments import Moment
from server.core.people import CUSTOMER
from server.core.templates import BadTemplate, RenderProblem, Template, compile_template, one_line
from server.core.turn import Telling
from server.core.vocabulary import in_language, say
from server.core.wording import Reader, entry_text, fact_text, late_text, message_context
from server.messages.occasion import Occasion
from server.messages.survey_links import link as survey_link
from server.store.models import Event

log = logging.getLogger("duban.messages")

TITLES: Final = {"notice": "notify", "ladder": "ladders", "survey": "surveys"}
_LONGEST_SUBJECT: Final = 200


@dataclass(frozen=True, slots=True)
class Words:
    """A message's words; `line` is what a summary says of it; `problem` why its template could not be used."""

    subject: str
    body: str
    line: str
    problem: Mapping[str, Any] | None = None


@lru_cache(maxsize=1024)
def _compiled(text: str) -> Template:
    return compile_template(text)


@dataclass(frozen=True, slots=True)
class Writer:
    """Words one telling for its readers; the same reader's words are made once."""

    telling: Telling
    occasion: Occasion

    def words(self, language: str, recipient: str, hidden: Collection[str], short: bool) -> Words:
        """The words for a reader. `recipient` is a login, `customer`, or empty for a group; `hidden` names private
        fields that print nothing; `short`: by a channel that has room for little."""
        reader = Reader(language, self.occasion.process.calendar, self.occasion.directory.people.names(language))
        link = self.link(recipient)
        subject, body = self._default(reader, recipient, link, short)
        line = f"{reader.moment(self.occasion.at(self.telling))} {subject}"
        problem = None
        late = self.occasion.late(self.telling)
        says_late = False
        template = _template(self.occasion.process.raw, self.telling.template, language)
        if template is not None:
            try:
                subject, body, says_late = self._rendered(template, reader, link, hidden, subject)
            except (RenderProblem, BadTemplate) as bad:
                problem = {"code": bad.code, "params": dict(bad.params), "template": self.telling.template}
                log.warning("%s: template %s: %s", self.occasion.case.number, self.telling.template, bad)
        lateness = late_text(late, language)
        if lateness and not says_late:
            body = f"{say('messages.late', language, late=lateness)}\n{body}"
        return Words(shortened(one_line(subject), _LONGEST_SUBJECT), body, one_line(line), problem)

    def link(self, recipient: str) -> str:
        """The page that a reader may open: of the survey for whoever is asked, of the issue for people; a customer
        has no account and gets none."""
        telling, case, settings = self.telling, self.occasion.case, self.occasion.settings
        if telling.kind == "survey":
            state = case.surveys.get(telling.id)
            times = 1 if state is None else state.times
            if not settings.secret:
                log.error("%s: DUBAN_SECRET is not set: the survey goes out without its link", case.number)
                return ""
            return survey_link(settings.url, settings.secret, case.number, telling.id, times)
        return "" if recipient == CUSTOMER else f"{settings.url}/issues/{quote(case.number, safe='')}"

    def fits(self, words: Words, limit: int) -> Words:
        """The words with a body of at most `limit` characters (0: no limit) in which a survey's link stays whole."""
        link = self.link(CUSTOMER)
        if not limit or len(words.body) <= limit or not link or link not in words.body:
            return words
        text = " ".join(words.body.replace(link, " ").split())
        body = f"{shortened(text, max(limit - len(link) - 1, 1))} {link}"
        return Words(words.subject, body, words.line, words.problem)

    def _rendered(
        self, template: Mapping[str, str], reader: Reader, link: str, hidden: Collection[str], subject: str
    ) -> tuple[str, str, bool]:
        occasion = self.occasion
        parts = {name: _compiled(text) for name, text in template.items()}
        named = {name.path[0] for part in parts.values() for name in part.names}
        context = message_context(
            occasion.words,
            self.telling.facts,
            reader,
            clocks=dict(_clocks(occasion)),
            history=_history(occasion, self.telling.line) if "history" in named else (),
            link=link,
            late=occasion.late(self.telling),
            hidden=hidden,
        )
        if "subject" in parts:
            subject = parts["subject"].render_line(context)
        return subject, parts["body"].render(context), "late" in {name.path[0] for name in parts["body"].names}

    # -- without a template ----------------------------------------------------------------------------------------

    def _default(self, reader: Reader, recipient: str, link: str, short: bool) -> tuple[str, str]:
        words, facts, telling = self.occasion.words, self.telling.facts, self.telling
        values = {
            name: fact_text(words, name, facts.get(name), reader) or say("words.nothing", reader.language)
            for name in ("severity", "stage", "team", "owner")
        }
        values["subject"] = shortened(one_line(str(facts.get("subject") or "")), 120)
        values["number"] = self.occasion.case.number
        values["title"] = words.title(TITLES[telling.kind], telling.id, reader.language)
        values["what"] = self._what(reader) or values["title"]
        values["link"] = link
        kind = "survey" if telling.kind == "survey" else "customer" if recipient == CUSTOMER else "person"
        subject = say(f"messages.{kind}.subject", reader.language, **values)
        if short and kind == "person":
            return subject, say("messages.person.short", reader.language, **values)
        return subject, say(f"messages.{kind}.body", reader.language, **values).strip()

    def _what(self, reader: Reader) -> str:
        """The line that set off what is told, in words; empty when it lies further back (a step that waited)."""
        telling, entries = self.telling, self.occasion.entries
        at = entries[telling.line]["at"]
        for entry in reversed(entries[: telling.line]):
            if entry["at"] != at:
                break
            if self._set_off(entry):
                return entry_text(self.occasion.words, entry, reader)
        return ""

    def _set_off(self, entry: Mapping[str, Any]) -> bool:
        telling = self.telling
        if telling.kind == "ladder":
            return bool(entry["kind"] == "escalated" and entry["ladder"] == telling.id)
        if telling.kind == "notice":
            notice = self.occasion.process.notices[telling.id]
            return any(name in notice.on for name in _events(entry))
        return False


def _events(entry: Mapping[str, Any]) -> Iterator[str]:
    """The events that a line of the timeline stands for (policy language, "Events")."""
    kind = entry["kind"]
    if kind == "received":
        yield from ("received", f"stage.{entry['stage']}")
    elif kind == "action":
        yield from (entry["action"], f"stage.{entry['stage']}")
    elif kind == "classified":
        yield f"classified.{entry['name']}"
    elif kind == "clock_warned":
        yield from (f"clock.{entry['clock']}.warned", f"clock.{entry['clock']}.warned.{entry['mark']}")
    elif kind in ("clock_met", "clock_breached"):
        yield f"clock.{entry['clock']}.{kind[6:]}"
    elif kind == "escalated":
        yield f"ladder.{entry['ladder']}.climbed"
    elif kind == "exhausted":
        yield f"ladder.{entry['ladder']}.exhausted"
    elif kind == "confirmed":
        yield f"notice.{entry['notice']}.confirmed"
    elif kind in ("answered", "expired"):
        yield f"survey.{entry['survey']}.{kind}"
    elif kind == "check_failed":
        yield f"check.{entry['check']}.failed"
    elif kind == "raised":
        yield f"watch.{entry['watch']}.raised"
    else:
        yield kind


def _template(raw: Mapping[str, Any], name: str, language: str) -> dict[str, str] | None:
    """The texts of a template in a language; None when there is none that can be sent."""
    template = (raw.get("templates") or {}).get(name) if name else None
    if not template or not template.get("body"):
        return None
    return {part: in_language(template[part], language) for part in ("subject", "body") if template.get(part)}


def _clocks(occasion: Occasion) -> Iterator[tuple[str, tuple[str, Moment | None]]]:
    for name, state in occasion.case.clocks.items():
        run = state.open or state.last
        if run is not None:
            yield name, (run.state, None if run.state == "paused" else run.due)


def _history(occasion: Occasion, line: int) -> Iterable[Mapping[str, Any]]:
    """The issue's timeline up to the telling's own line."""
    yield from occasion.earlier
    rows: Any = (
        Event.select(Event.entries)
        .where(Event.issue == occasion.issue_id, Event.seq < occasion.seq)
        .order_by(Event.seq)
        .tuples()
    )
    for (entries,) in rows:
        yield from json.loads(entries)
    yield from occasion.entries[: line + 1]
