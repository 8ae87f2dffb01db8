"""Keeping the catalogue of translations: `python -m admin.catalogues` brings it up to date with the sources and says
what still needs a translation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from admin.languages import LOCALES, catalogue_file, read_catalogue

SOURCES: Final = Path(__file__).parent
METHODS: Final = [("templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS: Final = {"templates/**.html": {"newstyle_gettext": "true", "silent": "false"}}
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
}


def messages() -> Catalog:
    """Every message that the panel's sources have."""
    found = Catalog()
    extracted = extract_from_dir(SOURCES, METHODS, OPTIONS, keywords=KEYWORDS, strip_comment_tags=True)
    for _file, _line, message, _comments, context in extracted:
        found.add(message, context=context)
    return found


def renew(locale: str) -> list[str]:
    """Bring a locale's catalogue up to date and give the messages that have no translation yet."""
    path = catalogue_file(locale)
    known = read_catalogue(locale) if path.exists() else Catalog(locale)
    wanted = messages()
    renewed = Catalog(locale, project="Duban", version="", header_comment="# Duban, the admin panel.", fuzzy=False)
    for message in wanted:
        if message.id:
            former = known.get(message.id)
            renewed.add(message.id, former.string if former else None, context=message.context)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, renewed, omit_header=True, sort_output=True, no_location=True, width=0)
    return [_name(message.id) for message in renewed if message.id and not _is_translated(message.string)]


def _name(message: str | tuple[str, ...] | list[str]) -> str:
    return message if isinstance(message, str) else message[0]


def _is_translated(text: object) -> bool:
    return bool(text) if isinstance(text, str) else bool(text) and all(text)  # type: ignore[arg-type]


if __name__ == "__main__":
    missing = [name for locale in LOCALES.values() if locale != "en" for name in renew(locale)]
    sys.stdout.write("".join(f"{name}\n" for name in missing))
    sys.exit(1 if missing else 0)
