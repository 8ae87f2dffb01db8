"""Links with which somebody chooses a new password, once.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "reset_link" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "person_id" TEXT NOT NULL REFERENCES "person" ("login"),
        "made_by" TEXT NOT NULL,
        "created_at" BIGINT NOT NULL,
        "expires_at" BIGINT NOT NULL,
        "used_at" BIGINT
    )
"""
INDEX = 'CREATE INDEX "reset_link_person_id" ON "reset_link" ("person_id")'


def up(migrator: object, db: Any) -> None:
    """Create the table."""
    words = TABLE.replace("BIGINT", "INTEGER").rstrip() + " STRICT"
    db.execute_sql(TABLE if isinstance(db, PostgresqlDatabase) else words)
    db.execute_sql(INDEX)
