"""The message and form templates of a process, compiled and checked (policy language, section 2, templates)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from server.core import kinds
from server.core.templates import BadTemplate, Names, Template, compile_template
from server.core.vocabulary import Vocabulary, catalogue
from server.core.wording import known_names

Problem = tuple[tuple[str | int, ...], str, Mapping[str, str | int]]
ANY = ""  # a text that is not by language


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """One entry of `templates`: texts by language, `print` for a form that can be printed from the issue's page."""

    subjects: Mapping[str, Template]
    bodies: Mapping[str, Template]
    print: bool = False

    def subject(self, context: Mapping[str, object], language: str) -> str:
        """The subject on one line, empty when there is none. Raises RenderProblem."""
        found = _chosen(self.subjects, language)
        return "" if found is None else found.render_line(context)

    def body(self, context: Mapping[str, object], language: str) -> str:
        """The body, empty when there is none. Raises RenderProblem."""
        found = _chosen(self.bodies, language)
        return "" if found is None else found.render(context)


def compile_messages(raw: Mapping[str, Any]) -> tuple[dict[str, MessageTemplate], list[Problem]]:
    """The templates of a process document, and every problem that they have: syntax, unknown filters, unknown names.

    A form's `title` is plain text and is not compiled.
    """
    known = known_names(Vocabulary(raw))
    problems: list[Problem] = []
    found = {}
    for name, one in (raw.get("templates") or {}).items():
        texts = {key: _texts(one.get(key), ("templates", name, key), known, problems) for key in ("subject", "body")}
        found[name] = MessageTemplate(texts["subject"], texts["body"], one.get("print") is True)
    return found, problems


@cache
def default_message() -> MessageTemplate:
    """What a step without a template sends: number, subject, severity, stage, owner, link."""
    problems: list[Problem] = []
    known = known_names(Vocabulary({}))
    texts = [_texts(catalogue()["message"][key], (key,), known, problems) for key in ("subject", "body")]
    if problems:
        raise ValueError(f"schemas/wording.yaml, message: {problems}")
    return MessageTemplate(texts[0], texts[1])


def _texts(value: Any, path: tuple[str | int, ...], known: Names, problems: list[Problem]) -> dict[str, Template]:
    written = value if isinstance(value, Mapping) else {} if value is None else {ANY: value}
    found = {}
    for language, text in written.items():
        place = (*path, language) if language else path
        try:
            template = compile_template(str(text))
        except BadTemplate as bad:
            problems.append((place, bad.code, bad.params))
            continue
        for name in template.unknown(known):
            params: dict[str, str | int] = {
                "name": str(name),
                "line": name.line,
                "column": name.column,
                "near": "" if name.written else _near(str(name), known),
            }
            problems.append((place, "unknown-name-in-template", params))
        found[language] = template
    return found


def _near(name: str, known: Names) -> str:
    """The name with its first unknown part as the known one that is most like it; empty when none is."""
    level: Names | None = known
    parts = name.split(".")
    for index, part in enumerate(parts):
        if level is None:
            break
        if part not in level:
            found = kinds.near(part, level)
            return ".".join([*parts[:index], found, *parts[index + 1 :]]) if found else ""
        level = level[part]
    return ""


def _chosen(texts: Mapping[str, Template], language: str) -> Template | None:
    return texts.get(language) or texts.get(ANY) or next(iter(texts.values()), None)
