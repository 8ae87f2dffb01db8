"""Migrations of open issues to another version of their process."""

from __future__ import annotations

from peewee import Check, CompositeKey, ForeignKeyField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow, Row
from server.store.models.documents import Version
from server.store.models.issues import Issue


class Migration(NumberedRow):
    """A plan, which never changes: `body` is its content as canonical JSON, `sha256` that of the body.

    The database refuses a plan that is approved by whoever proposed it, or whose content is not what was approved."""

    PROPOSED, APPROVED, REJECTED, WITHDRAWN, DONE = "proposed", "approved", "rejected", "withdrawn", "done"

    process = TextField()
    version = ForeignKeyField(Version, index=False)  # the version that the issues go on under
    body = TextField()
    sha256 = TextField()
    state = TextField()
    reason = TextField(default="")
    proposed_by = TextField()
    proposed_at = MomentField()
    decided_by = TextField(null=True)  # who approved, rejected or withdrew it
    decided_sha256 = TextField(null=True)  # what was approved
    decided_at = MomentField(null=True)
    remark = TextField(default="")
    ended_at = MomentField(null=True)  # when no issue waited any more

    class Meta:
        indexes = ((("process", "id"), False), (("state", "id"), False))
        constraints = [
            Check("state IN ('proposed', 'approved', 'rejected', 'withdrawn', 'done')", "migration_state"),
            Check(
                "state NOT IN ('approved', 'done') OR (decided_by IS NOT NULL AND decided_by <> proposed_by"
                " AND decided_sha256 IS NOT NULL AND decided_sha256 = sha256)",
                "migration_by_another",
            ),
        ]


class MigrationIssue(Row):
    """An issue of a plan: it waits, has migrated, or is left as it is and `why`."""

    WAITING, MIGRATED, LEFT = "waiting", "migrated", "left"

    migration = ForeignKeyField(Migration, backref="issues", index=False)
    issue = ForeignKeyField(Issue, backref="migrations", index=False)
    state = TextField(default=WAITING)
    why = JsonField(null=True)  # [{"at", "code", "params"}]
    at = MomentField(null=True)

    class Meta:
        primary_key = CompositeKey("migration", "issue")
        indexes = ((("migration", "state", "issue"), False),)
        constraints = [Check("state IN ('waiting', 'migrated', 'left')", "migration_issue_state")]
