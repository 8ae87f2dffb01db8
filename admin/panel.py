"""The panel put together: its views, its menu, and what guards them."""

from __future__ import annotations

from flask import Blueprint, Flask, Request, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_admin import Admin, AdminIndexView
from flask_admin.theme import Bootstrap4Theme
from flask_babel import lazy_gettext
from flask_wtf import CSRFProtect
from werkzeug.exceptions import NotFound

from admin import bundles, findings, formats, guard, headers, languages
from admin.accounts.own import AccountView
from admin.accounts.resetting import ResetView
from admin.accounts.roles import RolesView
from admin.accounts.users import UsersView
from admin.desk import IssuesView
from admin.directory.absences import AbsencesView
from admin.directory.checks import ChecksView
from admin.directory.customers import CustomersView, ProductsView
from admin.directory.files import FilesView
from admin.directory.people import PeopleView
from admin.directory.rotas import RotasView
from admin.directory.teams import TeamsView
from admin.documents import DocumentsView
from admin.drafting.views import DraftsView
from admin.drilling.views import DrillsView
from admin.editing import EditorView
from admin.evidence.changes import ChangesView
from admin.evidence.exports import ExportsView
from admin.evidence.issue import EvidenceView
from admin.evidence.trail import TrailView
from admin.guard import Page, expose
from admin.migrating.views import MigrationsView
from admin.preferences import PreferencesView
from admin.receiving import NewIssueView
from admin.running.channels import ChannelsView
from admin.running.health import HealthView
from admin.running.kept import KeptView
from admin.running.queue import QueueView
from admin.running.sources import SourcesView
from admin.running.tokens import TokensView
from admin.signing import SignInView, SignOutView
from admin.subscribed import SubscriptionsView
from admin.system import ApartView, ClockView, SchedulesView
from admin.trying.real import WhatIfView
from admin.trying.summary import past_issues
from admin.trying.views import TryingView
from server import settings


class HomeView(Page, AdminIndexView):  # type: ignore[misc]
    """The first page that the caller may see; for somebody who may see none, what to do about it."""

    needs = ()

    def is_visible(self) -> bool:
        return False

    @expose("/")
    def index(self) -> ResponseReturnValue:
        """Go to the first page, or say that there is none."""
        assert self.admin is not None
        for item in self.admin.menu():
            for page in item.get_children():
                return redirect(str(page.get_url()), 303)
        return self.render("panel/nothing.html")

    @expose("/<path:rest>", methods=("GET", "POST"))
    def missing(self, rest: str) -> ResponseReturnValue:
        """Whatever is not there is missed in the panel's own words."""
        raise NotFound


