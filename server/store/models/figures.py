"""What the processes count, added up."""

from __future__ import annotations

from peewee import CompositeKey, DoubleField, TextField

from server.store.fields import Row


class Tally(Row):
    """A number that only grows: what every process has counted under a name, for one set of labels."""

    name = TextField()
    labels = TextField()  # canonical JSON: the values of the labels, in order
    value = DoubleField(default=0.0)

    class Meta:
        primary_key = CompositeKey("name", "labels")
