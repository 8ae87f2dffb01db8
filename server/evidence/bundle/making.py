"""Making a file of evidence: what lies in it is read in one state of the store, its hashes go into the trail as the
entry of the export, and once that is sealed and signed the proofs of all its entries are added.

So the file proves itself: whoever changes, removes or adds anything contradicts the sealed entry.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from server import audit, policies
from server.core.moments import Moment
from server.evidence.bundle import verify
from server.evidence.bundle.verify import canonical, sha256
from server.evidence.proving import place_of
from server.evidence.trail import described
from server.recording import UnknownIssue
from server.sealing import Sealer, Signer, blocks, checkpoints, merkle, ranges
from server.sealing.blocks import Block
from server.sealing.checkpoints import Checkpoint
from server.store import database, sql
from server.store.models import Event, Issue, Message, Version

__all__ = ["NoKey", "NotSealed", "UnknownIssue", "export"]

PATIENCE: Final = 10.0
"""Seconds in which the sealer of another process seals the entry of the export, which takes it one."""

_HERE: Final = Path(__file__).resolve().parent
_ENTRIES = 'SELECT "id", "kind", "body" FROM "audit_entry" WHERE "issue_id" = ? ORDER BY "id"'
# Steps of policies and drafts (`verify.STEPS`); there are few of them, and each kind has its index.
_STEPS = """
    SELECT "id", "kind", "body" FROM "audit_entry"
    WHERE "kind" IN ('draft.submitted', 'draft.approved', 'policy.stored', 'policy.activated') ORDER BY "id"
"""
_TEXT = 'SELECT "body" FROM "audit_entry" WHERE "id" = ?'


class NoKey(Exception):
    """There is no key to sign a checkpoint with."""


class NotSealed(Exception):
    """The entry of the export was not sealed in time: whoever seals is busy, or holds its lease and is gone."""


@dataclass(slots=True)
class _Content:
    """What lies in the file besides the proofs: its files, the entries by id, those about the versions that judged the
    issue, and the issue's row."""

    issue: int
    number: str
    files: dict[str, bytes] = field(default_factory=dict)
    entries: dict[int, str] = field(default_factory=dict)
    steps: dict[int, str] = field(default_factory=dict)


def export(number: str, now: Moment, signer: Signer | None, *, by: str | None = None, private: bool = False) -> bytes:
    """The file of evidence (zip) of an issue. `private`: with the values of private fields and their salts, for
    somebody who may read them; `by`: who takes it (None: whoever has the shell), which stands in the trail.

    Seals and signs what is not yet, so that the newest entries can be proved. Raises UnknownIssue, NoKey, NotSealed,
    Unavailable.
    """
    if signer is None:
        raise NoKey
    with database.snapshot():
        content = _content(number, private)
    said = {
        "number": number,
        "private": private,
        "entries": ranges.show(ranges.of(sorted(content.entries))),
        "policies": ranges.show(ranges.of(sorted(content.steps))),
        "files": {name: sha256(data) for name, data in content.files.items()},
    }
    with database.transaction():
        id_ = audit.record(verify.EXPORTED, now, said, by=by, issue=content.issue)
        content.entries[id_] = str(sql.run(_TEXT, id_).fetchone()[0])
    _seal(id_, now, signer)
    with database.snapshot():
        content.files.update(_proofs(content, signer))
    content.files["key.txt"] = f"{signer.verifier.show()}\n".encode()
    hashes = {name: sha256(data) for name, data in content.files.items()}
    manifest = {"format": verify.FORMAT, "issue": number, "export": id_, "files": hashes}
    content.files["manifest.json"] = f"{canonical(manifest)}\n".encode()
    return _zipped(content.files, now)


# -- what happened -------------------------------------------------------------------------------------------------


