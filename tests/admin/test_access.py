"""Who may ask for what: every route of the panel, by every kind of person. A route that is not in the table fails."""

from __future__ import annotations

import re

import pytest
from flask import session

from server.accounts import Caller
from server.drafts import begin
from tests.admin.visiting import Panel, Visitor, now, receive
from tests.browser.examples import NOT_PAGES, PAGES

ANYONE = "anyone"
SIGNED_IN = {"nils", "rita", "ida", "gong", "root"}
READS = {"rita", "ida", "gong", "root"}
WRITES = {"gong", "root"}
DOCUMENTS = {"ida", "root"}
PROPOSERS = {"root"}
CHANGES = {"root"}
DIRECTORY = {"ida", "root"}
SYSTEM = {"root"}
EDITORS = {"root"}
AUDITS = {"ida", "root"}

# (endpoint, method): who gets in. rita only reads issues, ida is an auditor, gong writes issues, root is administrator.
ACCESS = {
    ("panel_sign_in.index", "GET"): ANYONE,
    ("panel_sign_in.index", "POST"): ANYONE,
    ("panel_preferences.index", "POST"): ANYONE,
    ("panel_assets.static", "GET"): ANYONE,
    ("panel_bundle.file", "GET"): ANYONE,
    ("admin.static", "GET"): ANYONE,
    ("admin.index", "GET"): SIGNED_IN,
    ("admin.missing", "GET"): SIGNED_IN,
    ("admin.missing", "POST"): set(),
    ("panel_sign_out.index", "POST"): SIGNED_IN,
    ("panel_issues.index", "GET"): READS,
    ("panel_issues.issue", "GET"): READS,
    ("panel_issues.act", "POST"): WRITES,
    ("panel_issues.attach", "POST"): WRITES,
    ("panel_issues.download", "GET"): READS,
    ("panel_issues.send", "POST"): WRITES,
    ("panel_issues.confirm", "POST"): WRITES,
    ("panel_new_issue.index", "GET"): WRITES,
    ("panel_new_issue.index", "POST"): WRITES,
    ("panel_what_if.index", "GET"): READS,
    ("panel_what_if.issue", "GET"): READS,
    ("panel_what_if.issue", "POST"): READS,
    ("panel_what_if.example", "POST"): CHANGES,
    ("panel_documents.index", "GET"): DOCUMENTS,
    ("panel_documents.document", "GET"): DOCUMENTS,
    ("panel_documents.history", "GET"): DOCUMENTS,
    ("panel_documents.compare", "GET"): DOCUMENTS,
    ("panel_documents.text", "GET"): DOCUMENTS,
    ("panel_documents.issues", "GET"): DOCUMENTS,
    ("panel_documents.download", "GET"): DOCUMENTS,
    ("panel_editor.index", "GET"): SIGNED_IN,
    ("panel_editor.begin", "POST"): PROPOSERS,
    ("panel_editor.edit", "GET"): DOCUMENTS,
    ("panel_editor.save", "POST"): PROPOSERS,
    ("panel_editor.write", "POST"): PROPOSERS,
    ("panel_editor.standing", "GET"): DOCUMENTS,
    ("panel_editor.copy", "POST"): PROPOSERS,
    ("panel_editor.check", "POST"): DOCUMENTS,
    ("panel_editor.worked", "POST"): DOCUMENTS,
    ("panel_editor.year", "POST"): DOCUMENTS,
    ("panel_editor.preview", "POST"): DOCUMENTS,
    ("panel_drafts.index", "GET"): DOCUMENTS,
    ("panel_drafts.draft", "GET"): DOCUMENTS,
    ("panel_drafts.text", "GET"): DOCUMENTS,
    ("panel_drafts.again", "POST"): CHANGES,
    ("panel_drafts.begin", "GET"): DOCUMENTS,
    ("panel_drafts.begin", "POST"): CHANGES,
    ("panel_drafts.new", "GET"): DOCUMENTS,
    ("panel_drafts.new", "POST"): CHANGES,
    ("panel_drafts.propose", "GET"): DOCUMENTS,
    ("panel_drafts.propose", "POST"): CHANGES,
    ("panel_drafts.hand_in", "GET"): DOCUMENTS,
    ("panel_drafts.hand_in", "POST"): CHANGES,
    ("panel_drafts.approve", "GET"): DOCUMENTS,
    ("panel_drafts.approve", "POST"): CHANGES,
    ("panel_drafts.send_back", "GET"): DOCUMENTS,
    ("panel_drafts.send_back", "POST"): CHANGES,
    ("panel_drafts.withdraw", "GET"): DOCUMENTS,
    ("panel_drafts.withdraw", "POST"): CHANGES,
    ("panel_drafts.rebase", "GET"): DOCUMENTS,
    ("panel_drafts.rebase", "POST"): CHANGES,
    ("panel_drafts.roll_back", "GET"): DOCUMENTS,
    ("panel_drafts.roll_back", "POST"): CHANGES,
    ("panel_drafts.emergency", "GET"): SYSTEM,
    ("panel_drafts.emergency", "POST"): SYSTEM,
    ("panel_migrations.index", "GET"): DOCUMENTS,
    ("panel_migrations.propose", "GET"): DOCUMENTS,
    ("panel_migrations.propose", "POST"): CHANGES,
    ("panel_migrations.plan", "GET"): DOCUMENTS,
    ("panel_migrations.course", "GET"): DOCUMENTS,
    ("panel_migrations.looks", "POST"): CHANGES,
    ("panel_migrations.approve", "GET"): DOCUMENTS,
    ("panel_migrations.approve", "POST"): CHANGES,
    ("panel_migrations.turn_down", "GET"): DOCUMENTS,
    ("panel_migrations.turn_down", "POST"): CHANGES,
    ("panel_migrations.withdraw", "GET"): DOCUMENTS,
    ("panel_migrations.withdraw", "POST"): CHANGES,
    ("panel_drills.index", "GET"): DOCUMENTS,
    ("panel_drills.play", "GET"): DOCUMENTS,
    ("panel_drills.play", "POST"): CHANGES,
    ("panel_drills.drill", "GET"): DOCUMENTS,
    ("panel_drills.download", "GET"): DOCUMENTS,
    ("panel_trying.index", "GET"): DOCUMENTS,
    ("panel_trying.draft", "GET"): DOCUMENTS,
    ("panel_trying.examples", "GET"): DOCUMENTS,
    ("panel_trying.examples", "POST"): DOCUMENTS,
    ("panel_trying.would_change", "GET"): DOCUMENTS,
    ("panel_trying.would_change", "POST"): DOCUMENTS,
    ("panel_trying.trial", "GET"): DOCUMENTS,
    ("panel_trying.trial", "POST"): DOCUMENTS,
    ("panel_trying.example", "POST"): SYSTEM,
    ("panel_trying.start", "POST"): SYSTEM,
    ("panel_trying.backtest", "GET"): DOCUMENTS,
    ("panel_trying.cancel", "POST"): SYSTEM,
    ("panel_people.index", "GET"): DIRECTORY,
    ("panel_people.tree", "GET"): DIRECTORY,
    ("panel_people.person", "GET"): DIRECTORY,
    ("panel_people.add", "GET"): EDITORS,
    ("panel_people.add", "POST"): EDITORS,
    ("panel_people.edit", "GET"): EDITORS,
    ("panel_people.edit", "POST"): EDITORS,
    ("panel_people.disable", "GET"): EDITORS,
    ("panel_people.disable", "POST"): EDITORS,
    ("panel_people.enable", "POST"): EDITORS,
    ("panel_teams.index", "GET"): DIRECTORY,
    ("panel_teams.add", "GET"): EDITORS,
    ("panel_teams.add", "POST"): EDITORS,
    ("panel_teams.edit", "GET"): EDITORS,
    ("panel_teams.edit", "POST"): EDITORS,
    ("panel_teams.remove", "GET"): EDITORS,
    ("panel_teams.remove", "POST"): EDITORS,
    ("panel_roles.index", "GET"): DIRECTORY,
    ("panel_trail.index", "GET"): AUDITS,
    ("panel_trail.standing", "GET"): AUDITS,
    ("panel_trail.entry", "GET"): AUDITS,
    ("panel_trail.verify", "POST"): AUDITS,
    ("panel_evidence.index", "GET"): AUDITS,
    ("panel_evidence.issue", "GET"): AUDITS,
    ("panel_evidence.file", "POST"): AUDITS,
    ("panel_changes.index", "GET"): AUDITS,
    ("panel_exports.index", "GET"): AUDITS,
    ("panel_exports.index", "POST"): AUDITS,
    ("panel_roles.add", "GET"): {"root"},
    ("panel_roles.add", "POST"): {"root"},
    ("panel_roles.edit", "GET"): {"root"},
    ("panel_roles.edit", "POST"): {"root"},
    ("panel_roles.remove", "GET"): {"root"},
    ("panel_roles.remove", "POST"): {"root"},
    ("panel_account.index", "GET"): SIGNED_IN,
    ("panel_account.password", "POST"): SIGNED_IN,
    ("panel_account.end", "POST"): SIGNED_IN,
    ("panel_account.end_others", "POST"): SIGNED_IN,
    ("panel_reset.index", "GET"): ANYONE,
    ("panel_reset.choose", "GET"): ANYONE,
    ("panel_reset.choose", "POST"): ANYONE,
    ("panel_users.index", "GET"): SYSTEM,
    ("panel_users.user", "GET"): SYSTEM,
    ("panel_users.reset", "POST"): SYSTEM,
    ("panel_users.end_all", "POST"): SYSTEM,
    ("panel_users.end", "POST"): SYSTEM,
    ("panel_rotas.index", "GET"): DIRECTORY,
    ("panel_rotas.add", "GET"): EDITORS,
    ("panel_rotas.add", "POST"): EDITORS,
    ("panel_rotas.shift", "GET"): EDITORS,
    ("panel_rotas.shift", "POST"): EDITORS,
    ("panel_rotas.remove", "GET"): EDITORS,
    ("panel_rotas.remove", "POST"): EDITORS,
    ("panel_rotas.swap", "GET"): EDITORS,
    ("panel_rotas.swap", "POST"): EDITORS,
    ("panel_rotas.rotate", "GET"): EDITORS,
    ("panel_rotas.rotate", "POST"): EDITORS,
    ("panel_absences.index", "GET"): DIRECTORY,
    ("panel_absences.add", "GET"): EDITORS,
    ("panel_absences.add", "POST"): EDITORS,
    ("panel_absences.edit", "GET"): EDITORS,
    ("panel_absences.edit", "POST"): EDITORS,
    ("panel_absences.remove", "POST"): EDITORS,
    ("panel_customers.index", "GET"): DIRECTORY,
    ("panel_customers.add", "GET"): EDITORS,
    ("panel_customers.add", "POST"): EDITORS,
    ("panel_customers.edit", "GET"): EDITORS,
    ("panel_customers.edit", "POST"): EDITORS,
    ("panel_customers.remove", "GET"): EDITORS,
    ("panel_customers.remove", "POST"): EDITORS,
    ("panel_products.index", "GET"): DIRECTORY,
    ("panel_directory_files.index", "GET"): DIRECTORY,
    ("panel_directory_files.index", "POST"): EDITORS,
    ("panel_directory_files.look", "GET"): EDITORS,
    ("panel_directory_files.look", "POST"): EDITORS,
    ("panel_directory_files.export", "GET"): DIRECTORY,
    ("panel_directory_checks.index", "GET"): DIRECTORY,
    ("panel_kept.index", "GET"): SYSTEM,
    ("panel_apart.index", "GET"): SYSTEM,
    ("panel_apart.take_up", "POST"): SYSTEM,
    ("panel_schedules.take_up", "POST"): SYSTEM,
    ("panel_clock.index", "GET"): SYSTEM,
    ("panel_clock.confirm", "POST"): SYSTEM,
    ("panel_queue.index", "GET"): SYSTEM,
    ("panel_queue.decide", "GET"): SYSTEM,
    ("panel_queue.decide", "POST"): SYSTEM,
    ("panel_queue.release", "POST"): SYSTEM,
    ("panel_kept.replay", "POST"): SYSTEM,
    ("panel_kept.drop", "POST"): SYSTEM,
    ("panel_health.index", "GET"): SYSTEM,
    ("panel_channels.index", "GET"): SYSTEM,
    ("panel_channels.test", "POST"): SYSTEM,
    ("panel_channels.tried", "GET"): SYSTEM,
    ("panel_sources.index", "GET"): SYSTEM,
    ("panel_sources.source", "GET"): SYSTEM,
    ("panel_sources.source", "POST"): SYSTEM,
    ("panel_sources.secret", "POST"): SYSTEM,
    ("panel_subscriptions.index", "POST"): SYSTEM,
    ("panel_subscriptions.rotate", "POST"): SYSTEM,
    ("panel_subscriptions.replay", "POST"): SYSTEM,
    ("panel_subscriptions.test", "POST"): SYSTEM,
    ("panel_subscriptions.delete", "POST"): SYSTEM,
    ("panel_tokens.index", "GET"): READS,
    ("panel_tokens.index", "POST"): READS,
    ("panel_tokens.revoke", "POST"): READS,
    ("panel_schedules.index", "GET"): SYSTEM,
    ("panel_subscriptions.index", "GET"): SYSTEM,
    ("panel_subscriptions.turn", "POST"): SYSTEM,
}


