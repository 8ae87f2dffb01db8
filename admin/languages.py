"""The panel's languages: which one a request is answered in, and the catalogue of translations.

Source strings are English; `admin/translations/zh_Hans_CN/LC_MESSAGES/messages.po` has them in Chinese. It is compiled
in memory when the panel is registered, so that no compiled file can be missing or out of date.
"""

from __future__ import annotations

import io
import os
from functools import cache
from pathlib import Path
from typing import Any, Final

import flask_babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from markupsafe import Markup

LOCALES: Final = {"zh": "zh_Hans_CN", "en": "en"}
"""Languages of the product and the locales that Flask-Admin and WTForms know them by: `zh` alone finds nothing."""

NAMES: Final = {"zh": "简体中文", "en": "English"}
"""What the languages call themselves, for the switch."""

COOKIE: Final = "duban_language"
CATALOGUES: Final = Path(__file__).parent / "translations"


def catalogue_file(locale: str) -> Path:
    """The file with the translations of a locale."""
    return CATALOGUES / locale / "LC_MESSAGES" / "messages.po"


def read_catalogue(locale: str) -> Catalog:
    """The translations of a locale, as they stand in its file."""
    with catalogue_file(locale).open("rb") as file:
        return read_po(file, locale=locale)


@cache
def _translations(locale: str) -> NullTranslations:
    if not catalogue_file(locale).exists():
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read_catalogue(locale))
    compiled.seek(0)
    return Translations(compiled)


class _Catalogue(Domain):  # type: ignore[misc]
    """The panel's own messages."""

    def get_translations(self) -> NullTranslations:
        return _translations("en" if get_locale() is None else LOCALES[language()])


def gettext(text: str, **values: object) -> str:
    """The message in the reader's language, its places filled in; markup where one of them is (a moment as an
    element), everything else in it escaped."""
    return _filled(str(flask_babel.gettext(text)), values)


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The message for that many, in the reader's language; `%(num)s` is written in groups of three digits."""
    return _filled(_for_number(one, many, num), {"num": grouped(num), **values})


def _for_number(one: str, many: str, num: int) -> str:
    return str(flask_babel.get_domain().get_translations().ungettext(one, many, num))


def _ngettext_in_markup(one: str, many: str, num: int, **values: object) -> Markup:
    return Markup(_for_number(one, many, num)) % {"num": grouped(num), **values}


def _filled(text: str, values: dict[str, object]) -> str:
    if not values:
        return text
    return (Markup(text) if any(hasattr(one, "__html__") for one in values.values()) else text) % values


def grouped(number: float) -> str:
    """A number in groups of three digits, as the reader's language writes it."""
    return format_decimal(number, locale=LOCALES[language()])


def language() -> str:
    """The language of the answer: the one that was chosen by the switch, else DUBAN_LANGUAGE when it is set, else
    what the browser asks for, else Chinese."""
    if not has_request_context():
        return "zh"
    if "language" not in g:  # a page asks some thousand times
        g.language = _asked_for()
    return str(g.language)


def _asked_for() -> str:
    chosen = request.cookies.get(COOKIE, "")
    if chosen in LOCALES:
        return chosen
    configured = os.environ.get("DUBAN_LANGUAGE", "")
    if configured in LOCALES:
        return configured
    return request.accept_languages.best_match(list(LOCALES)) or "zh"


def register(app: Flask) -> None:
    """Translate everything that the application renders. Always, because Flask-Admin fails where Flask-Babel is
    installed and not initialised."""
    babel: Any = Babel(app, default_locale=LOCALES["zh"], locale_selector=lambda: LOCALES[language()])
    babel.domain_instance = _Catalogue()
    app.jinja_env.globals["ngettext"] = _ngettext_in_markup
    _translations(LOCALES["zh"])
