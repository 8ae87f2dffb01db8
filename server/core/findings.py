"""Findings: what is wrong, or doubtful, in a document, where it stands and what would be right.

A finding is a code with parameters; its texts, in every language, stand in `schemas/findings.yaml`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from server.resources import texts_of

Path = tuple[str | int, ...]

WORDS: Final = "_words"
SHOWN: Final = 240  # characters of a parameter that a message shows

_OPTIONAL = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([a-z_]+)(:word|:size)?\}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: `path` is its place in the document's values, `line` and `column` count from 1."""

    code: str
    path: Path = ()
    params: Mapping[str, str | int] = field(default_factory=dict)
    level: str = "error"
    file: str = ""
    line: int = 1
    column: int = 1

    def text(self, language: str = "en", place: Callable[[Path, str], str] | None = None) -> str:
        """The message alone, in that language (English where the catalogue has no other). `place` tells a place."""
        told = place or dotted
        places = {"at": told(self.path, language), "above": told(self.path[:-1], language)}
        return _filled(self.code, {**places, **self.params}, language)

    def line_in(self, language: str = "en") -> str:
        """`FILE:LINE:COL: error|warning CODE message`, always one line (contract, `duban check`)."""
        return f"{self.file or '-'}:{self.line}:{self.column}: {self.level} {self.code} {self.text(language)}"

    def __str__(self) -> str:
        return self.line_in()

    def as_dict(self, language: str = "en") -> dict[str, Any]:
        """The finding as JSON."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "level": self.level,
            "code": self.code,
            "path": list(self.path),
            "params": dict(self.params),
            "message": self.text(language),
        }


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of them is an error: then the document cannot be used."""
    return any(finding.level == "error" for finding in findings)


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """By file, line and column, as a reader goes through them."""
    return sorted(findings, key=lambda f: (f.file, f.line, f.column))


def dotted(path: Sequence[str | int], language: str = "en") -> str:
    """A place as people write it: `clocks.reply.warn[2]`; places in lists count from 1, as rules and rungs do."""
    if not path:
        return _word("document", language)
    parts = [f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path]
    return _shown("".join(parts).removeprefix("."))


@cache
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every code with its texts: `{code: {zh, en, explain: {zh, en}}}`, and the words that they use."""
    return texts_of("findings")


def title(code: str, language: str) -> str:
    """What a warning is about, in a few words; the code of one that has no title."""
    told = catalogue().get(code, {}).get("title", {})
    return str(told.get(language) or code)


def _filled(code: str, params: Mapping[str, str | int], language: str) -> str:
    """The code's text with its placeholders filled. `[[…]]` is left out when a placeholder in it has no value.

    A code that the catalogue lacks must not stop whoever reports it: it stands for itself, with its parameters.
    """
    entry = catalogue().get(code)
    if entry is None:
        told = (f"{name}={_shown(value)}" for name, value in params.items() if name not in ("at", "above"))
        return " ".join([code, *told])
    template = str(entry.get(language, entry["en"]))
    kept = _OPTIONAL.sub(lambda part: part[1] if _has_values(part[1], params) else "", template)
    return _PLACEHOLDER.sub(lambda place: _value(place, params, language), kept)


def _has_values(part: str, params: Mapping[str, str | int]) -> bool:
    return all(params.get(place[1], "") != "" for place in _PLACEHOLDER.finditer(part))


def _value(place: re.Match[str], params: Mapping[str, str | int], language: str) -> str:
    value = params.get(place[1], "")
    if not place[2]:
        return _shown(value)
    if place[2] == ":size":
        return size_text(value) if isinstance(value, int) else _shown(value)
    words = [_word(word, language) for word in str(value).split(", ")]
    return (" 或 " if language == "zh" else " or ").join(words)


def size_text(amount: int) -> str:
    """So many bytes in KiB or MiB, rounded up to a tenth: what is beyond a limit never reads like the limit."""
    unit, name = (1 << 20, "MiB") if amount >= 1 << 20 else (1 << 10, "KiB")
    return f"{-(-amount * 10 // unit) / 10:g} {name}"


def _word(word: str, language: str) -> str:
    texts = catalogue()[WORDS].get(word, {})
    return str(texts.get(language, texts.get("en", word)))


def _shown(value: str | int) -> str:
    text = _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], str(value))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
