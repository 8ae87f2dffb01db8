"""Indexes along which issues are listed, instead of those by severity, by stage, by owner and by team.

On PostgreSQL missing ids, of which there are none, come first in them: an order that the index of the ids does not
have. What stands behind the id is looked at on the way, without reading the issue.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

INDEXES = {
    "issue_of_process": '"process", "final", "id" NULLS FIRST',
    "issue_of_stage": '"process", "stage", "id" NULLS FIRST, "severity", "team", "final"',
    "issue_of_severity": '"process", "severity", "final", "id" NULLS FIRST, "team"',
    "issue_of_owner": '"owner", "final", "id" NULLS FIRST, "process", "stage", "severity", "team"',
    "issue_of_team": '"team", "final", "id" NULLS FIRST, "process"',
}
BEFORE = ("issue_process_stage_id", "issue_severity_id", "issue_owner_final_id", "issue_team_final_id")


def up(migrator: object, db: Any) -> None:
    """Put the new ones in the place of the old ones."""
    for name, columns in INDEXES.items():
        if not isinstance(db, PostgresqlDatabase):
            columns = columns.replace(" NULLS FIRST", "")  # SQLite has no such order, and needs none
        db.execute_sql(f'CREATE INDEX "{name}" ON "issue" ({columns})')
    for name in BEFORE:
        db.execute_sql(f'DROP INDEX "{name}"')
