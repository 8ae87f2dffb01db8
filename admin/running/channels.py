"""Channels in force: how each is set, how it fares, and a test on the way that every message goes."""

from __future__ import annotations

import os
from typing import Any, Final
from urllib.parse import urlsplit

from flask import abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from admin import clock, languages
from admin.clock import now
from admin.guard import expose, signed_in
from admin.languages import gettext
from admin.sent import state_text
from admin.system import SystemPage
from server import calling, channels, policies, working
from server.core.channels import Channel, Channels
from server.core.moments import Moment
from server.core.vocabulary import in_language
from server.delivery import breaker, faring, trying
from server.delivery.faring import Faring
from server.delivery.trying import NotTried
from server.settings import named_value
from server.store import sql
from server.store.models import Message

MOST: Final = 10_000
_WAITING: Final = (
    'SELECT "destination", COUNT(*) FROM (SELECT "destination" FROM "message" WHERE "state" = \'pending\' LIMIT ?) '
    'AS "waiting" GROUP BY "destination"'
)


class ChannelsView(SystemPage):
    """Channels, and trying them."""

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Every channel of the documents in force."""
        return self._shown()

    @expose("/test", methods=("POST",))
    def test(self) -> ResponseReturnValue:
        """Send a test over a channel, and go to what becomes of it."""
        document, name = request.form.get("document", ""), request.form.get("channel", "")
        address = request.form.get("address", "")
        try:
            made = trying.send_test(document, name, signed_in().login, now(), address, languages.language())
        except NotTried as refused:
            if refused.code == "unknown-channel":
                abort(404)
            return self._shown(f"{document}/{name}", _why(refused.code), address), 422
        return redirect(url_for(".tried", message=made), 303)

    @expose("/tests/<int:message>")
    def tried(self, message: int) -> ResponseReturnValue:
        """What became of a test."""
        row = trying.outcome(message)
        if row is None:
            abort(404)
        waits = row.state == Message.PENDING
        return self.render(
            "panel/running/tried.html",
            row=row,
            waits=waits,
            late=waits and now() - row.created_at > working.SILENT,
            good=row.state == Message.SENT,
            state=gettext("failed") if row.state == Message.CANCELLED else state_text(row.state),
            at=clock.shown(row.created_at),
            sent=clock.shown(row.sent_at),
        )

    def _shown(self, refused: str = "", problem: str = "", typed: str = "") -> str:
        at = now()
        known, waiting = faring.faring(at), dict(sql.run(_WAITING, MOST).fetchall())
        alone = working.left_alone(at)
        documents = {one.channels.name: one.channels for one in policies.in_force().processes.values()}
        return self.render(
            "panel/running/channels.html",
            documents=[
                (
                    name,
                    in_language(found.title, languages.language(), name),
                    _channels(name, found, known, waiting, alone),
                )
                for name, found in sorted(documents.items())
            ],
            slots=breaker.SLOTS,
            trips=breaker.TRIPS_AT,
            refused=refused,
            problem=problem,
            typed=typed,
        )


def _channels(
    document: str, found: Channels, known: dict[str, Faring], waiting: dict[str, int], alone: dict[str, Moment]
) -> list[dict[str, Any]]:
    titles = calling.channel_names(found, languages.language())
    rows = [_channel(document, one, known, waiting, alone) for one in found.channels.values()]
    return [
        {**row, "title": titles[row["name"]], "otherwise": titles.get(row["otherwise"], row["otherwise"])}
        for row in rows
    ]


def _channel(
    document: str, one: Channel, known: dict[str, Faring], waiting: dict[str, int], alone: dict[str, Moment]
) -> dict[str, Any]:
    key = f"{document}/{one.name}"
    found = known.get(key, Faring())
    missing = missing_settings(one)
    state, tone = gettext("nothing sent yet"), "info"
    if one.type == "manual":
        state, tone = gettext("by hand"), "info"
    elif missing:
        state, tone = gettext("not set up"), "warn"
    elif key in alone:
        state, tone = gettext("left alone until %(moment)s", moment=clock.shown(alone[key])), "bad"
    elif found.failed_at is not None and (found.sent_at is None or found.failed_at > found.sent_at):
        state, tone = gettext("failing"), "bad"
    elif found.sent_at is not None:
        state, tone = gettext("working"), "good"
    return {
        "key": key,
        "name": one.name,
        "type": one.type,
        "place": place_of(one),
        "otherwise": one.otherwise,
        "missing": missing,
        "state": state,
        "tone": tone,
        "sent": found.sent,
        "failed": found.failed,
        "sent_at": clock.shown(found.sent_at),
        "failed_at": clock.shown(found.failed_at),
        "error": found.error,
        "waiting": int(waiting.get(key, 0)),
        "can_be_tried": one.type != "manual" and not missing,
        "takes_address": one.type in ("email", "sms"),
        "to_group": one.type != "manual" and channels.leaves_as_one(one.type),
    }


def missing_settings(one: Channel) -> list[str]:
    """The names of settings that a channel needs and this process does not have; never a value."""
    named = [text.removeprefix("env:") for text in (one.url, one.secret) if text.startswith("env:")]
    return [name for name in named if not (named_value(f"env:{name}", os.environ) or "").strip()]


def place_of(one: Channel) -> str:
    """Where a channel sends to: the name of its setting, or the host of an address that stands in the document, of
    which the rest may be a secret."""
    if one.url.startswith("env:"):
        return one.url
    return urlsplit(one.url).hostname or ""


def _why(code: str) -> str:
    words = {
        "not-configured": gettext("The channel is not set up: its settings are missing."),
        "no-address": gettext("You have no address for this channel in the directory; type one."),
        "bad-address": gettext("This is no address."),
        "by-hand": gettext("This channel is a task by hand; there is nothing to try."),
    }
    return words.get(code, code)
