"""Indexes by which the audit trail is searched, and the table of its verifications.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "verification" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "asked_at" BIGINT NOT NULL,
        "asked_by" TEXT,
        "state" TEXT NOT NULL,
        "begun_at" BIGINT,
        "seen_at" BIGINT,
        "ended_at" BIGINT,
        "holder" TEXT,
        "read" BIGINT NOT NULL,
        "total" BIGINT NOT NULL,
        "result" TEXT
    )
"""
INDEXES = (
    'CREATE INDEX "audit_entry_at" ON "audit_entry" ("at", "id")',
    'CREATE INDEX "audit_entry_kind" ON "audit_entry" ("kind", "at", "id")',
    'CREATE INDEX "audit_entry_by" ON "audit_entry" ("by", "at", "id") WHERE "by" IS NOT NULL',
)


def up(migrator: object, db: Any) -> None:
    """Create the table and the indexes."""
    words = TABLE.replace("BIGSERIAL", "INTEGER").replace("BIGINT", "INTEGER").rstrip() + " STRICT"
    db.execute_sql(TABLE if isinstance(db, PostgresqlDatabase) else words)
    for statement in INDEXES:
        db.execute_sql(statement)
