"""Reports that were made, and what people added to them before they went out."""

from __future__ import annotations

from peewee import ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow
from server.store.models.documents import Version


class Report(NumberedRow):
    """A report of one period: its figures and its text in both languages. A draft waits until somebody releases it."""

    DRAFT = "draft"
    SENT = "sent"

    key = TextField(unique=True)  # PROCESS/REPORT/MOMENT of its schedule: made once
    process = TextField()
    name = TextField()  # the report's id in the process
    version = ForeignKeyField(Version, backref="reports", index=False)  # of the process that says what it shows
    covers = TextField()  # day, week, month
    from_at = MomentField()
    to_at = MomentField()  # the period is [from_at, to_at)
    due_at = MomentField()  # when its schedule came round
    made_at = MomentField()
    figures = JsonField()
    text = JsonField()  # by language: {"subject", "body"}
    state = TextField(default=DRAFT)
    seq = IntegerField(default=1)  # compared and set
    released_by = TextField(null=True)  # login; null: it went at once
    sent_at = MomentField(null=True)

    class Meta:
        indexes = ((("process", "name", "id"), False), (("state", "id"), False))


class ReportRemark(NumberedRow):
    """A comment on a report, or a proposal; it goes out with the report."""

    COMMENT = "comment"
    PROPOSAL = "proposal"

    report = ForeignKeyField(Report, backref="remarks")
    kind = TextField()
    by = TextField()  # login
    at = MomentField()
    text = TextField()
