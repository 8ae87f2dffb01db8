"""Entries of the audit trail in the reader's words: what happened, in one sentence, and the lines of an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from admin import clock, formats
from admin.accounts.words import permissions
from admin.evidence.kinds import kind_text
from admin.languages import gettext, language, ngettext
from admin.reading import Words, words_of
from admin.sent import occasion
from server import calling, policies
from server.core.printing import printed
from server.core.vocabulary import say
from server.core.wording import entry_text
from server.evidence.searching import Entry
from server.policies import Unusable
from server.store.models import Issue, Version

LINES = 40
"""Lines of an event that are shown; the raw entry has all of them."""

Said = Mapping[str, Any]


def documents() -> list[tuple[str, str]]:
    """Every document that there ever was, to choose from: its name, and its title as far as it is in force."""
    titles = calling.names(language(), {}).documents
    names = [row.name for row in Version.select(Version.name).distinct().order_by(Version.name)]
    return [(name, titles.get(name, name)) for name in names]


class Wording:
    """Words entries for one page; remembers the words of each process."""

    def __init__(self) -> None:
        self._names = calling.names(language(), {})
        self._words: dict[int, Words | None] = {}
        self._issue: int | None = None

    def who(self, login: str | None) -> str:
        """Who did it, by name."""
        if login is None or login == "system":
            return gettext("the server")
        if login == "customer":
            return gettext("the customer")
        if login.startswith("source:"):
            return gettext("source %(name)s", name=login.removeprefix("source:"))
        return self._names.people.get(login, login)

    def document(self, name: object) -> str:
        """A document by its title, as far as it is in force."""
        return self._names.documents.get(str(name), str(name))

    def of(self, section: str, name: object) -> str:
        """The title of an action, a notice … of the process of the issue that the entry is about."""
        words = None if self._issue is None else self._of(self._issue)
        return str(name) if words is None else words.of(section, str(name))

    def occasion(self, notice: str) -> str:
        """What a message is about, by the `notice` of its entry."""
        words = None if self._issue is None else self._of(self._issue)
        return notice if words is None else occasion(notice, words)

    def channel(self, name: str) -> str:
        """A channel as people call it."""
        words = None if self._issue is None else self._of(self._issue)
        return self._names.channels.get(name, name) if words is None else words.channel(name)

    def sentence(self, entry: Entry) -> str:
        """What happened."""
        self._issue = entry.issue_id
        if not entry.said:
            return gettext("This entry cannot be read.") if not entry.text.startswith("{") else kind_text(entry.kind)
        told = _SENTENCES.get(entry.kind)
        text = "" if told is None else told(entry.said, self)
        return text or self._usual(entry)

    def _usual(self, entry: Entry) -> str:
        known = [(key, str(entry.said[key])) for key in ("name", "number", "login", "process") if entry.said.get(key)]
        what = kind_text(entry.kind)
        if not known:
            return what
        key, who = known[0]
        who = self.who(who) if key == "login" else who if key == "number" else self.document(who)
        return gettext("%(what)s: %(who)s", what=what, who=who)

    def lines(self, entry: Entry) -> list[str]:
        """The lines of the timeline that an event of an issue caused; none for other entries."""
        entries = entry.said.get("entries")
        if not entry.kind.startswith("issue.") or not isinstance(entries, list) or entry.issue_id is None:
            return []
        words = self._of(entry.issue_id)
        if words is None:
            return []
        return [text for line in entries[:LINES] if (text := _line(line, words))]

    def _of(self, issue: int) -> Words | None:
        if issue not in self._words:
            row = Issue.get_or_none(Issue.id == issue)
            try:
                self._words[issue] = None if row is None else words_of(policies.process_for(row.pins).process)
            except Unusable:
                self._words[issue] = None
        return self._words[issue]


def _line(line: Any, words: Words) -> str:
    try:
        return entry_text(words.vocabulary, printed(_open(line), words.process), words.reader)
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""  # somebody has changed it; the raw entry shows how


def _open(value: Any) -> Any:
    """A line in which a word stands for each private value, of which the trail has the digest only."""
    if isinstance(value, Mapping):
        if set(value) == {"digest"}:
            return gettext("(private)")
        return {key: _open(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_open(one) for one in value]
    return value


# -- sentences -------------------------------------------------------------------------------------------------------


def _event(what: Callable[[Said, Wording], str]) -> Callable[[Said, Wording], str]:
    return lambda said, words: gettext(
        "Issue %(number)s: %(what)s", number=said.get("number", "?"), what=what(said, words)
    )


def _action(said: Said, words: Wording) -> str:
    event = said.get("event") or {}
    return gettext("action %(action)s", action=words.of("actions", event.get("action", "?")))


def _version(text: Callable[..., str]) -> Callable[[Said, Wording], str]:
    return lambda said, words: text(
        name=words.document(said.get("name", "?")),
        version=said.get("version", "?"),
        approver=words.who(said.get("approver")) if said.get("approver") else "",
    )


def _stored(name: str, version: Any, approver: str) -> str:
    if not approver:
        return gettext("Version %(version)s of %(name)s stored, as shipped", name=name, version=version)
    return gettext(
        "Version %(version)s of %(name)s stored, approved by %(approver)s",
        name=name, version=version, approver=approver,
    )  # fmt: skip


def _activated(name: str, version: Any, approver: str) -> str:
    if not approver:
        return gettext("Version %(version)s of %(name)s put in force, as shipped", name=name, version=version)
    return gettext(
        "Version %(version)s of %(name)s put in force, approved by %(approver)s",
        name=name, version=version, approver=approver,
    )  # fmt: skip


def _draft(kind: str) -> Callable[[Said, Wording], str]:
    def told(said: Said, words: Wording) -> str:
        why = said.get("remark") or said.get("why") or said.get("reason") or ""
        values = {
            "what": kind_text(kind),
            "name": words.document(said.get("name", "?")),
            "draft": said.get("draft", "?"),
        }
        if why:
            return gettext("%(what)s: %(name)s, draft %(draft)s: %(why)s", **values, why=why)
        return gettext("%(what)s: %(name)s, draft %(draft)s", **values)

    return told


def _message(kind: str) -> Callable[[Said, Wording], str]:
    def told(said: Said, words: Wording) -> str:
        to = said.get("recipient")
        values = {
            "what": kind_text(kind),
            "notice": words.occasion(str(said.get("notice", "?"))),
            "channel": words.channel(str(said.get("channel", "?"))),
            "to": words.who(str(to)) if to else gettext("a group"),
        }
        text = gettext("%(what)s: %(notice)s to %(to)s by %(channel)s", **values)
        return f"{text} ({said['error']})" if said.get("error") else text

    return told


def _handed_over(said: Said, words: Wording) -> str:
    found = said.get("hand_over") or {}
    one, other = (words.channel(str(found.get(key, "?"))) for key in ("from", "to"))
    return gettext("Message handed over from channel %(one)s to %(other)s", one=one, other=other)


def _counted(kind: str) -> Callable[[Said, Wording], str]:
    def told(said: Said, _: Wording) -> str:
        count = int(said.get("messages") or 0)
        what = ngettext("%(num)s message", "%(num)s messages", count)
        why = said.get("reason")
        text = gettext("%(what)s: %(count)s", what=kind_text(kind), count=what)
        return f"{text} ({why})" if why else text

    return told


def _person(kind: str) -> Callable[[Said, Wording], str]:
    def told(said: Said, words: Wording) -> str:
        login = said.get("login")
        return gettext(
            "%(what)s: %(who)s", what=kind_text(kind), who=words.who(str(login)) if login else gettext("nobody known")
        )

    return told


def _imported(said: Said, _: Wording) -> str:
    changes: Sequence[Any] = said.get("changes") or []
    count = ngettext("%(num)s change", "%(num)s changes", len(changes))
    return gettext("Directory: %(count)s: %(first)s", count=count, first="; ".join(map(str, changes[:3])))


def _token(said: Said, words: Wording) -> str:
    scopes = _permissions(said.get("scopes"))
    return gettext("API token of %(who)s issued for %(scopes)s", who=words.who(said.get("login")), scopes=scopes)


def _permissions(names: Any) -> str:
    known = permissions()
    return say("words.list", language()).join(known.get(str(one), str(one)) for one in names or ())


def _refused(said: Said, words: Wording) -> str:
    why = str(said.get("why", ""))
    with suppress(KeyError):  # of a former release
        why = say(f"refusals.{why}", language())
    return gettext(
        "Issue %(number)s: action %(action)s refused: %(why)s",
        number=said.get("number", "?"), action=words.of("actions", said.get("action", "?")), why=why,
    )  # fmt: skip


def _request(said: Said, _: Wording) -> str:
    needs = _permissions(said.get("needs"))
    place = f"{said.get('method', '')} {said.get('place', '')}"
    return gettext("Refused: %(place)s needs %(needs)s", place=place, needs=needs or "–")


def _verified(said: Said, _: Wording) -> str:
    entries = int(said.get("entries") or 0)
    if said.get("state") == "sound":
        return gettext("Audit trail verified: %(entries)s entries, sound", entries=formats.number(entries))
    if said.get("state") == "failed":
        return gettext("The audit trail could not be verified")
    return gettext("Audit trail verified: it was tampered with, %(count)s findings", count=said.get("findings", "?"))


def _evidence(said: Said, _: Wording) -> str:
    if said.get("private"):
        return gettext("Evidence of issue %(number)s exported, with private fields", number=said.get("number", "?"))
    return gettext("Evidence of issue %(number)s exported", number=said.get("number", "?"))


def _exported(said: Said, words: Wording) -> str:
    count = ngettext("%(num)s issue", "%(num)s issues", int(said.get("issues") or 0))
    return gettext(
        "%(count)s of %(process)s exported as %(format)s",
        count=count, process=words.document(said.get("process", "?")), format=said.get("format", "?"),
    )  # fmt: skip


def _held(said: Said, _: Wording) -> str:
    return gettext("Outgoing messages held back: %(why)s", why=said.get("reason", ""))


def _restored(said: Said, _: Wording) -> str:
    made = said.get("made_at")
    when = clock.text(made, "second") if isinstance(made, int) else "?"
    return gettext("Store restored from the backup of %(moment)s", moment=when)


_SENTENCES: Mapping[str, Callable[[Said, Wording], str]] = {
    "issue.received": _event(lambda *_: gettext("received")),
    "issue.action": _event(_action),
    "issue.time": _event(lambda *_: gettext("time passed")),
    "issue.survey": _event(lambda *_: gettext("the customer answered a survey")),
    "issue.confirm": _event(lambda *_: gettext("a task was confirmed")),
    "issue.send": _event(lambda *_: gettext("a notice was sent by hand")),
    "issue.again": _event(lambda *_: gettext("a further delivery")),
    "issue.migrated": _event(lambda *_: gettext("migrated to another version")),
    "issue.erased": _event(lambda *_: gettext("private fields erased")),
    "issue.refused": _refused,
    "policy.stored": _version(_stored),
    "policy.activated": _version(_activated),
    **{
        f"draft.{one}": _draft(f"draft.{one}")
        for one in ("begun", "written", "submitted", "approved", "rejected", "withdrawn", "rebased", "refused")
    },
    **{f"message.{one}": _message(f"message.{one}") for one in ("sent", "dead", "unsent", "refused", "confirmed")},
    "message.handed_over": _handed_over,
    **{one: _counted(one) for one in ("message.released", "message.discarded", "delivery.released")},
    **{
        f"person.{one}": _person(f"person.{one}")
        for one in ("added", "disabled", "password_set", "signed_in", "signed_out", "sign_in_refused")
    },
    "directory.imported": _imported,
    "token.issued": _token,
    "access.refused": _request,
    "audit.verified": _verified,
    "evidence.exported": _evidence,
    "export": _exported,
    "delivery.held": _held,
    "store.restored": _restored,
}
