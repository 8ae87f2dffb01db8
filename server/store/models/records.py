"""The audit trail, the blocks that seal it, and the salts that keep private values out of it."""

from __future__ import annotations

from peewee import SQL, BigIntegerField, BlobField, CompositeKey, ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow, Row
from server.store.models.issues import Issue


class AuditEntry(NumberedRow):
    """One change, as one canonical text: the only truth. The columns are copies, for look-up."""

    at = MomentField()
    kind = TextField()
    by = TextField(null=True)
    issue = ForeignKeyField(Issue, null=True, backref="audit", index=False)
    body = TextField()


AuditEntry.add_index(AuditEntry.index(AuditEntry.issue, AuditEntry.id, name="audit_entry_issue"))
# By which it is searched; newest first. In the latter two, missing moments and ids come first on PostgreSQL
# (server.store.listing).
AuditEntry.add_index(AuditEntry.index(AuditEntry.at, AuditEntry.id, name="audit_entry_at"))
AuditEntry.add_index(AuditEntry.index(AuditEntry.kind, AuditEntry.at, AuditEntry.id, name="audit_entry_kind"))
AuditEntry.add_index(
    AuditEntry.index(
        AuditEntry.by,
        AuditEntry.at,
        AuditEntry.id,
        AuditEntry.kind,
        where=SQL('"by" IS NOT NULL'),
        name="audit_entry_by",
    )
)


class PrivateValue(Row):
    """The salt of a private field of one issue. Deleting it makes the digests in the audit trail mean nothing."""

    issue = ForeignKeyField(Issue, backref="private_values", index=False)
    field = TextField()
    salt = BlobField()

    class Meta:
        primary_key = CompositeKey("issue", "field")


class AuditBlock(Row):
    """Entries of the audit trail, sealed together. Neither they nor the block are changed any more."""

    no = BigIntegerField(primary_key=True)  # 1, 2, …
    at = MomentField()
    first = BigIntegerField(unique=True)  # which place in the trail its first entry has: 1, 2, …
    size = BigIntegerField()  # how many entries
    entries = TextField()  # their ids in ranges, in order
    leaves = BlobField()  # 32 bytes for each entry
    root = BlobField()  # of their Merkle tree
    prev = BlobField()  # the hash of the block before
    hash = BlobField()
    high = BigIntegerField()  # the largest id sealed so far
    gaps = TextField()  # ids below it that no block covers and that may still appear, in ranges


class AuditCheckpoint(Row):
    """A signed statement of how long the trail was and which hash it had."""

    size = BigIntegerField(primary_key=True)  # how many entries it covers
    block = BigIntegerField()  # up to which block
    at = MomentField()
    text = TextField()  # the signed note


class AuditAnchor(Row):
    """A place outside that keeps checkpoints, and what it has been given."""

    url = TextField(primary_key=True)
    size = BigIntegerField(default=0)  # of the newest checkpoint that it has
    at = MomentField(null=True)  # since when it has that
    next_at = MomentField(default=0)  # not tried before
    failures = IntegerField(default=0)  # in a row
    failed_at = MomentField(null=True)  # since when it fails; null: it does not
    problem = TextField(null=True)


class Verification(NumberedRow):
    """A verification of the whole trail: asked for, done by a worker, and what was found."""

    WAITING = "waiting"
    RUNNING = "running"
    SOUND = "sound"
    TAMPERED = "tampered"
    FAILED = "failed"  # it could not be done

    asked_at = MomentField()
    asked_by = TextField(null=True)  # login; null: the server itself, each day
    state = TextField(default=WAITING)
    begun_at = MomentField(null=True)
    seen_at = MomentField(null=True)  # when its worker was last heard of
    ended_at = MomentField(null=True)
    holder = TextField(null=True)
    read = BigIntegerField(default=0)
    total = BigIntegerField(default=0)
    result = JsonField(null=True)
