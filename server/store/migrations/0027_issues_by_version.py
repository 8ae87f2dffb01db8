"""An index by which the issues that a version judged are found.

A frozen copy: it does not follow the models.
"""

from typing import Any


def up(migrator: object, db: Any) -> None:
    """Add the index; ids within a version only grow, so that it is written at its end."""
    db.execute_sql('CREATE INDEX "issue_version" ON "issue" ("version_id", "id")')
