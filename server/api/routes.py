"""The routes of the HTTP interface: those of `schemas/api.yaml`, each with who may use it. What is not in that table is
not there, and what is there asks for its permission before its view runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, g
from flask.typing import ResponseReturnValue

from server.api import (
    attachments,
    audit,
    description,
    docs,
    drafts,
    drills,
    health,
    hooks,
    issues,
    judging,
    metrics,
    migrations,
    policies,
    subscriptions,
)
from server.api.requests import require_caller
from server.api.table import Route, routes

View = Callable[..., ResponseReturnValue]

VIEWS: Mapping[str, View] = {
    "hook.receive": hooks.receive,
    "issue.create": issues.create,
    "issue.list": issues.page,
    "issue.read": issues.one,
    "issue.timeline": issues.timeline,
    "issue.act": issues.act,
    "attachment.create": attachments.attach,
    "attachment.list": attachments.listed,
    "attachment.download": attachments.download,
    "issue.take_up": issues.take_up,
    "notice.confirm": issues.confirm,
    "notice.send": issues.send,
    "judging.decide": judging.decide,
    "judging.simulate": judging.simulate,
    "policy.list": policies.documents,
    "policy.versions": policies.versions,
    "policy.version": policies.version,
    "policy.diff": policies.difference,
    "draft.waiting": drafts.waiting,
    "draft.list": drafts.every,
    "draft.begin": drafts.begin,
    "draft.read": drafts.read,
    "draft.write": drafts.write,
    "draft.check": drafts.check,
    "draft.backtest": drafts.backtest,
    "draft.submit": drafts.submit,
    "draft.approve": drafts.approve,
    "draft.reject": drafts.reject,
    "draft.withdraw": drafts.withdraw,
    "draft.again": drafts.again,
    "draft.rebase": drafts.rebase,
    "draft.rollback": drafts.rollback,
    "draft.propose": drafts.propose,
    "policy.emergency": drafts.emergency,
    "migration.list": migrations.listed,
    "migration.preview": migrations.preview,
    "migration.propose": migrations.propose,
    "migration.read": migrations.read,
    "migration.approve": migrations.approve,
    "migration.reject": migrations.reject,
    "migration.withdraw": migrations.withdraw,
    "subscription.list": subscriptions.every,
    "subscription.create": subscriptions.create,
    "subscription.read": subscriptions.read,
    "subscription.change": subscriptions.change,
    "subscription.delete": subscriptions.delete,
    "subscription.rotate": subscriptions.rotate,
    "subscription.replay": subscriptions.replay,
    "drill.play": drills.play,
    "drill.list": drills.page,
    "drill.read": drills.one,
    "audit.page": audit.page,
    "audit.evidence": audit.evidence,
    "audit.at": audit.at,
    "health.alive": health.alive,
    "health.ready": health.ready,
    "health.metrics": metrics.show,
    "interface.describe": description.describe,
    "interface.show": docs.show,
    "interface.explain": docs.explain,
}


def register(app: Flask) -> None:
    """Put every route into the application. Raises KeyError when the table names one that has no view."""
    for route in routes():
        app.add_url_rule(
            route.rule,
            route.id.replace(".", "_"),
            _guarded(route, VIEWS[route.id]),
            methods=[route.method],
            provide_automatic_options=False,
        )


def _guarded(route: Route, view: View) -> View:
    def guarded(**values: Any) -> ResponseReturnValue:
        if route.permission is not None:
            g.caller = require_caller(route.permission)
        return view(**values)

    return guarded
