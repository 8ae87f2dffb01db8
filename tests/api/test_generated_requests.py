"""Requests that schemathesis makes from the description, against a real server with the demo: every answer is as it is
described, and nothing fails. `make fuzz` makes many more of them; what it finds goes into the corpus of test_nasty.py.

Left out is one check: that what fits the schema is accepted. What is accepted is said by processes, not by schemas.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from server.permissions import PERMISSIONS
from tests.serving import DUBAN, environment, serving
from tests.stores import empty_database

EXAMPLES = int(os.environ.get("DUBAN_FUZZ_EXAMPLES", "15"))
SEED = os.environ.get("DUBAN_FUZZ_SEED", "1")
PATIENCE = 300 + 4 * EXAMPLES


DATABASES = ("sqlite", "postgresql") if "DUBAN_FUZZ_EXAMPLES" in os.environ else ("sqlite",)
"""Requests are many and slow: of `make test`, one database gets them, and both the values of test_nasty.py."""


@pytest.fixture(params=DATABASES)
def env(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings of a server on each database in turn."""
    known = {"DUBAN_TOKEN_RATE": "0", "DUBAN_LANGUAGE": "en"}
    if request.param == "sqlite":
        yield known
        return
    with empty_database() as url:
        yield {**known, "DUBAN_DATABASE": url}


def token_of(folder: Path, env: dict[str, str]) -> str:
    """A token of the administrator, with every permission."""
    scopes = [word for permission in PERMISSIONS for word in ("--scope", permission)]
    done = subprocess.run(
        [DUBAN, "user", "token", "admin", *scopes], cwd=folder, env=environment(env), capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE + 200)
def test_no_generated_request_is_a_failure_or_is_answered_otherwise_than_described(
    tmp_path: Path, env: dict[str, str]
) -> None:
    with serving(tmp_path, "--demo", "--workers", "2", env=env) as address:
        command = [
            DUBAN.with_name("st"), "run", f"{address}/openapi.json",
            "--header", f"Authorization: Bearer {token_of(tmp_path, env)}",
            "--phases", "examples,coverage,fuzzing,stateful", "--checks", "all",
            "--exclude-checks", "positive_data_acceptance",
            "--max-examples", str(EXAMPLES), "--seed", SEED, "--no-color", "--request-timeout", "30",
            "--suppress-health-check", "all",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=tmp_path, env=environment(env), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        print(done.stdout[-20_000:])
        answered = requests.get(f"{address}/metrics", timeout=30).text
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-5000:]}"
    tried = re.search(r"(\d+) generated", done.stdout)
    assert tried
    assert int(tried[1]) > 20 * EXAMPLES
    # The figures of both processes, as one of them tells them: all but those of the last seconds.
    counted = re.findall(r'^duban_http_requests_total{.*status="(\d+)"} (\d+)$', answered, re.M)
    assert sum(int(number) for _, number in counted) > int(tried[1]) / 2
    assert not [status for status, _ in counted if status.startswith("5")]
    failures = [line for line in (tmp_path / "serve.log").read_text().splitlines() if "failed" in line]
    assert failures == []
