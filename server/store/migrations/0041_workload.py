"""How many open issues each owner has, counted whenever their rows change: whoever asks who is least busy adds up a few
rows instead of counting issues.

On PostgreSQL transactions never wait for one another here: each counts in a row of the owner that no other one holds,
and begins a new one where all are held. So an owner has as many rows as wrote at once, not one that all wait for.

A frozen copy: it does not follow the models.
"""

from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "workload" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "owner" TEXT NOT NULL,
        "open" BIGINT NOT NULL
    )
"""
INDEX = 'CREATE INDEX "workload_owner" ON "workload" ("owner")'
FILL = (
    'INSERT INTO "workload" ("owner", "open") SELECT "owner", COUNT(*) FROM "issue" '
    'WHERE "owner" IS NOT NULL AND NOT "final" GROUP BY "owner"'
)

FORMER = '(OLD."owner" IS NOT NULL AND NOT OLD."final")'
LATER = '(NEW."owner" IS NOT NULL AND NOT NEW."final")'
CHANGED = '(OLD."final" <> NEW."final" OR OLD."owner" IS DISTINCT FROM NEW."owner")'
UPDATE = 'UPDATE OF "owner", "final"'
# Name, when, whose issue, how many more he has.
RULES = (
    ("workload_of_deleted", "DELETE", FORMER, "OLD", -1),
    ("workload_of_former", UPDATE, f"{FORMER} AND {CHANGED}", "OLD", -1),
    ("workload_of_later", UPDATE, f"{LATER} AND {CHANGED}", "NEW", 1),
)
NEW_RULE = ("workload_of_new", "INSERT", LATER, "NEW", 1)

POSTGRESQL = (
    """
    CREATE FUNCTION "workload_counts"("whose" text, "more" bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE "workload" SET "open" = "open" + "more" WHERE "id" =
            (SELECT "id" FROM "workload" WHERE "owner" = "whose" LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF NOT FOUND THEN
            INSERT INTO "workload" ("owner", "open") VALUES ("whose", "more");
        END IF;
    END $$
    """,
    # Once for a statement: issues that are received, or copied, together are many.
    """
    CREATE FUNCTION "workload_of_new"() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM "workload_counts"("owner", COUNT(*)) FROM "new_issue"
            WHERE "owner" IS NOT NULL AND NOT "final" GROUP BY "owner";
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER "workload_of_new" AFTER INSERT ON "issue" REFERENCING NEW TABLE AS "new_issue"
        FOR EACH STATEMENT EXECUTE FUNCTION "workload_of_new"()
    """,
)


def _postgresql_rule(name: str, event: str, when: str, row: str, more: int) -> tuple[str, ...]:
    body = f'BEGIN PERFORM "workload_counts"({row}."owner", {more}); RETURN NULL; END'
    return (
        f'CREATE FUNCTION "{name}"() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$',
        f'CREATE TRIGGER "{name}" AFTER {event} ON "issue" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION "{name}"()',
    )


def _sqlite_rule(name: str, event: str, when: str, row: str, more: int) -> tuple[str, ...]:
    # There may be several rows: those of a PostgreSQL whose backup was read here.
    his = f'FROM "workload" WHERE "owner" = {row}."owner"'
    body = (
        f'INSERT INTO "workload" ("owner", "open") SELECT {row}."owner", 0 WHERE NOT EXISTS (SELECT 1 {his}); '
        f'UPDATE "workload" SET "open" = "open" + {more} WHERE "id" = (SELECT MIN("id") {his});'
    )
    when = when.replace("IS DISTINCT FROM", "IS NOT")  # of which older ones know only this
    return (f'CREATE TRIGGER "{name}" AFTER {event} ON "issue" FOR EACH ROW WHEN {when} BEGIN {body} END',)


def up(migrator: object, db: Any) -> None:
    """Create the table, fill it, and let it follow the issues from now on."""
    if isinstance(db, PostgresqlDatabase):
        statements = [TABLE, INDEX, FILL, *POSTGRESQL]
        rules = [_postgresql_rule(*rule) for rule in RULES]
    else:
        table = TABLE.replace("BIGSERIAL", "INTEGER").replace("BIGINT", "INTEGER").rstrip() + " STRICT"
        statements = [table, INDEX, FILL]
        rules = [_sqlite_rule(*rule) for rule in (NEW_RULE, *RULES)]
    for statement in [*statements, *(statement for rule in rules for statement in rule)]:
        db.execute_sql(statement)
