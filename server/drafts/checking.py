"""The check of a draft against what is in force: its own findings, and the documents in force that it would break."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server import policies
from server.core import checking, library
from server.core.findings import Finding, has_errors
from server.core.moments import Moment
from server.drafts.problems import NotDone
from server.drafts.standing import files_in_force
from server.store.models import Draft

File = tuple[str, bytes]


def check(draft: Draft, now: Moment) -> list[Finding]:
    """What `duban check` says of the draft beside the documents in force, examples included; and, when it has no
    errors, those of other documents that would no longer load."""
    return check_files([(f"{draft.name}.yaml", bytes(draft.data))], now)


def check_files(files: Sequence[File], now: Moment) -> list[Finding]:
    """The same for several documents that would take effect together, each named `NAME.yaml`."""
    names = {name for name, _ in files}
    others = [file for file in files_in_force() if file[0] not in names]
    found = checking.check(files, now, others)
    return found if has_errors(found) else [*found, *_broken(files, others)]


def _broken(files: Sequence[File], others: Sequence[File]) -> list[Finding]:
    """Errors in documents in force that come with the files; all of them when a file cannot be used because of one."""
    standing = policies.in_force()
    usable = {f"{name}.yaml" for name in standing.versions} - {finding.file for finding in standing.findings}
    loaded = library.load([*files, *others])
    compiled = {*loaded.calendars, *loaded.channels, *loaded.processes, *loaded.sources}
    hindered = any(file.removesuffix(".yaml") not in compiled for file, _ in files)
    errors = [finding for finding in loaded.findings if finding.level == "error"]
    return [finding for finding in errors if hindered or finding.file in usable]


def place(finding: Finding) -> dict[str, str]:
    """What a submitter names when he accepts a warning: its code and its place, a JSON pointer."""
    return {"code": finding.code, "at": "/" + "/".join(map(str, finding.path))}


def require_clean(
    draft: Draft, found: Iterable[Finding], acknowledged: Iterable[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """The warnings, which must all be among those acknowledged. Raises NotDone for errors and for other warnings."""
    found = list(found)
    errors = [finding for finding in found if finding.level == "error"]
    if errors:
        raise NotDone(422, "draft-not-sound", errors, draft=draft.id, count=len(errors))
    accepted = [{"code": one.get("code"), "at": one.get("at")} for one in acknowledged]
    missing = [finding for finding in found if place(finding) not in accepted]
    if missing:
        raise NotDone(422, "draft-not-acknowledged", missing, draft=draft.id, count=len(missing))
    return [place(finding) for finding in found]