class _Sessions(SecureCookieSessionInterface):
    """The cookie that forms need. Only the panel has such forms: whoever sends a delivery has no use for it."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if headers.is_panel() else None


def register(app: Flask) -> Admin:
    """Put the panel into the application, under /admin/."""
    _configure(app)
    languages.register(app)
    app.session_interface = _Sessions()
    csrf = CSRFProtect(app)
    app.before_request(lambda: guard.enter(csrf) if headers.is_panel() else None)
    app.after_request(headers.secure)
    # Files that came with a form are closed now, not whenever they are collected.
    app.teardown_request(lambda _error: request.close())
    app.register_blueprint(
        Blueprint(
            "panel_assets",
            __name__,
            url_prefix="/admin/assets",
            static_folder="static",
            static_url_path="",
            template_folder="templates",
        )
    )
    app.register_blueprint(bundles.blueprint)
    app.jinja_env.globals["bundle"] = bundles.bundle
    app.jinja_env.globals["past_issues"] = past_issues
    app.jinja_env.globals["finding_text"] = findings.text
    app.jinja_env.filters["number"] = formats.number
    bundles.say_if_missing()
    panel = Admin(
        app,
        name="督办 Duban",
        index_view=HomeView(name=lazy_gettext("Home")),
        theme=Bootstrap4Theme(base_template="panel/base.html", fluid=True),
        csp_nonce_generator=headers.nonce,
    )
    for view in _views():
        panel.add_view(view)
    if not any(rule.rule == "/" for rule in app.url_map.iter_rules()):
        app.add_url_rule("/", "panel_root", lambda: redirect(url_for("admin.index"), 303))
    # What messages link to: the address outlives the panel that shows it.
    app.add_url_rule("/issues/<number>", "panel_issue", _issue)
    return panel


def _issue(number: str) -> ResponseReturnValue:
    """The page of an issue, from the link that messages carry."""
    return redirect(url_for("panel_issues.issue", number=number), 303)


def _configure(app: Flask) -> None:
    known = settings.current()
    https = known.url.startswith("https://")
    app.secret_key = app.secret_key or known.secret
    app.config.update(
        SESSION_COOKIE_NAME="__Host-duban_forms" if https else "duban_forms",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=https,
        # Only the panel lives by cookies; what comes with a token or a signature needs no form token.
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )


def _views() -> list[Page]:
    return [
        SignInView(name=lazy_gettext("Sign in"), endpoint="panel_sign_in", url="sign-in"),
        SignOutView(name=lazy_gettext("Sign out"), endpoint="panel_sign_out", url="sign-out"),
        PreferencesView(name=lazy_gettext("Preferences"), endpoint="panel_preferences", url="preferences"),
        AccountView(name=lazy_gettext("My account"), endpoint="panel_account", url="account"),
        ResetView(name=lazy_gettext("A new password"), endpoint="panel_reset", url="reset"),
        _in("desk", IssuesView, lazy_gettext("Issues"), "issues", "fa-inbox"),
        _in("desk", NewIssueView, lazy_gettext("New issue"), "new-issue", "fa-plus-square-o"),
        WhatIfView(name=lazy_gettext("What happens if nobody acts"), endpoint="panel_what_if", url="what-if"),
        _in("policies", DocumentsView, lazy_gettext("Documents"), "documents", "fa-file-text-o"),
        EditorView(name=lazy_gettext("Editor"), endpoint="panel_editor", url="editor"),
        _in("policies", DraftsView, lazy_gettext("Drafts"), "drafts", "fa-pencil-square-o"),
        _in("policies", MigrationsView, lazy_gettext("Migrations"), "migrations", "fa-exchange"),
        _in("policies", DrillsView, lazy_gettext("Drills"), "drills", "fa-fire-extinguisher"),
        TryingView(name=lazy_gettext("Trying a draft"), endpoint="panel_trying", url="trying"),
        _in("directory", PeopleView, lazy_gettext("People"), "people", "fa-user-o"),
        _in("directory", TeamsView, lazy_gettext("Teams"), "teams", "fa-users"),
        _in("directory", RotasView, lazy_gettext("Duty rotas"), "rotas", "fa-calendar"),
        _in("directory", AbsencesView, lazy_gettext("Absences"), "absences", "fa-plane"),
        _in("directory", RolesView, lazy_gettext("Roles"), "roles", "fa-id-badge"),
        _in("directory", CustomersView, lazy_gettext("Customers"), "customers", "fa-building-o"),
        _in("directory", ProductsView, lazy_gettext("Products"), "products", "fa-cube"),
        _in("directory", FilesView, lazy_gettext("Import and export"), "directory-files", "fa-exchange"),
        _in("directory", ChecksView, lazy_gettext("Directory check"), "directory-checks", "fa-stethoscope"),
        _in("integrations", KeptView, lazy_gettext("Kept deliveries"), "kept", "fa-archive"),
        _in("integrations", SubscriptionsView, lazy_gettext("Event subscriptions"), "subscriptions", "fa-plug"),
        _in("integrations", SourcesView, lazy_gettext("Webhook sources"), "sources", "fa-sign-in"),
        _in("integrations", TokensView, lazy_gettext("API tokens"), "tokens", "fa-key"),
        _in("evidence", TrailView, lazy_gettext("Audit trail"), "trail", "fa-shield"),
        _in("evidence", EvidenceView, lazy_gettext("Evidence of an issue"), "evidence", "fa-gavel"),
        _in("evidence", ChangesView, lazy_gettext("Who changed what"), "changes", "fa-history"),
        _in("evidence", ExportsView, lazy_gettext("Exports"), "exports", "fa-download"),
        _in("system", UsersView, lazy_gettext("Users"), "users", "fa-user-circle-o"),
        _in("system", HealthView, lazy_gettext("Health"), "health", "fa-heartbeat"),
        _in("system", ChannelsView, lazy_gettext("Channels"), "channels", "fa-paper-plane-o"),
        _in("system", ApartView, lazy_gettext("Issues set apart"), "apart", "fa-exclamation-triangle"),
        _in("system", QueueView, lazy_gettext("Message queue"), "queue", "fa-envelope-o"),
        _in("system", SchedulesView, lazy_gettext("Schedules"), "schedules", "fa-calendar-o"),
        _in("system", ClockView, lazy_gettext("Clock"), "clock", "fa-clock-o"),
    ]


def _in(group: str, kind: type[Page], name: str, path: str, icon: str) -> Page:
    endpoint = "panel_" + path.replace("-", "_")
    return kind(name=name, category=group, endpoint=endpoint, url=path, menu_icon_type="fa", menu_icon_value=icon)
