"""Drills (应急演练) that were played."""

from __future__ import annotations

from peewee import TextField

from server.store.fields import JsonField, MomentField, NumberedRow


class Drill(NumberedRow):
    """A script that was played against the live directory. Its messages stand in its report, and are in no queue."""

    name = TextField()  # what the script calls itself, else its file
    process = TextField()
    sha256 = TextField()  # of the process's text
    pins = JsonField(null=True)  # the versions in force that were tried; null: documents of a folder
    start_at = MomentField()  # the script's own time
    at = MomentField()  # when it was played
    by = TextField(null=True)  # login; null: somebody in a shell
    script = TextField()
    totals = JsonField()
    report = JsonField()
