"""Back-tests that were asked for, and what they gave."""

from __future__ import annotations

from peewee import SQL, BigIntegerField, BlobField, BooleanField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow


class Backtest(NumberedRow):
    """What one exact text would have changed on past issues; computed by a worker, kept for whoever approves it."""

    # States.
    WAITING = "waiting"  # for a worker
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    name = TextField()  # of the document
    data = BlobField()  # the text
    sha256 = TextField()  # hex digest of `data`
    from_at = MomentField(null=True)  # only issues received from then on
    to_at = MomentField(null=True)  # and before then
    share = IntegerField(null=True)  # hundredths of a percent of them; null: all
    decisions = BooleanField()  # only how they were judged at receipt
    asked_by = TextField()  # login
    asked_at = MomentField()
    state = TextField(default=WAITING)
    done = BigIntegerField(default=0)  # issues that were looked at
    total = BigIntegerField(null=True)  # of how many
    begun_at = MomentField(null=True)
    alive_at = MomentField(null=True)  # when whoever computes it was last heard of
    ended_at = MomentField(null=True)
    why = TextField(default="")  # why it failed
    summary = JsonField(null=True)
    issues = JsonField(null=True)  # those that would have changed, the first ones

    class Meta:
        indexes = ((("name", "sha256", "id"), False),)


Backtest.add_index(Backtest.index(Backtest.id, where=SQL("\"state\" IN ('waiting', 'running')"), name="backtest_open"))
