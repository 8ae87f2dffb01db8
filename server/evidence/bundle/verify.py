#!/usr/bin/env python3
"""Checks a file of evidence about one issue, away from the server that made it.

    python3 verify.py FILE.zip [--key KEY] [--json]

Plain Python 3.9 or newer, its standard library only. FILE may also be the folder into which the file was unpacked;
left out, it is the folder in which this script lies. KEY is the public key that you were given by another way
(`duban audit key` prints it); without it the one in the file is used, which proves nothing about who made the file.

Ends with 0: everything is as it was sealed; 1: something was changed, and is named; 2: the file cannot be read.

检查一份关于单个问题的证据文件，无需生成它的服务器。只用 Python 3.9 以上的标准库。
结束码：0 一切如封存时；1 有改动，并指明何处；2 文件无法读取。
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FORMAT = "duban-evidence/1"
MOST = 512 * 1024 * 1024  # bytes of all files together
# Entries about the versions that judged the issue: who proposed, approved and put them in force.
STEPS = ("draft.submitted", "draft.approved", "policy.stored", "policy.activated")
PROVEN = ("manifest.json", "key.txt", "checkpoints.txt", "blocks.jsonl", "trail.jsonl")
"""Files that prove themselves; the hashes of all others stand in the sealed entry of the export."""

EXPORTED = "evidence.exported"
PROPOSED = "proposed"
"""The origin of versions that somebody proposed and others approved; those of a release come with it."""

NO_EVENT = ("issue.refused", "issue.set-apart", "issue.taken-up-again", "issue.not-opened")
"""Kinds of entries about an issue that tell of no event."""

OUTCOMES = {
    "sent": "sent",
    "dead": "dead",
    "unsent": "unsent",
    "confirmed": "confirmed",
    "resent": None,
    "cancelled": "cancelled",
}
"""The state that a message has after the last entry of the trail about it; None: it is on its way again."""

TEXTS = {
    "no-file": ("{name} 无法读取：{why}", "{name} cannot be read: {why}"),
    "no-bundle": ("{name} 不是证据文件：{why}", "{name} is no file of evidence: {why}"),
    "bad-key": ("“{key}”不是公钥", "'{key}' is no public key"),
    "file-changed": ("{file} 被改动", "{file} was changed"),
    "file-missing": ("{file} 被删除", "{file} was removed"),
    "file-added": ("{file} 是添加的", "{file} was added"),
    "line-unreadable": ("{file} 第 {line} 行无法读取", "{file}, line {line} cannot be read"),
    "checkpoint-forged": (
        "{size} 条处的检查点签名无效，或由其他密钥签署",
        "the checkpoint at {size} entries is not signed by this key",
    ),
    "key-differs": ("key.txt 不是所给的公钥", "key.txt is not the key that was given"),
    "block-changed": ("区块 {block} 被改动", "block {block} was changed"),
    "chain-broken": ("区块 {block} 没有连到已签名的检查点", "block {block} is not chained to a signed checkpoint"),
    "entry-changed": (
        "第 {place} 条（编号 {entry}）被改动，或证明不是它的",
        "entry {place} (id {entry}) was changed, or its proof is another's",
    ),
    "entry-missing": ("编号 {entry} 的记录被删除", "the entry with id {entry} was removed"),
    "entry-added": ("编号 {entry} 的记录不属于这份证据", "the entry with id {entry} does not belong here"),
    "export-missing": ("没有这次导出的记录", "the entry of this export is missing"),
    "event-missing": ("第 {seq} 个事件没有记录", "event {seq} has no entry"),
    "event-changed": (
        "events.jsonl：第 {seq} 个事件与封存的记录不符",
        "events.jsonl: event {seq} is not as its entry says",
    ),
    "version-missing": (
        "判定所用的 {kind} {name} 的版本（{sha256}）不在文件中",
        "the version of {kind} {name} that judged it ({sha256}) is missing",
    ),
    "version-changed": ("{file} 不是它所称的版本", "{file} is not the version that it is said to be"),
    "version-unapproved": (
        "{name} 的第 {version} 版未经他人批准（需 {needed} 人，记录中有 {given} 人）",
        "version {version} of {name} came without the approval of others ({needed} needed, {given} in the trail)",
    ),
    "version-added": ("{file} 没有用于判定", "{file} did not judge this issue"),
    "delivery-differs": (
        "消息 {message}：状态“{state}”与记录“{entry}”不符",
        "message {message}: its state '{state}' is not what the trail says ({entry})",
    ),
    "delivery-missing": ("消息 {message} 有记录而不在文件中", "message {message} is in the trail and not in the file"),
    "private-differs": (
        "私密字段 {field} 的值与摘要不符",
        "the value of the private field {field} is not that of its digest",
    ),
    "own-key": (
        "所用的公钥取自文件本身；请与另行得到的公钥比较（--key）：{key}",
        "The key was taken from the file itself; compare it with the one that you were given (--key): {key}",
    ),
    "versions-not-sealed": (
        "记录没有写明判定所用的版本：文件中的版本取自数据库",
        "The entries do not name the versions that judged the issue; those in the file are what the database said.",
    ),
    "erased": (
        "私密字段已按规定删除，摘要不再有意义",
        "Private fields were erased as the policy says; their digests mean nothing any more.",
    ),
    "sound": (
        "完好：问题 {issue}，{events} 个事件，{entries} 条记录，{versions} 个版本，{messages} 条消息",
        "Sound: issue {issue}, {events} events, {entries} entries, {versions} versions, {messages} messages.",
    ),
    "tampered": ("问题 {issue}：有 {count} 处不符", "Issue {issue}: {count} things are not as they were sealed."),
}


class Unreadable(Exception):
    """What is no file of evidence, or cannot be read at all."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Broken(Exception):
    """A line that is not as such lines are."""


