"""A real `duban serve` in a folder of its own, for tests that drive it from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

DUBAN = Path(sys.executable).with_name("duban")
# What a developer's shell may carry must not reach the server under test.
FOREIGN = ("DUBAN_", "ALERT_", "EMAIL_", "SMS_", "CRM_", "WECOM_", "DINGTALK_", "FEISHU_")


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give this process's environment without settings of a server, plus `extra`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return own | dict(extra)


def ready(address: str) -> bool:
    """Tell whether the server at `address` says that it can take work."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def serving(
    folder: Path,
    *options: str,
    env: Mapping[str, str] | None = None,
    command: Path = DUBAN,
    patience: float = 90,
) -> Iterator[str]:
    """Run `duban serve` with `folder` as its working folder; give its address once it is ready; end it with SIGTERM.

    What it prints goes to `folder/serve.log`, which is shown when it does not start, or does not end with 0.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    log = folder / "serve.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [command, "serve", "--port", str(port), *options],
            cwd=folder, env=environment(env or {}), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + patience
            while not ready(address):
                assert server.poll() is None, f"duban serve ended with {server.returncode}:\n{log.read_text()}"
                assert time.monotonic() < deadline, f"not ready after {patience} s:\n{log.read_text()}"
                time.sleep(0.1)
            yield address
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=30)
            assert code == 0, f"duban serve ended with {code} on SIGTERM:\n{log.read_text()}"
        finally:
            if server.poll() is None:
                server.kill()
                server.wait()
