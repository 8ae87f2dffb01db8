"""What a web process makes once and needs for nearly every page: made before it takes requests, so that the first who
come need not wait for it."""

from __future__ import annotations

from typing import Final

from flask import Flask

from admin import formats, languages
from server import policies
from server.core import holiday_dates, library
from server.directory import snapshot
from server.resources import texts_of
from server.store import database

SHARED: Final = (
    "panel/base.html",
    "panel/parts.html",
    "panel/fields.html",
    *(f"panel/{folder}/pieces.html" for folder in ("accounts", "drafts", "evidence", "running", "trying")),
    *(f"panel/{folder}/frame.html" for folder in ("drafts", "trying")),
    "panel/trying/axis.html",
    "panel/trying/course.html",
    "panel/directory/parts.html",
    "panel/documents/page.html",
)
"""Templates that many pages are made of. The others are compiled when they are first needed: all of them take a
second."""


def warm(app: Flask) -> None:
    """Compile the documents in force and the shared templates, read the server's texts, and load what Babel and the
    holidays bring: some 0.4 s. Raises Unavailable."""
    for name in SHARED:
        app.jinja_env.get_template(name)
    for name in ("wording", "findings"):
        texts_of(name)
    for language in languages.LOCALES:
        formats.load(language)
    holiday_dates.check_country("CN")
    with database.session():
        policies.in_force()
        library.load(*policies.texts_in_force())  # drafts are checked beside them
        snapshot()
