"""Back-tests that were asked for in the panel, each of one exact text, with what they gave.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER", "BYTEA": "BLOB", "BOOLEAN": "INTEGER"}

TABLE = """
    CREATE TABLE "backtest" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "data" BYTEA NOT NULL,
        "sha256" TEXT NOT NULL,
        "from_at" BIGINT,
        "to_at" BIGINT,
        "share" INTEGER,
        "decisions" BOOLEAN NOT NULL,
        "asked_by" TEXT NOT NULL,
        "asked_at" BIGINT NOT NULL,
        "state" TEXT NOT NULL,
        "done" BIGINT NOT NULL,
        "total" BIGINT,
        "begun_at" BIGINT,
        "alive_at" BIGINT,
        "ended_at" BIGINT,
        "why" TEXT NOT NULL,
        "summary" TEXT,
        "issues" TEXT,
        CONSTRAINT "backtest_state" CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled'))
    )
"""

INDEXES = (
    'CREATE INDEX "backtest_name_sha256" ON "backtest" ("name", "sha256", "id")',
    """CREATE INDEX "backtest_open" ON "backtest" ("id") WHERE "state" IN ('waiting', 'running')""",
)


def up(migrator: object, db: Any) -> None:
    """Create the table."""
    words = TABLE
    if not isinstance(db, PostgresqlDatabase):
        for ours, theirs in SQLITE_WORDS.items():
            words = words.replace(ours, theirs)
        words = words.rstrip() + " STRICT"
    db.execute_sql(words)
    for index in INDEXES:
        db.execute_sql(index)
