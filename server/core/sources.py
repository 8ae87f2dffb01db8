"""Sources: how a webhook's payload, or a schedule, becomes an issue (policy language, section 4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.core.paths import BadPath, Path, PathFailed, compile_path
from server.core.schedules import BadSchedule, Schedule, parse_schedule
from server.core.values import is_sound_text

MOST_ITEMS = 1_000  # of one delivery
LONGEST_ID = 255  # characters of an external_id
SCHEMES = ("standard-webhooks", "hmac-sha256", "bearer", "basic", "none")

Problem = tuple[tuple[str | int, ...], str, Mapping[str, str | int]]
"""A problem of a document: where, a code of the catalogue, what fills its text."""


@dataclass(frozen=True, slots=True)
class Verify:
    """How a delivery proves where it comes from. `secret` is as written (`env:NAME`), `header` for hmac-sha256."""

    scheme: str
    secret: str = ""
    header: str = "X-Signature"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is filled: a path, a path looked up in a table, or a constant."""

    path: Path | None = None
    table: Mapping[str, Any] | None = None
    otherwise: Any = None
    constant: Any = None
    gives_a_part: bool = field(init=False, repr=False, compare=False)  # of the item, as it is there

    def __post_init__(self) -> None:
        object.__setattr__(self, "gives_a_part", self.table is None and self.path is not None and self.path.is_plain)

    def value(self, item: Any) -> Any:
        """The field's value for an item; None when it has none. Raises PathFailed."""
        if self.path is None:
            return self.constant
        found = self.path.of(item)
        if self.table is None:
            return found
        if isinstance(found, list):
            return [value for one in found if (value := self._look_up(one)) is not None]
        return self._look_up(found)

    def _look_up(self, found: Any) -> Any:
        key = _key(found)
        return self.otherwise if key is None or self.table is None else self.table.get(key, self.otherwise)


