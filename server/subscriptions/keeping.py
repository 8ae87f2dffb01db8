"""Making, changing and ending subscriptions. Who may is the caller's business (`integration.edit`)."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from server import audit, policies, settings
from server.core.compiling import event_names
from server.core.happened import KINDS
from server.core.kinds import near
from server.core.moments import DAY, Moment
from server.core.values import Problem
from server.egress import Egress, Refused
from server.standard_webhooks import PREFIX
from server.store import database
from server.store.models import Message, Subscription
from server.subscriptions.known import DOCUMENT, changed

OVERLAP: Final = DAY
"""How long a former secret signs beside the new one."""

MOST: Final = 100
"""Subscriptions of one server: each is asked at every event."""

KEYS: Final = ("url", "events", "processes", "private", "active")


class UnknownSubscription(LookupError):
    """There is none of that id."""


class BadSubscription(ValueError):
    """What is asked for cannot be: `problems` say where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(f"{problems}")
        self.problems = tuple(problems)


def every() -> list[Any]:
    """All subscriptions, oldest first."""
    return list(Subscription.select().order_by(Subscription.created_at, Subscription.id))


def one(id: str) -> Any:
    """The subscription of that id. Raises UnknownSubscription."""
    found = Subscription.get_or_none(Subscription.id == id)
    if found is None:
        raise UnknownSubscription(id)
    return found


def create(given: Mapping[str, Any], by: str, now: Moment) -> Any:
    """Make a subscription; its secret is told this once. `given` has the keys KEYS, of which only `url` is required.
    Raises BadSubscription."""
    columns = _columns({"url": None, **given}, by)
    with database.transaction():
        if Subscription.select().count() >= MOST:
            raise BadSubscription([Problem("", "too-many", {"at": "subscriptions", "count": MOST + 1, "limit": MOST})])
        id = "sub_" + secrets.token_hex(10)
        row = Subscription.create(id=id, secret=_secret(), created_at=now, created_by=by, **columns)
        changed()
        audit.record("subscription.created", now, {"subscription": _described(row)}, by=by)
    return row


def change(id: str, given: Mapping[str, Any], by: str, now: Moment) -> Any:
    """Change what is given of KEYS. Raises UnknownSubscription, BadSubscription."""
    columns = _columns(given, by)
    with database.transaction():
        before = one(id)
        if columns.get("private_by") and before.private_by:
            del columns["private_by"]  # it stays on the word of who asked for it first
        if columns:
            Subscription.update(**columns).where(Subscription.id == id).execute()
            changed()
        row = one(id)
        body = {"from": _described(before), "to": _described(row)}
        audit.record("subscription.changed", now, {"subscription": id, "change": body}, by=by)
    return row


def rotate(id: str, by: str, now: Moment) -> Any:
    """Give it a new secret, told this once; the former one signs, too, for OVERLAP. Raises UnknownSubscription."""
    with database.transaction():
        before = one(id)
        Subscription.update(secret=_secret(), former_secret=before.secret, former_until=now + OVERLAP).where(
            Subscription.id == id
        ).execute()
        changed()
        audit.record("subscription.rotated", now, {"subscription": id, "former_until": now + OVERLAP}, by=by)
        return one(id)


def delete(id: str, by: str, now: Moment) -> None:
    """End it: what waits for it is not sent any more. Raises UnknownSubscription."""
    with database.transaction():
        row = one(id)
        Subscription.delete().where(Subscription.id == id).execute()
        waiting = Message.state.in_((Message.PENDING, Message.HELD))
        Message.update(state=Message.CANCELLED, next_at=None).where(
            waiting, Message.channels == DOCUMENT, Message.destination == f"{DOCUMENT}/{id}"
        ).execute()
        changed()
        audit.record("subscription.deleted", now, {"subscription": _described(row)}, by=by)


def _secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _described(row: Any) -> dict[str, Any]:
    """What the audit trail says of it: never a secret."""
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "processes": row.processes,
        "private": row.private_by is not None,
        "active": row.active,
    }


# -- what is given -------------------------------------------------------------------------------------------------


def _columns(given: Mapping[str, Any], by: str) -> dict[str, Any]:
    """The columns that it sets. Raises BadSubscription."""
    problems = [
        Problem(f"/{key}", "unknown-key", {"key": key, "near": near(key, KEYS), "allowed": ", ".join(KEYS)})
        for key in given
        if key not in KEYS
    ]
    columns: dict[str, Any] = {}
    if "url" in given:
        columns["url"] = given["url"]
        problems += _url(given["url"])
    for key, known, code in (("processes", _processes, "unknown-process"), ("events", _events, "unknown-event")):
        if key in given:
            found = list(_names(key, given[key], known(given), code))
            problems += found
            columns[key] = [] if found else list(dict.fromkeys(given[key] or ()))
    for key in ("private", "active"):
        if key in given and not isinstance(given[key], bool):
            problems.append(Problem(f"/{key}", "not-boolean", {"name": key}))
    if problems:
        raise BadSubscription(problems)
    if "private" in given:
        columns["private_by"] = by if given["private"] else None
    if "active" in given:
        columns |= {"active": given["active"], "reason": None if given["active"] else Subscription.BY_HAND}
        if given["active"]:
            columns["failing_since"] = None
    return columns


def _url(value: Any) -> list[Problem]:
    if value is None or value == "":
        return [Problem("/url", "required", {"name": "url"})]
    if not isinstance(value, str) or len(value) > 2000:
        return [Problem("/url", "not-url", {"name": "url"})]
    try:
        Egress(settings.current().allow_nets).judge(value)
    except Refused as refused:
        return [Problem("/url", "unreachable-url", {"name": "url", "why": str(refused)})]
    return []


def _processes(_given: Mapping[str, Any]) -> list[str]:
    return sorted(policies.in_force().processes)


def _events(given: Mapping[str, Any]) -> list[str]:
    """The kinds of lines, and the events of the processes that are wanted."""
    wanted = given.get("processes")
    found = policies.in_force().processes
    chosen = (
        [found[name] for name in wanted if isinstance(name, str) and name in found]
        if isinstance(wanted, list) and wanted
        else found.values()
    )
    return list(dict.fromkeys([*KINDS, *(name for one in chosen for name in event_names(one.process.raw))]))


def _names(key: str, value: Any, known: Sequence[str], code: str) -> Iterable[Problem]:
    if value is None:
        return
    if not isinstance(value, list):
        yield Problem(f"/{key}", "not-list", {"name": key})
        return
    if len(value) > MOST:
        yield Problem(f"/{key}", "too-many", {"at": key, "count": len(value), "limit": MOST})
        return
    for index, name in enumerate(value):
        at = f"/{key}/{index}"
        if not isinstance(name, str):
            yield Problem(at, "not-text", {"name": f"{key}/{index}"})
        elif name not in known:
            # Of events there are hundreds: kinds of lines, and what is like it, say enough.
            listed = ", ".join(known if len(known) < 50 else KINDS)
            yield Problem(at, code, {"at": at, "name": name, "near": near(name, known), "defined": listed})
