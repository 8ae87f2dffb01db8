"""Facts, timeline entries and durations as people read them; what a message template may name.

Policy language, "templates": every fact by name (a choice prints its label in the message's language, `impact.id` its
id), `clocks.C.due`, `clocks.C.state`, `history`, `link`, `late`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.core.moments import Moment
from server.core.phrases import Phrases
from server.core.templates import EACH
from server.core.templates import Names as TemplateNames
from server.core.vocabulary import Names, Vocabulary, catalogue, in_language, say

SERVER_FACTS = (
    "number",
    "subject",
    "description",
    "channel",
    "received",
    "recorded",
    "source",
    "external_id",
    "preferred",
    "severity",
    "stage",
    "team",
    "owner",
    "times_reopened",
    "now",
)
_MOMENTS = ("received", "recorded", "now")
_CHOICES = ("severity", "stage", "team", "owner")


class Shows(Protocol):
    """What wording asks of a calendar: a moment as ISO text in its zone, to the second."""

    def show(self, moment: Moment, /) -> str: ...


class Labelled(str):
    """A choice: prints its label, has its id as `.id`, and equals both, so that a template may compare with either."""

    __slots__ = ("id",)
    id: str

    def __new__(cls, label: str, id_: str) -> Labelled:
        made = super().__new__(cls, label)
        made.id = id_
        return made

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) is True or other == self.id

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def __getitem__(self, key: Any) -> str:
        return self.id if key == "id" else str.__getitem__(self, key)


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean: prints 是, 否 or yes, no; a template's `if` sees true or false."""

    value: bool
    text: str

    def __str__(self) -> str:
        return self.text

    def __liquid__(self) -> bool:
        return self.value


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is worded: the language, the calendar in whose zone moments are printed, and the names of
    people, teams and roles by their ids (`li`, `team:support`), as the directory has them; of channels and documents
    by theirs."""

    language: str
    calendar: Shows
    people: Mapping[str, str]
    channels: Mapping[str, str] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)

    def phrases(self, words: Vocabulary) -> Phrases:
        """The parts of a process in this reader's words."""
        return Phrases(words, self.language, Names(self.people, self.channels, self.documents))

    def moment(self, moment: Moment) -> str:
        """`2026-03-02 09:00:00`, in the calendar's zone, rounded down to the second."""
        return self.calendar.show(moment)[:19].replace("T", " ")

    def printed(self, text: str) -> str:
        """A moment that is ISO text already, as `moment` prints one."""
        return text[:19].replace("T", " ")

    def who(self, name: object) -> str:
        """A person, team or role by the name the directory gives; otherwise as it is written."""
        text = str(name)
        if text in catalogue()["words"] and text in ("system", "rules", "customer"):
            return say(f"words.{text}", self.language)
        known = self.people.get(text) or self.people.get(f"team:{text}")
        return known or in_language(catalogue()["who"].get(text), self.language, text)


def duration_text(milliseconds: int, language: str) -> str:
    """A length of time in words, rounded down: its two largest units (`2 小时 5 分钟`, `1 day 3 hours`)."""
    rest = max(milliseconds, 0) // 1000
    found: list[str] = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        if count or (unit == "s" and not found):
            words = catalogue()["units"][unit]
            found.append(str(words["one" if language == "en" and count == 1 else language]).format(n=count))
    return in_language(catalogue()["between_units"], language).join(found[:2])


def late_text(milliseconds: int | None, language: str) -> str | None:
    """By how much a message is late, in words; None when it is not (less than a second)."""
    if not milliseconds or milliseconds < 1000:
        return None
    return say("words.late", language, duration=duration_text(milliseconds, language))


def fact_value(words: Vocabulary, name: str, value: object, reader: Reader) -> object:
    """A fact as a template sees it; None when it has no value, an empty text or an empty list."""
    if value is None or value in ("", []):
        return None
    declared = words.fields.get(name, {})
    type_ = declared.get("type")
    if isinstance(value, bool):
        return Truth(value, say("words.yes" if value else "words.no", reader.language))
    if isinstance(value, (int, str)) and (type_ == "datetime" or (name in _MOMENTS and not declared)):
        return reader.moment(value) if isinstance(value, int) else reader.printed(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, (list, tuple)):
        labels = [words.option(name, str(item), reader.language) for item in value]
        return Labelled(say("words.list", reader.language).join(labels), ", ".join(map(str, value)))
    if isinstance(value, str) and (name in ("team", "owner") or type_ == "person"):
        return Labelled(reader.who(value), value)
    if isinstance(value, str) and (type_ == "choice" or name in _CHOICES or name in words.classified):
        return Labelled(words.option(name, value, reader.language), value)
    return value


def fact_text(words: Vocabulary, name: str, value: object, reader: Reader) -> str:
    """A fact as it is printed; empty when it has no value."""
    found = fact_value(words, name, value, reader)
    return "" if found is None else str(found)


