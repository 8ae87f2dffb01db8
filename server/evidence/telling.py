"""Findings and differences as sentences, in either language; the texts stand with those of the commands that say them,
too (`schemas/commands.yaml`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from server.evidence.findings import Finding
from server.resources import texts_of

FINDINGS: Final[Mapping[str, str]] = {
    "entry-changed": "audit-entry-changed",
    "entry-missing": "audit-entry-missing",
    "entry-moved": "audit-entry-moved",
    "entry-inserted": "audit-entry-inserted",
    "columns-changed": "audit-columns-changed",
    "block-changed": "audit-block-changed",
    "block-missing": "audit-block-missing",
    "rewritten": "audit-rewritten",
    "truncated": "audit-truncated",
    "checkpoint-forged": "audit-checkpoint-forged",
    "event-without-entry": "audit-event-without-entry",
    "entry-without-event": "audit-entry-without-event",
}
"""The text of each finding."""

DIFFERENCES: Final[Mapping[str, str]] = {
    "line-differs": "recompute-line-differs",
    "line-missing": "recompute-line-missing",
    "line-added": "recompute-line-added",
    "answers-differ": "recompute-answers-differ",
    "not-computed": "recompute-not-computed",
    "event-unreadable": "recompute-event-unreadable",
    "event-without-entry": "recompute-event-without-entry",
    "entry-differs": "recompute-entry-differs",
    "erased-without-entry": "recompute-erased-without-entry",
    "case-differs": "recompute-case-differs",
    "version-changed": "recompute-version-changed",
    "version-unusable": "recompute-version-unusable",
}
"""The text of each difference."""


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    texts = texts_of("commands")
    return {code: texts[code] for code in (*FINDINGS.values(), *DIFFERENCES.values())}


def finding_text(finding: Finding, language: str) -> str:
    """A finding of a verification as a sentence."""
    to = finding.to if finding.to is not None else finding.place
    known = {**finding.params, "place": finding.place, "to": to, "entry": finding.entry}
    return _texts()[FINDINGS[finding.code]][language].format(**known)


def told_finding(told: Mapping[str, Any], language: str) -> str:
    """A finding as `Finding.as_dict` wrote it, as a sentence."""
    own = {"code", "place", "to", "entry"}
    params = {key: value for key, value in told.items() if key not in own}
    return finding_text(
        Finding(str(told["code"]), told.get("place"), told.get("entry"), told.get("to"), params), language
    )


def difference_text(one: Any, language: str) -> str:
    """A difference of an issue computed anew as a sentence."""
    shown = {"recorded": _json(one.recorded), "computed": _json(one.computed)}
    params = {"issue": one.issue, "seq": one.seq, "line": one.line, "keys": ", ".join(one.keys), "why": one.why}
    return _texts()[DIFFERENCES[one.code]][language].format(**params, **shown)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)[:300]
