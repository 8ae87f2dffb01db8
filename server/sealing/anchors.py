"""Anchors: places outside that keep checkpoints (DUBAN_ANCHORS). Whoever changes the database cannot change what they
have: a file that others may append to only, a webhook of a witness, a mailbox.

What each has been given stands in a row. A file gets every checkpoint; a webhook and a mailbox get the newest one. One
that fails is tried again with growing pauses.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from server import leases, policies
from server.channels import email, way_of, webhook
from server.channels.outgoing import Outcome, Outgoing, Recipient, Way
from server.core.moments import MINUTE, SECOND, Moment
from server.egress import Egress
from server.sealing import checkpoints
from server.sealing.checkpoints import Checkpoint, Verifier, described
from server.settings import Anchor, Settings
from server.store import database
from server.store.models import AuditAnchor

log = logging.getLogger("duban.anchors")

LEASE: Final = "anchor"
LENGTH: Final = 5 * MINUTE  # of the lease: longer than the slowest mail server holds us
LIMIT: Final = 1000  # checkpoints that a file is given at once
FIRST_PAUSE: Final = 10 * SECOND
LONGEST_PAUSE: Final = 10 * MINUTE
_TAIL: Final = 256 * 1024


class Failed(Exception):
    """An anchor that did not take a checkpoint; the text says why."""


class Anchoring:
    """Gives the anchors what they lack. One process does at a time."""

    def __init__(self, settings: Settings, holder: str | None = None) -> None:
        self.holder = holder or f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"
        self._settings = settings
        self._egress = Egress(settings.allow_nets)

    def work(self, now: Moment) -> int:
        """Give each anchor that is due the checkpoints that it lacks; how many took one. Without anchors, and without
        anything new, it costs a read. Raises Unavailable."""
        if not self._settings.anchors:
            return 0
        with database.session():
            newest = checkpoints.newest()
            due = [] if newest is None else [pair for pair in self._rows() if self._lacks(*pair, newest, now)]
        if newest is None or not due or leases.take(LEASE, self.holder, now, LENGTH) is None:
            return 0
        try:
            return sum(self._give(anchor, row, newest, now) for anchor, row in due)
        finally:
            leases.give_back(LEASE, self.holder)

    def _rows(self) -> list[tuple[Anchor, Any]]:
        known = {row.url: row for row in AuditAnchor.select()}
        return [(anchor, known.get(anchor.url) or AuditAnchor(url=anchor.url)) for anchor in self._settings.anchors]

    def _lacks(self, anchor: Anchor, row: Any, newest: Checkpoint, now: Moment) -> bool:
        # A time to wait that is longer than any we set was written by a clock that was wrong.
        waits = now < row.next_at <= now + max(LONGEST_PAUSE, anchor.every * SECOND)
        return newest.size != row.size and not waits

    def _give(self, anchor: Anchor, row: Any, newest: Checkpoint, now: Moment) -> bool:
        try:
            # A store that was put back to an older state begins anew with what comes next.
            size = self._send(anchor, min(row.size, newest.size), newest, now)
        except Failed as failure:
            if row.failed_at is None:
                log.warning("the anchor %s fails: %s", anchor.kind, failure)
            pause = min(FIRST_PAUSE << min(row.failures, 20), LONGEST_PAUSE)
            _keep(anchor, row.size, row.at, now + pause, row.failures + 1, row.failed_at or now, str(failure)[:300])
            return False
        if row.failed_at is not None:
            log.info("the anchor %s works again", anchor.kind)
        _keep(anchor, size, now, now + anchor.every * SECOND, 0, None, None)
        return True

    def _send(self, anchor: Anchor, size: int, newest: Checkpoint, now: Moment) -> int:
        """Give an anchor what it lacks; up to which size it has checkpoints then. Raises Failed."""
        if anchor.kind == "file":
            with database.session():
                lacking = checkpoints.after(size, LIMIT) or [newest]
            append(Path(anchor.target), lacking)
            return lacking[-1].size
        if anchor.kind == "webhook":
            way = Way("anchor", "webhook", anchor.target, self._settings.anchor_secret or "", trusted=True)
            _require(webhook.send(way, _message(newest, "witness", anchor.target), self._egress, now))
        else:
            _require(email.send(_mail_server(), _message(newest, anchor.target, anchor.target), self._egress, now))
        return newest.size


def _keep(
    anchor: Anchor,
    size: int,
    at: Moment | None,
    next_at: Moment,
    failures: int,
    failed_at: Moment | None,
    problem: str | None,
) -> None:
    row = {"size": size, "at": at, "next_at": next_at, "failures": failures, "failed_at": failed_at, "problem": problem}
    with database.transaction():
        AuditAnchor.insert(url=anchor.url, **row).on_conflict(
            conflict_target=[AuditAnchor.url], preserve=[AuditAnchor._meta.fields[name] for name in row]
        ).execute()


def append(path: Path, given: Sequence[Checkpoint]) -> None:
    """Append checkpoints to a file, on disk when this returns. Raises Failed."""
    # The line's end before each is for one whose writing was cut short.
    text = "".join("\n" + checkpoint.text for checkpoint in given).encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while text:
                text = text[os.write(descriptor, text) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Failed(error.strerror or str(error)) from error


def _message(checkpoint: Checkpoint, recipient: str, address: str) -> Outgoing:
    return Outgoing(
        id=f"{checkpoint.origin.replace('/', '-')}-{checkpoint.size}",
        to=(Recipient(recipient, address),),
        subject=f"{checkpoint.origin}: {checkpoint.size}",
        body=checkpoint.text,
        at=checkpoint.at,
        language="en",
        kind="audit.checkpoint",
        data=described(checkpoint),
    )


def _mail_server() -> Way:
    """The first mail channel that is set, of the documents in force."""
    for pinned in policies.in_force().processes.values():
        for channel in pinned.channels.channels.values():
            if channel.type == "email" and (way := way_of(channel)) is not None:
                return way
    raise Failed("no mail server is set (EMAIL_URL)")


def _require(outcomes: Iterable[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.state != "delivered":
            raise Failed(f"{outcome.state}: {outcome.detail}")


# -- what the anchors say -------------------------------------------------------------------------------------------


def newest_in(path: Path, keys: Sequence[Verifier]) -> Checkpoint | None:
    """The checkpoint with the most entries in a file that one of the keys accepts; None: there is none, or no file.
    Raises OSError."""
    try:
        with path.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - _TAIL, 0))
            return _newest_of(file.read(), keys) or _newest_of(path.read_bytes(), keys)
    except FileNotFoundError:
        return None


def _newest_of(data: bytes, keys: Sequence[Verifier]) -> Checkpoint | None:
    found = sorted(checkpoints.read(data.decode("utf-8", "replace")), key=lambda one: -one.size)
    return next((one for one in found if checkpoints.signed_by(keys, one)), None)


def newest_anchored(settings: Settings, keys: Sequence[Verifier]) -> Checkpoint | None:
    """The newest checkpoint of this server in the file anchors; None: there is none. Raises OSError."""
    found = [newest_in(Path(anchor.target), keys) for anchor in settings.anchors if anchor.kind == "file"]
    return max((one for one in found if one is not None), key=lambda one: one.size, default=None)
