"""What leaves the building, and what is timed without belonging to an issue."""

from __future__ import annotations

from peewee import SQL, BigIntegerField, CompositeKey, ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow, Row
from server.store.models.issues import Event, Issue


class Message(NumberedRow):
    """One thing to send to one recipient over one channel. Its key stays the same over every attempt.

    A folded batch is a message of its own, stored with its id before the first attempt; the messages that it stands
    for point to it by `batch` and have the state `folded`.
    """

    PENDING = "pending"  # leaves at next_at
    FOLDED = "folded"  # leaves as part of `batch`
    SENT = "sent"  # the provider said so with its own success code
    DEAD = "dead"  # given up; somebody sees it
    UNSENT = "unsent"  # never tried: see `reason` (not_configured, nobody, …)
    MANUAL = "manual"  # a task for a person, to be confirmed
    CONFIRMED = "confirmed"  # a manual one that was done
    HELD = "held"  # waits for an administrator (demo data, a restored backup)
    CANCELLED = "cancelled"  # no longer wanted

    key = TextField(unique=True)
    issue = ForeignKeyField(Issue, null=True, backref="messages")
    event = ForeignKeyField(Event, null=True, backref="messages", index=False)
    notice = TextField(default="")  # what asked for it: `notice.N`, `ladder.L.RUNG`, `survey.S`, `report.R`
    step = IntegerField(default=0)  # which step of it, from 0
    process = TextField(default="")
    channels = TextField(default="default")  # the channels document
    channel = TextField()  # the channel's name in it
    to = TextField(default="")  # the recipient as written: `supervisor`, `team:directors`, `customer`
    recipient = TextField(default="")  # who that was: a login, `customer`, or empty for a group robot
    address = TextField(default="")  # e-mail, number, robot id …
    destination = TextField(default="")  # what limits and the circuit breaker count by
    language = TextField(default="zh")
    subject = TextField(default="")
    body = TextField(default="")
    payload = JsonField(null=True)  # for channels that send data rather than text
    state = TextField(default=PENDING)
    reason = TextField(null=True)
    at = MomentField()  # when what caused it happened
    created_at = MomentField()
    not_before = MomentField(null=True)  # kept until then for what may be folded with it; null: looked at
    next_at = MomentField(null=True)  # of the next attempt
    lease_until = MomentField(default=0)
    lease_by = TextField(null=True)
    fence = BigIntegerField(default=0)  # grows with every claim; only its holder may settle a failure
    attempts = IntegerField(default=0)
    last_error = TextField(null=True)
    sent_at = MomentField(null=True)
    batch = ForeignKeyField("self", null=True, backref="folded", index=False)
    replaces = ForeignKeyField("self", null=True, backref="replaced_by", index=False)  # by `otherwise`


Message.add_index(
    Message.index(Message.next_at, Message.id, where=SQL("\"state\" = 'pending'"), name="message_pending")
)
# Not looked at yet by whoever folds what belongs together.
Message.add_index(
    Message.index(
        Message.at,
        Message.id,
        where=SQL('"state" = \'pending\' AND "not_before" IS NOT NULL'),
        name="message_fresh",
    )
)
Message.add_index(Message.index(Message.batch, where=SQL('"batch_id" IS NOT NULL'), name="message_batch"))
Message.add_index(
    Message.index(
        Message.state,
        Message.id,  # missing ones first on PostgreSQL (server.store.listing)
        Message.process,
        Message.channel,
        where=SQL("\"state\" NOT IN ('sent', 'folded', 'pending')"),
        name="message_open",
    )
)


class Schedule(NumberedRow):
    """Something timed that belongs to no issue: a source's `at`, a report, an activation, a reminder, `keep`."""

    kind = TextField()  # source, report, activation, review, keep …
    name = TextField()
    key = TextField(unique=True)
    next_at = MomentField(null=True)
    state = JsonField(default=dict)
    seq = IntegerField(default=0)  # compared and set
    problem = TextField(null=True)

    class Meta:
        indexes = ((("next_at", "id"), False),)


class Lease(Row):
    """A duty that one process at a time has: the sweeper. `fence` grows each time that it changes hands."""

    name = TextField(primary_key=True)
    holder = TextField()
    until = MomentField()
    fence = BigIntegerField(default=0)


class Meta(Row):
    """What the store knows about itself: when it was made, its id, the last reading of the clock."""

    key = TextField(primary_key=True)
    value = JsonField()


class DeliveryHour(Row):
    """What came of the attempts at one destination in an hour since 1970."""

    destination = TextField()
    hour = BigIntegerField()
    sent = BigIntegerField(default=0)
    failed = BigIntegerField(default=0)
    sent_at = MomentField(null=True)
    failed_at = MomentField(null=True)
    error = TextField(null=True)

    class Meta:
        primary_key = CompositeKey("destination", "hour")


class Worker(Row):
    """A worker process that was heard of."""

    holder = TextField(primary_key=True)  # host/pid
    release = TextField()
    started_at = MomentField()
    seen_at = MomentField()
    left_alone = JsonField(default=dict)  # destinations that do not answer -> until when they are left alone
