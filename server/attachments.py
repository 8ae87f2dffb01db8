"""Files of issues: attached by the built-in action `attach`, kept in the database in chunks, given out as downloads.

Who may attach is the policy's to say. A file may hold anything about the customer: where the process has private
fields, it is opened by those who see these, and by whoever attached it; that it is there, everybody sees who sees
the issue. It is erased with the private fields.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterator
from typing import Any, Final
from urllib.parse import quote

from server import acting
from server.acting import BadForm
from server.core.moments import Moment
from server.core.values import Problem
from server.directory import snapshot
from server.events import LIVE, Held, Recorded, Surroundings
from server.issues import sees_private
from server.store.models import Attachment, AttachmentChunk
from server.store.writing import insert_many

LARGEST: Final = 10 << 20
"""Bytes of a file."""

MOST: Final = 100
"""Files of one issue."""

LONGEST_NAME: Final = 200
CHUNK: Final = 256 * 1024
ACTION: Final = "attach"
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}", re.ASCII)
UNKNOWN_TYPE: Final = "application/octet-stream"


class UnknownAttachment(LookupError):
    """The issue has no such file."""


class NotShown(Exception):
    """The file may hold what this person may not see."""


def attach(
    number: str,
    name: str,
    media_type: str,
    data: bytes,
    by: str,
    now: Moment,
    if_seq: int | None = None,
    *,
    surroundings: Surroundings = LIVE,
) -> Recorded:
    """The person attaches a file, at most LARGEST bytes; its line says name, size and SHA-256. Raises what
    `acting.act` raises; BadForm, too, when the issue has MOST files."""
    known = clean(name)
    digest = hashlib.sha256(data).hexdigest()

    def store(issue: int) -> None:
        if Attachment.select().where(Attachment.issue == issue).count() >= MOST:
            raise BadForm(ACTION, [Problem("/file", "too-many", {"at": "/file", "count": MOST + 1, "limit": MOST})])
        row = Attachment.create(
            issue=issue,
            name=known,
            media_type=media_type.lower() if _MEDIA_TYPE.fullmatch(media_type.lower()) else UNKNOWN_TYPE,
            size=len(data),
            sha256=digest,
            by=by,
            at=now,
        )
        pieces = range(0, len(data), CHUNK)
        insert_many(
            AttachmentChunk,
            [{"attachment": row.id, "number": n, "data": data[at : at + CHUNK]} for n, at in enumerate(pieces)],
        )

    given = {"file": known, "size": len(data), "sha256": digest}
    return acting.act(number, ACTION, by, given, now, if_seq, surroundings=surroundings, also=store)


def clean(name: str) -> str:
    """The name of a file as it is kept: without folders, and without letters that cannot be seen or turn the others
    around; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(
        "_" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") else letter for letter in last
    )
    stripped = visible.strip(" .")
    if len(stripped) <= LONGEST_NAME:
        return stripped or "file"
    stem, dot, ending = stripped.rpartition(".")
    if not dot or len(ending) > 20:
        return stripped[:LONGEST_NAME]
    return stem[: LONGEST_NAME - len(ending) - 1] + dot + ending


def listed(issue: int) -> list[Any]:
    """The files of an issue, in the order in which they were attached."""
    return list(Attachment.select().where(Attachment.issue == issue).order_by(Attachment.id))


def opened(
    found: Held, attachment: int, login: str, permissions: Collection[str] | None = None
) -> tuple[Any, Iterator[bytes]]:
    """A file of the issue, and its bytes. `permissions`: what a token leaves of the person's. Raises
    UnknownAttachment, NotShown."""
    row = Attachment.get_or_none(Attachment.id == attachment, Attachment.issue == found.id)
    if row is None:
        raise UnknownAttachment(attachment)
    if not may_open(found, row, login, permissions):
        raise NotShown(attachment)
    return row, _pieces(row.id)


def may_open(found: Held, row: Any, login: str, permissions: Collection[str] | None = None) -> bool:
    """Whether the person may have the bytes of this file."""
    if not found.pinned.private or row.by == login:
        return True
    return sees_private(login, found.case, snapshot(), permissions)


def _pieces(attachment: int) -> Iterator[bytes]:
    of_this = AttachmentChunk.select().where(AttachmentChunk.attachment == attachment)
    for row in of_this.order_by(AttachmentChunk.number).iterator():
        yield bytes(row.data)


def erase(issue: int) -> int:
    """Within the caller's transaction: delete the files of an issue; give how many there were."""
    these = Attachment.select(Attachment.id).where(Attachment.issue == issue)
    AttachmentChunk.delete().where(AttachmentChunk.attachment.in_(these)).execute()
    return int(Attachment.delete().where(Attachment.issue == issue).execute())


def as_download(name: str) -> dict[str, str]:
    """Headers by which a browser saves a file, whatever is in it, and never shows it (RFC 6266)."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in name)
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
