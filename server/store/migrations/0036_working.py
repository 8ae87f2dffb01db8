"""The workers that are seen, and what came of deliveries hour by hour.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLES = (
    """
    CREATE TABLE "worker" (
        "holder" TEXT NOT NULL PRIMARY KEY,
        "release" TEXT NOT NULL,
        "started_at" BIGINT NOT NULL,
        "seen_at" BIGINT NOT NULL,
        "left_alone" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "delivery_hour" (
        "destination" TEXT NOT NULL,
        "hour" BIGINT NOT NULL,
        "sent" BIGINT NOT NULL,
        "failed" BIGINT NOT NULL,
        "sent_at" BIGINT,
        "failed_at" BIGINT,
        "error" TEXT,
        PRIMARY KEY ("destination", "hour")
    )
    """,
)


def up(migrator: object, db: Any) -> None:
    """Create the tables."""
    for table in TABLES:
        words = table.replace("BIGINT", "INTEGER").rstrip() + " STRICT"
        db.execute_sql(table if isinstance(db, PostgresqlDatabase) else words)
