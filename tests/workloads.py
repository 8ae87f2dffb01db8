"""How many open issues each owner has, as the store keeps it and as counting them gives it."""

from __future__ import annotations

from server.directory.live import owned
from server.store import sql

_COUNTED = 'SELECT "owner", COUNT(*) FROM "issue" WHERE "owner" IS NOT NULL AND NOT "final" GROUP BY "owner"'


def counted() -> dict[str, int]:
    """What counting gives, without those who own none."""
    return dict(sql.run(_COUNTED).fetchall())


def kept() -> dict[str, int]:
    """What whoever asks who is least busy is told, of everybody who ever owned an issue; without those who own none."""
    everybody = [login for (login,) in sql.run('SELECT DISTINCT "owner" FROM "workload"').fetchall()]
    return {login: count for login, count in owned(everybody).items() if count}
