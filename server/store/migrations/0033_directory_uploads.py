"""Files of the directory that wait for somebody's answer.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "directory_upload" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "sha256" TEXT NOT NULL,
        "data" BYTEA NOT NULL,
        "removes" BOOLEAN NOT NULL,
        "by" TEXT NOT NULL,
        "at" BIGINT NOT NULL
    )
"""
SQLITE = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER", "BYTEA": "BLOB", "BOOLEAN": "INTEGER"}


def up(migrator: object, db: Any) -> None:
    """Create the table."""
    statement = TABLE
    if not isinstance(db, PostgresqlDatabase):
        for ours, theirs in SQLITE.items():
            statement = statement.replace(ours, theirs)
        statement = statement.rstrip() + " STRICT"
    db.execute_sql(statement)
