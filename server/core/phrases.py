"""Parts of a policy as people read them: conditions, durations, events and people, in a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.durations import BadDuration, BadSchedule, parse_duration, parse_schedule
from server.core.schedules import WEEKDAYS
from server.core.schema import schema_of
from server.core.vocabulary import Vocabulary, catalogue, in_language, say

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
    """Words for the parts of one document in one language. `names`: of teams (`team:ID`) and roles."""

    words: Vocabulary
    language: str
    names: Mapping[str, str] = field(default_factory=dict)

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
        return say(f"events.{key}", self.language, title=title, mark=mark)

    def who(self, name: str) -> str:
        """Who is meant. Teams and roles are called as the directory does, where `names` has them."""
        if name in self.names:
            return self.names[name]
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
                rest = self.names.get(f"team:{rest}", rest)
            case _:  # a team or role that the directory does not have
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
            events = {name: self.event(str(event)) for name, event in value.items()}
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
        label = self.words.label(name, self.language)
        operator = next((key for key in test if key != "field"), "known")
        value = test.get(operator, True)
        if operator == "known":
            return say(f"conditions.{'known' if value else 'unknown'}", self.language, field=label)
        if operator in ("is", "is_not"):
            said = self._operand(name, operator, value)
            return say(f"conditions.test_{operator}", self.language, field=label, value=said)
        schema = schema_of("common")["$defs"]["test"]["properties"][operator]
        title = schema["x-zh"]["title"] if self.language == "zh" else schema["title"]
        return say(
            "conditions.test", self.language, field=label, operator=title, value=self._operand(name, operator, value)
        )

    def _operand(self, name: str, operator: str, value: Any) -> str:
        if isinstance(value, list):
            return say("words.list", self.language).join(self._operand(name, operator, one) for one in value)
        if isinstance(value, bool):
            return say("words.yes" if value else "words.no", self.language)
        if operator in ("within_next", "longer_ago_than"):
            return self.duration(str(value))
        if isinstance(value, str) and (other := re.fullmatch(r"field:(\w+)(?:\+(.+))?", value)):
            label = self.words.label(other[1], self.language)
            if other[2] is None:
                return say("conditions.field", self.language, field=label)
            return say("conditions.later", self.language, field=label, duration=self.duration(other[2]))
        return self.words.option(name, str(value), self.language)
