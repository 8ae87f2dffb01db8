"""Checkpoints: signed statements of how long the audit trail was and which hash it had, for keeping elsewhere.

A checkpoint is a signed note (C2SP signed-note and tlog-checkpoint, c2sp.org): origin, number of entries, base64 of the
last block's hash, then two lines of our own, an empty line, and the Ed25519 signature. The origin follows from the key,
so nobody who can write to the database can give the trail another one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.core.moments import SECOND, BadTime, Moment, OutOfRange, parse, show
from server.sealing.blocks import Block
from server.store import database, sql
from server.store.models import AuditCheckpoint

EVERY: Final = 50 * SECOND
"""A checkpoint is made when the last one is so old and something new is sealed."""

_ED25519: Final = b"\x01"  # the algorithm's number in signed notes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The trail had `size` entries, the last block was number `block` and had this hash. `text` is the signed note."""

    origin: str
    size: int
    hash: bytes
    block: int
    at: Moment
    text: str


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key, by which checkpoints are checked."""

    name: str
    public: bytes

    @property
    def number(self) -> bytes:
        """Four bytes by which a signature says whose it is."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def show(self) -> str:
        """The key as text: `NAME+NUMBER+KEY`, as tools for signed notes write it."""
        return f"{self.name}+{self.number.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def accepts(self, checkpoint: Checkpoint) -> bool:
        """Whether the checkpoint is of this origin and one of its signatures is by this key."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        signed, _, signatures = checkpoint.text.rpartition("\n\n")
        for line in signatures.splitlines():
            _, name, value = line.split(" ", 2)
            try:
                given = base64.b64decode(value, validate=True)
                if name != self.name or checkpoint.origin != self.name or given[:4] != self.number:
                    continue
                Ed25519PublicKey.from_public_bytes(self.public).verify(given[4:], (signed + "\n").encode())
            except (InvalidSignature, binascii.Error):
                continue
            return True
        return False


class Signer:
    """The server's key (DUBAN_SIGNING_KEY): 32 bytes, the seed of an Ed25519 key."""

    def __init__(self, seed: bytes) -> None:
        # Loaded here: most processes never sign, and it is 12 MB.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self.verifier = Verifier("duban/" + hashlib.sha256(public).hexdigest()[:16], public)

    def note(self, text: str) -> str:
        """The text, which ends with a line's end, as a signed note."""
        value = base64.b64encode(self.verifier.number + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.verifier.name} {value}\n"


class BadKey(ValueError):
    """A text that is no public key as `Verifier.show` writes it."""


def read_key(text: str) -> Verifier:
    """The public key that a text stands for. Raises BadKey."""
    name, plus, rest = text.strip().partition("+")
    number, _, value = rest.partition("+")
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey(text) from error
    found = Verifier(name, key[1:])
    if not plus or len(key) != 33 or key[:1] != _ED25519 or found.number.hex() != number:
        raise BadKey(text)
    return found


def make(block: Block, signer: Signer, now: Moment) -> Checkpoint:
    """The signed statement that the trail ends with this block."""
    origin, hash_ = signer.verifier.name, base64.b64encode(block.hash).decode()
    text = signer.note(f"{origin}\n{block.last}\n{hash_}\nblock {block.no}\ntime {show(now)}\n")
    return Checkpoint(origin, block.last, block.hash, block.no, now - now % SECOND, text)


_NOTE = re.compile(
    r"^(?P<origin>[^\s+]{1,200})\n(?P<size>[1-9]\d{0,17})\n(?P<hash>[A-Za-z0-9+/]{43}=)\n"
    r"block (?P<block>[1-9]\d{0,17})\ntime (?P<time>\S{1,40})\n"
    r"(?:[^\n—].*\n)*\n(?:— [^\s+]+ [A-Za-z0-9+/]{88,}={0,2}\n)+",
    re.ASCII | re.MULTILINE,
)


def read(text: str) -> Iterator[Checkpoint]:
    """Every checkpoint in a text, in its order; what stands between them is passed over, such as the beginning of one
    that was being written when the machine stopped."""
    for found in _NOTE.finditer(text):
        try:
            at = parse(found["time"])
            hash_ = base64.b64decode(found["hash"], validate=True)
        except (BadTime, OutOfRange, ValueError):
            continue
        yield Checkpoint(found["origin"], int(found["size"]), hash_, int(found["block"]), at, found.group())


# -- in the store --------------------------------------------------------------------------------------------------

_NEWEST = 'SELECT "size", "at" FROM "audit_checkpoint" ORDER BY "size" DESC LIMIT 1'
_AFTER = 'SELECT "text" FROM "audit_checkpoint" WHERE "size" > ? ORDER BY "size" LIMIT ?'
_SIGN = 'INSERT INTO "audit_checkpoint" ("size", "block", "at", "text") VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'


def is_due(block: Block | None, now: Moment) -> bool:
    """Whether a checkpoint is to be made: there is something new, and the last one is old enough."""
    if block is None:
        return False
    last = sql.run(_NEWEST).fetchone()
    return last is None or (block.last > last[0] and not last[1] <= now < last[1] + EVERY)


def sign(block: Block | None, signer: Signer, now: Moment) -> None:
    """Keep a checkpoint of the trail as it ends with this block."""
    if block is None:
        return
    made = make(block, signer, now)
    with database.transaction():
        sql.run(_SIGN, made.size, made.block, now, made.text)


def newest() -> Checkpoint | None:
    """The newest checkpoint in the store; None: there is none."""
    row = AuditCheckpoint.select(AuditCheckpoint.text).order_by(AuditCheckpoint.size.desc()).first()
    return None if row is None else next(read(row.text), None)


def after(size: int, limit: int) -> list[Checkpoint]:
    """The checkpoints in the store that cover more than `size` entries, smallest first, at most `limit`."""
    return [one for row in sql.run(_AFTER, size, limit).fetchall() for one in read(row[0])]


def signed_by(keys: Iterable[Verifier], checkpoint: Checkpoint) -> bool:
    """Whether one of the keys accepts the checkpoint."""
    return any(key.accepts(checkpoint) for key in keys)


def described(checkpoint: Checkpoint) -> Mapping[str, Any]:
    """The checkpoint as JSON."""
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "hash": checkpoint.hash.hex(),
        "block": checkpoint.block,
        "at": show(checkpoint.at),
        "note": checkpoint.text,
    }
