"""Migrations of open issues to another version of their process, and the rules that the database itself keeps: what was
proposed stays as it is, and no issue moves by a plan that nobody else has approved.

The triggers are written once; each database gets them in its own words. A frozen copy: it does not follow the models.
"""

import re
from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER"}

TABLES = (
    """
    CREATE TABLE "migration" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "process" TEXT NOT NULL,
        "version_id" BIGINT NOT NULL,
        "body" TEXT NOT NULL,
        "sha256" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "reason" TEXT NOT NULL,
        "proposed_by" TEXT NOT NULL,
        "proposed_at" BIGINT NOT NULL,
        "decided_by" TEXT,
        "decided_sha256" TEXT,
        "decided_at" BIGINT,
        "remark" TEXT NOT NULL,
        "ended_at" BIGINT,
        FOREIGN KEY ("version_id") REFERENCES "version" ("id"),
        CONSTRAINT "migration_state" CHECK (state IN ('proposed', 'approved', 'rejected', 'withdrawn', 'done')),
        CONSTRAINT "migration_by_another" CHECK (
            state NOT IN ('approved', 'done')
            OR (decided_by IS NOT NULL AND decided_by <> proposed_by
                AND decided_sha256 IS NOT NULL AND decided_sha256 = sha256))
    )
    """,
    'CREATE INDEX "migration_process_id" ON "migration" ("process", "id")',
    'CREATE INDEX "migration_state_id" ON "migration" ("state", "id")',
    """
    CREATE TABLE "migration_issue" (
        "migration_id" BIGINT NOT NULL,
        "issue_id" BIGINT NOT NULL,
        "state" TEXT NOT NULL,
        "why" TEXT,
        "at" BIGINT,
        PRIMARY KEY ("migration_id", "issue_id"),
        FOREIGN KEY ("migration_id") REFERENCES "migration" ("id"),
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id"),
        CONSTRAINT "migration_issue_state" CHECK (state IN ('waiting', 'migrated', 'left'))
    )
    """,
    """
    CREATE INDEX "migration_issue_waiting" ON "migration_issue" ("migration_id", "issue_id") WHERE "state" = 'waiting'
    """,
)

DECIDED = ("decided_by", "decided_sha256")
CONTENT = ("process", "version_id", "body", "sha256", "reason", "proposed_by", "proposed_at")

RULES = (
    # name, table, what is done, when it is refused, why
    (
        "migration_is_proposed_first",
        "migration",
        "INSERT",
        """NEW."state" <> 'proposed'""",
        "a migration is proposed first",
    ),
    (
        "migration_stays",
        "migration",
        "UPDATE",
        " OR ".join(f'NEW."{name}" <> OLD."{name}"' for name in CONTENT)
        + """ OR OLD."state" IN ('rejected', 'withdrawn', 'done')
        OR (OLD."state" = 'approved' AND (NEW."state" <> 'done' """
        + " ".join(f"""OR COALESCE(NEW."{name}", '') <> OLD."{name}" """ for name in DECIDED)
        + """)) OR (OLD."state" = 'proposed' AND NEW."state" = 'done')""",
        "a migration stays as it was proposed and decided",
    ),
    ("migration_is_kept", "migration", "DELETE", "1 = 1", "a migration is not removed"),
    (
        "migration_issue_of_what_was_approved",
        "migration_issue",
        "UPDATE",
        """
        OLD."state" <> 'waiting' OR NEW."issue_id" <> OLD."issue_id" OR NEW."migration_id" <> OLD."migration_id"
        OR NOT EXISTS (SELECT 1 FROM "migration" m WHERE m."id" = NEW."migration_id" AND m."state" = 'approved')
        """,
        "an issue moves once, by a migration that was approved",
    ),
    (
        "migration_issue_of_what_is_proposed",
        "migration_issue",
        "INSERT",
        """
        NEW."state" <> 'waiting'
        OR NOT EXISTS (SELECT 1 FROM "migration" m WHERE m."id" = NEW."migration_id" AND m."state" = 'proposed')
        """,
        "which issues a migration concerns is said when it is proposed",
    ),
    ("migration_issue_is_kept", "migration_issue", "DELETE", "1 = 1", "what became of an issue stays on record"),
)


def _for_sqlite(statement: str) -> str:
    for ours, theirs in SQLITE_WORDS.items():
        statement = re.sub(rf"\b{ours}\b", theirs, statement)
    return statement.rstrip() + " STRICT" if statement.lstrip().startswith("CREATE TABLE") else statement


def _sqlite_trigger(name: str, table: str, event: str, refused: str, why: str) -> tuple[str, ...]:
    head = f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW WHEN {refused}'
    return (f"{head} BEGIN SELECT RAISE(ABORT, '{why}'); END",)


def _postgresql_trigger(name: str, table: str, event: str, refused: str, why: str) -> tuple[str, ...]:
    row = "OLD" if event == "DELETE" else "NEW"
    # As a broken constraint, which is what it is on SQLite, too.
    raised = f"RAISE EXCEPTION '{why}' USING ERRCODE = '23514'"
    body = f"BEGIN IF {refused} THEN {raised}; END IF; RETURN {row}; END"
    return (
        f'CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$',
        f'CREATE TRIGGER "{name}" BEFORE {event} ON "{table}" FOR EACH ROW EXECUTE FUNCTION "{name}"()',
    )


def up(migrator: object, db: Any) -> None:
    """Create the tables and the rules."""
    is_postgresql = isinstance(db, PostgresqlDatabase)
    for statement in TABLES:
        db.execute_sql(statement if is_postgresql else _for_sqlite(statement))
    for rule in RULES:
        for statement in _postgresql_trigger(*rule) if is_postgresql else _sqlite_trigger(*rule):
            db.execute_sql(statement)
