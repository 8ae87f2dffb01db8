"""What is read from the texts of versions, kept: a text never changes after it was stored."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from server import policies
from server.core import checking, documents
from server.core.findings import Finding
from server.core.moments import DAY, Moment
from server.core.process import Text
from server.core.vocabulary import in_language
from server.store.models import Activation, Version

MOST_VALUES: Final = 64  # parsed texts, of up to a few hundred kilobytes each
MOST_TITLES: Final = 5_000
MOST_CHECKED: Final = 500

_values: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
_titles: OrderedDict[str, Text] = OrderedDict()
_checked: OrderedDict[tuple[str, int, int], list[Finding]] = OrderedDict()


def _keep(kept: OrderedDict[Any, Any], key: Any, made: Any, most: int) -> Any:
    kept[key] = made
    while len(kept) > most:
        kept.popitem(last=False)
    return made


def value_of(row: Any) -> Mapping[str, Any]:
    """What the text of a version (or draft) says; nothing where it cannot be read."""
    found = _values.get(row.sha256)
    if found is not None:
        _values.move_to_end(row.sha256)
        return found
    document, _ = documents.read(bytes(row.data), f"{row.name}.yaml")
    kept: Mapping[str, Any] = _keep(_values, row.sha256, {} if document is None else document.value, MOST_VALUES)
    return kept


def titles(versions: Iterable[tuple[int, str, str]], language: str) -> dict[str, str]:
    """The titles of versions, given as (id, name, SHA-256), by name; texts that were never read are read once."""
    wanted = list(versions)
    unread = [id for id, _, sha256 in wanted if sha256 not in _titles]
    for row in Version.select().where(Version.id.in_(unread)) if unread else ():
        _keep(_titles, row.sha256, documents.title_of(bytes(row.data)) or row.name, MOST_TITLES)
    return {name: in_language(_titles.get(sha256), language, name) for _, name, sha256 in wanted}


def findings(row: Any, at: Moment) -> list[Finding]:
    """What `duban check` finds on a version, beside the other documents in force; examples are not played."""
    key = (policies.revision(), row.id, at // DAY)  # some depend on the date: a year without holidays
    found = _checked.get(key)
    if found is None:
        query = Version.select().join(Activation, on=Activation.version == Version.id)
        query = query.where(Activation.until_at.is_null())
        # What the text does not name cannot matter to it, and reading two dozen documents takes a while.
        text = bytes(row.data)
        others = [other for other in query if other.name != row.name]
        named = [other for other in others if other.kind in ("calendar", "channels") or other.name.encode() in text]
        context = [(f"{other.name}.yaml", bytes(other.data)) for other in named]
        made = checking.check([(f"{row.name}.yaml", text)], at, context, examples=False)
        found = _keep(_checked, key, made, MOST_CHECKED)
    return found
