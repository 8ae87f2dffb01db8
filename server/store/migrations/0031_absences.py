"""A person may be absent more than once, each time with somebody else who stands in.

A frozen copy: it does not follow the models.
"""

import json
from typing import Any

from peewee import PostgresqlDatabase

ADD = 'ALTER TABLE "person" ADD COLUMN "absences" TEXT NOT NULL DEFAULT \'[]\''
AWAY = 'SELECT "login", "away_from", "away_until" FROM "person" WHERE "away_from" IS NOT NULL'
DROP = ("away_from", "away_until")


def up(migrator: object, db: Any) -> None:
    """Take over the one absence that a person could have."""
    place = "%s" if isinstance(db, PostgresqlDatabase) else "?"
    db.execute_sql(ADD)
    for login, start, end in db.execute_sql(AWAY).fetchall():
        absence = {"from": start} if end is None else {"from": start, "until": end}
        text = json.dumps([absence], sort_keys=True, separators=(",", ":"))
        db.execute_sql(f'UPDATE "person" SET "absences" = {place} WHERE "login" = {place}', (text, login))
    for column in DROP:
        db.execute_sql(f'ALTER TABLE "person" DROP COLUMN "{column}"')
