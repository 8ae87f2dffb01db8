"""What a process document defines: the names that its parts, and other documents, may refer to.

Works on the plain value of a document that is valid by its schema; nothing is compiled.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final
from zoneinfo import ZoneInfo

from server.core import values
from server.core.compiling import event_names, field_names, kind_of
from server.core.findings import Finding, Path
from server.core.kinds import Kind, described, near
from server.core.process import BUILT_IN, Field

UTC: Final = ZoneInfo("UTC")

GIVEN: Final = ("subject", "description", "channel", "preferred", "received", "source", "external_id")
"""What an issue may be given besides its declared fields."""


class Defined:
    """The names that one process document defines."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.name = str(raw.get("name", ""))
        self.fields: Mapping[str, Mapping[str, Any]] = raw.get("fields", {})
        self.own_actions: Mapping[str, Mapping[str, Any]] = raw.get("actions", {})
        self.stages: Mapping[str, Any] = raw.get("stages", {})
        self.severities = tuple(raw.get("severities", {}))
        self.classified: Mapping[str, Any] = raw.get("classify", {})
        self.surveys: Mapping[str, Any] = raw.get("surveys", {})

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Every name that a condition may look at, with its kind."""
        return field_names(self.raw)

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Every event that can happen."""
        return tuple(event_names(self.raw))

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Own and built-in actions."""
        return tuple(dict.fromkeys((*self.own_actions, *BUILT_IN)))

    @cached_property
    def questions(self) -> dict[str, Mapping[str, Any]]:
        """The questions of all surveys."""
        return {name: body for survey in self.surveys.values() for name, body in survey.get("questions", {}).items()}

    @cached_property
    def editable(self) -> tuple[str, ...]:
        """The fields that an action may fill: declared ones, and of those that every issue has a few."""
        return (*self.fields, *values.EDITABLE)

    def ids(self, part: str) -> tuple[str, ...]:
        """The ids under a part such as `clocks`."""
        return tuple(self.raw.get(part, {}))

    def type_of(self, name: str) -> str:
        """The declared type of a field or question; `text` and the like for what every issue has."""
        body = self.fields.get(name) or self.questions.get(name)
        return str(body["type"]) if body else self.kinds[name].name if name in self.kinds else ""

    def field(self, name: str) -> Field | None:
        """The field of that name, without its pattern, to try a constant on; None when there is none."""
        body = self.fields.get(name) or self.questions.get(name)
        if body is None:
            return values.own_field(name)
        return as_field(name, body)

    def is_final(self, stage: str) -> bool:
        """Whether that stage is final."""
        return bool((self.stages.get(stage) or {}).get("final"))


def as_field(name: str, body: Mapping[str, Any]) -> Field:
    """A declared field to try a constant on."""
    return Field(
        id=name,
        type=body["type"],
        label=name,
        kind=kind_of(body),
        options=body.get("options", {}),
        many=bool(body.get("many")),
        minimum=body.get("minimum"),
        maximum=body.get("maximum"),
        max_length=body.get("max_length"),
        of=body.get("of", 5),
    )


class Report:
    """Collects the findings on one document."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, path: Path, code: str, /, level: str = "error", **params: str | int) -> None:
        """Notes a finding at the path."""
        self.findings.append(Finding(code, path, params, level))

    def warn(self, path: Path, code: str, /, **params: str | int) -> None:
        """Notes a warning at the path."""
        self.findings.append(Finding(code, path, params, "warning"))

    def known(self, path: Path, code: str, name: str, defined: Iterable[str], /, **params: str | int) -> bool:
        """Whether the name is among those defined; notes the finding `code` when it is not."""
        names = tuple(defined)
        if name in names:
            return True
        self.findings.append(
            Finding(code, path, {"name": name, "near": near(name, names), "defined": ", ".join(names), **params})
        )
        return False


def each(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    """One or a list, item by item with its path; nothing gives none."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, (*path, index)
    elif value is not None:
        yield value, path


def cases(value: Any, path: Path) -> Iterator[tuple[Any, Path, str]]:
    """The values of a value by case, with their paths and the severity of a map's (else empty)."""
    if isinstance(value, dict):
        for severity, item in value.items():
            yield item, (*path, severity), severity
    elif isinstance(value, list):
        for index, rule in enumerate(value):
            if isinstance(rule, dict) and "is" in rule:
                yield rule["is"], (*path, index, "is"), ""
    elif value is not None:
        yield value, path, ""


def field_named(value: Any) -> str | None:
    """The field that `field:F` names; None for anything else."""
    return value[6:] if isinstance(value, str) and value.startswith("field:") else None


def try_constant(report: Report, path: Path, name: str, field: Field, value: Any, level: str = "error") -> None:
    """Notes `bad-constant` when the value cannot be one of the field's. A warning where the policy language says what
    happens then: the action is refused."""
    if value is None:
        return
    try:
        values.fact(field, value, UTC)
    except values.Unfit as unfit:
        options = str(unfit.params.get("options", ""))
        report.add(
            path, "bad-constant", level=level, name=name, value=described(value), type=field.type, options=options
        )
