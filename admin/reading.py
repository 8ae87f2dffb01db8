"""For whom the panel words an issue: language, zone, names; and the words of the issue's process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from admin import clock, languages
from admin.formats import Style
from server import calling
from server.core.moments import Moment
from server.core.phrases import Phrases
from server.core.process import Process
from server.core.vocabulary import Vocabulary, in_language
from server.core.wording import Reader, recipient


@dataclass(frozen=True, slots=True)
class PanelReader(Reader):
    """Who reads a page: moments in his language, by the process's calendar."""

    def moment(self, moment: Moment) -> str:
        return clock.told_text(self.calendar.show(moment))

    def printed(self, text: str) -> str:
        try:
            return clock.told_text(text)
        except ValueError:  # of a document that the check refuses
            return text


class _Zoned:
    """Moments in the zone of what belongs to no issue."""

    def show(self, moment: Moment) -> str:
        return clock.iso(moment)


ZONED: Final = _Zoned()


@dataclass(frozen=True, slots=True)
class Words:
    """A process in the reader's language."""

    process: Process
    vocabulary: Vocabulary
    reader: Reader

    @property
    def language(self) -> str:
        """The reader's language."""
        return self.reader.language

    @property
    def title(self) -> str:
        """The process's title."""
        return in_language(self.process.title, self.language, self.process.name)

    def label(self, name: str) -> str:
        """The label of a fact."""
        return self.vocabulary.label(name, self.language)

    def of(self, kind: str, name: str) -> str:
        """The title of a stage, action, clock, notice …"""
        return self.vocabulary.title(kind, name, self.language)

    def who(self, name: str | None) -> str:
        """A person or `team:ID` by name; empty for nobody."""
        return "" if name is None else recipient(self.vocabulary, name, self.reader)

    @property
    def phrases(self) -> Phrases:
        """The parts of the process in words."""
        return self.reader.phrases(self.vocabulary)

    def channel(self, name: str) -> str:
        """A channel as people call it."""
        return self.phrases.channel(name)

    def shown(self, moment: Moment | None, style: Style = "near") -> Markup:
        """A moment as an element, by the process's calendar; empty for none."""
        return Markup() if moment is None else clock.told(self.process.calendar.show(moment), style)

    def severity(self, name: str | None) -> dict[str, Any] | None:
        """A severity as its pill shows it: title, and how grave it is from 0 to 4."""
        if name is None:
            return None
        order = list(self.process.severities)
        place = order.index(name) if name in order else len(order)
        grave = round(place * 4 / max(len(order) - 1, 1)) if len(order) > 1 else 2
        return {"id": name, "title": self.of("severities", name), "rank": min(grave, 4)}


def words_of(process: Process) -> Words:
    """The words of a process for whoever is asking."""
    language = languages.language()
    names = calling.names(language, process.raw)
    reader = PanelReader(language, process.calendar, names.people, names.channels, names.documents)
    return Words(process, Vocabulary(process.raw), reader)
