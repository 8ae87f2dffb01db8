"""Parts of a policy as people read them: conditions, durations, events and people, in a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.core.durations import BadDuration, BadSchedule, parse_duration, parse_schedule
from server.core.schedules import WEEKDAYS
from server.core.vocabulary import NOBODY_NAMED, Names, Vocabulary, catalogue, in_language, quoted, say

_JOINS: Final = ("all", "any")
_SECTIONS: Final[Mapping[str, str]] = {
    "stage": "stages",
    "clock": "clocks",
    "ladder": "ladders",
    "notice": "notify",
    "survey": "surveys",
    "check": "checks",
    "watch": "watches",
}


@dataclass(frozen=True, slots=True)
class Phrases:
    """Words for the parts of one document in one language. `names`: what people, channels and other documents are
    called."""

    words: Vocabulary
    language: str
    names: Names = NOBODY_NAMED

    def duration(self, text: str) -> str:
        """A duration as it is written, in words: `30 min`, `3 working days, to closing time`."""
        try:
            found = parse_duration(text, allow_zero=True)
        except BadDuration:
            return text
        if not found.parts:
            return say("durations.now", self.language)
        said = " ".join(self._part(unit, number) for unit, number in found.parts)
        return say(f"durations.{found.ending}", self.language, duration=said) if found.ending else said

    def _part(self, unit: str, number: int) -> str:
        words = catalogue()["durations"][unit]
        key = "one" if number == 1 and self.language == "en" and "one" in words else self.language
        return str(words[key]).format(n=number)

    def mark(self, text: str) -> str:
        """A warning mark: at which part of the time, or how long before the due time."""
        if text.endswith("%"):
            return say("marks.percent", self.language, n=text)
        return say("marks.before", self.language, duration=self.duration(text))

    def channel(self, name: str) -> str:
        """A channel as people call it: by its title, else by a usual word, else by its id."""
        return self.names.channels.get(name) or channel_text(name, self.language)

    def document(self, name: str) -> str:
        """Another document by its title, or else by its name."""
        return self.names.documents.get(name, name)

    def event(self, name: str) -> str:
        """An event: the title of an action, or what happened to what it is about."""
        head, dot, rest = name.partition(".")
        if not dot:
            if name == "received":
                return say("events.received", self.language)
            return self.words.title("actions", name, self.language)
        about, _, what = rest.partition(".")
        if head == "classified":
            return say("events.classified", self.language, title=self.words.label(about, self.language))
        title = self.words.title(_SECTIONS.get(head, head), about, self.language)
        what, _, mark = what.partition(".")
        key = head + (f"_{what}" if what else "") + ("_mark" if mark else "")
        if key not in catalogue()["events"]:  # a text that is no event: the check says so
            return name
        return say(f"events.{key}", self.language, title=title, mark=self.mark(mark) if mark else "")

    def event_in_sentence(self, name: str) -> str:
        """An event where a sentence speaks of it: an action's title stands in quotation marks."""
        said = self.event(name)
        return said if "." in name or name == "received" else quoted(said, self.language)

    def who(self, name: str) -> str:
        """Who is meant. Teams and roles are called as the directory does, where `names` has them."""
        if name in self.names.people:
            return self.names.people[name]
        head, colon, rest = name.partition(":")
        if colon:
            return self._somebody(head, rest, name)
        if above := re.fullmatch(r"supervisor\+(\d+)", name):
            key = "above_one" if above[1] == "1" else "above"
            return say(f"people.{key}", self.language, n=above[1])
        if name == "customer":
            return say("people.customer", self.language)
        return in_language(catalogue()["who"].get(name), self.language, name)

    def _somebody(self, head: str, rest: str, written: str) -> str:
        match head:
            case "field":
                rest = self.words.label(rest, self.language)
            case "rung":
                rest = self.words.title("ladders", rest, self.language)
            case "did":
                rest = self.words.title("actions", rest, self.language)
            case "duty":
                rest = self.names.people.get(f"team:{rest}", rest)
            case "role" | "team":  # one that the directory does not have
                pass
            case _:
                return written
        return say(f"people.{head}", self.language, name=rest)

    def schedule(self, text: str) -> str:
        """A schedule in words: `every Monday at 09:00`."""
        try:
            found = parse_schedule(text)
        except BadSchedule:
            return text
        day: object = found.day
        if found.every == "weekly":
            day = say(f"days.{WEEKDAYS[found.weekday]}", self.language)
        values = {"time": text.rpartition(" ")[2], "day": day, "month": found.month}
        return say(f"schedules.{found.every}", self.language, **values)

    def condition(self, value: Any, nested: bool = False) -> str:
        """A condition as a clause."""
        if isinstance(value, list):
            value = {"all": value}
        if not isinstance(value, Mapping):
            return str(value)
        for join in _JOINS:
            if join in value:
                return self._joined(join, value[join], nested)
        if "not" in value:
            return say("conditions.not", self.language, condition=self.condition(value["not"]))
        if "happened" in value:
            key = "happened_since" if "since" in value else "happened"
            events = {name: self.event_in_sentence(str(event)) for name, event in value.items()}
            return say(f"conditions.{key}", self.language, event=events["happened"], since=events.get("since", ""))
        return self._test(value)

    def _joined(self, join: str, parts: Any, nested: bool) -> str:
        parts = parts if isinstance(parts, list) else [parts]
        if not parts:
            return say(f"conditions.empty_{join}", self.language)
        said = [self.condition(part, nested=len(parts) > 1) for part in parts]
        text = say(f"conditions.{join}", self.language).join(said)
        return say("conditions.group", self.language, condition=text) if nested and len(parts) > 1 else text

    def _test(self, test: Mapping[str, Any]) -> str:
        name = str(test.get("field", ""))
        operator = next((key for key in test if key != "field"), "known")
        value = test.get(operator, True)
        label = self.field(name)
        if operator == "known":
            return say(f"conditions.{'known' if value else 'unknown'}", self.language, field=label)
        said = self._operand(name, operator, value)
        key = _OF_TIMES[operator] if operator in _OF_TIMES and self._is_time(name) else operator
        if key not in catalogue()["conditions"]:  # of a document that the check refuses
            return f"{label} {operator} {said}"
        return say(f"conditions.{key}", self.language, field=label, value=said)

    def field(self, name: str) -> str:
        """A field by its label; a name that has none in quotation marks, so that it reads as a name."""
        label = self.words.label(name, self.language)
        return quoted(label, self.language) if label == name else label

    def _is_time(self, name: str) -> bool:
        declared = self.words.fields.get(name)
        return name in _TIMES if declared is None else declared.get("type") in ("date", "datetime")

    def _operand(self, name: str, operator: str, value: Any) -> str:
        if isinstance(value, list):
            return say("words.list", self.language).join(self._operand(name, operator, one) for one in value)
        if isinstance(value, bool):
            return say("words.yes" if value else "words.no", self.language)
        if not isinstance(value, str):
            return str(value)
        if operator in ("within_next", "longer_ago_than"):
            return self.duration(value)
        if operator == "during":
            return quoted(self.document(value), self.language)
        if other := re.fullmatch(r"field:(\w+)(?:\+(.+))?", value):
            label = self.words.label(other[1], self.language)
            if other[2] is None:
                return say("conditions.field", self.language, field=label)
            return say("conditions.later", self.language, field=label, duration=self.duration(other[2]))
        return self.constant(name, value)

    def constant(self, name: str, value: str) -> str:
        """A value that a field is compared with: an option by its label, somebody by name, else as it is written."""
        known = self.names.people.get(f"team:{value}" if name == "team" else value) if name in _PEOPLE else None
        label = known or self.words.option(name, value, self.language)
        if label != value or name == "severity" or self._is_time(name):
            return label
        return quoted(value, self.language)


_OF_TIMES: Final = {"at_least": "not_before", "at_most": "not_after", "more_than": "after", "less_than": "before"}
_TIMES: Final = ("received", "recorded", "now")
_PEOPLE: Final = ("team", "owner")


def channel_text(name: str, language: str) -> str:
    """A channel by the usual word for it; one that is not known by its name as it is written."""
    return in_language(catalogue()["channels"].get(name), language, name)
