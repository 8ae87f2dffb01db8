"""A real Prometheus Alertmanager, unmodified, whose only receiver is Duban's webhook."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.conftest import skip_or_fail
from tests.serving import free_port

CONFIG = """\
route:
  receiver: duban
  group_by: [group]
  group_wait: 200ms
  group_interval: 1s
  repeat_interval: 1s
receivers:
  - name: duban
    webhook_configs:
      - url: {address}/hooks/alertmanager
        send_resolved: true
        http_config:
          authorization: {{type: Bearer, credentials: {token}}}
"""


class Alertmanager:
    """The running server: alerts are posted to it as Prometheus does."""

    def __init__(self, address: str, log: Path) -> None:
        self.address = address
        self.log = log

    def post(self, *alerts: dict[str, Any]) -> None:
        """Post alerts (API v2)."""
        request = urllib.request.Request(
            f"{self.address}/api/v2/alerts",
            data=json.dumps(alerts).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200


def alert(
    name: str | None, since: datetime, summary: str = "", resolved: bool = False, **labels: str
) -> dict[str, Any]:
    """An alert that fires since that time, or was resolved just now. Without a name it lacks its `alertname`."""
    named = {} if name is None else {"alertname": name}
    now = datetime.now(UTC)
    return {
        "labels": {"group": "test", **named, **labels},
        "annotations": {"summary": summary} if summary else {},
        "startsAt": since.isoformat(),
        "endsAt": (now if resolved else now + timedelta(hours=1)).isoformat(),
    }


@contextmanager
def alertmanager(folder: Path, address: str, token: str) -> Iterator[Alertmanager]:
    """Run Alertmanager in `folder` with the server at `address` as its receiver."""
    binary = shutil.which("prometheus-alertmanager")
    if binary is None:
        skip_or_fail("prometheus-alertmanager is not installed (apt-get install prometheus-alertmanager)")
    assert binary is not None
    port = free_port()
    (folder / "alertmanager.yml").write_text(CONFIG.format(address=address, token=token))
    log = folder / "alertmanager.log"
    command: Sequence[str] = [
        binary,
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)
        try:
            _wait_for(f"http://127.0.0.1:{port}/-/ready", log)
            yield Alertmanager(f"http://127.0.0.1:{port}", log)
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait_for(url: str, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