def routes(panel: Panel) -> dict[tuple[str, str], str]:
    """Every route of the panel with a path that can be asked for, once."""
    found: dict[tuple[str, str], str] = {}
    for rule in panel.app.url_map.iter_rules():
        if rule.rule.startswith("/admin"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.setdefault((rule.endpoint, method), rule.rule)
    return found


def test_every_route_is_in_the_table(panel: Panel) -> None:
    assert routes(panel).keys() == ACCESS.keys()


def test_every_page_is_seen_by_the_sweep(panel: Panel) -> None:
    pages = {endpoint for endpoint, method in routes(panel) if method == "GET"}
    assert pages - NOT_PAGES.keys() == PAGES.keys(), "tests/browser/examples.py has the addresses that are looked at"
    assert NOT_PAGES.keys() <= pages


@pytest.mark.parametrize("login", [None, *sorted(SIGNED_IN)])
def test_only_those_of_the_table_get_in(panel: Panel, login: str | None) -> None:
    number = receive()
    assert begin("cn-office", None, Caller("root", frozenset(["policy.propose"])), now()).id == 1
    signed_in = panel.visitor(login)
    for (endpoint, method), rule in routes(panel).items():
        visitor = panel.visitor(login) if endpoint in ("panel_sign_out.index", "panel_sign_in.index") else signed_in
        expected = ACCESS[endpoint, method]
        got = outcome(visitor, method, filled(rule, number, endpoint))
        if expected == ANYONE or (login is not None and login in expected):
            assert got == "in", (login, endpoint, method)
        else:
            assert got == ("to sign in" if login is None else "forbidden"), (login, endpoint, method)


def filled(rule: str, number: str, endpoint: str) -> str:
    """The path with something for each of its places."""
    file = "panel.css" if endpoint == "panel_assets.static" else "vendor/jquery.min.js"
    values = {
        "number": number,
        "key": "comment",
        "notice": "overdue",
        "message": "1",
        "file": "1",
        "schedule": "1",
        "entry": "1",
        "kept": "1",
        "source": "alertmanager",
        "token": "1",
        "id": "none",
        "state": "off",
        "document": "cn-office",
        "login": "lan",
        "team": "front_line",
        "draft": "1",
        "plan": "1",
        "drill": "1",
        "year": "2026",
        "version": "1",
        "start": "1",
        "customer": "c-1001",
        "format": "csv",
        "what": "people",
        "upload": "1",
        "name": "manifest.json",
        "role": "reader",
        "session": "none",
        "link": "none",
        "backtest": "1",
    }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: {**values, "filename": file, "rest": "nowhere"}[found[1]], rule)


