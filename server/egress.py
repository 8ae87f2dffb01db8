"""The only way out by HTTP: addresses are looked up once, judged, and connected to as they were judged.

A policy's author, an integrator or a redirect must not make the server speak to its own network (SSRF): private,
loopback, link-local, shared, metadata, multicast and translated addresses are refused unless `DUBAN_ALLOW_NETS` has
them.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TIMEOUT = 15.0  # seconds for all of it: name, connection, TLS, request, answer
LARGEST_ANSWER = 64 * 1024  # bytes that are read of an answer

# is_global holds these for public. NAT64 and 6to4 carry an IPv4 address inside, which may be any; the last two are the
# metadata services of Azure and Oracle.
_ALSO_REFUSED: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "2001::/32",
            "::/96",
            "fec0::/10",
            "168.63.129.16/32",
            "192.0.0.192/32",
        ),
    )
)


class Refused(Exception):
    """A request that is not made: `reason` is `bad-url`, `address` or `unsafe-header`. Trying again is of no use."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class Failed(Exception):
    """A request without a whole answer: no such name, no connection, no TLS, time over, not HTTP. Try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `headers` by lower-case name, at most LARGEST_ANSWER bytes of `body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@cache
def _tls() -> ssl.SSLContext:
    # To read the certificates of all authorities takes longer than most requests.
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Egress:
    """What may be reached: public addresses, and the networks of `allow`. `tls` is the context that TLS uses."""

    allow: Sequence[Network] = ()
    tls: ssl.SSLContext = field(default_factory=_tls)

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout: float = TIMEOUT
    ) -> Answer:
        """Make one request; a redirect is an answer and is not followed. Raises Refused, Failed."""
        parts = _parts(url)
        _require_safe(headers)
        deadline = time.monotonic() + timeout
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = _ascii_host(parts)
        carrier = plain = self.connect(host, port, timeout)
        try:
            if parts.scheme == "https":
                carrier = self.tls.wrap_socket(plain, server_hostname=host)
            return _exchange(carrier, parts, host, method, headers, body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise Failed(f"{type(problem).__name__}: {problem}"[:200]) from problem
        finally:
            carrier.close()
            plain.close()

    def connect(self, host: str, port: int, timeout: float = TIMEOUT, *, trusted: bool = False) -> socket.socket:
        """A connection to an address of the host that may be reached; `trusted`: whoever runs the server named it.

        The name is looked up once, and what is connected to is what was judged: a name server that answers otherwise
        the second time gains nothing. Raises Refused when none of its addresses may be reached, Failed.
        """
        deadline = time.monotonic() + timeout
        found = _look_up(host, port, timeout)
        good = [address for address in found if trusted or self.permits(address[4][0])]
        if not good:
            raise Refused("address", f"{host} is {', '.join(sorted({str(address[4][0]) for address in found}))}")
        problem: OSError = OSError("no address")
        for family, kind, protocol, _, address in good[:4]:
            carrier = socket.socket(family, kind, protocol)
            carrier.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                carrier.connect(address)
            except OSError as error:
                carrier.close()
                problem = error
                continue
            return carrier
        raise Failed(f"{host}:{port}: {problem}"[:200]) from problem

    def judge(self, url: str) -> None:
        """Raise Refused for a URL to which no request would be made, as far as that is known without a name server."""
        parts = _parts(url)
        host = _ascii_host(parts)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return  # a name: judged by what it turns out to be
        if not self.permits(str(address)):
            raise Refused("address", host)

    def permits(self, text: str | int) -> bool:
        """Whether this address may be reached."""
        address = ipaddress.ip_address(str(text).partition("%")[0])
        inner = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        judged: Address = inner or address
        if any(judged in network for network in self.allow if network.version == judged.version):
            return True
        if any(judged in network for network in _ALSO_REFUSED if network.version == judged.version):
            return False
        return judged.is_global and not (judged.is_multicast or judged.is_reserved or judged.is_unspecified)


def _parts(url: str) -> SplitResult:
    if re.search(r"[\x00-\x20\x7f]", url):
        raise Refused("bad-url", "white space or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise Refused("bad-url", str(problem)) from problem
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Refused("bad-url", "neither http://HOST nor https://HOST")
    if parts.username is not None or parts.password is not None:
        raise Refused("bad-url", "user and password have no place in it")
    return parts


def _require_safe(headers: Mapping[str, str]) -> None:
    """A line break in a value must not begin another header (RFC 9110, 5.5)."""
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise Refused("unsafe-header", repr(name))


def _ascii_host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    try:
        return host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError as problem:
        raise Refused("bad-url", f"{host!r} is no host name") from problem


def _look_up(host: str, port: int, timeout: float) -> list[Any]:
    """getaddrinfo has no time limit of its own; a thread that outlives ours ends with the resolver's."""
    found: list[Any] = []
    problems: list[Exception] = []

    def ask() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as problem:
            problems.append(problem)

    asking = threading.Thread(target=ask, daemon=True, name="egress-look-up")
    asking.start()
    asking.join(timeout)
    if problems:
        raise Failed(f"{host}: {problems[0]}"[:200]) from problems[0]
    if not found:
        raise Failed(f"{host}: the name server does not answer")
    return found


def _exchange(
    carrier: socket.socket,
    parts: SplitResult,
    host: str,
    method: str,
    headers: Mapping[str, str],
    body: bytes,
    deadline: float,
) -> Answer:
    connection = http.client.HTTPConnection(host, parts.port or 0)  # given a port, it does not look for one in `::1`
    connection.sock = _Timed(carrier, deadline)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = {
        "Host": _host_header(parts, host),
        "User-Agent": "duban",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "Content-Length": str(len(body)),
    }
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in {**own, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body or None)
    with connection.getresponse() as answer:
        given = answer.read(LARGEST_ANSWER)
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, given)


def _host_header(parts: SplitResult, host: str) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{parts.port}" if parts.port else shown


class _Timed:
    """A socket as http.client uses it, on which everything together must be done by the deadline.

    A socket's own time limit begins anew with every byte: an answer of a byte a second would hold a worker for hours.
    """

    def __init__(self, carrier: socket.socket, deadline: float) -> None:
        self.carrier = carrier
        self.deadline = deadline

    def limit(self) -> None:
        """Let the next operation take no longer than what is left. Raises TimeoutError when nothing is."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        self.carrier.settimeout(left)

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), 65_536):
            self.limit()
            self.carrier.sendall(data[start : start + 65_536])

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        # http.client closes its socket before the body is read, and lets the file go on; we close the socket after.
        pass


class _Reader(io.RawIOBase):
    def __init__(self, timed: _Timed) -> None:
        self.timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.timed.limit()
        return self.timed.carrier.recv_into(buffer)
