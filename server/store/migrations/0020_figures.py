"""What the processes have counted, whether an issue is overdue, and an index by which open issues are counted.

A frozen copy: it does not follow the models.
"""

import json
from typing import Any

from peewee import PostgresqlDatabase

STATEMENTS = (
    """
    CREATE TABLE "tally" (
        "name" TEXT NOT NULL,
        "labels" TEXT NOT NULL,
        "value" DOUBLE PRECISION NOT NULL,
        PRIMARY KEY ("name", "labels")
    )
    """,
    'ALTER TABLE "issue" ADD COLUMN "overdue" BOOLEAN NOT NULL DEFAULT FALSE',
)
CANDIDATES = 'SELECT "id", "case" FROM "issue" WHERE NOT "final" AND "case" LIKE {}'
INDEX = 'CREATE INDEX "issue_open" ON "issue" ("process", "severity", "overdue") WHERE NOT "final"'


def up(migrator: object, db: Any) -> None:
    """Add the table and the column, say which issues are overdue, then build the index."""
    for statement in STATEMENTS:
        if not isinstance(db, PostgresqlDatabase):
            statement = statement.replace("BOOLEAN", "INTEGER").replace("DOUBLE PRECISION", "REAL")
            statement = statement.rstrip() + " STRICT" if "CREATE TABLE" in statement else statement
        db.execute_sql(statement)
    place = "%s" if isinstance(db, PostgresqlDatabase) else "?"
    found = db.execute_sql(CANDIDATES.format(place), ("%breached%",)).fetchall()
    for id in [id for id, case in found if _is_overdue(case)]:
        db.execute_sql(f'UPDATE "issue" SET "overdue" = TRUE WHERE "id" = {int(id)}')
    db.execute_sql(INDEX)


def _is_overdue(case: str) -> bool:
    clocks = json.loads(case).get("clocks") or {}
    return any((state.get("open") or {}).get("state") == "breached" for state in clocks.values())