def message_context(
    words: Vocabulary,
    facts: Mapping[str, object],
    reader: Reader,
    *,
    clocks: Mapping[str, tuple[str, Moment | None]] | None = None,
    history: Iterable[Mapping[str, Any]] = (),
    link: str = "",
    late: int | None = None,
    hidden: Collection[str] = (),
) -> dict[str, object]:
    """What a template may name, for this issue and reader.

    `facts` are the issue's, those the server sets included; `clocks` maps a clock to its state and due moment;
    `history` are entries of the timeline; `late` is in milliseconds; `hidden` names private fields that this reader
    may not see: they print nothing.
    """
    shown = {name: fact_value(words, name, value, reader) for name, value in facts.items() if name not in hidden}
    return {
        **shown,
        "clocks": {
            name: {"state": state, "due": None if due is None else reader.moment(due)}
            for name, (state, due) in (clocks or {}).items()
        },
        "history": [history_item(words, entry, reader) for entry in history],
        "link": link,
        "late": late_text(late, reader.language),
    }


def known_names(words: Vocabulary) -> TemplateNames:
    """Every name that a template of this process may use; for `Template.unknown`."""
    names: dict[str, TemplateNames | None] = {}
    for name in (*SERVER_FACTS, *words.fields, *words.classified):
        type_ = words.fields.get(name, {}).get("type")
        choice = type_ in ("choice", "person") or name in _CHOICES or name in words.classified
        names[name] = {"id": None, "size": None} if choice else {"size": None}
    names["clocks"] = {name: {"due": None, "state": None} for name in words.clocks}
    entry: dict[str, TemplateNames | None] = {"at": None, "kind": None, "by": None, "text": None}
    names["history"] = {EACH: entry, "first": entry, "last": entry, "size": None}
    return {**names, "link": {}, "late": {}}


def history_item(words: Vocabulary, entry: Mapping[str, Any], reader: Reader) -> dict[str, object]:
    """A timeline entry as a template sees it: `at`, `kind`, `by`, `text`."""
    by = entry.get("by")
    return {
        "at": reader.moment(entry["at"]),
        "kind": entry["kind"],
        "by": None if by is None else reader.who(by),
        "text": entry_text(words, entry, reader),
    }


def entry_text(words: Vocabulary, entry: Mapping[str, Any], reader: Reader) -> str:
    """A timeline entry as a sentence. `due` may be a Moment or text that is already printed."""
    language = reader.language
    values = {name: entry_value(words, name, value, entry, reader) for name, value in entry.items()}
    for name in ("severity", "team", "owner", "stage", "by"):
        values.setdefault(name, say("words.nobody" if name in ("team", "owner") else "words.nothing", language))
    with_ = entry.get("with") or (entry.get("values") if entry["kind"] == "raised" else None)
    values["with"] = say("words.detail", language, detail=pairs_text(words, with_, reader)) if with_ else ""
    return in_language(catalogue()["entries"][_sentence(entry)], language).format(**values)


def _sentence(entry: Mapping[str, Any]) -> str:
    """The sentence for an entry: some kinds have two, by what the entry holds."""
    match entry:
        case {"kind": "clock_started", "due": None}:
            return "clock_started_paused"
        case {"kind": "notified", "ladder": _}:
            return "notified_ladder"
        case {"kind": "notified", "survey": _}:
            return "notified_survey"
        case {"kind": "escalated", "due": None}:
            return "escalated_open"
        case {"kind": "set_aside" | "put_back" as kind, "check": None}:
            return f"{kind}_by_hand"
        case {"kind": "refused", "survey": _}:
            return "refused_survey"
    return str(entry["kind"])


_TITLED = {
    "action": "actions",
    "clock": "clocks",
    "notice": "notify",
    "ladder": "ladders",
    "survey": "surveys",
    "check": "checks",
    "watch": "watches",
}


def entry_value(words: Vocabulary, name: str, value: object, entry: Mapping[str, Any], reader: Reader) -> str:
    """One key of an entry of a timeline in words."""
    language = reader.language
    if value is None:
        return say("words.nobody" if name in ("team", "owner") else "words.nothing", language)
    if name in _TITLED:
        return words.title(_TITLED[name], str(value), language)
    if name in ("severity", "stage"):
        return words.option(name, str(value), language)
    if name in ("by", "team", "owner"):
        return reader.who(value)
    if name == "due" and isinstance(value, int):
        return reader.moment(value)
    if name == "due":
        return reader.printed(str(value))
    if name == "why":
        return in_language(catalogue()["refusals"].get(value), language, str(value))
    if entry["kind"] == "classified" and name == "name":
        return words.label(str(value), language)
    if entry["kind"] == "classified" and name in ("from", "to"):
        return fact_text(words, str(entry.get("name", "")), value, reader)
    phrases = reader.phrases(words)
    if name == "via":
        return say("words.list", language).join(phrases.channel(str(one)) for one in _listed(value))
    if name == "to":
        return say("words.list", language).join(recipient(words, one, reader) for one in _listed(value))
    if name == "mark":
        return phrases.mark(str(value))
    if name == "process":
        return phrases.document(str(value))
    return str(value)


def recipient(words: Vocabulary, name: object, reader: Reader) -> str:
    """Who is told: somebody by name, or as the policy says in words (`role:R`, `duty:T`, `rung:L` …)."""
    said = reader.who(name)
    return reader.phrases(words).who(str(name)) if said == name else said


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def pairs_text(words: Vocabulary, values: Mapping[str, object], reader: Reader) -> str:
    """Facts, each by its label."""
    language = reader.language
    return say("words.pairs", language).join(
        say("words.pair", language, name=words.label(name, language), value=fact_text(words, name, value, reader))
        for name, value in values.items()
        if value not in (None, "")
    )
