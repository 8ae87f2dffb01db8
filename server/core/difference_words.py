"""Differences between two texts of a document as sentences, in the words of the process (`policy diff`).

The words for a key are its title in the schema, so that every key has its sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from server.core.differences import NOTHING, Difference, Path
from server.core.phrases import Phrases
from server.core.schema_nodes import Form, Node, root_of
from server.core.vocabulary import (
    LANGUAGES,
    NOBODY_NAMED,
    Names,
    Naming,
    Vocabulary,
    catalogue,
    in_language,
    quoted,
    say,
)


def as_dicts(
    found: Iterable[Difference],
    kind: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    standing: Mapping[str, int] | None = None,
    names: Naming | None = None,
) -> list[dict[str, Any]]:
    """Differences as JSON has them: `at` (a JSON pointer), `change`, `before`, `after`, and `text` by language.
    `standing`: how many open issues stand in a stage, for those that are gone. `names`: what others are called in a
    language, for readers who know titles and no ids."""
    tellers = {
        language: Teller(kind, before, after, language, standing or {}, names and names(language))
        for language in LANGUAGES
    }
    return [
        {
            "at": one.pointer,
            "change": one.kind,
            **{name: value for name, value in (("before", one.before), ("after", one.after)) if value is not NOTHING},
            "text": {language: teller.sentence(one) for language, teller in tellers.items()},
        }
        for one in found
    ]


class Teller:
    """Tells differences between two documents of a kind in one language; with `names`, without the ids of what has a
    title."""

    def __init__(
        self,
        kind: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        language: str,
        standing: Mapping[str, int] | None = None,
        names: Names | None = None,
    ) -> None:
        self._root = root_of(kind)
        self._before, self._after = (
            Phrases(Vocabulary(one), language, names or NOBODY_NAMED) for one in (before, after)
        )
        self._ids = names is None
        self._documents = (before, after)
        self._language = language
        self._standing = standing or {}

    def sentence(self, one: Difference) -> str:
        """One difference as a sentence."""
        place, node, parent, section = self._walk(one)
        what = self._what(one, node, parent, section)
        if not place:
            return what
        return self._say("where", place=self._say("places").join(place), what=what)

    def shown(self, value: Any, *path: str) -> str:
        """A value of the newer document in words, told by the titles of the schema; `path` leads to its node."""
        node = self._root
        for step in path:
            node = (node.items_for([]) or node) if step == "*" else node.child(step)
        return self._show(value, node, self._after)

    # -- where -------------------------------------------------------------------------------------------------------

    def _walk(self, one: Difference) -> tuple[list[str], Node, Node, str]:
        """The words for all but the last step of the path; the nodes at the path and of what holds it; and the key of
        the schema that this is part of."""
        place: list[str] = []
        node = parent = self._root
        section = ""
        for depth, step in enumerate(one.path):
            parent, last = node, depth == len(one.path) - 1
            if isinstance(step, int):
                items = node.items_for([])
                node = node if items is None else items
                if not last:
                    place.append(self._say("nth", thing=self._thing(section, step), n=step + 1))
            else:
                of_map = node.is_of_map(step)
                severity = node.form is Form.BY_CASE
                node = node.for_severity() if severity else node.child(step)
                if last:
                    continue
                if severity:
                    place.append(self._severity(step, one))
                elif of_map or (section and self._is_named(one.path[:depth])):
                    place.append(self._item(section, step, one))
                elif not self._holds_things(step, node) and not self._ends_by_case(one.path[depth + 1 :], node):
                    place.append(node.title(self._language) or step)
                section = section if severity or of_map else step
        return place, node, parent, section

    def _is_named(self, path: Path) -> bool:
        """Whether the keys at the path are things with names although the schema lists some of them."""
        return len(path) == 1 and path[0] in ("classify", "actions")

    def _holds_things(self, step: str, node: Node) -> bool:
        fitting = node.schema
        return step in catalogue()["differences"]["things"] and (
            "items" in fitting or "additionalProperties" in fitting or bool(node.branches)
        )

    @staticmethod
    def _ends_by_case(rest: Path, node: Node) -> bool:
        """Whether only a severity follows, which is told together with the key."""
        return len(rest) == 1 and isinstance(rest[0], str) and node.form is Form.BY_CASE

    def _thing(self, section: str, step: str | int) -> str:
        things = catalogue()["differences"]["things"]
        if isinstance(step, int) and section not in ("route", "automate", "steps", "rungs", "show", "examples",
                                                     "events", "expect"):  # fmt: skip
            return in_language(things["rule"], self._language)
        return in_language(things.get(section) or things["item"], self._language)

    def _item(self, section: str, name: str, one: Difference) -> str:
        thing = self._thing(section, name)
        title = self._title(section, name, one)
        if title and title != name:
            return self._say("named" if self._ids else "titled", thing=thing, id=name, title=title)
        return self._say("plain", thing=thing, id=name)

    def _severity(self, name: str, one: Difference) -> str:
        return self._say("severity", id=self._severity_name(name, one))

    def _severity_name(self, name: str, one: Difference) -> str:
        title = self._title("severities", name, one)
        return name if self._ids or title == name else f"{name} {title}"

    def _title(self, section: str, name: str, one: Difference) -> str:
        phrases = self._before if one.kind == "removed" else self._after
        if section in ("fields", "classify", "questions", "form", "set", "with"):
            return phrases.words.label(name, self._language)
        if section in ("severities", "stages", "actions", "clocks", "notify", "ladders", "surveys", "checks",
                       "watches", "targets", "reports", "templates"):  # fmt: skip
            return phrases.words.title(section, name, self._language)
        return ""

    # -- what --------------------------------------------------------------------------------------------------------

    def _what(self, one: Difference, node: Node, parent: Node, section: str) -> str:
        step = one.path[-1]
        if one.kind == "moved":
            return self._say("moved", thing=self._thing(section, 0), before=one.before, after=one.after)
        if one.kind == "renamed":
            return self._say("renamed", thing=self._thing(section, ""), before=one.before, after=one.after)
        if isinstance(step, int):
            return self._of_list(one, section, step, node)
        if parent.form is Form.BY_CASE:
            return self._of_severity(one, section, str(step), node, parent)
        if one.kind in ("added", "removed") and (parent.is_of_map(step) or self._is_named(one.path[:-1])):
            return self._of_map(one, section, step, node)
        if parent.is_of_map(step):
            return self._of_key(one, self._item(section, step, one), node)
        return self._of_key(one, node.title(self._language) or str(step), node)

    def _of_key(self, one: Difference, key: str, node: Node) -> str:
        if one.kind == "added":
            return self._say("set", key=key, after=self._show(one.after, node, self._after))
        if one.kind == "removed":
            return self._say("unset", key=key, before=self._show(one.before, node, self._before))
        if one.kind == "reordered" or node.form is Form.SEVERAL:
            return self._of_members(one, key, node)
        before, after = self._show(one.before, node, self._before), self._show(one.after, node, self._after)
        if before == after and node.name == "text":  # only another language's text is another
            return self._of_other_languages(one, key)
        if before == after:  # a name has another title
            before, after = _raw(one.before), _raw(one.after)
        return self._say("changed", key=key, before=before, after=after)

    def _of_other_languages(self, one: Difference, key: str) -> str:
        """A text of which this reader's language is the same: what is another in which language."""
        told = []
        for language in LANGUAGES:
            before, after = (_text_in(value, language) for value in (one.before, one.after))
            if before == after:
                continue
            other = self._say("in_other", key=key, name=self._say(f"language_{language}"))
            if before is None or after is None:
                told.append(self._say("unset" if after is None else "set", key=other, before=before, after=after))
            else:
                told.append(self._say("changed", key=other, before=before, after=after))
        # None, when one text for all languages became the same text for each.
        return self._say("joined").join(told) or self._say(
            "changed", key=key, before=_raw(one.before), after=_raw(one.after)
        )

    def _of_members(self, one: Difference, key: str, node: Node) -> str:
        older, newer = _listed(one.before), _listed(one.after)
        separator = say("words.list", self._language)
        lost = separator.join(self._text(item, node, self._before) for item in older if item not in newer)
        gained = separator.join(self._text(item, node, self._after) for item in newer if item not in older)
        if not lost and not gained:
            before = separator.join(self._text(item, node, self._before) for item in older)
            after = separator.join(self._text(item, node, self._after) for item in newer)
            return self._say("sequence", key=key, before=before, after=after)
        changes = [self._say("gained", names=gained)] if gained else []
        changes += [self._say("lost", names=lost)] if lost else []
        return self._say("members", key=key, changes=self._say("places").join(changes))

    def _of_severity(self, one: Difference, section: str, severity: str, node: Node, parent: Node) -> str:
        if section == "steps" and one.kind == "removed":
            return self._say("untold", severity=self._severity_name(severity, one))
        if section == "steps" and one.kind == "added":
            return self._say(
                "told", severity=self._severity_name(severity, one), what=self._show(one.after, node, self._after)
            )
        key = self._say("places").join([self._severity(severity, one), parent.title(self._language)])
        return self._of_key(one, key, node)

    def _of_map(self, one: Difference, section: str, name: str, node: Node) -> str:
        item = self._item(section, name, one)
        if one.kind == "added":
            rest = one.after
            if isinstance(rest, Mapping):  # the title is part of the name
                rest = {key: value for key, value in rest.items() if key not in ("title", "label")}
            what = self._show(rest, node, self._after)
            return self._say("new", thing=item, what=what) if what else self._say("new_empty", thing=item)
        gone = self._say("gone", thing=item)
        count = self._standing.get(name, 0) if section == "stages" else 0
        if not count:
            return gone
        words = catalogue()["differences"]["standing"]
        key = "one" if count == 1 and self._language == "en" else self._language
        return str(words[key]).format(sentence=gone, n=count)

    def _of_list(self, one: Difference, section: str, place: int, node: Node) -> str:
        thing = self._thing(section, place)
        if one.kind == "removed":
            what = self._show(one.before, node, self._before)
            return self._say("gone_what", thing=self._say("nth", thing=thing, n=place + 1), what=what)
        if one.kind == "added":
            what = self._show(one.after, node, self._after)
            before = self._older_place(one)
            return self._say("last" if before is None else "before", thing=thing, n=before, what=what)
        return self._of_key(one, self._say("nth", thing=thing, n=place + 1), node)

    def _older_place(self, one: Difference) -> int | None:
        """Before which item, as the older text counts them, a new one stands; None: after all of them."""
        older, newer = (self._list_at(document, one.path[:-1]) for document in self._documents)
        for item in newer[int(one.path[-1]) + 1 :]:
            if item in older:
                return older.index(item) + 1
        place = int(one.path[-1])
        return place + 1 if place < len(older) and len(newer) > place + 1 else None

    @staticmethod
    def _list_at(document: Any, path: Path) -> list[Any]:
        for step in path:
            try:
                document = document[step]
            except (KeyError, IndexError, TypeError):
                return []
        return document if isinstance(document, list) else []

    # -- values ------------------------------------------------------------------------------------------------------

    def _show(self, value: Any, node: Node, phrases: Phrases) -> str:
        """A value of a node in words."""
        if node.name in ("condition", "conditions"):
            return phrases.condition(value)
        if node.name == "text":
            return in_language(value, self._language)
        if isinstance(value, Mapping):
            return self._pairs(value, node.fitting(value), phrases)
        if isinstance(value, list | tuple):
            items = node.items_for(value) or node
            separator = say("words.list", self._language) if items.form is Form.LEAF else self._say("joined")
            return separator.join(self._show(item, items, phrases) for item in value)
        return self._text(value, node, phrases)

    def _pairs(self, value: Mapping[str, Any], node: Node, phrases: Phrases) -> str:
        if set(value) <= {"is", "when"} and "is" in value:
            return self._rule(value, node, phrases)
        parts = []
        for key, item in value.items():
            child = node.child(key)
            name = self._key(key, phrases) if node.is_of_map(key) else child.title(self._language) or key
            shown = self._show(item, child, phrases)
            parts.append(say("words.pair", self._language, name=name, value=shown))
        return self._say("places").join(parts)

    def _key(self, key: str, phrases: Phrases) -> str:
        """An entry's key in words: of a field, of a severity …"""
        words = phrases.words
        if self._ids:
            return key
        if key in words.fields or key in words.classified:
            return words.label(key, self._language)
        return words.title("severities", key, self._language)

    def _rule(self, value: Mapping[str, Any], node: Node, phrases: Phrases) -> str:
        said = self._show(value["is"], node.child("is"), phrases)
        if not self._ids and said == value["is"]:  # nothing has named it
            title = phrases.words.title("severities", said, self._language)
            said = quoted(said, self._language) if title == said else f"{said} {title}"
        if "when" not in value:
            return f"{said} {self._say('always')}"
        return f"{said} {self._say('if', condition=phrases.condition(value['when']))}"

    def _text(self, value: Any, node: Node, phrases: Phrases) -> str:
        if value is None:
            return say("words.nothing", self._language)
        if isinstance(value, bool):
            return say("words.yes" if value else "words.no", self._language)
        if not isinstance(value, str):
            return str(value)
        label = node.fitting(value).label(value, self._language)
        if label is not None:
            return label
        word = node.fitting(value).word
        if value.startswith("field:") and word not in _WHO:
            return phrases.words.label(value.removeprefix("field:"), phrases.language)
        return self._word(value, word, phrases)

    def _word(self, value: str, word: str, phrases: Phrases) -> str:
        if word in _WHO:
            return phrases.who(value)
        if word in _SAID:
            return _SAID[word](phrases, value)
        section = {"stage_id": "stages", "action_id": "actions", "notice_id": "notify", "survey_id": "surveys",
                   "template_id": "templates"}.get(word)  # fmt: skip
        if section is not None:
            return phrases.words.title(section, value, self._language)
        if word == "field_name":
            return phrases.words.label(value, self._language)
        return value

    def _say(self, path: str, **values: object) -> str:
        return say(f"differences.{path}", self._language, **values)


_WHO: Final = ("who", "assignee", "route_target", "person")
_SAID: Final[Mapping[str, Callable[[Phrases, str], str]]] = {
    "duration": Phrases.duration,
    "due": Phrases.duration,
    "warn_mark": Phrases.mark,
    "schedule": Phrases.schedule,
    "event": Phrases.event,
    "channel": Phrases.channel,
    "calendar_name": Phrases.document,
    "channels_name": Phrases.document,
    "process_name": Phrases.document,
    "team": lambda phrases, value: phrases.who(f"team:{value.removeprefix('team:')}"),
}


def _text_in(value: Any, language: str) -> str | None:
    """What a text says in exactly that language; None: nothing."""
    return value if isinstance(value, str) else value.get(language)


def _raw(value: Any) -> str:
    """A value as it is written, without the marks of JSON around it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_raw(item)}" for key, item in value.items())
    return ", ".join(map(_raw, value)) if isinstance(value, list | tuple) else str(value)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