class Finding(NamedTuple):
    """Something that is not as it was sealed."""

    code: str
    params: dict[str, Any]


class Report:
    """What checking gives. `notes` are no findings: what somebody who reads the file should know."""

    def __init__(self) -> None:
        self.issue = ""
        self.findings: list[Finding] = []
        self.notes: list[Finding] = []
        self.counts = {"events": 0, "entries": 0, "versions": 0, "messages": 0, "approvals": 0}
        self.keys: list[str] = []

    @property
    def sound(self) -> bool:
        """Whether everything is as it was sealed."""
        return not self.findings

    def find(self, code: str, **params: Any) -> None:
        """Take down a finding, once."""
        found = Finding(code, params)
        if found not in self.findings:
            self.findings.append(found)

    def note(self, code: str, **params: Any) -> None:
        """Take down something to know."""
        self.notes.append(Finding(code, params))

    def as_dict(self, language: str) -> dict[str, Any]:
        """The report as JSON."""

        def listed(some: Sequence[Finding]) -> list[dict[str, Any]]:
            return [{"code": one.code, **one.params, "message": text(one, language)} for one in some]

        found = listed(self.findings)
        return {
            "ok": self.sound,
            "issue": self.issue,
            **self.counts,
            "keys": self.keys,
            "first": found[0] if found else None,
            "findings": found,
            "notes": listed(self.notes),
        }


