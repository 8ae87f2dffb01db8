"""Issues, their events, and what hangs on them."""

from __future__ import annotations

from peewee import (
    SQL,
    BigIntegerField,
    BlobField,
    BooleanField,
    CompositeKey,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from server.store.fields import JsonField, MomentField, NumberedRow, Row
from server.store.models.documents import Version
from server.store.models.people import Person


class Issue(NumberedRow):
    """One customer matter: the state of its case, and the columns that lists and the sweep look at.

    `case` is the truth, as the interpreter wrote it; the columns beside it are copies. `seq` is compared and set.
    """

    process = TextField()
    number = TextField(unique=True)
    version = ForeignKeyField(Version, backref="issues", index=False)  # the policy version that judges it
    pins = JsonField(default=dict)  # calendar and channels documents: name -> version id
    source = TextField(default="")
    external_id = TextField(null=True)
    severity = TextField(null=True)
    stage = TextField()
    team = TextField(null=True)  # a team's id
    owner = TextField(null=True)  # a login
    subject = TextField(default="")
    received_at = MomentField()
    recorded_at = MomentField()
    final = BooleanField(default=False)  # is in a final stage
    overdue = BooleanField(default=False)  # a clock is breached and not finished
    closed_at = MomentField(null=True)  # since when it is in a final stage
    erased_at = MomentField(null=True)  # when its private fields were erased
    seq = IntegerField(default=1)  # number of its last event
    wake_at = MomentField(null=True)  # earliest due moment of everything timed; null: nothing is
    case = TextField()  # canonical JSON
    problem = TextField(null=True)  # set apart: what went wrong, as canonical JSON; the sweep passes it over

    class Meta:
        indexes = (
            (("process", "id"), False),
            (("process", "closed_at"), False),
            (("process", "received_at"), False),
        )


# Along these a list goes (server.store.listing). Missing ids come first in PostgreSQL's, and what stands behind the id
# is looked at without reading the issue.
Issue.add_index(Issue.index(Issue.process, Issue.final, Issue.id, name="issue_of_process"))
Issue.add_index(
    Issue.index(Issue.process, Issue.stage, Issue.id, Issue.severity, Issue.team, Issue.final, name="issue_of_stage")
)
Issue.add_index(Issue.index(Issue.process, Issue.severity, Issue.final, Issue.id, Issue.team, name="issue_of_severity"))
Issue.add_index(
    Issue.index(
        Issue.owner,
        Issue.final,
        Issue.id,
        Issue.process,
        Issue.stage,
        Issue.severity,
        Issue.team,
        name="issue_of_owner",
    )
)
Issue.add_index(Issue.index(Issue.team, Issue.final, Issue.id, Issue.process, name="issue_of_team"))

# The issues that a version judged, newest first; missing ids come first in PostgreSQL's, too.
Issue.add_index(Issue.index(Issue.version, Issue.id, name="issue_version"))

# One (source, external_id), one issue (architecture, What must hold, 2).
Issue.add_index(
    Issue.index(
        Issue.source,
        Issue.external_id,
        unique=True,
        where=SQL('"external_id" IS NOT NULL'),
        name="issue_source_external_id",
    )
)
Issue.add_index(
    Issue.index(Issue.wake_at, Issue.id, where=SQL('"wake_at" IS NOT NULL AND "problem" IS NULL'), name="issue_wake")
)
Issue.add_index(Issue.index(Issue.id, where=SQL('"problem" IS NOT NULL'), name="issue_problem"))
Issue.add_index(Issue.index(Issue.process, Issue.severity, Issue.overdue, where=SQL('NOT "final"'), name="issue_open"))
Issue.add_index(
    Issue.index(
        Issue.process,
        Issue.closed_at,
        where=SQL('"closed_at" IS NOT NULL AND "erased_at" IS NULL'),
        name="issue_not_erased",
    )
)
# A list is searched in these and not in the issues, most of which is their case. PostgreSQL takes no long text into an
# index.
SHORT_SUBJECT = 'length("subject") <= 200'
LONG_SUBJECT = 'length("subject") > 200'
Issue.add_index(Issue.index(Issue.id, Issue.number, Issue.subject, where=SQL(SHORT_SUBJECT), name="issue_words"))
Issue.add_index(Issue.index(Issue.id, where=SQL(LONG_SUBJECT), name="issue_long_subject"))


class Event(NumberedRow):
    """What happened: one call of the interpreter. `body` holds the event with the directory's answers, for replay."""

    issue = ForeignKeyField(Issue, backref="events", index=False)
    seq = IntegerField()  # 1, 2, … within the issue
    key = TextField(null=True)  # an event that may arrive twice has a key
    at = MomentField()
    recorded_at = MomentField()
    kind = TextField()  # received, action, time, survey, confirm, send, again, migrated …
    by = TextField(null=True)  # login, `system`, `customer`, `source:NAME`
    version = ForeignKeyField(Version, null=True, index=False)  # that interpreted it
    body = TextField()  # canonical JSON: {"event": …, "answers": …}
    entries = TextField()  # canonical JSON: the timeline lines it caused

    class Meta:
        indexes = ((("issue", "seq"), True),)


Event.add_index(Event.index(Event.at, Event.issue, name="event_at"))
Event.add_index(Event.index(Event.key, unique=True, where=SQL('"key" IS NOT NULL'), name="event_key"))


class IssueLink(NumberedRow):
    """Two issues belong together: opened by, linked by hand, drawn for an audit."""

    issue = ForeignKeyField(Issue, backref="links", index=False)
    other = ForeignKeyField(Issue, backref="linked_by")
    relation = TextField(default="")  # the `as` of the link action; `opened`, `sampled`
    by = TextField(null=True)
    at = MomentField()

    class Meta:
        indexes = ((("issue", "other", "relation"), True),)


class Watcher(Row):
    """A person who follows an issue."""

    issue = ForeignKeyField(Issue, backref="watchers", index=False)
    person = ForeignKeyField(Person, backref="watches")
    at = MomentField()

    class Meta:
        primary_key = CompositeKey("issue", "person")


class Attachment(NumberedRow):
    """A file of an issue, at most 10 MiB, kept in chunks so that backups and several machines see it."""

    issue = ForeignKeyField(Issue, backref="attachments")
    name = TextField()
    media_type = TextField(default="application/octet-stream")
    size = IntegerField()
    sha256 = TextField()
    by = TextField(null=True)
    at = MomentField()


class AttachmentChunk(Row):
    """A piece of an attachment, numbered from 0."""

    attachment = ForeignKeyField(Attachment, backref="chunks", on_delete="CASCADE", index=False)
    number = IntegerField()
    data = BlobField()

    class Meta:
        primary_key = CompositeKey("attachment", "number")


class SurveyLink(NumberedRow):
    """The link by which the customer answers a survey once, without an account. Asking again replaces it."""

    issue = ForeignKeyField(Issue, backref="survey_links", index=False)
    survey = TextField()
    nonce_hash = TextField(unique=True)  # SHA-256, hex, of the nonce in the link
    asked_at = MomentField()
    expires_at = MomentField(null=True)  # that instant included
    used_at = MomentField(null=True)

    class Meta:
        indexes = ((("issue", "survey"), True),)


class Kept(NumberedRow):
    """A correctly signed delivery, or one item of it, that could not be taken: shown, and played again when mended."""

    KEPT = "kept"
    REPLAYED = "replayed"
    DROPPED = "dropped"

    source = TextField()
    external_id = TextField(null=True)
    body = BlobField()  # as received
    headers = JsonField(default=dict)  # without credentials
    item = IntegerField(null=True)  # which item of the delivery; null: the whole
    problem = JsonField()
    state = TextField(default=KEPT)
    at = MomentField()
    settled_at = MomentField(null=True)
    issue = ForeignKeyField(Issue, null=True, backref="kept")  # that it became

    class Meta:
        indexes = ((("state", "id"), False),)


class Serial(Row):
    """The last serial number given to an issue of a process on a local date."""

    process = TextField()
    date = TextField()  # YYYYMMDD
    last = IntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("process", "date")


class WatchWindow(Row):
    """The moments inside a watch's window, for one combination of values. Locked at receipt."""

    process = TextField()
    watch = TextField()
    key = TextField()  # canonical JSON of the values of `same`
    moments = JsonField(default=list)
    raised = BooleanField(default=False)

    class Meta:
        primary_key = CompositeKey("process", "watch", "key")


class Turn(Row):
    """Who got the last issue of a process in a team: where round robin goes on."""

    process = TextField()
    team = TextField()
    last = TextField()  # login
    count = BigIntegerField(default=0)

    class Meta:
        primary_key = CompositeKey("process", "team")


class Workload(NumberedRow):
    """How many issues that are in no final stage a person owns: the sum of his rows. The database keeps it with every
    change of an issue (migration 0041); on PostgreSQL in a row that no other transaction holds, so that none waits."""

    owner = TextField()  # a login
    open = BigIntegerField()  # may be below 0: closed ones are counted in whichever row is free


Workload.add_index(Workload.index(Workload.owner, name="workload_owner"))
