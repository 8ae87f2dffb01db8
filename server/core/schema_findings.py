"""The errors of JSON Schema in words for people: which key, which value, what would be right, and where."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from jsonschema import ValidationError

from server.core.documents import Document
from server.core.findings import Finding, Path
from server.core.kinds import near
from server.core.schema_problems import (
    Problem,
    distance,
    listed,
    of_other_type,
    problem_of,
    takes_any_text,
    type_of,
    types_wanted,
    words,
    written,
)

# A condition has exactly one of these; the order is that of the alternatives in the schema.
CONDITION_HEADS: Final = ("field", "happened", "all", "any", "not")
_HINTS: Final = 50  # near matches looked for in one document: they take time


class Translator:
    """Turns the errors of one document into findings."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: dict[tuple[str, Path, tuple[tuple[str, str | int], ...]], Finding] = {}
        self._hints = 0
        self._rules: Mapping[str, Callable[[Problem], None]] = {
            "additionalProperties": self._unknown_keys,
            "required": self._missing_keys,
            "type": self._wrong_type,
            "enum": self._not_one_of,
            "const": self._not_one_of,
            "pattern": self._bad_form,
            "minLength": lambda problem: self._at("empty-text", problem),
            "maxLength": self._too_long,
            "minItems": lambda problem: self._size("too-few", problem),
            "maxItems": lambda problem: self._size("too-many", problem),
            "minProperties": lambda problem: self._keys("too-few", problem),
            "maxProperties": lambda problem: self._keys("too-many", problem),
            "minimum": lambda problem: self._bound("too-small", problem),
            "maximum": lambda problem: self._bound("too-big", problem),
            "uniqueItems": self._repeated,
            "dependentRequired": self._needs_key,
            "not": self._not_together,
            "x-only-with": self._only_with,
            "oneOf": self._alternatives,
            "anyOf": self._alternatives,
        }

    def add(self, error: ValidationError) -> None:
        """Note the findings for an error."""
        self._report(problem_of(error))

    def findings(self) -> list[Finding]:
        """All findings. A key that is missing because it was misspelt is one problem, not two."""
        meant = {(f.path[:-1], f.params.get("near")) for f in self._found.values() if f.code == "unknown-key"}
        return [
            finding
            for finding in self._found.values()
            if finding.code != "missing-key" or (finding.path, finding.params["key"]) not in meant
        ]

    def _report(self, problem: Problem) -> None:
        rule = self._rules.get(problem.rule)
        if problem.of_key:
            self._bad_key(problem)
        elif rule is None:
            self._at("does-not-fit", problem, problem=problem.message)
        else:
            rule(problem)

    def _add(self, code: str, path: Path, at_key: bool, params: Mapping[str, str | int]) -> None:
        identity = (code, path, tuple(sorted(params.items())))
        if identity not in self._found:
            line, column = self._document.place(path, at_key)
            self._found[identity] = Finding(code, path, params, "error", self._document.file, line, column)

    def _at(self, code: str, found: Problem, /, **params: str | int) -> None:
        """At the value."""
        self._add(code, found.path, False, params)

    def _at_key(self, code: str, path: Path, /, **params: str | int) -> None:
        """At the key that leads to the value."""
        self._add(code, path, True, params)

    def _near(self, name: str, names: Iterable[str]) -> str:
        self._hints += 1
        return near(name, names) if self._hints <= _HINTS else ""

    # --- keys

    def _unknown_keys(self, problem: Problem) -> None:
        known = list(problem.schema.get("properties", {}))
        for key in problem.unknown_keys():
            hint = self._near(key, [name for name in known if name not in problem.value])
            allowed = "" if hint else ", ".join(known)
            self._at_key("unknown-key", (*problem.path, key), key=key, near=hint, allowed=allowed)

    def _missing_keys(self, problem: Problem) -> None:
        for key in problem.asked:
            if key not in problem.value:
                self._at_key("missing-key", problem.path, key=key)

    def _bad_key(self, problem: Problem) -> None:
        key = str(problem.value)
        if problem.rule == "maxLength":
            self._at_key("too-long", (*problem.path, key), length=len(key), limit=problem.asked)
        elif not key:
            self._at_key("empty-text", (*problem.path, key))
        else:
            self._at_key("bad-key", (*problem.path, key), key=key, expected=problem.words())

    def _needs_key(self, problem: Problem) -> None:
        for key, others in problem.asked.items():
            for other in others:
                if key in problem.value and other not in problem.value:
                    self._at_key("needs-key", (*problem.path, key), key=key, other=other)

    def _only_with(self, problem: Problem) -> None:
        for key, needs in problem.asked.items():
            for other, values in needs.items():
                if key in problem.value and problem.value.get(other, values[0]) not in values:
                    params = {"key": key, "other": other, "values": ", ".join(values)}
                    self._at_key("key-not-with", (*problem.path, key), **params)

    def _not_together(self, problem: Problem) -> None:
        keys = ", ".join(problem.asked.get("required", ()))
        self._at_key("exactly-one-of", problem.path, keys=keys, found=keys)

    # --- values

    def _wrong_type(self, problem: Problem) -> None:
        self._typed(problem, problem.words(), takes_any_text(problem))

    def _typed(self, problem: Problem, expected: str, takes_text: bool) -> None:
        found = type_of(problem.value)
        unquoted = takes_text and found in ("boolean", "integer", "number")
        quoted = f'"{self._document.written(problem.path)}"' if unquoted else ""
        self._at("wrong-type", problem, expected=expected, found=found, quoted=quoted)

    def _not_one_of(self, problem: Problem) -> None:
        if problem.schema.get("type") == "string" and not isinstance(problem.value, str):
            return  # its type is reported
        if isinstance(problem.value, dict | list):
            self._typed(problem, "string", False)
            return
        if problem.value in problem.schema.get("x-with-argument", ()):
            self._at("needs-argument", problem, value=problem.value)
            return
        allowed, value = [written(value) for value in listed(problem.asked)], written(problem.value)
        if value in allowed:  # written alike, but a text instead of a number or the other way round
            self._typed(problem, type_of(listed(problem.asked)[allowed.index(value)]), False)
            return
        hint = self._near(value, allowed)
        self._at("not-one-of", problem, value=value, near=hint, allowed=", ".join(allowed))

    def _bad_form(self, problem: Problem) -> None:
        self._at("bad-form", problem, value=problem.value, expected=problem.words())

    def _repeated(self, problem: Problem) -> None:
        items = problem.value
        twice = next((item for place, item in enumerate(items) if item in items[:place]), "")
        self._at("repeated-item", problem, value=written(twice))

    def _too_long(self, problem: Problem) -> None:
        self._at("too-long", problem, length=len(problem.value), limit=problem.asked)

    def _bound(self, code: str, problem: Problem) -> None:
        self._at(code, problem, value=written(problem.value), limit=written(problem.asked))

    def _size(self, code: str, problem: Problem) -> None:
        self._at(code, problem, count=len(problem.value), limit=problem.asked)

    def _keys(self, code: str, problem: Problem) -> None:
        if problem.words() != "condition":
            self._size(code, problem)
            return
        operators = [key for key in problem.value if key != "field" and key in problem.schema["properties"]]
        field = written(problem.value.get("field", ""))
        if len(operators) > 1:
            self._at("several-operators", problem, field=field, found=", ".join(operators))
        elif not operators and len(problem.value) == 1:
            self._at("no-operator", problem, field=field, found="")

    # --- alternatives

    def _alternatives(self, problem: Problem) -> None:
        """Report what is wrong with the alternative that was most likely meant."""
        if all(set(alternative) == {"required"} for alternative in problem.asked):
            self._one_of_keys(problem, [key for alternative in problem.asked for key in alternative["required"]])
            return
        if problem.words() == "condition" and isinstance(problem.value, dict) and len(problem.asked) > 2:
            self._condition(problem)
            return
        branches = [problems for problems in problem.branches().values() if not any(map(of_other_type, problems))]
        if not branches:
            self._none_fits(problem)
        elif len(branches) > 1 and all(part.rule == "pattern" for problems in branches for part in problems):
            expected = ", ".join(dict.fromkeys(part.words() for problems in branches for part in problems))
            self._at("bad-form", problem, value=problem.value, expected=expected)
        else:
            for part in min(branches, key=distance):
                self._report(part)

    def _one_of_keys(self, problem: Problem, keys: Sequence[str]) -> None:
        if not isinstance(problem.value, dict):
            return  # its type is reported
        found = [key for key in keys if key in problem.value]
        code = "exactly-one-of" if problem.rule == "oneOf" else "at-least-one-of"
        self._at_key(code, problem.path, keys=", ".join(keys), found=", ".join(found))

    def _condition(self, problem: Problem) -> None:
        heads = [head for head in CONDITION_HEADS if head in problem.value]
        branches = problem.branches()
        if not heads:
            operators = {key for part in branches.get(0, ()) for key in part.schema.get("properties", {})}
            meant = [self._near(key, CONDITION_HEADS) for key in problem.value]
            heads = ["field"] if operators & set(problem.value) else [head for head in dict.fromkeys(meant) if head]
        branch = CONDITION_HEADS.index(heads[0]) if len(heads) == 1 else -1
        if branch not in branches:
            self._at("bad-condition", problem, found=", ".join(problem.value))
            return
        for part in branches[branch]:
            self._report(part)

    def _none_fits(self, problem: Problem) -> None:
        wanted = types_wanted(problem.parts)
        expected = str(problem.schema.get("x-word") or ", ".join(dict.fromkeys(words(p.schema) for p in wanted)))
        if isinstance(problem.value, str):
            self._at("bad-form", problem, value=problem.value, expected=expected)
        else:
            self._typed(problem, expected, any(map(takes_any_text, wanted)))
