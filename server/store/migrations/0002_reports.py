"""Reports with their remarks, and indexes by which issues and events of a period are found.

A frozen copy: it does not follow the models.
"""

import re
from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER"}

STATEMENTS = (
    """
    CREATE TABLE "report" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "process" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "version_id" BIGINT NOT NULL,
        "covers" TEXT NOT NULL,
        "from_at" BIGINT NOT NULL,
        "to_at" BIGINT NOT NULL,
        "due_at" BIGINT NOT NULL,
        "made_at" BIGINT NOT NULL,
        "figures" TEXT NOT NULL,
        "text" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "seq" INTEGER NOT NULL,
        "released_by" TEXT,
        "sent_at" BIGINT,
        FOREIGN KEY ("version_id") REFERENCES "version" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "report_key" ON "report" ("key")',
    'CREATE INDEX "report_process_name_id" ON "report" ("process", "name", "id")',
    'CREATE INDEX "report_state_id" ON "report" ("state", "id")',
    """
    CREATE TABLE "report_remark" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "report_id" BIGINT NOT NULL,
        "kind" TEXT NOT NULL,
        "by" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        "text" TEXT NOT NULL,
        FOREIGN KEY ("report_id") REFERENCES "report" ("id")
    )
    """,
    'CREATE INDEX "report_remark_report_id" ON "report_remark" ("report_id")',
    'CREATE INDEX "issue_process_received_at" ON "issue" ("process", "received_at")',
    'CREATE INDEX "event_at" ON "event" ("at", "issue_id")',
)


def _for_sqlite(statement: str) -> str:
    for ours, theirs in SQLITE_WORDS.items():
        statement = re.sub(rf"\b{ours}\b", theirs, statement)
    return statement.rstrip() + " STRICT" if statement.lstrip().startswith("CREATE TABLE") else statement


def up(migrator: object, db: Any) -> None:
    """Create the tables and indexes."""
    for statement in STATEMENTS:
        db.execute_sql(statement if isinstance(db, PostgresqlDatabase) else _for_sqlite(statement))
