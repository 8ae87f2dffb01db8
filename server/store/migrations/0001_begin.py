"""The first tables.

Written in PostgreSQL's words; on SQLite they are replaced, and every table is STRICT, so that a wrong type is refused
there, too. A frozen copy: it does not follow the models, later migrations do.
"""

import re
from typing import Any

from peewee import PostgresqlDatabase

SQLITE_WORDS = {"BIGSERIAL": "INTEGER", "BIGINT": "INTEGER", "BYTEA": "BLOB", "BOOLEAN": "INTEGER"}

STATEMENTS = (
    """
    CREATE TABLE "version" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "number" INTEGER NOT NULL,
        "sha256" TEXT NOT NULL,
        "data" BYTEA NOT NULL,
        "dates" TEXT,
        "origin" TEXT NOT NULL,
        "author" TEXT,
        "approver" TEXT,
        "reason" TEXT NOT NULL,
        "based_on_id" BIGINT,
        "created_at" BIGINT NOT NULL,
        FOREIGN KEY ("based_on_id") REFERENCES "version" ("id"),
        CONSTRAINT "version_approved_by_another" CHECK (
            origin = 'shipped' OR (approver IS NOT NULL AND author IS NOT NULL AND approver <> author)
        )
    )
    """,
    'CREATE INDEX "version_based_on_id" ON "version" ("based_on_id")',
    'CREATE UNIQUE INDEX "version_name_number" ON "version" ("name", "number")',
    """
    CREATE TABLE "activation" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "version_id" BIGINT NOT NULL,
        "from_at" BIGINT NOT NULL,
        "until_at" BIGINT,
        "by" TEXT,
        FOREIGN KEY ("version_id") REFERENCES "version" ("id")
    )
    """,
    'CREATE INDEX "activation_version_id" ON "activation" ("version_id")',
    'CREATE UNIQUE INDEX "activation_in_force" ON "activation" ("name") WHERE "until_at" IS NULL',
    'CREATE INDEX "activation_history" ON "activation" ("name", "from_at")',
    """
    CREATE TABLE "person" (
        "login" TEXT NOT NULL PRIMARY KEY,
        "name" TEXT NOT NULL,
        "email" TEXT,
        "phone" TEXT,
        "channel_ids" TEXT NOT NULL,
        "language" TEXT NOT NULL,
        "supervisor_id" TEXT,
        "deputy_id" TEXT,
        "away_from" BIGINT,
        "away_until" BIGINT,
        "password_hash" TEXT,
        "created_at" BIGINT NOT NULL,
        "disabled_at" BIGINT,
        FOREIGN KEY ("supervisor_id") REFERENCES "person" ("login"),
        FOREIGN KEY ("deputy_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "person_supervisor_id" ON "person" ("supervisor_id")',
    'CREATE INDEX "person_deputy_id" ON "person" ("deputy_id")',
    """
    CREATE TABLE "team" (
        "id" TEXT NOT NULL PRIMARY KEY,
        "title" TEXT NOT NULL,
        "lead_id" TEXT,
        FOREIGN KEY ("lead_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "team_lead_id" ON "team" ("lead_id")',
    """
    CREATE TABLE "membership" (
        "team_id" TEXT NOT NULL,
        "person_id" TEXT NOT NULL,
        "position" INTEGER NOT NULL,
        PRIMARY KEY ("team_id", "person_id"),
        FOREIGN KEY ("team_id") REFERENCES "team" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "membership_person_id" ON "membership" ("person_id")',
    """
    CREATE TABLE "role" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "title" TEXT NOT NULL,
        "permissions" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "holding" (
        "role_id" TEXT NOT NULL,
        "person_id" TEXT NOT NULL,
        "position" INTEGER NOT NULL,
        PRIMARY KEY ("role_id", "person_id"),
        FOREIGN KEY ("role_id") REFERENCES "role" ("name") ON DELETE CASCADE,
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "holding_person_id" ON "holding" ("person_id")',
    """
    CREATE TABLE "rota" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "team_id" TEXT NOT NULL,
        "person_id" TEXT NOT NULL,
        "from_at" BIGINT NOT NULL,
        "to_at" BIGINT NOT NULL,
        FOREIGN KEY ("team_id") REFERENCES "team" ("id") ON DELETE CASCADE,
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "rota_person_id" ON "rota" ("person_id")',
    'CREATE INDEX "rota_team_id_from_at" ON "rota" ("team_id", "from_at")',
    """
    CREATE TABLE "customer" (
        "id" TEXT NOT NULL PRIMARY KEY,
        "names" TEXT NOT NULL,
        "email" TEXT,
        "phone" TEXT,
        "preferred" TEXT,
        "products" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "customer_name" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "customer_id" TEXT NOT NULL,
        FOREIGN KEY ("customer_id") REFERENCES "customer" ("id") ON DELETE CASCADE
    )
    """,
    'CREATE INDEX "customer_name_customer_id" ON "customer_name" ("customer_id")',
    """
    CREATE TABLE "token" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "person_id" TEXT NOT NULL,
        "label" TEXT NOT NULL,
        "hash" TEXT NOT NULL,
        "scopes" TEXT NOT NULL,
        "created_at" BIGINT NOT NULL,
        "expires_at" BIGINT,
        "revoked_at" BIGINT,
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "token_person_id" ON "token" ("person_id")',
    'CREATE UNIQUE INDEX "token_hash" ON "token" ("hash")',
    """
    CREATE TABLE "session" (
        "hash" TEXT NOT NULL PRIMARY KEY,
        "person_id" TEXT NOT NULL,
        "data" TEXT NOT NULL,
        "address" TEXT NOT NULL,
        "created_at" BIGINT NOT NULL,
        "seen_at" BIGINT NOT NULL,
        "expires_at" BIGINT NOT NULL,
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "session_person_id" ON "session" ("person_id")',
    'CREATE INDEX "session_expires_at" ON "session" ("expires_at")',
    """
    CREATE TABLE "sign_in_attempt" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "login" TEXT NOT NULL,
        "address" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        "succeeded" BOOLEAN NOT NULL
    )
    """,
    'CREATE INDEX "sign_in_attempt_at" ON "sign_in_attempt" ("at")',
    'CREATE INDEX "sign_in_attempt_login_at" ON "sign_in_attempt" ("login", "at")',
    'CREATE INDEX "sign_in_attempt_address_at" ON "sign_in_attempt" ("address", "at")',
    """
    CREATE TABLE "idempotency_key" (
        "owner" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "body_sha256" TEXT NOT NULL,
        "status" INTEGER,
        "headers" TEXT NOT NULL,
        "answer" BYTEA,
        "at" BIGINT NOT NULL,
        PRIMARY KEY ("owner", "key")
    )
    """,
    'CREATE INDEX "idempotency_key_at" ON "idempotency_key" ("at")',
    """
    CREATE TABLE "issue" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "process" TEXT NOT NULL,
        "number" TEXT NOT NULL,
        "version_id" BIGINT NOT NULL,
        "pins" TEXT NOT NULL,
        "source" TEXT NOT NULL,
        "external_id" TEXT,
        "severity" TEXT,
        "stage" TEXT NOT NULL,
        "team" TEXT,
        "owner" TEXT,
        "subject" TEXT NOT NULL,
        "received_at" BIGINT NOT NULL,
        "recorded_at" BIGINT NOT NULL,
        "final" BOOLEAN NOT NULL,
        "closed_at" BIGINT,
        "seq" INTEGER NOT NULL,
        "wake_at" BIGINT,
        "case" TEXT NOT NULL,
        "problem" TEXT,
        FOREIGN KEY ("version_id") REFERENCES "version" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "issue_number" ON "issue" ("number")',
    'CREATE INDEX "issue_process_id" ON "issue" ("process", "id")',
    'CREATE INDEX "issue_process_stage_id" ON "issue" ("process", "stage", "id")',
    'CREATE INDEX "issue_severity_id" ON "issue" ("severity", "id")',
    'CREATE INDEX "issue_owner_final_id" ON "issue" ("owner", "final", "id")',
    'CREATE INDEX "issue_team_final_id" ON "issue" ("team", "final", "id")',
    'CREATE INDEX "issue_process_closed_at" ON "issue" ("process", "closed_at")',
    """
    CREATE UNIQUE INDEX "issue_source_external_id" ON "issue" ("source", "external_id")
        WHERE "external_id" IS NOT NULL
    """,
    'CREATE INDEX "issue_wake" ON "issue" ("wake_at", "id") WHERE "wake_at" IS NOT NULL AND "problem" IS NULL',
    'CREATE INDEX "issue_problem" ON "issue" ("id") WHERE "problem" IS NOT NULL',
    """
    CREATE TABLE "event" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "issue_id" BIGINT NOT NULL,
        "seq" INTEGER NOT NULL,
        "key" TEXT,
        "at" BIGINT NOT NULL,
        "recorded_at" BIGINT NOT NULL,
        "kind" TEXT NOT NULL,
        "by" TEXT,
        "version_id" BIGINT,
        "body" TEXT NOT NULL,
        "entries" TEXT NOT NULL,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id"),
        FOREIGN KEY ("version_id") REFERENCES "version" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "event_issue_id_seq" ON "event" ("issue_id", "seq")',
    'CREATE UNIQUE INDEX "event_key" ON "event" ("key") WHERE "key" IS NOT NULL',
    """
    CREATE TABLE "issue_link" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "issue_id" BIGINT NOT NULL,
        "other_id" BIGINT NOT NULL,
        "relation" TEXT NOT NULL,
        "by" TEXT,
        "at" BIGINT NOT NULL,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id"),
        FOREIGN KEY ("other_id") REFERENCES "issue" ("id")
    )
    """,
    'CREATE INDEX "issue_link_other_id" ON "issue_link" ("other_id")',
    'CREATE UNIQUE INDEX "issue_link_issue_id_other_id_relation" ON "issue_link" ("issue_id", "other_id", "relation")',
    """
    CREATE TABLE "watcher" (
        "issue_id" BIGINT NOT NULL,
        "person_id" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        PRIMARY KEY ("issue_id", "person_id"),
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id"),
        FOREIGN KEY ("person_id") REFERENCES "person" ("login")
    )
    """,
    'CREATE INDEX "watcher_person_id" ON "watcher" ("person_id")',
    """
    CREATE TABLE "attachment" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "issue_id" BIGINT NOT NULL,
        "name" TEXT NOT NULL,
        "media_type" TEXT NOT NULL,
        "size" INTEGER NOT NULL,
        "sha256" TEXT NOT NULL,
        "by" TEXT,
        "at" BIGINT NOT NULL,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id")
    )
    """,
    'CREATE INDEX "attachment_issue_id" ON "attachment" ("issue_id")',
    """
    CREATE TABLE "attachment_chunk" (
        "attachment_id" BIGINT NOT NULL,
        "number" INTEGER NOT NULL,
        "data" BYTEA NOT NULL,
        PRIMARY KEY ("attachment_id", "number"),
        FOREIGN KEY ("attachment_id") REFERENCES "attachment" ("id") ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE "survey_link" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "issue_id" BIGINT NOT NULL,
        "survey" TEXT NOT NULL,
        "nonce_hash" TEXT NOT NULL,
        "asked_at" BIGINT NOT NULL,
        "expires_at" BIGINT,
        "used_at" BIGINT,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "survey_link_nonce_hash" ON "survey_link" ("nonce_hash")',
    'CREATE UNIQUE INDEX "survey_link_issue_id_survey" ON "survey_link" ("issue_id", "survey")',
    """
    CREATE TABLE "kept" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "source" TEXT NOT NULL,
        "external_id" TEXT,
        "body" BYTEA NOT NULL,
        "headers" TEXT NOT NULL,
        "item" INTEGER,
        "problem" TEXT NOT NULL,
        "state" TEXT NOT NULL,
        "at" BIGINT NOT NULL,
        "settled_at" BIGINT,
        "issue_id" BIGINT,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id")
    )
    """,
    'CREATE INDEX "kept_issue_id" ON "kept" ("issue_id")',
    'CREATE INDEX "kept_state_id" ON "kept" ("state", "id")',
    """
    CREATE TABLE "serial" (
        "process" TEXT NOT NULL,
        "date" TEXT NOT NULL,
        "last" INTEGER NOT NULL,
        PRIMARY KEY ("process", "date")
    )
    """,
    """
    CREATE TABLE "watch_window" (
        "process" TEXT NOT NULL,
        "watch" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "moments" TEXT NOT NULL,
        "raised" BOOLEAN NOT NULL,
        PRIMARY KEY ("process", "watch", "key")
    )
    """,
    """
    CREATE TABLE "turn" (
        "process" TEXT NOT NULL,
        "team" TEXT NOT NULL,
        "last" TEXT NOT NULL,
        "count" BIGINT NOT NULL,
        PRIMARY KEY ("process", "team")
    )
    """,
    """
    CREATE TABLE "message" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "key" TEXT NOT NULL,
        "issue_id" BIGINT,
        "event_id" BIGINT,
        "notice" TEXT NOT NULL,
        "step" INTEGER NOT NULL,
        "process" TEXT NOT NULL,
        "channels" TEXT NOT NULL,
        "channel" TEXT NOT NULL,
        "to" TEXT NOT NULL,
        "recipient" TEXT NOT NULL,
        "address" TEXT NOT NULL,
        "destination" TEXT NOT NULL,
        "language" TEXT NOT NULL,
        "subject" TEXT NOT NULL,
        "body" TEXT NOT NULL,
        "payload" TEXT,
        "state" TEXT NOT NULL,
        "reason" TEXT,
        "at" BIGINT NOT NULL,
        "created_at" BIGINT NOT NULL,
        "not_before" BIGINT,
        "next_at" BIGINT,
        "lease_until" BIGINT NOT NULL,
        "lease_by" TEXT,
        "fence" BIGINT NOT NULL,
        "attempts" INTEGER NOT NULL,
        "last_error" TEXT,
        "sent_at" BIGINT,
        "batch_id" BIGINT,
        "replaces_id" BIGINT,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id"),
        FOREIGN KEY ("event_id") REFERENCES "event" ("id"),
        FOREIGN KEY ("batch_id") REFERENCES "message" ("id"),
        FOREIGN KEY ("replaces_id") REFERENCES "message" ("id")
    )
    """,
    'CREATE UNIQUE INDEX "message_key" ON "message" ("key")',
    'CREATE INDEX "message_issue_id" ON "message" ("issue_id")',
    """CREATE INDEX "message_pending" ON "message" ("next_at", "id") WHERE "state" = 'pending'""",
    """
    CREATE INDEX "message_fresh" ON "message" ("at", "id")
        WHERE "state" = 'pending' AND "not_before" IS NOT NULL
    """,
    'CREATE INDEX "message_batch" ON "message" ("batch_id") WHERE "batch_id" IS NOT NULL',
    """CREATE INDEX "message_open" ON "message" ("state", "id") WHERE "state" NOT IN ('sent', 'folded', 'pending')""",
    """
    CREATE TABLE "schedule" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "kind" TEXT NOT NULL,
        "name" TEXT NOT NULL,
        "key" TEXT NOT NULL,
        "next_at" BIGINT,
        "state" TEXT NOT NULL,
        "seq" INTEGER NOT NULL,
        "problem" TEXT
    )
    """,
    'CREATE UNIQUE INDEX "schedule_key" ON "schedule" ("key")',
    'CREATE INDEX "schedule_next_at_id" ON "schedule" ("next_at", "id")',
    """
    CREATE TABLE "lease" (
        "name" TEXT NOT NULL PRIMARY KEY,
        "holder" TEXT NOT NULL,
        "until" BIGINT NOT NULL,
        "fence" BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE "meta" (
        "key" TEXT NOT NULL PRIMARY KEY,
        "value" TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE "audit_entry" (
        "id" BIGSERIAL NOT NULL PRIMARY KEY,
        "at" BIGINT NOT NULL,
        "kind" TEXT NOT NULL,
        "by" TEXT,
        "issue_id" BIGINT,
        "body" TEXT NOT NULL,
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id")
    )
    """,
    'CREATE INDEX "audit_entry_issue" ON "audit_entry" ("issue_id", "id")',
    """
    CREATE TABLE "private_value" (
        "issue_id" BIGINT NOT NULL,
        "field" TEXT NOT NULL,
        "salt" BYTEA NOT NULL,
        PRIMARY KEY ("issue_id", "field"),
        FOREIGN KEY ("issue_id") REFERENCES "issue" ("id")
    )
    """,
)


def _for_sqlite(statement: str) -> str:
    for ours, theirs in SQLITE_WORDS.items():
        statement = re.sub(rf"\b{ours}\b", theirs, statement)
    return statement.rstrip() + " STRICT" if statement.lstrip().startswith("CREATE TABLE") else statement


def up(migrator: object, db: Any) -> None:
    """Create every table and index."""
    for statement in STATEMENTS:
        db.execute_sql(statement if isinstance(db, PostgresqlDatabase) else _for_sqlite(statement))
