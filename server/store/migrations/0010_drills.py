"""Drills that were played, with what they have shown.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "drill" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "process" TEXT NOT NULL,
        "sha256" TEXT NOT NULL,
        "pins" TEXT,
        "start_at" BIGINT NOT NULL,
        "at" BIGINT NOT NULL,
        "by" TEXT,
        "script" TEXT NOT NULL,
        "totals" TEXT NOT NULL,
        "report" TEXT NOT NULL
    )
"""


def up(migrator: object, db: Any) -> None:
    """Create the table."""
    words = TABLE.replace("BIGSERIAL", "INTEGER").replace("BIGINT", "INTEGER").rstrip() + " STRICT"
    db.execute_sql(TABLE if isinstance(db, PostgresqlDatabase) else words)
