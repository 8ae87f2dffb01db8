"""An index by which the issues of a plan are counted and found by their state, instead of one of those that wait.

A frozen copy: it does not follow the models.
"""

from typing import Any


def up(migrator: object, db: Any) -> None:
    """Put the one in the place of the other."""
    db.execute_sql(
        'CREATE INDEX "migrationissue_migration_id_state_issue_id" '
        'ON "migration_issue" ("migration_id", "state", "issue_id")'
    )
    db.execute_sql('DROP INDEX "migration_issue_waiting"')
