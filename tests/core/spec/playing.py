"""Playing a case of the YAML files beside this module: a base policy that it changes, a script, its whole timeline.

A line of a timeline is written in short, with every key in the contract's order: `10:00 clock_met reply 1 11:00` is
`{"at": "2026-03-02T10:00:00+08:00", "number": "SIM-1", "kind": "clock_met", "clock": "reply", "run": 1, "due": …}`.
Times are of Monday 2026-03-02, of another day of that month as `3/10:00`, else in full; other issues stand in front as
`SIM-2:`; nothing is `-`. `because` is left out unless the case says `because: true`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.core import documents, library
from server.core.examples import run_example
from server.core.findings import Finding
from server.core.library import Library
from server.core.scripts import BadScript, read_script
from server.core.simulate import play, timeline

HERE = Path(__file__).parent
Case = dict[str, Any]

KEYS: Mapping[str, tuple[str, ...]] = {
    "received": ("severity", "values", "team", "owner", "stage", "because"),
    "action": ("action", "by", "with", "stage"),
    "refused": ("action", "by", "why"),
    "classified": ("name", "from", "to", "by", "because"),
    "routed": ("team", "owner"),
    "opened": ("process", "fields"),
    "clock_started": ("clock", "run", "due"),
    "clock_moved": ("clock", "run", "due"),
    "clock_paused": ("clock", "run"),
    "clock_resumed": ("clock", "run", "due"),
    "clock_warned": ("clock", "run", "mark"),
    "clock_met": ("clock", "run", "due"),
    "clock_breached": ("clock", "run", "due"),
    "clock_finished_late": ("clock", "run", "due"),
    "clock_stopped": ("clock", "run", "due"),
    "clock_cancelled": ("clock", "run", "due"),
    "asked": ("notice",),
    "confirmed": ("notice",),
    "escalated": ("ladder", "rung", "to", "due"),
    "exhausted": ("ladder",),
    "surveyed": ("survey",),
    "answered": ("survey", "with"),
    "expired": ("survey",),
    "check_failed": ("check",),
    "set_aside": ("check",),
    "put_back": ("check",),
    "raised": ("watch", "values"),
}
"""The contract's "A timeline"; `notified` has one of three sets of keys."""


def _read(name: str) -> dict[str, Any]:
    """A file beside this one, read as strictly as a policy is."""
    document, findings = documents.read((HERE / name).read_bytes(), name)
    assert not findings, [finding.text() for finding in findings]
    assert document is not None
    return dict(document.value)


def cases(name: str) -> list[Case]:
    """The cases of one file, those that must be green; each has a `name`."""
    return list(_read(name)["cases"])


def base() -> dict[str, Any]:
    """The policy that the cases change, with its calendars and channels."""
    return _read("base.yaml")


def changed(value: Any, change: Any) -> Any:
    """`value` with the keys of `change`, maps within maps; null takes a key away, other values are replaced."""
    if not isinstance(value, dict) or not isinstance(change, dict):
        return copy.deepcopy(change)
    found = dict(value)
    for key, part in change.items():
        if part is None:
            found.pop(key, None)
        else:
            found[key] = changed(found.get(key), part)
    return found


def loaded(case: Case) -> Library:
    """The documents of a case. `policy` changes the base's process; `other` documents come besides. All must load."""
    parts = base()
    documents_of = {name: body for name, body in parts.items() if name != "process"}
    documents_of["process"] = changed(parts["process"], case.get("policy", {}))
    documents_of = {**documents_of, **case.get("other", {})}
    files = [(f"{name}.yaml", as_yaml(body)) for name, body in documents_of.items()]
    found = library.load(files)
    errors = [f"{finding.file}: {finding.text()}" for finding in found.findings if finding.level == "error"]
    assert not errors, errors
    return found


def as_yaml(body: Any) -> bytes:
    """A document as text; JSON is YAML."""
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def script_of(case: Case) -> dict[str, Any]:
    """The script of a case: starts on Monday 2026-03-02 at 09:00, with a subject, unless it says otherwise."""
    script = {"process": "base", "start": "2026-03-02T09:00:00+08:00", **case.get("script", {})}
    script["issue"] = {"subject": "S", **script.get("issue", {})}
    return script


def lines_of(case: Case) -> list[dict[str, Any]]:
    """The timeline of a case, as the contract prints it."""
    documents_of = loaded(case)
    process = documents_of.processes["base"]
    script = read_script(script_of(case), process)
    return [json.loads(json.dumps(line)) for line in timeline(play(script, process, documents_of.processes))]


def problems_of(case: Case) -> list[Finding]:
    """What is wrong with a script that does not load."""
    try:
        lines_of(case)
    except BadScript as error:
        return error.findings
    return []


def example_findings(case: Case) -> list[Finding]:
    """What an example's `expect` finds on its timeline."""
    documents_of = loaded(case)
    script = script_of(case)
    del script["process"]
    return run_example({"name": "e", **script}, documents_of.processes["base"], documents_of.processes)


def short(line: Mapping[str, Any], because: bool = False) -> str:
    """A line as the cases write it. Fails if a key is missing, too many or not in the contract's order."""
    kind = line["kind"]
    keys = KEYS[kind] if kind != "notified" else _notified_keys(line)
    assert tuple(line) == ("at", "number", "kind", *keys), line
    parts = [] if line["number"] == "SIM-1" else [f"{line['number']}:"]
    parts += [_time(line["at"]), kind]
    parts += [_written(key, line[key]) for key in keys if because or key != "because"]
    return " ".join(parts)


def _notified_keys(line: Mapping[str, Any]) -> tuple[str, ...]:
    if "ladder" in line:
        return ("ladder", "rung", "via", "to")
    return ("survey" if "survey" in line else "notice", "via", "to")


def _written(key: str, value: Any) -> str:
    if value is None:
        return "-"
    if key == "due":
        return _time(value)
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _time(text: str) -> str:
    date, time = text[:10], text[11:19]
    if not date.startswith("2026-03-") or not text.endswith("+08:00"):
        return text
    time = time.removesuffix(":00") if time.endswith(":00") else time
    return time if date == "2026-03-02" else f"{int(date[8:])}/{time}"
