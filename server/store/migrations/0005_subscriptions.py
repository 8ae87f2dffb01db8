"""Subscriptions of integrators.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "subscription" (
        "id" TEXT NOT NULL PRIMARY KEY,
        "url" TEXT NOT NULL,
        "events" TEXT NOT NULL,
        "processes" TEXT NOT NULL,
        "private_by" TEXT,
        "secret" TEXT NOT NULL,
        "former_secret" TEXT,
        "former_until" BIGINT,
        "active" BOOLEAN NOT NULL,
        "reason" TEXT,
        "created_at" BIGINT NOT NULL,
        "created_by" TEXT NOT NULL,
        "failing_since" BIGINT,
        "last_error" TEXT,
        "last_error_at" BIGINT,
        "delivered_at" BIGINT
    )
"""


def up(migrator: object, db: Any) -> None:
    """Create the table."""
    words = TABLE.replace("BIGINT", "INTEGER").replace("BOOLEAN", "INTEGER").rstrip() + " STRICT"
    db.execute_sql(TABLE if isinstance(db, PostgresqlDatabase) else words)
