"""Intake beside the creation of a ticket in django-helpdesk, in the same gunicorn, in the same run, in turns.

django-helpdesk is installed by pip into an environment of its own, `.cache/bench/helpdesk`, the first time.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import median

from tests.bench.complaints import complaint, deliveries
from tests.bench.load import Load, drive, request
from tests.bench.places import ROOT, Place, place, running, web
from tests.bench.result import Result
from tests.serving import free_port

HELPDESK = "django-helpdesk==2.6.1"
CONNECTIONS = 32
WORKERS = 2
TIMES = 8
ROUNDS = 3
OURS, THEIRS = 600, 120


def run() -> list[Result]:
    """Measure on SQLite."""
    name = "intake on SQLite, beside django-helpdesk's REST interface"
    try:
        python = _installed(ROOT / ".cache" / "bench" / "helpdesk")
    except subprocess.CalledProcessError as error:
        why = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        return [Result(name, "not measured", f"≥ {TIMES} ×", False, f"not installed: {why[-1] if why else error}")]
    mine: list[Load] = []
    others: list[Load] = []
    with place("SQLite") as where:
        assert where is not None
        with web(where, WORKERS) as ours, _helpdesk(python, where) as (theirs, token):
            drive(ours, deliveries(OURS // 2), CONNECTIONS).require(201)
            drive(theirs, _tickets(token, THEIRS // 2), CONNECTIONS).require(201)
            for _ in range(ROUNDS):
                mine.append(drive(ours, deliveries(OURS), CONNECTIONS).require(201))
                others.append(drive(theirs, _tickets(token, THEIRS), CONNECTIONS).require(201))
    ratio = median(one.rate / other.rate for one, other in zip(mine, others, strict=True))
    rates = f"{median(load.rate for load in mine):.0f}/s beside {median(load.rate for load in others):.0f}/s"
    detail = f"{rates}; {HELPDESK}, {CONNECTIONS} connections, {WORKERS} processes each"
    return [Result(name, f"{ratio:.1f} ×", f"≥ {TIMES} ×", ratio >= TIMES, detail)]


def _installed(folder: Path) -> Path:
    """The Python of an environment with django-helpdesk and this gunicorn. Raises CalledProcessError."""
    python = folder / "bin" / "python"
    mark = folder / f"{HELPDESK}.ready"
    if not mark.exists():
        for command in (
            [sys.executable, "-m", "venv", str(folder)],
            [str(python), "-m", "pip", "install", "-q", HELPDESK, f"gunicorn=={version('gunicorn')}"],
        ):
            subprocess.run(command, check=True, capture_output=True)
        mark.touch()
    return python


@contextlib.contextmanager
def _helpdesk(python: Path, where: Place) -> Iterator[tuple[int, str]]:
    port = free_port()
    command = [python, "-m", "tests.bench.helpdesk_app", where.folder, port, WORKERS]
    with running([str(part) for part in command], where.environ, where.folder, (port, "/api/")):
        yield port, (where.folder / "token").read_text()


def _tickets(token: str, count: int) -> list[bytes]:
    """As many tickets with the same words as the deliveries."""
    made = []
    for number in range(count):
        one = complaint(number)
        ticket = {
            "queue": 1, "title": one["title"], "description": one["text"], "priority": 3,
            "submitter_email": one["customer"]["email"],
        }  # fmt: skip
        headers = {"Content-Type": "application/json", "Authorization": f"Token {token}"}
        made.append(request("POST", "/api/tickets/", headers, json.dumps(ticket, ensure_ascii=False).encode()))
    return made
