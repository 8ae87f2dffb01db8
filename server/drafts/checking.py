"""The check of a draft against what is in force: its own findings, and the documents in force that it would break."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from server import policies
from server.core import checking, library
from server.core.findings import Finding, has_errors
from server.core.moments import DAY, Moment
from server.drafts.problems import NotDone
from server.store.models import Draft

File = tuple[str, bytes]


MOST: Final = 500
"""Texts whose findings a process keeps: each page of a draft asks for them."""

_lock = threading.Lock()
_kept: OrderedDict[tuple[Any, ...], tuple[Finding, ...]] = OrderedDict()


def check(draft: Draft, now: Moment) -> list[Finding]:
    """What `duban check` says of the draft beside the documents in force, examples included; and, when it has no
    errors, those of other documents that would no longer load."""
    return remembered(draft.name, bytes(draft.data), now, "all", check_files)


def check_text(name: str, data: bytes, now: Moment) -> list[Finding]:
    """What is wrong with a text that takes the document's place, beside the other documents in force; its examples are
    not played, which takes longer than a pause in typing."""
    return remembered(name, data, now, "typing", _check_quickly)


def _check_quickly(files: Sequence[File], now: Moment) -> list[Finding]:
    texts, dates = policies.texts_in_force()
    return checking.check(files, now, [file for file in texts if file[0] != files[0][0]], examples=False, dates=dates)


def remembered(
    name: str, data: bytes, now: Moment, how: str, look: Callable[[Sequence[File], Moment], list[Finding]]
) -> list[Finding]:
    """What a look at the text finds, kept as long as neither it nor what is in force is another."""
    # Some depend on the date: a year without holidays.
    key = (policies.revision(), name, hashlib.sha256(data).hexdigest(), now // DAY, how)
    with _lock:
        if key in _kept:
            _kept.move_to_end(key)
            return list(_kept[key])
    found = look([(f"{name}.yaml", data)], now)
    with _lock:
        _kept[key] = tuple(found)
        while len(_kept) > MOST:
            _kept.popitem(last=False)
    return found


def check_files(files: Sequence[File], now: Moment) -> list[Finding]:
    """The same for several documents that would take effect together, each named `NAME.yaml`."""
    names = {name for name, _ in files}
    texts, dates = policies.texts_in_force()
    others = [file for file in texts if file[0] not in names]
    dates = {name: found for name, found in dates.items() if f"{name}.yaml" not in names}
    found = checking.check(files, now, others, dates=dates)
    return found if has_errors(found) else [*found, *_broken(files, others, dates)]


def _broken(files: Sequence[File], others: Sequence[File], dates: Mapping[str, Mapping[str, str]]) -> list[Finding]:
    """Errors in documents in force that come with the files; all of them when a file cannot be used because of one."""
    standing = policies.in_force()
    usable = {f"{name}.yaml" for name in standing.versions} - {finding.file for finding in standing.findings}
    loaded = library.load([*files, *others], dates)
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
