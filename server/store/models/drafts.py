"""Drafts of policy documents on their way into force, who wrote them, and who approved which text."""

from __future__ import annotations

from peewee import SQL, BlobField, CompositeKey, ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow, Row
from server.store.models.documents import Version


class Draft(NumberedRow):
    """A text that somebody wants to be in force. Once it is submitted the text stays as it is: the database refuses
    another (migration 0008)."""

    # States.
    DRAFT = "draft"  # being written
    SUBMITTED = "submitted"  # waits for approval
    SCHEDULED = "scheduled"  # approved; takes effect at `effective_at`
    ACTIVE = "active"  # its version is in force
    SUPERSEDED = "superseded"  # its version was in force
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"  # approved, but something else was in force when its time came

    # Origins.
    PROPOSED = "proposed"
    SHIPPED = "shipped"  # a newer release brought it
    ROLLBACK = "rollback"  # the text of an earlier version

    kind = TextField()
    name = TextField()
    data = BlobField()  # the bytes as written
    sha256 = TextField()  # hex digest of `data`
    based_on = ForeignKeyField(Version, null=True, backref="drafts")  # in force when it was begun; null: a new document
    origin = TextField(default=PROPOSED)
    state = TextField(default=DRAFT)
    reason = TextField(default="")
    acknowledged = JsonField(default=list)  # [{"code", "at"}]: warnings that the submitter accepts
    approvals = IntegerField(default=1)  # how many it needs, since it was submitted
    effective_at = MomentField(null=True)  # null: at once
    created_by = TextField(null=True)  # login; null: the server itself
    created_at = MomentField()
    submitted_by = TextField(null=True)
    submitted_at = MomentField(null=True)
    closed_by = TextField(null=True)  # who rejected or withdrew it; null: the server itself
    closed_at = MomentField(null=True)
    remark = TextField(default="")  # why it was rejected, withdrawn or refused
    seq = IntegerField(default=1)  # compared and set
    version = ForeignKeyField(Version, null=True, unique=True, backref="draft")  # what it became when it was approved

    class Meta:
        indexes = ((("name", "id"), False), (("state", "id"), False))


# Those that wait for their time.
Draft.add_index(Draft.index(Draft.effective_at, Draft.id, where=SQL("\"state\" = 'scheduled'"), name="draft_scheduled"))


class DraftAuthor(Row):
    """Somebody who wrote text into a draft, or submitted it: he may not approve it. Never removed."""

    draft = ForeignKeyField(Draft, backref="authors", index=False)
    login = TextField()
    at = MomentField()

    class Meta:
        primary_key = CompositeKey("draft", "login")


class Approval(NumberedRow):
    """Somebody approved exactly this text. Never changed, never removed."""

    draft = ForeignKeyField(Draft, backref="given", index=False)
    sha256 = TextField()
    approver = TextField()
    at = MomentField()
    remark = TextField(default="")

    class Meta:
        indexes = ((("draft", "approver"), True),)
