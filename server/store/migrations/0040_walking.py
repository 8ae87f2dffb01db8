"""Indexes along which the issues of a version, messages and the audit trail are listed: on PostgreSQL in an order that
the index of the ids, or that of the moments, does not have (missing ones first, of which there are none). What stands
behind the id is looked at on the way, without reading the row.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

INDEXES = {
    "issue_version": '"issue" ("version_id", "id" NULLS FIRST)',
    "message_open": (
        '"message" ("state", "id" NULLS FIRST, "process", "channel") '
        "WHERE \"state\" NOT IN ('sent', 'folded', 'pending')"
    ),
    "audit_entry_kind": '"audit_entry" ("kind", "at" NULLS FIRST, "id" NULLS FIRST)',
    "audit_entry_by": '"audit_entry" ("by", "at" NULLS FIRST, "id" NULLS FIRST, "kind") WHERE "by" IS NOT NULL',
}


def up(migrator: object, db: Any) -> None:
    """Build them anew."""
    for name, columns in INDEXES.items():
        if not isinstance(db, PostgresqlDatabase):
            columns = columns.replace(" NULLS FIRST", "")  # SQLite has no such order, and needs none
        db.execute_sql(f'DROP INDEX "{name}"')
        db.execute_sql(f'CREATE INDEX "{name}" ON {columns}')
