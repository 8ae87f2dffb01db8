"""Machines that are none: network namespaces, joined by a bridge on which this machine stands, too."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tests.conftest import skip_or_fail


class Network:
    """A bridge, and hosts by name. `address` is this machine's. Nothing leads from here to anywhere else."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self._id = secrets.token_hex(3)
        # 198.18.0.0/15 is set aside for tests between devices (RFC 2544).
        self._prefix = f"198.{secrets.choice((18, 19))}.{secrets.randbelow(256)}"
        self.address = f"{self._prefix}.1"
        self.network = f"{self._prefix}.0/24"
        self._bridge = f"db{self._id}"
        self._hosts = {name: number for number, name in enumerate(hosts)}

    def address_of(self, host: str) -> str:
        """A host's address."""
        return f"{self._prefix}.{self._hosts[host] + 10}"

    def run(self, host: str, command: Sequence[Any], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command on a host; the process is the command's own."""
        return subprocess.Popen(["ip", "netns", "exec", self._space(host), *map(str, command)], **options)

    def cut(self, host: str) -> None:
        """Nothing that the host sends arrives anywhere, nor anything that is sent to it."""
        _ip("link", "set", self._link(host), "down")

    def mend(self, host: str) -> None:
        """The host is reached again."""
        _ip("link", "set", self._link(host), "up")

    def make(self) -> None:
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for host in self._hosts:
            space = self._space(host)
            _ip("netns", "add", space)
            _ip("link", "add", self._link(host), "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", self._link(host), "master", self._bridge, "up")
            _ip("-n", space, "addr", "add", f"{self.address_of(host)}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")

    def remove(self) -> None:
        for host in self._hosts:
            subprocess.run(["ip", "netns", "del", self._space(host)], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._bridge], check=False, capture_output=True)

    def _space(self, host: str) -> str:
        return f"duban-{self._id}-{host}"

    def _link(self, host: str) -> str:
        return f"dv{self._id}{self._hosts[host]}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@contextmanager
def network(*hosts: str) -> Iterator[Network]:
    """A network of these hosts for the length of a `with`."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        skip_or_fail("network namespaces need root and iproute2")
    made = Network(hosts)
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            skip_or_fail(f"this machine allows no network namespaces: {error.stderr.strip()}")
        yield made
    finally:
        made.remove()
