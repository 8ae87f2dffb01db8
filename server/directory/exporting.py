"""Writes the directory as a file that can be imported again."""

from __future__ import annotations

from typing import Any

import yaml

from server.core.moments import show
from server.directory.content import SECTIONS, Attributes, stored

# The attribute that an item's key becomes.
_IDS = {"roles": "name", "people": "login", "teams": "id", "customers": "id"}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        """Anchors are not allowed when it is read again."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def export() -> str:
    """The directory as YAML, in the format of `seeds/directory.yaml`. Passwords and tokens are not in it."""
    content = stored()
    lists = {
        section: [as_written(section, id_, item) for id_, item in content[section].items()] for section in SECTIONS
    }
    return yaml.dump(lists, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


def as_written(section: str, id_: str, attributes: Attributes) -> Attributes:
    """An item as a file has it."""
    item = {_IDS[section]: id_, **attributes} if section in _IDS else dict(attributes)
    for key in ("from", "to"):
        if key in item:
            item[key] = show(item[key])
    if "away" in item:
        absences = [_absence(one) for one in item["away"]]
        item["away"] = absences[0] if len(absences) == 1 else absences
    return item


def _absence(absence: Attributes) -> Attributes:
    return {key: value if key == "deputy" else show(value) for key, value in absence.items()}
