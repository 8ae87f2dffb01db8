"""Permissions and sessions in words."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import request

from admin import clock
from admin.languages import gettext
from server.accounts.sessions import Opened
from server.permissions import PERMISSIONS


def permissions() -> dict[str, str]:
    """What each permission lets its holder do."""
    words = {
        "issue.read": gettext("See issues"),
        "issue.write": gettext("Record issues and act on them"),
        "private.read": gettext("See what only those who handle an issue see"),
        "policy.propose": gettext("Change policies and hand them in for approval"),
        "policy.approve": gettext("Approve or send back what others hand in"),
        "audit.read": gettext("Read the history of everything"),
        "directory.edit": gettext("Change people, teams, duty rotas and customers"),
        "integration.edit": gettext("Connect other systems"),
        "system": gettext("Look after the server; may give every right"),
    }
    return {name: words.get(name, name) for name in PERMISSIONS}


# The order counts: browsers also claim to be others.
BROWSERS: Final = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("WeChat", r"MicroMessenger/(\d+)"),
    ("WeCom", r"wxwork/(\d+)"),
    ("DingTalk", r"DingTalk/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+).*Safari"),
)
SYSTEMS: Final = ("Windows", "Android", "iPhone", "iPad", "Macintosh", "Linux")


def browser(text: str) -> str:
    """A browser by the way it calls itself: `Firefox 140, Windows`."""
    name = next((f"{name} {found[1]}" for name, pattern in BROWSERS if (found := re.search(pattern, text))), "")
    system = next((one for one in SYSTEMS if one in text), "")
    return ", ".join(filter(None, [name, system])) or text[:40]


def own_browser() -> str:
    """What the browser of this request calls itself."""
    return request.headers.get("User-Agent", "")


def session(one: Opened, own: str | None) -> dict[str, Any]:
    """A session as a row of a list; `own` is the hash of the one that asks."""
    return {
        "name": one.name,
        "address": one.address,
        "browser": browser(one.browser),
        "created": clock.shown(one.created_at),
        "seen": clock.shown(one.seen_at),
        "own": one.hash == own,
    }
