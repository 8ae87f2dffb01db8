"""When an issue's private fields were erased, and an index by which those are found whose time has come.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

STATEMENTS = (
    'ALTER TABLE "issue" ADD COLUMN "erased_at" BIGINT',
    """
    CREATE INDEX "issue_not_erased" ON "issue" ("process", "closed_at")
        WHERE "closed_at" IS NOT NULL AND "erased_at" IS NULL
    """,
)


def up(migrator: object, db: Any) -> None:
    """Add the column and its index."""
    for statement in STATEMENTS:
        db.execute_sql(statement if isinstance(db, PostgresqlDatabase) else statement.replace("BIGINT", "INTEGER"))
