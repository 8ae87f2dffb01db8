"""Light or dark."""

from __future__ import annotations

from flask import request

THEME_COOKIE = "duban_theme"
THEMES = ("light", "dark")


def theme() -> str:
    """`light` or `dark` as chosen by the switch; empty: as the system has it."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""