def outcome(visitor: Visitor, method: str, path: str) -> str:
    answer = visitor.post(path, {"text": "x"}) if method == "POST" else visitor.get(path)
    if answer.status_code == 303 and "/admin/sign-in/?" in answer.headers["Location"]:
        return "to sign in"
    if answer.status_code == 303 and answer.headers["Location"].endswith("/admin/sign-in/") and "sign-out" not in path:
        return "to sign in"
    if answer.status_code == 401 and 'name="kept"' in answer.text:
        return "to sign in"
    if answer.status_code == 403 and "Your roles do not permit this" in answer.text:
        return "forbidden"
    assert answer.status_code < 500, (path, answer.status_code)
    return "in"


def test_nothing_is_changed_without_the_forms_token(panel: Panel) -> None:
    number = receive()
    visitor = panel.visitor("root")
    for (endpoint, method), rule in routes(panel).items():
        if method == "POST":
            for sent in ({}, {"csrf_token": "made-up"}):
                answer = visitor.client.post(filled(rule, number, endpoint), data=sent, base_url=visitor.base_url)
                assert answer.status_code == 400, endpoint
                assert "This form is out of date" in answer.text


def test_a_person_without_roles_is_told_what_to_do(panel: Panel) -> None:
    assert "An administrator can give you a role" in panel.visitor("nils").text("/admin/")


def test_the_first_page_is_the_first_that_one_may_see(panel: Panel) -> None:
    assert panel.visitor("gong").get("/admin/").headers["Location"].endswith("/admin/issues/")


def test_what_is_not_there_is_missed_in_the_panels_own_words(panel: Panel) -> None:
    for path in ("/admin/nowhere", "/admin/issues/NO-SUCH", "/admin/issues/?after=x"):
        answer = panel.visitor("root").get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.text
    number = receive()
    for path in ("/admin/%00", "/admin/issues/%00", "/admin/issues/?stage=%00", "/admin/issues/?q=a%00&team=%00"):
        answer = panel.visitor("root").get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.text
    for path in ("/admin/issues/%00/actions/comment", f"/admin/issues/{number}/tasks/{2**63}/confirm"):
        assert panel.visitor("root").post(path, {"text": "x"}).status_code == 404
    assert panel.visitor("ida").get("/admin/documents/nowhere").status_code == 404


def test_only_the_panel_has_a_session(panel: Panel) -> None:
    for path, is_null in (("/admin/sign-in/", False), ("/hooks/complaint-inbox", True), ("/api/issues", True)):
        with panel.app.test_request_context(path):
            assert panel.app.session_interface.is_null_session(session._get_current_object()) is is_null
