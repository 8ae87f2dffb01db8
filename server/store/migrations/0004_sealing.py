"""Blocks that seal the audit trail, signed checkpoints of it, and what each anchor has been given.

A frozen copy: it does not follow the models.
"""

import re
from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGINT": "INTEGER", "BYTEA": "BLOB"}

STATEMENTS = (
    """
    CREATE TABLE "audit_block" (
        "no" BIGINT NOT NULL PRIMARY KEY,
        "at" BIGINT NOT NULL,
        "first" BIGINT NOT NULL,
        "size" BIGINT NOT NULL,
        "entries" TEXT NOT NULL,
        "leaves" BYTEA NOT NULL,
        "root" BYTEA NOT NULL,
        "prev" BYTEA NOT NULL,
        "hash" BYTEA NOT NULL,
        "high" BIGINT NOT NULL,
        "gaps" TEXT NOT NULL
    )
    """,
    'CREATE UNIQUE INDEX "audit_block_first" ON "audit_block" ("first")',
    """
    CREATE TABLE "audit_checkpoint" (
        "size" BIGINT NOT NULL PRIMARY KEY,
        "block" BIGINT NOT NULL,
        "at" BIGINT NOT NULL,
        "text" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "audit_anchor" (
        "url" TEXT NOT NULL PRIMARY KEY,
        "size" BIGINT NOT NULL,
        "at" BIGINT,
        "next_at" BIGINT NOT NULL,
        "failures" INTEGER NOT NULL,
        "failed_at" BIGINT,
        "problem" TEXT
    )
    """,
)


def _for_sqlite(statement: str) -> str:
    for ours, theirs in SQLITE_WORDS.items():
        statement = re.sub(rf"\b{ours}\b", theirs, statement)
    return statement.rstrip() + " STRICT" if statement.lstrip().startswith("CREATE TABLE") else statement


def up(migrator: object, db: Any) -> None:
    """Create the tables and the index."""
    for statement in STATEMENTS:
        db.execute_sql(statement if isinstance(db, PostgresqlDatabase) else _for_sqlite(statement))