def text(one: Finding, language: str) -> str:
    """A finding in words: `zh` or `en`."""
    return TEXTS[one.code][0 if language == "zh" else 1].format(**one.params)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value always gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(data: bytes) -> str:
    """The SHA-256 of these bytes, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


# -- reading -------------------------------------------------------------------------------------------------------


def read(path: str) -> dict[str, bytes]:
    """The files of a file of evidence, or of the folder into which it was unpacked. Raises Unreadable."""
    try:
        if Path(path).is_dir():
            return _folder(Path(path))
        with zipfile.ZipFile(path) as archive:
            return _archive(archive, path)
    except (OSError, ValueError, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unreadable("no-file", name=path, why=getattr(error, "strerror", None) or str(error)) from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, struct.error) as error:
        raise Unreadable("no-bundle", name=path, why=str(error)) from error


def _archive(archive: zipfile.ZipFile, path: str) -> dict[str, bytes]:
    entries = archive.infolist()
    if sum(one.file_size for one in entries) > MOST:
        raise Unreadable("no-bundle", name=path, why="too large")
    if len({one.filename for one in entries}) != len(entries):
        raise Unreadable("no-bundle", name=path, why="a name stands in it twice")
    return {one.filename: archive.read(one) for one in entries}


def _folder(path: Path) -> dict[str, bytes]:
    names = [one for one in sorted(path.rglob("*")) if one.is_file() and "__pycache__" not in one.parts]
    return {one.relative_to(path).as_posix(): one.read_bytes() for one in names}


class _Files:
    """The files, read line by line; what cannot be read is a finding."""

    def __init__(self, files: dict[str, bytes], report: Report) -> None:
        self.files = files
        self.report = report

    def lines(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each line of a file of JSON lines, with its number."""
        *found, rest = self.files.get(name, b"").split(b"\n")
        if rest:
            self.report.find("file-changed", file=name)
        for number, line in enumerate(found, 1):
            try:
                value = json.loads(line.decode("utf-8"))
                if not isinstance(value, dict) or canonical(value).encode("utf-8") != line:
                    raise Broken
            except (ValueError, RecursionError, Broken):
                self.report.find("line-unreadable", file=name, line=number)
            else:
                yield number, value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise Broken
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Broken
    return value


def _hash(value: Any) -> bytes:
    if not isinstance(value, str) or not re.fullmatch("[0-9a-f]{64}", value):
        raise Broken
    return bytes.fromhex(value)


# -- signatures: Ed25519, RFC 8032 ---------------------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def _x_of(y: int, sign: int) -> int | None:
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P:
        return None
    return _P - x if (x & 1) != sign else x