def _content(number: str, private: bool) -> _Content:
    row = Issue.get_or_none(Issue.number == number)
    if row is None:
        raise UnknownIssue(number)
    found = _Content(row.id, number)
    told = []
    for id_, kind, text in sql.run(_ENTRIES, row.id).fetchall():
        found.entries[id_] = text
        if verify.tells_of_event(kind):
            entry = _read(text)
            told.append((verify.order(entry["body"], id_), entry))
    bodies = [entry for _, entry in sorted(told, key=lambda pair: pair[0])]
    found.files["README.md"] = (_HERE / "README.md").read_bytes()
    found.files["verify.py"] = (_HERE / "verify.py").read_bytes()
    events = [verify.event_line(one["at"], one["kind"], one["by"], one["body"]) for one in bodies]
    found.files["events.jsonl"] = _lines(events)
    versions = list(_versions(row, [one["body"] for one in bodies]))
    found.files.update({one["file"]: data for one, data in versions})
    found.files["versions.jsonl"] = _lines([canonical(one) for one, _ in versions])
    found.steps = dict(_steps([one for one, _ in versions]))
    steps = [_read(text) for text in found.steps.values()]
    found.files["approvals.jsonl"] = _lines(
        [verify.step_line(one["at"], one["kind"], one["by"], one["body"]) for one in steps]
    )
    found.files["deliveries.jsonl"] = _lines([canonical(one) for one in _deliveries(row.id)])
    if private:
        found.files["private.jsonl"] = _lines([canonical(one) for one in _private(row, bodies)])
    return found


def _read(text: str) -> dict[str, Any]:
    """An entry as its text says; nothing of one that somebody has made unreadable, which the proofs will show."""
    try:
        found = json.loads(text)
        canonical([found["at"], found["kind"], found["by"], found["body"].items() and None])
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"at": 0, "kind": "issue.", "by": None, "body": {}}
    return dict(found)


