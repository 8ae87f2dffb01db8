"""Drafts with their authors and approvals, and the rules that the database itself keeps: nobody approves what he wrote,
only what was approved takes effect, and what was approved stays as it is.

The triggers are written once; each database gets them in its own words. A frozen copy: it does not follow the models.
"""

import re
from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER", "BYTEA": "BLOB"}

TABLES = (
    'ALTER TABLE "version" ADD COLUMN "approvals" INTEGER NOT NULL DEFAULT 1',
    """
    CREATE TABLE "draft" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "data" BYTEA NOT NULL,
        "sha256" TEXT NOT NULL,
        "based_on_id" BIGINT,
        "origin" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "reason" TEXT NOT NULL,
        "acknowledged" TEXT NOT NULL,
        "approvals" INTEGER NOT NULL,
        "effective_at" BIGINT,
        "created_by" TEXT,
        "created_at" BIGINT NOT NULL,
        "submitted_by" TEXT,
        "submitted_at" BIGINT,
        "closed_by" TEXT,
        "closed_at" BIGINT,
        "remark" TEXT NOT NULL,
        "seq" INTEGER NOT NULL,
        "version_id" BIGINT,
        FOREIGN KEY ("based_on_id") REFERENCES "version" ("id"),
        FOREIGN KEY ("version_id") REFERENCES "version" ("id"),
        CONSTRAINT "draft_origin" CHECK (origin IN ('proposed', 'shipped', 'rollback')),
        CONSTRAINT "draft_state" CHECK (state IN ('draft', 'submitted', 'scheduled', 'active', 'superseded',
                                                  'rejected', 'withdrawn', 'refused'))
    )
    """,
    'CREATE INDEX "draft_based_on_id" ON "draft" ("based_on_id")',
    'CREATE UNIQUE INDEX "draft_version_id" ON "draft" ("version_id")',
    'CREATE INDEX "draft_name_id" ON "draft" ("name", "id")',
    'CREATE INDEX "draft_state_id" ON "draft" ("state", "id")',
    """CREATE INDEX "draft_scheduled" ON "draft" ("effective_at", "id") WHERE "state" = 'scheduled'""",
    """
    CREATE TABLE "draft_author" (
        "draft_id" BIGINT NOT NULL,
        "login" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        PRIMARY KEY ("draft_id", "login"),
        FOREIGN KEY ("draft_id") REFERENCES "draft" ("id")
    )
    """,
    """
    CREATE TABLE "approval" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "draft_id" BIGINT NOT NULL,
        "sha256" TEXT NOT NULL,
        "approver" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        "remark" TEXT NOT NULL,
        FOREIGN KEY ("draft_id") REFERENCES "draft" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "approval_draft_id_approver" ON "approval" ("draft_id", "approver")',
)

APPROVED = '(SELECT COUNT(*) FROM "approval" p WHERE p."draft_id" = d."id" AND p."sha256" = v."sha256")'

RULES = (
    # name, table, what is done, when it is refused, why
    (
        "approval_by_another",
        "approval",
        "INSERT",
        """
        EXISTS (SELECT 1 FROM "draft_author" w WHERE w."draft_id" = NEW."draft_id" AND w."login" = NEW."approver")
        OR EXISTS (SELECT 1 FROM "draft" d WHERE d."id" = NEW."draft_id"
                   AND (d."submitted_by" = NEW."approver" OR d."created_by" = NEW."approver"))
        """,
        "nobody approves a draft that he wrote or submitted",
    ),
    (
        "approval_of_what_was_submitted",
        "approval",
        "INSERT",
        """
        NOT EXISTS (SELECT 1 FROM "draft" d WHERE d."id" = NEW."draft_id" AND d."state" = 'submitted'
                    AND d."submitted_by" IS NOT NULL AND d."sha256" = NEW."sha256")
        """,
        "only the text of a submitted draft can be approved",
    ),
    ("approval_stays", "approval", "UPDATE", "1 = 1", "an approval stays as it was given"),
    ("approval_is_kept", "approval", "DELETE", "1 = 1", "an approval is not taken back"),
    ("draft_author_stays", "draft_author", "UPDATE", "1 = 1", "who wrote a draft stays on record"),
    ("draft_author_is_kept", "draft_author", "DELETE", "1 = 1", "who wrote a draft stays on record"),
    (
        "draft_stays",
        "draft",
        "UPDATE",
        """
        COALESCE(NEW."created_by", '') <> COALESCE(OLD."created_by", '')
        OR OLD."state" <> 'draft' AND (
            NEW."state" = 'draft' OR NEW."data" <> OLD."data" OR NEW."sha256" <> OLD."sha256"
            OR NEW."name" <> OLD."name" OR NEW."kind" <> OLD."kind" OR NEW."approvals" <> OLD."approvals"
            OR COALESCE(NEW."submitted_by", '') <> COALESCE(OLD."submitted_by", '')
            OR COALESCE(NEW."based_on_id", 0) <> COALESCE(OLD."based_on_id", 0)
            OR (OLD."version_id" IS NOT NULL AND COALESCE(NEW."version_id", 0) <> OLD."version_id"))
        """,
        "a draft that was submitted stays as it is",
    ),
    (
        "draft_is_submitted_first",
        "draft",
        "UPDATE",
        """OLD."state" = 'draft' AND NEW."state" NOT IN ('draft', 'submitted', 'withdrawn')""",
        "a draft has to be submitted before it can be approved",
    ),
    ("draft_is_kept", "draft", "DELETE", "1 = 1", "a draft is not removed"),
    (
        "version_shipped_first",
        "version",
        "INSERT",
        """
        NEW."origin" = 'shipped' AND EXISTS (SELECT 1 FROM "version" v WHERE v."name" = NEW."name")
        """,
        "only the first version of a document comes with the product",
    ),
    ("version_stays", "version", "UPDATE", "1 = 1", "a version is never changed"),
    ("version_is_kept", "version", "DELETE", "1 = 1", "a version is never removed"),
    (
        "activation_of_what_was_approved",
        "activation",
        "INSERT",
        # The first shipped version; one that was approved as often as it and what was last in force ask for, and never
        # in force; or, in an emergency, the one that was in force before the last.
        f"""
        NOT EXISTS (
            SELECT 1 FROM "version" v WHERE v."id" = NEW."version_id" AND v."name" = NEW."name" AND (
                (v."origin" = 'shipped' AND NOT EXISTS (SELECT 1 FROM "activation" a WHERE a."name" = v."name"))
                OR v."id" = (SELECT a."version_id" FROM "activation" a WHERE a."name" = v."name"
                             ORDER BY a."id" DESC LIMIT 1 OFFSET 1)
                OR (NOT EXISTS (SELECT 1 FROM "activation" a WHERE a."version_id" = v."id")
                    AND EXISTS (
                        SELECT 1 FROM "draft" d WHERE d."version_id" = v."id" AND d."sha256" = v."sha256"
                        AND d."state" IN ('submitted', 'scheduled')
                        AND {APPROVED} >= v."approvals" AND {APPROVED} >= d."approvals"
                        AND {APPROVED} >= COALESCE((
                            SELECT w."approvals" FROM "activation" a JOIN "version" w ON w."id" = a."version_id"
                            WHERE a."name" = v."name" ORDER BY a."id" DESC LIMIT 1), 1)))))
        """,
        "only what others have approved takes effect",
    ),
    (
        "activation_stays",
        "activation",
        "UPDATE",
        """
        NEW."name" <> OLD."name" OR NEW."version_id" <> OLD."version_id" OR NEW."from_at" <> OLD."from_at"
        OR OLD."until_at" IS NOT NULL
        """,
        "what was in force when stays on record",
    ),
    ("activation_is_kept", "activation", "DELETE", "1 = 1", "what was in force when stays on record"),
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
