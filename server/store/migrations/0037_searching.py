"""Indexes in which the texts of issues are searched, without reading the issues; those too long for one are few.

A frozen copy: it does not follow the models.
"""

from typing import Any

INDEXES = (
    'CREATE INDEX "issue_words" ON "issue" ("id", "number", "subject") WHERE length("subject") <= 200',
    'CREATE INDEX "issue_long_subject" ON "issue" ("id") WHERE length("subject") > 200',
)


def up(migrator: object, db: Any) -> None:
    """Create the indexes."""
    for statement in INDEXES:
        db.execute_sql(statement)
