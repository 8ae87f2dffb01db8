"""Lint of templates: texts that do not compile, names that nothing has, templates that nobody uses (policy language,
"templates")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server.core.defined import Report
from server.core.findings import Finding, Path
from server.core.messages import compile_messages
from server.core.process import Process


def check(report: Report, process: Process) -> None:
    """All templates."""
    report.findings += [Finding(code, path, params) for path, code, params in compile_messages(process.raw)[1]]
    used = set(_used(process.raw))
    for id, body in process.raw.get("templates", {}).items():
        path: Path = ("templates", id)
        languages = set()
        for key in ("subject", "body"):
            if isinstance(body.get(key), dict):
                languages.add(frozenset(body[key]))
        if len(languages) > 1:
            all_languages = frozenset.union(*languages)
            for key in ("subject", "body"):
                missing = all_languages - set(body[key]) if isinstance(body.get(key), dict) else ()
                if missing:
                    report.warn((*path, key), "template-lacks-language", languages=", ".join(sorted(missing)))
        if id not in used and not body.get("print"):
            report.warn(path, "template-unused", template=id)


def _used(raw: Any) -> Iterator[str]:
    """Every template that a step names."""
    if isinstance(raw, Mapping):
        for key, value in raw.items():
            if key == "template" and isinstance(value, str):
                yield value
            elif key not in ("templates", "examples"):
                yield from _used(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _used(value)
