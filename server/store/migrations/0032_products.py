"""Which customers have a product, to be looked up.

A frozen copy: it does not follow the models.
"""

import json
from typing import Any

from peewee import PostgresqlDatabase

TABLE = """
    CREATE TABLE "customer_product" (
        "product" TEXT NOT NULL,
        "customer_id" TEXT NOT NULL,
        PRIMARY KEY ("product", "customer_id"),
        FOREIGN KEY ("customer_id") REFERENCES "customer" ("id") ON DELETE CASCADE
    )
"""
INDEX = 'CREATE INDEX "customer_product_customer_id" ON "customer_product" ("customer_id")'


def up(migrator: object, db: Any) -> None:
    """Create the table and fill it from the customers."""
    place = "%s" if isinstance(db, PostgresqlDatabase) else "?"
    db.execute_sql(TABLE if isinstance(db, PostgresqlDatabase) else TABLE.rstrip() + " STRICT")
    db.execute_sql(INDEX)
    for id, products in db.execute_sql('SELECT "id", "products" FROM "customer"').fetchall():
        for product in dict.fromkeys(json.loads(products)):
            db.execute_sql(f'INSERT INTO "customer_product" VALUES ({place}, {place})', (product, id))
