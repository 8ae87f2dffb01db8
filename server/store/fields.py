"""What every table shares: the base class, moments, and JSON kept as canonical text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import peewee

from server.core.json_text import writer
from server.store.database import proxy


def canonical(value: Any) -> str:
    """JSON with sorted keys, no spaces, no NaN: the same value always gives the same bytes.

    Raises ValueError for NaN and infinities, TypeError for what is not JSON.
    """
    return _CANONICAL(value)


_CANONICAL: Final = writer(sort_keys=True)


class Row(peewee.Model):
    """Base of all tables. Text columns have no length: limits are the business of the edge, not of one database."""

    class Meta:
        database = proxy
        legacy_table_names = False

    if TYPE_CHECKING:  # Peewee makes `supervisor_id` beside `supervisor`; its types do not say so.

        def __getattr__(self, name: str) -> Any: ...


class NumberedRow(Row):
    """A table whose rows are numbered."""

    id = peewee.BigAutoField()


class MomentField(peewee.BigIntegerField):
    """Milliseconds since the epoch, UTC."""


class JsonField(peewee.TextField):
    """A small value, kept as canonical JSON text and read back as Python data."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else canonical(value)

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)
