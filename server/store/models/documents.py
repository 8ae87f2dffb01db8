"""Policy documents: immutable versions, and which of them is in force when."""

from __future__ import annotations

from peewee import SQL, BlobField, Check, ForeignKeyField, IntegerField, TextField

from server.store.fields import JsonField, MomentField, NumberedRow


class Version(NumberedRow):
    """One text of one document, as written. Never changed after it was stored.

    The constraint is the promise that content takes effect only after somebody other than its author approved it.
    """

    SHIPPED = "shipped"  # came with the product; has no approver
    PROPOSED = "proposed"  # somebody's draft that another person approved

    kind = TextField()  # process, calendar, source, channels
    name = TextField()
    number = IntegerField()  # 1, 2, … within the name
    sha256 = TextField()  # hex digest of `data`
    data = BlobField()  # the bytes as written
    dates = JsonField(null=True)  # calendars: the dates that the holiday data gave when the version was made
    origin = TextField(default=SHIPPED)
    author = TextField(null=True)  # login
    approver = TextField(null=True)  # login
    reason = TextField(default="")
    approvals = IntegerField(default=1)  # how many others its text wants to approve a change
    based_on = ForeignKeyField("self", null=True, backref="successors")
    created_at = MomentField()

    class Meta:
        indexes = ((("name", "number"), True),)
        constraints = [
            Check(
                "origin = 'shipped' OR (approver IS NOT NULL AND author IS NOT NULL AND approver <> author)",
                name="version_approved_by_another",
            )
        ]

    @property
    def text(self) -> str:
        """The document's text."""
        return bytes(self.data).decode("utf-8")


class Activation(NumberedRow):
    """A version in force, from a moment until the next one took over."""

    name = TextField()
    version = ForeignKeyField(Version, backref="activations")
    from_at = MomentField()
    until_at = MomentField(null=True)
    by = TextField(null=True)  # login; null: the server itself, with a shipped version


# One version of a name is in force at a time, whatever the code does.
Activation.add_index(
    Activation.index(Activation.name, unique=True, where=SQL('"until_at" IS NULL'), name="activation_in_force")
)
Activation.add_index(Activation.index(Activation.name, Activation.from_at, name="activation_history"))