def _lines(texts: Sequence[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def _versions(row: Any, bodies: Sequence[Mapping[str, Any]]) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The versions that judged the issue, as its entries name them; what its row says where they do not."""
    pins = [pin for body in bodies for pin in body.get("pins") or ()]
    kept = [row.pins["process"], row.pins["channels"], *row.pins["calendars"].values()] if row.pins else []
    chosen = Version.sha256.in_([pin["sha256"] for pin in pins]) if pins else Version.id.in_(kept)
    for version in Version.select().where(chosen).order_by(Version.kind, Version.name, Version.number):
        if pins and policies.hashes_of(version) not in pins:
            continue
        yield (
            {
                "file": f"versions/{version.kind}-{version.id}.yaml",
                "kind": version.kind,
                "name": version.name,
                "number": version.number,
                "sha256": version.sha256,
                "dates": version.dates,
                "origin": version.origin,
                "author": version.author,
                "approver": version.approver,
                "reason": version.reason,
                "created": version.created_at,
            },
            bytes(version.data),
        )


def _steps(versions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    """The entries that tell who proposed, approved and put in force the versions that judged the issue."""
    judged = {(one["name"], one["sha256"]) for one in versions}
    for id_, _, text in sql.run(_STEPS).fetchall():
        body = _read(text)["body"]
        if (body.get("name"), body.get("sha256")) in judged:
            yield id_, text


def _deliveries(issue: int) -> Iterator[dict[str, Any]]:
    """What became of each message about the issue; never its text, nor an address."""
    rows = list(Message.select().where(Message.issue == issue).order_by(Message.id))
    batches = {row.id: row for row in Message.select().where(Message.id.in_([row.batch_id for row in rows]))}
    seqs = {row.id: row.seq for row in Event.select(Event.id, Event.seq).where(Event.issue == issue)}
    for row in rows:
        batch = batches.get(row.batch_id)
        yield {
            "message": row.key,
            "event": seqs.get(row.event_id),
            "notice": row.notice,
            "step": row.step,
            "to": row.to,
            "recipient": row.recipient,
            "channel": row.channel,
            "state": row.state,
            "reason": row.reason,
            "at": row.at,
            "created": row.created_at,
            "attempts": row.attempts,
            "sent": row.sent_at,
            "batch": None if batch is None else {"message": batch.key, "state": batch.state, "sent": batch.sent_at},
        }


def _private(row: Any, bodies: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each private value with its salt and the digest that stands for it."""
    salts = audit.salts_of(row.id)
    there = {digest for one in bodies for digest in verify.digests(one["body"])}
    given = set()
    for event in Event.select(Event.body, Event.entries).where(Event.issue == row.id).order_by(Event.seq):
        body = json.loads(event.body)
        for name, value in _named([body["event"], json.loads(event.entries), {"answers": body["answers"]}], salts):
            digest = audit.digest(salts[name], value)
            if digest in there and digest not in given:
                given.add(digest)
                yield {"field": name, "salt": salts[name].hex(), "value": value, "digest": digest}


def _named(value: Any, names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Everything in JSON that stands under one of the names."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key in names:
                yield key, one
            yield from _named(one, names)
    elif isinstance(value, list):
        for one in value:
            yield from _named(one, names)


# -- proofs --------------------------------------------------------------------------------------------------------


def _seal(id_: int, now: Moment, signer: Signer) -> None:
    """See to it that the entry is sealed, and that a checkpoint covers it."""
    sealer, end = Sealer(), time.monotonic() + PATIENCE
    try:
        while (place := place_of(id_)) is None:
            if not sealer.work(now, signer) and place_of(id_) is None:
                if time.monotonic() > end:
                    raise NotSealed
                time.sleep(0.05)
    finally:
        sealer.end()
    with database.session():
        if not any(signer.verifier.accepts(one) for one in checkpoints.after(place - 1, 1000)):
            checkpoints.sign(blocks.newest(), signer, now)


def _proofs(content: _Content, signer: Signer) -> dict[str, bytes]:
    """The entries, each with its path, and the chain from their blocks to signed checkpoints."""
    entries = {**content.entries, **content.steps}
    places = sorted((place, id_) for id_ in entries if (place := place_of(id_)) is not None)
    headers: dict[int, Block] = {}
    notes: dict[int, Checkpoint] = {}
    lines, leaves, block, stated = [], [], None, None
    for place, id_ in places:
        if block is None or place > block.last:
            block = blocks.covering(place)
            if block is None:
                break
            ((_, joined),) = blocks.page(block.no, 1)
            leaves = [joined[start : start + merkle.SIZE] for start in range(0, len(joined), merkle.SIZE)]
        if stated is None or stated.size < place:
            stated = _checkpoint(place, signer)
            notes[stated.size] = stated
        if block.no not in headers:
            for one, _ in blocks.page(block.no, stated.block - block.no + 1):
                headers[one.no] = one
        index = place - block.first
        path = [one.hex() for one in merkle.path(leaves, index)] if index < len(leaves) else []
        line = {"id": id_, "place": place, "block": block.no, "index": index, "path": path}
        lines.append(canonical({**line, "text": entries[id_]}))
    return {
        "trail.jsonl": _lines(lines),
        "blocks.jsonl": _lines([canonical(described(headers[no])) for no in sorted(headers)]),
        "checkpoints.txt": "".join(notes[size].text for size in sorted(notes)).encode(),
    }


def _checkpoint(place: int, signer: Signer) -> Checkpoint:
    """The first checkpoint by this key that covers the place: those before were signed by a former one."""
    size = place - 1
    while found := checkpoints.after(size, 100):
        for one in found:
            if signer.verifier.accepts(one):
                return one
        size = found[-1].size
    raise NotSealed


def _zipped(files: Mapping[str, bytes], now: Moment) -> bytes:
    """The files, always in the same order and with the same dates: the same evidence gives the same bytes."""
    made = io.BytesIO()
    first = ("README.md", "verify.py", "manifest.json")
    at = time.gmtime(max(now // 1000, 315_532_800))[:6]  # zip knows no time before 1980
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in (*first, *sorted(set(files) - set(first))):
            one = zipfile.ZipInfo(name, at)
            one.compress_type, one.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(one, files[name])
    return made.getvalue()
