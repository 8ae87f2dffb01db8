"""The audit trail, and the salts that keep private values out of it."""

from __future__ import annotations

from peewee import BlobField, CompositeKey, ForeignKeyField, TextField

from server.store.fields import MomentField, NumberedRow, Row
from server.store.models.issues import Issue


class AuditEntry(NumberedRow):
    """One change, as one canonical text: the only truth. The columns are copies, for look-up."""

    at = MomentField()
    kind = TextField()
    by = TextField(null=True)
    issue = ForeignKeyField(Issue, null=True, backref="audit", index=False)
    body = TextField()


AuditEntry.add_index(AuditEntry.index(AuditEntry.issue, AuditEntry.id, name="audit_entry_issue"))


class PrivateValue(Row):
    """The salt of a private field of one issue. Deleting it makes the digests in the audit trail mean nothing."""

    issue = ForeignKeyField(Issue, backref="private_values", index=False)
    field = TextField()
    salt = BlobField()

    class Meta:
        primary_key = CompositeKey("issue", "field")
