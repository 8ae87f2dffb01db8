"""Integrators who are told of events by webhook."""

from __future__ import annotations

from peewee import BooleanField, TextField

from server.store.fields import JsonField, MomentField, Row


class Subscription(Row):
    """Another system that wants events. What is sent to it are messages; here stands what it wants, and how it fares.

    The id is never given twice: messages name their subscription by it.
    """

    GONE = "gone"  # the receiver answered 410
    BY_HAND = "by_hand"

    id = TextField(primary_key=True)
    url = TextField()
    events = JsonField(default=list)  # timeline kinds or event names; empty: all
    processes = JsonField(default=list)  # names; empty: all
    private_by = TextField(null=True)  # login who asked for private fields; sent while that person may read them
    secret = TextField()
    former_secret = TextField(null=True)  # signs, too, until former_until
    former_until = MomentField(null=True)
    active = BooleanField(default=True)
    reason = TextField(null=True)  # why it is not active
    created_at = MomentField()
    created_by = TextField()  # login
    failing_since = MomentField(null=True)  # of the first failure after the last success
    last_error = TextField(null=True)
    last_error_at = MomentField(null=True)
    delivered_at = MomentField(null=True)  # of the last success
