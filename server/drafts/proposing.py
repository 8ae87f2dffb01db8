"""Several documents are proposed as one act, as a repository's CI does with what was merged there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from server.accounts import Caller
from server.core import documents
from server.core.findings import Finding, has_errors
from server.core.moments import Moment
from server.drafts.checking import check_files
from server.drafts.keeping import begin, drafts
from server.drafts.problems import NotDone
from server.drafts.rights import require_proposer
from server.drafts.standing import in_force
from server.drafts.submitting import submit
from server.store import database
from server.store.models import Draft

File = tuple[str, bytes]


def propose(
    files: Sequence[File],
    by: Caller,
    now: Moment,
    reason: str = "",
    acknowledge: Iterable[Mapping[str, Any]] = (),
    effective_at: Moment | None = None,
) -> list[Draft]:
    """Begin and submit a draft of each document, given as (file name, bytes): all of them or none. They are checked
    together, as they would be in force. What is in force already is left out; what waits for approval already is given
    as it is, so that a second run adds nothing.

    Raises NotPermitted and NotDone, whose findings name the files as given.
    """
    named = _named(files)
    for name, (_, data) in named.items():
        standing = in_force(name)
        require_proposer(by, data if standing is None else bytes(standing.data))
    fresh = {name: file for name, file in named.items() if not _is_in_force(name, file[1])}
    found = check_files([(f"{name}.yaml", data) for name, (_, data) in fresh.items()], now) if fresh else []
    _require_sound(found, {f"{name}.yaml": file for name, (file, _) in fresh.items()})
    acknowledge = list(acknowledge)
    with database.transaction():
        return [
            _waiting(name, data)
            or submit(
                begin(name, data, by, now, reason).id,
                by,
                now,
                reason,
                acknowledge,
                effective_at,
                [finding for finding in found if finding.file == f"{name}.yaml"],
            )
            for name, (_, data) in fresh.items()
        ]


def _named(files: Sequence[File]) -> dict[str, File]:
    named: dict[str, File] = {}
    wrong: list[Finding] = []
    for file, data in files:
        document, found = documents.read(data, file)
        wrong += found
        if document is None:
            continue
        if not document.name or document.name in named:
            wrong.append(Finding("same-name", ("name",), {"name": document.name or "-"}, file=file))
        named[document.name] = (file, data)
    if wrong:
        raise NotDone(422, "proposal-not-sound", wrong, count=len(wrong))
    return named


def _require_sound(found: Sequence[Finding], called: Mapping[str, str]) -> None:
    if has_errors(found):
        errors = [
            Finding(one.code, one.path, one.params, one.level, called.get(one.file, one.file), one.line, one.column)
            for one in found
            if one.level == "error"
        ]
        raise NotDone(422, "proposal-not-sound", errors, count=len(errors))


def _is_in_force(name: str, data: bytes) -> bool:
    standing = in_force(name)
    return standing is not None and bool(standing.sha256 == hashlib.sha256(data).hexdigest())


def _waiting(name: str, data: bytes) -> Draft | None:
    digest = hashlib.sha256(data).hexdigest()
    waiting = (draft for draft in drafts(name, open_only=True) if draft.state != Draft.DRAFT)
    return next((draft for draft in waiting if draft.sha256 == digest), None)
