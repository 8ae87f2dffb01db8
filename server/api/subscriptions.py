"""Subscriptions of integrators over HTTP (contract, `/api/v1/subscriptions`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, g

from server import subscriptions
from server.accounts import Caller
from server.api import parameters, problems
from server.api.answers import answer
from server.api.problems import Failed
from server.api.requests import json_object, now, only
from server.core.moments import Moment, show
from server.store.models import Subscription


def every() -> Response:
    """All subscriptions."""
    at = now()
    return answer({"subscriptions": [shown(row, at) for row in subscriptions.every()]})


def create() -> Response:
    """Make one; its secret is in this answer only."""
    given, at = json_object(), now()
    try:
        row = subscriptions.create(_permitted(given), _caller().login, at)
    except subscriptions.BadSubscription as bad:
        raise _refused(bad) from bad
    return answer({**shown(row, at), "secret": row.secret}, 201, {"Location": f"/api/v1/subscriptions/{row.id}"})


def read(subscription: str) -> Response:
    """One of them."""
    return answer(shown(_one(subscription), now()))


def change(subscription: str) -> Response:
    """Change what is given; `active` turns it off and on."""
    given, at = json_object(), now()
    try:
        row = subscriptions.change(subscription, _permitted(given), _caller().login, at)
    except subscriptions.UnknownSubscription as error:
        raise _unknown(subscription) from error
    except subscriptions.BadSubscription as bad:
        raise _refused(bad) from bad
    return answer(shown(row, at))


def delete(subscription: str) -> Response:
    """End it."""
    only(json_object(), ())
    row = _one(subscription)
    subscriptions.delete(subscription, _caller().login, now())
    return answer({"id": row.id})


def rotate(subscription: str) -> Response:
    """Give it a new secret, in this answer only; the former one signs, too, for a day."""
    only(json_object(), ())
    _one(subscription)
    at = now()
    row = subscriptions.rotate(subscription, _caller().login, at)
    return answer({**shown(row, at), "secret": row.secret})


def replay(subscription: str) -> Response:
    """Deliver events of the past once more."""
    parameters.only_these("from", "to")
    only(json_object(), ())
    at = now()
    start, end = parameters.moment("from"), parameters.moment("to", at + 1)
    row = _one(subscription)
    if not row.active:
        raise Failed(409, "subscription-not-active", id=subscription)
    done = subscriptions.replay(subscriptions.wanted(row), start, end, at, _caller().login)
    return answer({"deliveries": done.deliveries, "next": None if done.next is None else show(done.next)})


def shown(row: Subscription, at: Moment) -> dict[str, Any]:
    """A subscription as it is shown: never its secret."""

    def moment(value: Moment | None) -> str | None:
        return None if value is None else show(value)

    rotating = row.former_until is not None and at < row.former_until
    return {
        "id": row.id,
        "url": row.url,
        "events": row.events,
        "processes": row.processes,
        "private": row.private_by is not None,
        "active": row.active,
        "reason": row.reason,
        "created": show(row.created_at),
        "created_by": row.created_by,
        "delivered": moment(row.delivered_at),
        "failing_since": moment(row.failing_since),
        "last_error": None if row.last_error is None else {"at": moment(row.last_error_at), "message": row.last_error},
        "former_secret_until": moment(row.former_until) if rotating else None,
    }


def _permitted(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is given, if the caller may ask for it: who may not read private fields may not have them sent."""
    if given.get("private") is True:
        _caller().require("private.read")
    return given


def _caller() -> Caller:
    caller: Caller = g.caller
    return caller


def _one(id: str) -> Any:
    try:
        return subscriptions.one(id)
    except subscriptions.UnknownSubscription as error:
        raise _unknown(id) from error


def _unknown(id: str) -> Failed:
    return Failed(404, "unknown-subscription", id=id)


def _refused(bad: subscriptions.BadSubscription) -> Failed:
    errors = problems.of_values(bad.problems)
    return Failed(422, "refused-subscription", errors, count=len(errors))
