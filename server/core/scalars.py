"""Plain scalars of YAML 1.2's core schema: `on`, `yes`, `12:30` and `2026-03-02` are text."""

import math
import re
from typing import Final

LARGEST: Final = 2**63  # integers lie within ±2^63: what every database and JSON reader can keep

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BASES: Final = {"0o": 8, "0x": 16}
_DIGITS: Final = 40  # more cannot lie within the bounds, and reading them would take long


class BadNumber(ValueError):
    """A number that is no value here. `code` names the finding."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{code}: {text[:40]!r}")
        self.code = code


def plain(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Raises BadNumber for infinities, NaN, and integers beyond ±2^63."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _NOT_FINITE.fullmatch(text):
        raise BadNumber("number-not-finite", text)
    if not _FLOAT.fullmatch(text):
        return text
    number = float(text)
    if not math.isfinite(number):
        raise BadNumber("number-not-finite", text)
    return number


def _integer(text: str) -> int:
    base = _BASES.get(text[:2], 10)
    digits = text[2:] if base != 10 else text
    sign = digits[0] if digits[0] in "+-" else ""
    significant = digits.removeprefix(sign).lstrip("0")
    if len(significant) > _DIGITS:
        raise BadNumber("integer-too-large", text)
    number = int(sign + (significant or "0"), base)
    if not -LARGEST <= number <= LARGEST:
        raise BadNumber("integer-too-large", text)
    return number
