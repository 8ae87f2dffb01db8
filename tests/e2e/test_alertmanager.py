"""A real system posts to a real server: Prometheus Alertmanager, `duban serve`, an SMTP server.

Rows CP-8, CP-11: alarms open contingency issues; those concerned are told; what clears by itself is closed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from server.resources import data_dir
from tests.e2e.alertmanager import Alertmanager, alert, alertmanager
from tests.serving import DUBAN, environment, free_port, serving

TOKEN = "an-alertmanager-token"

# The first start of a server whose contingency plan waits for seconds instead of minutes.
PREPARE = """
import sys, time
from server import policies, settings
from server.store import database, migrating
now = time.time_ns() // 1_000_000
found = settings.with_secrets(settings.read())
store = database.open(found.database)
migrating.migrate(store)
policies.activate(policies.add_version(sys.stdin.buffer.read(), now), now)
policies.load_shipped(now)
store.close()
"""


class Mailbox:
    """Keeps what an SMTP server receives."""

    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(  # noqa: N802 (aiosmtpd calls it so)
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 OK"

    def about(self, text: str) -> list[Any]:
        """The mails whose subject has the text."""
        return [mail for _, mail in self.mails if text in str(mail["subject"])]


@contextmanager
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """An SMTP server; gives what it keeps and its port."""
    kept = Mailbox()
    controller = Controller(kept, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield kept, controller.port
    finally:
        controller.stop()


class Desk:
    """What a person reads over HTTP."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.token = token

    def get(self, path: str) -> Any:
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def issues(self) -> list[dict[str, Any]]:
        """The contingency issues, oldest first."""
        found = self.get("/api/v1/issues?process=contingency&limit=100")["issues"]
        return sorted(found, key=lambda issue: issue["number"])

    def about(self, subject: str) -> list[dict[str, Any]]:
        return [self.get(f"/api/v1/issues/{issue['number']}") for issue in self.issues() if issue["subject"] == subject]

    def kinds(self, number: str) -> list[str]:
        return [entry["kind"] for entry in self.timeline(number)]

    def timeline(self, number: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/api/v1/issues/{number}/timeline")
        return found


def until(what: Callable[[], Any], seconds: float = 25) -> Any:
    """Wait for something to become true; give it."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Alertmanager, Mailbox]]:
    """Server, Alertmanager and mailbox, running together."""
    folder = tmp_path_factory.mktemp("e2e")
    with mailbox() as (kept, port):
        env = {
            "ALERT_TOKEN": TOKEN,
            "EMAIL_URL": f"smtp://127.0.0.1:{port}?from=duban@example.com",
            "DUBAN_ALLOW_NETS": "127.0.0.0/8",
            "DUBAN_LANGUAGE": "en",
        }
        plan = (data_dir("policies") / "contingency.yaml").read_text(encoding="utf-8")
        quick = plan.replace(
            "within: {I: 15m, II: 1h, III: 4h}, warn: 50%", "within: {I: 3s, II: 1h, III: 4h}, warn: 50%"
        )
        quick = quick.replace("within: {I: 15m, II: 1h, III: 8h}", "within: {I: 3s, II: 1h, III: 8h}")
        assert quick != plan
        subprocess.run(
            [sys.executable, "-c", PREPARE], input=quick.encode(), cwd=folder, env=environment(env), check=True
        )
        directory = data_dir("seeds") / "directory.yaml"
        subprocess.run(
            [DUBAN, "directory", "import", str(directory), "--yes"], cwd=folder, env=environment(env), check=True
        )
        with serving(folder, env=env) as address:
            token = subprocess.run(
                [DUBAN, "user", "token", "admin", "--scope", "issue.read", "--scope", "private.read"],
                cwd=folder,
                env=environment(env),
                check=True,
                capture_output=True,
                text=True,
            ).stdout.strip()
            with alertmanager(folder, address, TOKEN) as source:
                yield Desk(address, token), source, kept


def test_an_alert_becomes_one_issue_judged_by_its_labels(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    since = datetime.now(UTC) - timedelta(seconds=20)
    source.post(alert("DiskFull", since, "no space on /var", severity="critical"))
    issue = until(lambda: desk.about("DiskFull"))[0]
    assert issue["severity"] == "I"
    assert issue["facts"]["impact"] == "stopped"
    assert issue["facts"]["background"] == "no space on /var"
    assert issue["team"] == "handling_group"
    received = datetime.fromisoformat(issue["received"])
    assert abs((received - since).total_seconds()) < 1


def test_its_notice_arrives_by_mail(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, kept = running
    source.post(alert("CertificateExpired", datetime.now(UTC), "tls", severity="critical"))
    mails = until(lambda: kept.about("CertificateExpired"))
    number = desk.about("CertificateExpired")[0]["number"]
    assert any(number in str(mail["subject"]) for mail in mails)


def test_repeats_of_an_alert_make_no_second_issue(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    firing = alert("LinkDown", datetime.now(UTC), "eth0", severity="warning")
    source.post(firing)
    until(lambda: desk.about("LinkDown"))
    for _ in range(3):
        time.sleep(1.2)
        source.post(firing)
    assert len(desk.about("LinkDown")) == 1


def test_what_clears_before_anybody_took_it_on_is_closed(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    since = datetime.now(UTC)
    source.post(alert("Flapping", since, "went away", severity="critical"))
    until(lambda: desk.about("Flapping"))
    source.post(alert("Flapping", since, "went away", resolved=True, severity="critical"))
    issue = until(lambda: [one for one in desk.about("Flapping") if one["stage"] == "closed"])[0]
    timeline = desk.timeline(issue["number"])
    done = [entry for entry in timeline if entry["kind"] == "action"]
    assert [(entry["action"], entry["by"]) for entry in done] == [("withdraw", "system")]
    assert done[0]["with"] == {"solution": "went away"}


def test_the_same_alert_firing_again_later_is_a_new_issue(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    first = datetime.now(UTC) - timedelta(seconds=5)
    source.post(alert("Reboot", first, "node 1", severity="critical"))
    until(lambda: desk.about("Reboot"))
    source.post(alert("Reboot", first, "node 1", resolved=True, severity="critical"))
    until(lambda: [one for one in desk.about("Reboot") if one["stage"] == "closed"])
    source.post(alert("Reboot", datetime.now(UTC), "node 1", severity="critical"))
    both = until(lambda: found if len(found := desk.about("Reboot")) == 2 else None)
    assert sorted(issue["stage"] for issue in both) == ["closed", "received"]


def test_one_bad_alert_in_a_batch_does_not_lose_the_others(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    now = datetime.now(UTC)
    source.post(
        alert("GoodOne", now, "first", severity="critical"),
        alert(None, now, "it has no name", severity="critical", instance="nameless"),
        alert("GoodTwo", now, "second", severity="warning"),
    )
    until(lambda: desk.about("GoodOne") and desk.about("GoodTwo"))
    assert not any(issue["subject"] in ("", None) for issue in desk.issues())


def test_an_alarm_that_nobody_takes_on_escalates(running: tuple[Desk, Alertmanager, Mailbox]) -> None:
    desk, source, _ = running
    source.post(alert("NobodyActs", datetime.now(UTC), "all down", severity="critical"))
    issue = until(lambda: desk.about("NobodyActs"))[0]
    until(lambda: desk.kinds(issue["number"]).count("escalated") == 2)
    timeline = desk.timeline(issue["number"])
    rungs = [(entry["rung"], entry["to"]) for entry in timeline if entry["kind"] == "escalated"]
    assert rungs == [(1, ["lead"]), (2, ["team:leading_group"])]
    breach = next(entry for entry in timeline if entry["kind"] == "clock_breached")
    assert breach["at"] == breach["due"]
