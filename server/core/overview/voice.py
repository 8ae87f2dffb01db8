"""How a document speaks: its values by case, events, people, channels … in a language, in the words of its owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from server.core.difference_words import Teller
from server.core.moments import Moment
from server.core.overview.parts import Cell
from server.core.phrases import Phrases
from server.core.vocabulary import Names, Vocabulary, in_language
from server.core.vocabulary import say as say_word
from server.core.wording import Reader
from server.resources import texts_of

Value = Mapping[str, Any]


@cache
def catalogue() -> Mapping[str, Any]:
    """The sentences of overviews."""
    return texts_of("overview")


class _NoCalendar:
    """A policy has no moments that would have to be shown in a zone."""

    def show(self, moment: Moment) -> str:
        return str(moment)


def several(raw: Any) -> list[Any]:
    """One or a list, as a list; nothing as none."""
    if raw is None:
        return []
    return list(raw) if isinstance(raw, list | tuple) else [raw]


def mapping(raw: Any) -> Value:
    """A map; anything else as an empty one."""
    return raw if isinstance(raw, Mapping) else {}


class Voice:
    """Words for one document in one language."""

    def __init__(self, kind: str, value: Value, language: str, names: Names, reader: Reader | None = None) -> None:
        self.value = value
        self.language = language
        self.names = names
        # A source speaks of the fields and actions of its process.
        self.words = Vocabulary(names.processes.get(str(value.get("process")), {}) if kind == "source" else value)
        self.phrases = Phrases(self.words, language, names)
        self.reader = reader or Reader(language, _NoCalendar(), names.people, names.channels, names.documents)
        self._teller = Teller(kind, {}, value, language, names=names)

    # -- the server's sentences ------------------------------------------------------------------------------------

    def say(self, path: str, /, **values: object) -> str:
        """One of the sentences of overviews."""
        found: Any = catalogue()
        for part in path.split("."):
            found = found[part]
        return in_language(found, self.language).format(**values)

    def count(self, path: str, n: int, /, **values: object) -> str:
        """A sentence about so many; `PATH_one` when it is one."""
        return self.say(f"{path}_one" if n == 1 else path, n=n, **values)

    def listed(self, items: Sequence[str]) -> str:
        """Several things in a row."""
        return say_word("words.list", self.language).join(items)

    def clauses(self, items: Sequence[str]) -> str:
        """Several clauses as one, empty ones left out."""
        return self.say("words.and").join(item for item in items if item)

    def pairs(self, items: Sequence[str]) -> str:
        """Several statements in a row."""
        return self.say("words.semicolon").join(items)

    def quoted(self, text: str) -> str:
        """A text in quotation marks."""
        return self.say("words.quoted", text=text)

    def upper(self, text: str) -> str:
        """With a capital at its beginning."""
        return text[:1].upper() + text[1:]

    # -- the document's words --------------------------------------------------------------------------------------

    def text(self, raw: Any, default: str = "") -> str:
        """A text of the document."""
        return in_language(raw, self.language, default)

    def title(self, section: str, name: str) -> str:
        """The title of a stage, an action, a clock …"""
        return self.words.title(section, name, self.language)

    def label(self, name: str) -> str:
        """The label of a field or a classified name."""
        return self.words.label(name, self.language)

    def document(self, name: Any) -> str:
        """The title of another document."""
        return self.phrases.document(str(name))

    def severity(self, name: str) -> str:
        """A severity by its id and its title."""
        title = self.title("severities", name)
        return title if title == name else self.say("words.severity", id=name, title=title)

    @property
    def severities(self) -> list[str]:
        """The severities, the gravest first."""
        return list(mapping(self.value.get("severities")))

    def items(self, section: str) -> Iterator[tuple[str, Value]]:
        """The parts of a section by their ids."""
        for name, part in mapping(self.value.get(section)).items():
            yield str(name), mapping(part)

    def stages(self, raw: Any) -> str:
        """Stages by their titles."""
        return self.listed([self.title("stages", str(one)) for one in several(raw)])

    def events(self, raw: Any, link: str = "words.or") -> str:
        """Events, one of which is enough."""
        return self.say(link).join(self.event(str(one)) for one in several(raw))

    def event(self, name: str) -> str:
        """An event; actions by their titles in quotation marks."""
        return self.phrases.event_in_sentence(name)

    def who(self, raw: Any) -> str:
        """People."""
        return self.listed([self.phrases.who(str(one)) for one in several(raw)])

    def channels(self, raw: Any) -> str:
        """Channels by their titles."""
        return self.listed([self.phrases.channel(str(one)) for one in several(raw)])

    def condition(self, raw: Any) -> str:
        """A condition as a clause."""
        return self.phrases.condition(raw)

    def if_(self, raw: Any) -> str:
        """`if …`; empty without a condition."""
        return "" if raw is None else self.say("words.if", condition=self.condition(raw))

    def duration(self, raw: Any) -> str:
        """A duration, or the moment in a field."""
        text = str(raw)
        if text.startswith("field:"):
            return self.say("clocks.field", field=self.label(text.removeprefix("field:")))
        return self.phrases.duration(text)

    def option(self, name: str, value: Any) -> str:
        """A value of a field or classified name."""
        if isinstance(value, bool):
            return say_word("words.yes" if value else "words.no", self.language)
        if isinstance(value, list):
            return self.listed([self.option(name, one) for one in value])
        if name == "severity":
            return self.severity(str(value))
        return self.words.option(name, str(value), self.language)

    def copied(self, name: str, value: Any) -> str:
        """A value that is given to a field: `field:G` is the value of another."""
        if value is None:
            return self.say("words.empty")
        if isinstance(value, str) and value.startswith("field:"):
            return self.say("words.value_of", field=self.label(value.removeprefix("field:")))
        return self.option(name, value)

    def filled(self, raw: Any) -> str:
        """What fields are filled with."""
        parts = [self.say("words.named", thing=self.label(str(name)), text=self.copied(str(name), value))
                 for name, value in mapping(raw).items()]  # fmt: skip
        return self.pairs(parts)

    def shown(self, value: Any, *path: str) -> str:
        """Anything else: told by the titles of the schema."""
        return self._teller.shown(value, *path)

    # -- values by case --------------------------------------------------------------------------------------------

    def by_case(self, raw: Any, show: Callable[[Any], str]) -> str:
        """A value that depends on the case, in one line."""
        if isinstance(raw, Mapping):
            return self.pairs(
                [self.say("words.named", thing=self.severity(str(name)), text=show(one)) for name, one in raw.items()]
            )
        return self.pairs(self.rules(raw, show)) if isinstance(raw, list) else show(raw)

    def rules(self, raw: Sequence[Any], show: Callable[[Any], str]) -> list[str]:
        """The rules of a decision list."""
        said = []
        for place, rule in enumerate(map(mapping, raw)):
            value = show(rule.get("is"))
            if "when" in rule:
                said.append(self.say("words.case", value=value, condition=self.condition(rule["when"])))
            else:
                said.append(self.say("words.otherwise", value=value) if place else value)
        return said

    def cells(self, raw: Any, show: Callable[[Any], str], nothing: str = "–") -> list[Cell]:
        """A value by case as cells under the severities; a decision list is one cell under all of them."""
        names = self.severities or [""]
        if isinstance(raw, list):
            return [Cell(self.rules(raw, show), span=len(names))]
        if isinstance(raw, Mapping):
            return [Cell([show(raw[name]) if name in raw else nothing]) for name in names] + [
                Cell([self.say("words.named", thing=str(name), text=show(one))])
                for name, one in raw.items()
                if name not in names
            ]
        return [Cell([nothing if raw is None else show(raw)]) for _ in names]