@dataclass(frozen=True, slots=True)
class AgainRule:
    """What a further delivery with a known external_id may do."""

    do: tuple[str, ...]
    when: Path | None = None
    with_: Mapping[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """Audit by sample: for each closed issue of `of` drawn from the last full period, an issue. `share` as written;
    `where` is a condition over the process `of`, compiled by whoever knows that process."""

    of: str
    covers: str
    share: str
    where: Any = None


@dataclass(frozen=True, slots=True)
class Again:
    """An action to do on the issue that this external_id already has: of `do`, the first that is possible."""

    do: tuple[str, ...]
    form: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ItemProblem:
    """Why an item cannot be taken: `at` points at the mapped field, `code` a text of the catalogue."""

    at: str
    code: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Item:
    """What one item of a delivery comes to. It `creates` an issue unless its `external_id` is known; then `again`, if
    there is one, is done on that issue. With a `problem` it is kept, and nothing is done."""

    facts: Mapping[str, Any]
    external_id: str
    received: Any
    creates: bool
    again: Again | None = None
    problem: ItemProblem | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A compiled source: a webhook when `verify` is there, a schedule when `at` is not empty."""

    name: str
    title: Any
    process: str
    verify: Verify | None = None
    each: Path | None = None
    when: Path | None = None
    external_id: Path | None = None
    received: Path | None = None
    fields: Mapping[str, Rule] = field(default_factory=dict)
    extra: bool = False  # the whole item is kept with the issue, under `extra`
    again: AgainRule | None = None
    at: tuple[Schedule, ...] = ()
    issue: Mapping[str, Any] = field(default_factory=dict)
    sample: Sample | None = None

    def items(self, payload: Any, delivery_id: str) -> list[Item]:
        """What a delivery comes to, item by item; one bad item does not hold up the others. `payload`: as
        `payloads.read_json` gives it, so that every part of it can be kept.

        `delivery_id` (webhook-id, or whatever stands for it) is the external id where the document maps none; with
        `each` it is followed by `/1`, `/2` … so that the items of one delivery stay apart.
        """
        if self.each is None:
            return [self._item(payload, delivery_id)]
        try:
            found = self.each.of(payload)
        except PathFailed as failed:
            return [_refused(delivery_id, "each", "path-failed", reason=str(failed))]
        if found is None:
            found = []
        if not isinstance(found, list):
            return [_refused(delivery_id, "each", "each-not-a-list", expression=self.each.text)]
        if len(found) > MOST_ITEMS:
            return [_refused(delivery_id, "each", "too-many-items", count=len(found), limit=MOST_ITEMS)]
        return [self._item(item, f"{delivery_id}/{number}") for number, item in enumerate(found, 1)]

    def _item(self, item: Any, delivery_id: str) -> Item:
        at = "when"
        try:
            creates = self.when is None or self.when.holds(item)
            at = "again"
            again = self._again(item)
            if not creates and again is None:
                return Item({}, delivery_id, None, creates=False)
            at = "external_id"
            external_id = delivery_id if self.external_id is None else _key(self.external_id.of(item))
            if not external_id:
                return _refused(delivery_id, at, "no-external-id", expression=_text(self.external_id))
            if len(external_id) > LONGEST_ID:
                return _refused(delivery_id, at, "external-id-too-long", length=len(external_id), limit=LONGEST_ID)
            at = "received"
            received = None if self.received is None else self.received.of(item)
            facts = {}
            is_a_part = self.each is None or self.each.is_plain  # of the payload, which was sound
            for name, rule in self.fields.items() if creates else ():
                at = name
                value = rule.value(item)
                if value is None:
                    continue
                if not ((is_a_part and rule.gives_a_part) or _sound(value)):
                    return _refused(external_id, at, "unusable-value")
                facts[name] = value
        except PathFailed as failed:
            return _refused(delivery_id, at, "path-failed", reason=str(failed))
        if received is not None:
            facts["received"] = received
        if self.extra and creates:
            facts["extra"] = item
        return Item(facts, external_id, received, creates, again)

    def _again(self, item: Any) -> Again | None:
        rule = self.again
        if rule is None or (rule.when is not None and not rule.when.holds(item)):
            return None
        filled = {name: value for name, one in rule.with_.items() if (value := one.value(item)) is not None}
        return Again(rule.do, filled)


def compile_source(value: Mapping[str, Any]) -> tuple[Source | None, list[Problem]]:
    """Compile a source document, as read and valid by its schema; or every problem that it has.

    What needs the other documents (does the process exist, does it declare these fields and actions) is not asked here.
    """
    problems: list[Problem] = []
    again = value.get("again")
    source = Source(
        name=str(value.get("name", "")),
        title=value.get("title"),
        process=str(value.get("process", "")),
        verify=_verify(value.get("verify"), problems),
        each=_path(value, "each", (), problems),
        when=_path(value, "when", (), problems),
        external_id=_path(value, "external_id", (), problems),
        received=_path(value, "received", (), problems),
        fields=_rules(value.get("fields"), ("fields",), problems),
        extra=value.get("extra") is True,
        again=None if again is None else _again_rule(again, problems),
        at=_schedules(value.get("at"), problems),
        issue=dict(value.get("issue") or {}),
        sample=_sample(value.get("sample")),
    )
    if source.verify is not None and source.at:
        problems.append((("at",), "source-of-two-kinds", {}))
    return (None if problems else source), problems


def _verify(value: Any, problems: list[Problem]) -> Verify | None:
    if value is None:
        return None
    scheme = str(value.get("scheme", ""))
    if scheme not in SCHEMES:
        problems.append((("verify", "scheme"), "unknown-scheme", {"name": scheme, "defined": ", ".join(SCHEMES)}))
    elif scheme != "none" and not value.get("secret"):
        problems.append((("verify",), "no-secret", {"scheme": scheme}))
    return Verify(scheme, str(value.get("secret") or ""), str(value.get("header") or "X-Signature"))


def _path(value: Mapping[str, Any], key: str, where: tuple[str | int, ...], problems: list[Problem]) -> Path | None:
    if value.get(key) is None:
        return None
    try:
        return compile_path(value[key])
    except BadPath as bad:
        problems.append(((*where, key), bad.code, bad.params))
        return None


def _rules(value: Any, where: tuple[str | int, ...], problems: list[Problem]) -> dict[str, Rule]:
    return {name: _rule(one, (*where, name), problems) for name, one in (value or {}).items()}


def _rule(value: Any, where: tuple[str | int, ...], problems: list[Problem]) -> Rule:
    if not isinstance(value, Mapping):
        return Rule(path=_path({str(where[-1]): value}, str(where[-1]), where[:-1], problems))
    if "value" in value:
        return Rule(constant=value["value"])
    table = value.get("table")
    return Rule(
        path=_path(value, "from", where, problems),
        table=None if table is None else {str(_key(key)): one for key, one in table.items()},
        otherwise=value.get("else"),
    )


def _again_rule(value: Mapping[str, Any], problems: list[Problem]) -> AgainRule:
    do = value.get("do")
    return AgainRule(
        do=tuple(do) if isinstance(do, list) else (str(do),),
        when=_path(value, "when", ("again",), problems),
        with_=_rules(value.get("with"), ("again", "with"), problems),
    )


def _schedules(value: Any, problems: list[Problem]) -> tuple[Schedule, ...]:
    found = []
    for number, text in enumerate(value if isinstance(value, list) else [] if value is None else [value]):
        try:
            found.append(parse_schedule(text))
        except BadSchedule as bad:
            where: tuple[str | int, ...] = ("at", number) if isinstance(value, list) else ("at",)
            problems.append((where, bad.code, bad.params))
    return tuple(found)


def _sample(value: Any) -> Sample | None:
    if value is None:
        return None
    return Sample(str(value["of"]), str(value["covers"]), str(value["share"]), value.get("where"))


def _key(value: Any) -> str | None:
    """A value as the key of a table or as an id: text, a number, true or false; None for anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else None


def _text(path: Path | None) -> str:
    return "" if path is None else path.text


def _sound(value: Any) -> bool:
    """Whether a value can be kept: `to_number('9…')` makes infinity, a literal in an expression may hold a NUL."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2**63
    if isinstance(value, str):
        return is_sound_text(value)
    if isinstance(value, list):
        return all(map(_sound, value))
    if isinstance(value, dict):
        return all(_sound(key) and _sound(one) for key, one in value.items())
    return value is None


def _refused(external_id: str, at: str, code: str, **params: str | int) -> Item:
    return Item({}, external_id, None, creates=False, problem=ItemProblem(f"/{at}", code, params))
