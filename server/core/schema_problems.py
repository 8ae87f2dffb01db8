"""What JSON Schema finds wrong, in a form that can be judged: of several alternatives, which one was meant?"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jsonschema import ValidationError

from server.core.findings import Path

CHOICES: Final = ("oneOf", "anyOf")
_TYPES: Final = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (dict, "object"))


@dataclass(frozen=True, slots=True)
class Problem:
    """One rule of a schema that one value breaks."""

    rule: str  # the schema's keyword, such as `required`
    asked: Any  # the keyword's value
    value: Any
    schema: Mapping[str, Any]  # that the keyword stands in
    path: Path
    whole: bool  # of an alternative: it concerns the value itself, not something in it
    of_key: bool  # it concerns a key as such (`propertyNames`); `value` is the key
    branch: int  # of which alternative
    parts: tuple["Problem", ...]  # of `oneOf` and `anyOf`: what is wrong with each alternative
    message: str

    def branches(self) -> dict[int, list["Problem"]]:
        """What is wrong with each alternative, by its place."""
        by_branch: dict[int, list[Problem]] = {}
        for part in self.parts:
            by_branch.setdefault(part.branch, []).append(part)
        return by_branch

    def unknown_keys(self) -> list[str]:
        """The keys that an `additionalProperties: false` refuses."""
        return [key for key in self.value if key not in self.schema.get("properties", {})]

    def words(self) -> str:
        """What is expected, as words of the catalogue."""
        return words(self.schema)


def problem_of(error: ValidationError) -> Problem:
    """The problem that an error of the validator tells of."""
    steps = list(error.relative_schema_path)
    return Problem(
        rule=str(error.validator),
        asked=error.validator_value,
        value=error.instance,
        schema=error.schema if isinstance(error.schema, dict) else {},
        path=tuple(error.absolute_path),
        whole=not error.relative_path,
        of_key=len(steps) > 1 and steps[-2] == "propertyNames",
        branch=steps[0] if steps and isinstance(steps[0], int) else -1,
        parts=tuple(problem_of(part) for part in error.context or ()),
        message=error.message,
    )


def of_other_type(problem: Problem) -> bool:
    """Whether the alternative is for values of another type, so that it cannot have been meant."""
    if not problem.whole:
        return False
    if problem.rule in CHOICES:
        branches = problem.branches().values()
        return bool(branches) and all(any(map(of_other_type, problems)) for problems in branches)
    return problem.rule in ("type", "const")


def types_wanted(problems: Iterable[Problem]) -> list[Problem]:
    """The problems of type alone, those of alternatives within alternatives included."""
    found: list[Problem] = []
    for problem in problems:
        if problem.rule in CHOICES:
            found += types_wanted(problem.parts)
        elif of_other_type(problem):
            found.append(problem)
    return found


def takes_any_text(problem: Problem) -> bool:
    """Whether a text, whatever it says, would have been of the right type."""
    return "string" in listed(problem.asked) and not {"pattern", "enum"} & problem.schema.keys()


def distance(problems: Sequence[Problem]) -> tuple[int, int]:
    """How far a value is from an alternative: keys missing or unknown first, then problems deeper in."""
    keys = 0
    for problem in problems:
        if problem.whole:
            keys += len(problem.unknown_keys()) if problem.rule == "additionalProperties" else 1
    return keys, len(problems)


def words(schema: Mapping[str, Any]) -> str:
    """What a schema expects, as words of the catalogue, several joined by commas."""
    return str(schema.get("x-word") or ", ".join(listed(schema.get("type") or schema.get("const", "string"))))


def listed(value: Any) -> list[Any]:
    """The value as a list of one, unless it is a list."""
    return value if isinstance(value, list) else [value]


def type_of(value: Any) -> str:
    """The JSON type of a value, as a word of the catalogue."""
    if value is None:
        return "null"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "array")


def written(value: Any) -> str:
    """A scalar as a document writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "null" if value is None else str(value)