def _point(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _x_of(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(one: _Point, other: _Point) -> _Point:
    a = (one[1] - one[0]) * (other[1] - other[0]) % _P
    b = (one[1] + one[0]) * (other[1] + other[0]) % _P
    c = 2 * one[3] * other[3] * _D % _P
    d = 2 * one[2] * other[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(count: int, point: _Point) -> _Point:
    found: _Point = (0, 1, 1, 0)
    while count:
        if count & 1:
            found = _add(found, point)
        point = _add(point, point)
        count >>= 1
    return found


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _x_of(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature (64 bytes) of the message is by the owner of this public key (32 bytes)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, start, scalar = _point(public), _point(signature[:32]), int.from_bytes(signature[32:], "little")
    if key is None or start is None or scalar >= _L:
        return False
    digest = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(scalar, _BASE), _add(start, _times(digest, key))
    return not (left[0] * right[2] - right[0] * left[2]) % _P and not (left[1] * right[2] - right[1] * left[2]) % _P


class Key(NamedTuple):
    """A public key; `shown` is its text, NAME+NUMBER+KEY."""

    name: str
    number: bytes
    public: bytes
    shown: str


def read_key(shown: str) -> Key:
    """The public key that a text stands for. Raises Unreadable."""
    parts = shown.strip().split("+", 2)
    try:
        data = base64.b64decode(parts[2], validate=True)
        name, number = parts[0], hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4]
        if len(data) != 33 or data[:1] != b"\x01" or number.hex() != parts[1]:
            raise ValueError(shown)
    except (ValueError, IndexError, binascii.Error) as error:
        raise Unreadable("bad-key", key=shown.strip()[:200]) from error
    return Key(name, number, data[1:], shown.strip())


_NOTE = re.compile(
    r"(?P<signed>(?P<origin>[^\s+]{1,200})\n(?P<size>[1-9]\d{0,17})\n(?P<hash>[A-Za-z0-9+/]{43}=)\n"
    r"block (?P<block>[1-9]\d{0,17})\ntime \S{1,40}\n)\n(?P<signatures>(?:— [^\s+]+ [A-Za-z0-9+/]{88,}={0,2}\n)+)",
    re.ASCII,
)


def _is_by(note: Any, key: Key) -> bool:
    for line in note["signatures"].splitlines():
        _, name, value = line.split(" ")
        try:
            data = base64.b64decode(value, validate=True)
        except (ValueError, binascii.Error):
            continue
        ours = name == key.name == note["origin"] and data[:4] == key.number
        if ours and is_signed(key.public, note["signed"].encode("utf-8"), data[4:]):
            return True
    return False


# -- the trail -----------------------------------------------------------------------------------------------------


class Block(NamedTuple):
    """A block: entries of the trail that were sealed together, bound to the block before."""

    no: int
    at: int
    first: int
    size: int
    entries: str
    root: bytes
    prev: bytes
    hash: bytes


def _block(value: dict[str, Any]) -> Block:
    numbers = [_number(value.get(name)) for name in ("number", "at", "first", "size")]
    hashes = [_hash(value.get(name)) for name in ("root", "prev", "hash")]
    no, at, first, size = numbers
    root, prev, own = hashes
    return Block(no, at, first, size, _text(value.get("entries")), root, prev, own)


def _hash_of(block: Block) -> bytes:
    head = struct.pack(">Qqqq", block.no, block.at, block.first, block.size)
    return hashlib.sha256(b"\x02" + head + block.root + block.prev + block.entries.encode("utf-8")).digest()


def _ids(ranges: str) -> Iterator[int]:
    """The ids that a text like `1-200,203` stands for."""
    last = 0
    for part in ranges.split(",") if ranges else ():
        if not re.fullmatch(r"\d{1,18}(-\d{1,18})?", part, re.ASCII):
            raise Broken
        first, _, end = part.partition("-")
        if int(first) <= last or int(end or first) < int(first) or int(end or first) - int(first) > 10_000_000:
            raise Broken
        last = int(end or first)
        yield from range(int(first), last + 1)


def _root_from(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that a leaf has by its path (RFC 6962, section 2.1.1)."""
    rest, found, last = list(path), leaf, size - 1
    while last:
        if index & 1 or index < last:
            if not rest:
                raise Broken
            beside = rest.pop(0)
            pair = beside + found if index & 1 else found + beside
            found = hashlib.sha256(b"\x01" + pair).digest()
        index >>= 1
        last >>= 1
    if rest:
        raise Broken
    return found


class Entry(NamedTuple):
    """An entry of the trail, as its sealed text says."""

    id: int
    place: int
    at: int
    kind: str
    by: str | None
    issue: int | None
    body: dict[str, Any]


def tells_of_event(kind: str) -> bool:
    """Whether entries of this kind tell of an event of an issue."""
    return kind.startswith("issue.") and kind not in NO_EVENT


def order(body: dict[str, Any], id_: int) -> tuple[int, int]:
    """Events by their number within the issue."""
    seq = body.get("seq")
    return (seq if isinstance(seq, int) else 0, id_)


def event_line(at: int, kind: str, by: str | None, body: dict[str, Any]) -> str:
    """The line of events.jsonl that such an entry gives."""
    said = {name: body[name] for name in ("seq", "now", "event", "asked", "entries", "pins") if name in body}
    return canonical({"kind": kind[len("issue.") :], "by": by, "recorded": at, **said})


def step_line(at: int, kind: str, by: str | None, body: dict[str, Any]) -> str:
    """The line of approvals.jsonl that an entry about a version gives."""
    return canonical({"kind": kind, "by": by, "recorded": at, **body})


# -- checking ------------------------------------------------------------------------------------------------------


def check(files: dict[str, bytes], keys: Sequence[str] = ()) -> Report:
    """Check everything. `keys`: public keys that are trusted; none: those in the file. Raises Unreadable."""
    report = Report()
    manifest = _manifest(files)
    report.issue = manifest["issue"]
    reader = _Files(files, report)
    _check_files(files, manifest["files"], report)
    known = _keys(files, keys, report)
    stated = _checkpoints(files, known, report)
    blocks = _blocks(reader, stated, report)
    entries = _entries(reader, blocks, report)
    export = next((one for one in entries if one.id == manifest["export"] and one.kind == EXPORTED), None)
    if export is None or export.body.get("number") != report.issue:
        report.find("export-missing")
    else:
        _check_export(export, entries, files, report)
    events = sorted((one for one in entries if tells_of_event(one.kind)), key=lambda one: order(one.body, one.id))
    _check_events(files, events, report)
    _check_versions(reader, events, report)
    _check_steps(files, entries, report)
    _check_deliveries(reader, entries, report)
    _check_private(reader, events, report)
    report.counts["entries"] = len(entries)
    report.counts["events"] = len(events)
    if any(one.kind == "issue.erased" for one in entries):
        report.note("erased")
    return report


def _manifest(files: dict[str, bytes]) -> dict[str, Any]:
    def no(why: str) -> Unreadable:
        return Unreadable("no-bundle", name="manifest.json", why=why)

    if "manifest.json" not in files:
        raise no("it is missing")
    try:
        found = json.loads(files["manifest.json"].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise no(str(error)) from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise no("another format than " + FORMAT)
    named = found.get("files")
    if not isinstance(named, dict) or not all(isinstance(one, str) for one in named.values()):
        raise no("files")
    if not isinstance(found.get("issue"), str) or not isinstance(found.get("export"), int):
        raise no("issue, export")
    return found


def _check_files(files: dict[str, bytes], named: dict[str, str], report: Report) -> None:
    try:
        manifest = json.loads(files["manifest.json"].decode("utf-8"))
        expected = (
            canonical({name: manifest[name] for name in ("export", "files", "format", "issue")}) + "\n"
        ).encode()
    except ValueError:
        expected = b""
    if files["manifest.json"] != expected:
        report.find("file-changed", file="manifest.json")
    for name in sorted(named):
        if name not in files:
            report.find("file-missing", file=name)
        elif sha256(files[name]) != named[name]:
            report.find("file-changed", file=name)
    for name in sorted(set(files) - set(named) - {"manifest.json"}):
        report.find("file-added", file=name)
    for name in PROVEN[1:]:
        if name not in files:
            report.find("file-missing", file=name)


def _keys(files: dict[str, bytes], given: Sequence[str], report: Report) -> list[Key]:
    found, inside = [read_key(one) for one in given], []
    written = files.get("key.txt", b"").decode("utf-8", "replace")
    for line in written.splitlines():
        try:
            inside.append(read_key(line))
        except Unreadable:
            report.find("file-changed", file="key.txt")
    if written != "".join(one.shown + "\n" for one in inside):
        report.find("file-changed", file="key.txt")
    if not given:
        found = inside
        for one in found:
            report.note("own-key", key=one.shown)
    elif any(one not in found for one in inside):
        report.find("key-differs")
    report.keys = [one.shown for one in found]
    return found


def _checkpoints(
    files: dict[str, bytes],
    keys: Sequence[Key],
    report: Report,
) -> dict[int, tuple[int, bytes]]:
    """By the number of the block: how many entries the trail had, and its hash, as signed."""
    written = files.get("checkpoints.txt", b"").decode("utf-8", "replace")
    stated, end = {}, 0
    for note in _NOTE.finditer(written):
        if note.start() != end:
            report.find("file-changed", file="checkpoints.txt")
        end = note.end()
        if any(_is_by(note, key) for key in keys):
            stated[int(note["block"])] = (int(note["size"]), base64.b64decode(note["hash"]))
        else:
            report.find("checkpoint-forged", size=int(note["size"]))
    if end != len(written):
        report.find("file-changed", file="checkpoints.txt")
    return stated


def _blocks(
    reader: _Files,
    stated: dict[int, tuple[int, bytes]],
    report: Report,
) -> dict[int, Block]:
    """The blocks that are chained to a signed checkpoint, by number."""
    found: dict[int, Block] = {}
    for line, value in reader.lines("blocks.jsonl"):
        try:
            block = _block(value)
            if _hash_of(block) != block.hash or block.no in found:
                report.find("block-changed", block=block.no)
            else:
                found[block.no] = block
        except (Broken, struct.error):
            report.find("line-unreadable", file="blocks.jsonl", line=line)
    good: dict[int, Block] = {}
    for no in sorted(found, reverse=True):
        block, after = found[no], good.get(no + 1)
        follows = after is not None and after.prev == block.hash and after.first == block.first + block.size
        if follows or stated.get(no) == (block.first + block.size - 1, block.hash):
            good[no] = block
        else:
            report.find("chain-broken", block=no)
    return good


def _entries(reader: _Files, blocks: dict[int, Block], report: Report) -> list[Entry]:
    """The entries whose proofs hold, in their order."""
    found: dict[int, Entry] = {}
    for line, value in reader.lines("trail.jsonl"):
        try:
            id_, place, index = (_number(value.get(name)) for name in ("id", "place", "index"))
            block = blocks.get(_number(value.get("block")))
            path = [_hash(one) for one in value.get("path") or ()]
            written = _text(value.get("text"))
            entry = _entry(id_, place, json.loads(written))
        except (Broken, ValueError, TypeError, RecursionError):
            report.find("line-unreadable", file="trail.jsonl", line=line)
            continue
        if id_ in found:
            report.find("entry-added", entry=id_)
        elif block is None or not _is_in(block, id_, place, index, path, written):
            report.find("entry-changed", place=place, entry=id_)
        else:
            found[id_] = entry
    return sorted(found.values(), key=lambda one: one.place)


def _entry(id_: int, place: int, value: Any) -> Entry:
    if not isinstance(value, dict) or not isinstance(value.get("body"), dict):
        raise Broken
    return Entry(
        id_,
        place,
        _number(value.get("at")),
        _text(value.get("kind")),
        value.get("by"),
        value.get("issue"),
        value["body"],
    )


def _is_in(block: Block, id_: int, place: int, index: int, path: Sequence[bytes], written: str) -> bool:
    """Whether the block seals this text, under this id, at this place."""
    if not 0 <= index < block.size or place != block.first + index:
        return False
    try:
        for at, one in enumerate(_ids(block.entries)):
            if at == index:
                if one != id_:
                    return False
                break
        else:
            return False
        leaf = hashlib.sha256(b"\x00" + written.encode("utf-8")).digest()
        return _root_from(leaf, index, block.size, path) == block.root
    except Broken:
        return False


def _check_export(export: Entry, entries: Sequence[Entry], files: dict[str, bytes], report: Report) -> None:
    """What the sealed entry of the export says lies in the file: which entries, and which files with which hashes."""
    try:
        own = set(_ids(_text(export.body.get("entries"))))
        others = set(_ids(_text(export.body.get("policies"))))
    except Broken:
        report.find("export-missing")
        return
    for entry in entries:
        belongs = entry.id in own and entry.issue == export.issue
        if entry.id != export.id and not belongs and not (entry.id in others and entry.kind in STEPS):
            report.find("entry-added", entry=entry.id)
    there = {entry.id for entry in entries} | {one.params.get("entry") for one in report.findings}
    for id_ in sorted((own | others) - there):
        report.find("entry-missing", entry=id_)
    named = export.body.get("files")
    for name, digest in sorted(named.items() if isinstance(named, dict) else ()):
        if name not in files:
            report.find("file-missing", file=name)
        elif sha256(files[name]) != digest:
            report.find("file-changed", file=name)
    for name in sorted(set(files) - set(named or ()) - set(PROVEN)):
        report.find("file-added", file=name)


def _check_events(files: dict[str, bytes], events: Sequence[Entry], report: Report) -> None:
    """Each event has its entry, and events.jsonl says what the entries say."""
    seqs = [one.body.get("seq") for one in events]
    last = max((one for one in seqs if isinstance(one, int)), default=0)
    for seq in range(1, min(last, 1_000_000) + 1):
        if seqs.count(seq) != 1:
            report.find("event-missing", seq=seq)
    lines = files.get("events.jsonl", b"").decode("utf-8", "replace").split("\n")
    for at, one in enumerate(events):
        if at >= len(lines) or lines[at] != event_line(one.at, one.kind, one.by, one.body):
            report.find("event-changed", seq=one.body.get("seq"))
    if len(lines) != len(events) + 1 or lines[-1]:
        report.find("file-changed", file="events.jsonl")


def _check_versions(reader: _Files, events: Sequence[Entry], report: Report) -> None:
    """The versions that judged the issue are there, as written."""
    there: dict[str, str] = {}
    for line, value in reader.lines("versions.jsonl"):
        report.counts["versions"] += 1
        try:
            name, kind = _text(value.get("file")), _text(value.get("kind"))
            pin = _pin(kind, value.get("name"), value.get("sha256"), _dates(kind, value.get("dates")))
        except Broken:
            report.find("line-unreadable", file="versions.jsonl", line=line)
            continue
        there[pin] = name
        if name not in reader.files:
            report.find("file-missing", file=name)
        elif sha256(reader.files[name]) != value.get("sha256"):
            report.find("version-changed", file=name)
    named = {}
    for one in events:
        pins = one.body.get("pins")
        for each in pins if isinstance(pins, list) else ():
            if isinstance(each, dict):
                named[_pin(each.get("kind"), each.get("name"), each.get("sha256"), each.get("dates"))] = each
    for pin, each in named.items():
        if pin not in there:
            report.find("version-missing", kind=each.get("kind"), name=each.get("name"), sha256=each.get("sha256"))
    for pin, name in there.items():
        if named and pin not in named:
            report.find("version-added", file=name)
    if not named:
        report.note("versions-not-sealed")


def _check_steps(files: dict[str, bytes], entries: Sequence[Entry], report: Report) -> None:
    """approvals.jsonl says what the entries about the versions say. Files of former releases have none of them."""
    steps = [step_line(one.at, one.kind, one.by, one.body) for one in entries if one.kind in STEPS]
    report.counts["approvals"] = sum(1 for one in entries if one.kind == "draft.approved")
    if steps or "approvals.jsonl" in files:
        told = files.get("approvals.jsonl", b"").decode("utf-8", "replace").split("\n")
        if sorted(told) != sorted([*steps, ""]):
            report.find("file-changed", file="approvals.jsonl")
    approved = [one for one in entries if one.kind == "draft.approved"]
    for stored in entries:
        if stored.kind == "policy.stored" and stored.body.get("origin") == PROPOSED:
            _check_approved(stored, [one for one in approved if _approves(one, stored)], report)


def _approves(approval: Entry, stored: Entry) -> bool:
    """Whether an approval was of exactly that text, before it was stored."""
    return approval.id < stored.id and all(approval.body.get(key) == stored.body.get(key) for key in ("name", "sha256"))


def _check_approved(stored: Entry, approvals: Sequence[Entry], report: Report) -> None:
    """A version that somebody proposed was approved by as many others as were needed then."""
    others = {one.by for one in approvals} - {stored.by, None}
    needed = max([1, *(of for one in approvals if isinstance(of := one.body.get("of"), int))])
    if len(others) < needed:
        said = {"name": stored.body.get("name"), "version": stored.body.get("version")}
        report.find("version-unapproved", **said, needed=needed, given=len(others))


def _dates(kind: str, dates: Any) -> str | None:
    """The digest of the holiday dates with which a calendar was compiled."""
    return sha256(canonical(dates).encode("utf-8")) if kind == "calendar" else None


def _pin(kind: Any, name: Any, digest: Any, dates: Any) -> str:
    return canonical([kind, name, digest, dates])


def _check_deliveries(reader: _Files, entries: Sequence[Entry], report: Report) -> None:
    """What became of messages is what the trail says last of each."""
    there = {}
    for _, value in reader.lines("deliveries.jsonl"):
        report.counts["messages"] += 1
        there[value.get("message")] = value.get("state")
    said = {}
    for one in entries:
        kind = one.kind[len("message.") :] if one.kind.startswith("message.") else ""
        if kind in OUTCOMES and isinstance(one.body.get("message"), str):
            said[one.body["message"]] = kind
    for message, kind in said.items():
        if message not in there:
            report.find("delivery-missing", message=message)
        elif OUTCOMES[kind] not in (None, there[message]):
            report.find("delivery-differs", message=message, state=there[message], entry=kind)


def _check_private(reader: _Files, events: Sequence[Entry], report: Report) -> None:
    """Private values that were given along are those of the digests in the entries."""
    known = {digest for one in events for digest in digests(one.body)}
    for line, value in reader.lines("private.jsonl"):
        try:
            salt = bytes.fromhex(_text(value.get("salt")))
            digest = "sha256:" + sha256(salt + canonical(value["value"]).encode("utf-8"))
        except (Broken, ValueError, KeyError):
            report.find("line-unreadable", file="private.jsonl", line=line)
            continue
        if digest != value.get("digest") or digest not in known:
            report.find("private-differs", field=value.get("field"))


def digests(value: Any) -> Iterator[str]:
    """The digests that stand for private values."""
    if isinstance(value, dict):
        if set(value) == {"digest"} and isinstance(value["digest"], str):
            yield value["digest"]
        for one in value.values():
            yield from digests(one)
    elif isinstance(value, list):
        for one in value:
            yield from digests(one)


# -- the command ---------------------------------------------------------------------------------------------------


def main(words: Sequence[str]) -> int:
    """Check what the words of the command name; gives the code to end with."""
    chosen = next((os.environ[name] for name in ("DUBAN_LANGUAGE", "LC_ALL", "LANG") if os.environ.get(name)), "en")
    language = "zh" if chosen.lower().startswith("zh") else "en"
    names, keys, as_json = [], [], False
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--json":
            as_json = True
        elif word == "--key" and rest:
            keys.append(rest.pop(0))
        elif word.startswith("-"):
            sys.stderr.write((__doc__ or "") + "\n")
            return 2
        else:
            names.append(word)
    here = str(Path(__file__).resolve().parent)
    try:
        if len(names) > 1:
            raise Unreadable("no-file", name=names[1], why="one file at a time")
        report = check(read(names[0] if names else here), keys)
    except Unreadable as error:
        sys.stderr.write(text(Finding(error.code, error.params), language) + "\n")
        return 2
    if as_json:
        sys.stdout.write(json.dumps(report.as_dict(language), ensure_ascii=False) + "\n")
        return 0 if report.sound else 1
    for one in report.findings:
        sys.stdout.write(text(one, language) + "\n")
    for one in report.notes:
        sys.stderr.write(text(one, language) + "\n")
    sys.stderr.write(summary(report, language) + "\n")
    return 0 if report.sound else 1


def summary(report: Report, language: str) -> str:
    """The report in one sentence."""
    counts = {"issue": report.issue, "count": len(report.findings), **report.counts}
    return text(Finding("sound" if report.sound else "tampered", counts), language)


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.exit(main(sys.argv[1:]))
