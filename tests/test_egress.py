"""The only way out: what it refuses to reach, and how long and how much it reads at most."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.egress import LARGEST_ANSWER, Egress, Failed, Network, Refused
from tests.receivers import Receiver, Reply, receiver


def networks(*written: str) -> tuple[Network, ...]:
    return tuple(map(ipaddress.ip_network, written))


LOCAL = Egress(networks("127.0.0.0/8", "::1/128"))
OUT = Egress()


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def test_a_request_arrives_as_it_was_made_and_the_answer_comes_back(there: Receiver) -> None:
    there.answers(Reply(202, b"thanks", {"X-Id": "7"}))
    answer = LOCAL.request("POST", there.at("127.0.0.1", "/a/b?c=d"), {"X-Mine": "1"}, "督办".encode())
    assert (answer.status, answer.body, answer.headers["x-id"]) == (202, b"thanks", "7")
    (request,) = there.requests
    assert (request.method, request.path, request.body) == ("POST", "/a/b?c=d", "督办".encode())
    assert request.headers["host"] == f"127.0.0.1:{there.port}"
    assert request.headers["x-mine"] == "1"


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "①②⑦.⓪.⓪.①",
    "１２７.0.0.1",
    "127。0。0。1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0.0.0.0",
    "0",
    "[::]",
]


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_of_this_machine_is_reached(there: Receiver, host: str) -> None:
    with pytest.raises((Refused, Failed)):
        OUT.request("POST", there.at(host), {}, b"x", timeout=3)
    assert there.requests == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]"])
def test_those_spellings_would_have_reached_it(there: Receiver, host: str) -> None:
    LOCAL.request("POST", there.at(host), {}, b"x")
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("fd00:ec2::254", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::8.8.8.8", False),
        ("64:ff9b:1::1", False),
        ("2002:0a00:0001::", False),
        ("2001:0:1::1", False),
        ("::10.0.0.1", False),
        ("198.18.0.1", False),
        ("192.0.2.1", False),
    ],
)
def test_only_public_addresses_are_permitted(address: str, permitted: bool) -> None:
    assert OUT.permits(address) is permitted
    assert Egress(networks("0.0.0.0/0", "::/0")).permits(address)


def test_a_name_that_changes_its_address_gains_nothing(there: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answers(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    reached: list[Any] = []

    def connect(self: socket.socket, address: Any) -> None:
        reached.append(address)
        raise ConnectionRefusedError("nobody here")

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(Failed):
        OUT.request("POST", there.at("rebind.example"), {}, b"x")
    assert asked == ["rebind.example"]
    assert reached == [("93.184.216.34", there.port)]


def test_a_redirect_is_an_answer_and_is_not_followed(there: Receiver) -> None:
    there.answers(Reply(307, headers={"Location": there.at("127.0.0.1", "/inside")}))
    assert LOCAL.request("POST", there.url, {}, b"x").status == 307
    assert [request.path for request in there.requests] == ["/hook"]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/",
        "//example.com/",
        "http:///x",
        "http://user:secret@example.com/",
        "http://example.com:99999/",
        "http://example.com:0/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: 1",
        "http://[::1",
        "http://" + "é" * 70 + ".example/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        OUT.request("POST", url, {})
    assert caught.value.reason == "bad-url"


def test_a_header_cannot_begin_another(there: Receiver) -> None:
    with pytest.raises(Refused) as caught:
        LOCAL.request("POST", there.url, {"X-Subject": "a\r\nX-Evil: 1"})
    assert caught.value.reason == "unsafe-header"
    assert there.requests == []


def test_an_answer_that_never_comes_ends_in_time(there: Receiver) -> None:
    for reply in (Reply(hang=True), Reply(body=b"x" * 100, drip=0.2), Reply(raw=b"HTTP/1.1 100 Continue\r\n\r\n" * 3)):
        there.answers(reply)
        start = time.monotonic()
        with pytest.raises(Failed):
            LOCAL.request("POST", there.url, {}, b"x", timeout=0.6)
        assert time.monotonic() - start < 3


def test_an_answer_is_read_up_to_a_limit(there: Receiver) -> None:
    there.answers(Reply(body=b"x" * 3 * LARGEST_ANSWER))
    assert len(LOCAL.request("POST", there.url, {}).body) == LARGEST_ANSWER


@pytest.mark.parametrize(
    "raw", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 twohundred\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300]
)
def test_what_is_no_http_is_a_failure(there: Receiver, raw: bytes) -> None:
    there.answers(Reply(raw=raw))
    with pytest.raises(Failed):
        LOCAL.request("POST", there.url, {}, timeout=5)


def test_nobody_there_is_a_failure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(Failed):
        LOCAL.request("POST", f"http://127.0.0.1:{port}/", {}, timeout=3)
    with pytest.raises(Failed):
        LOCAL.request("POST", "http://no-such-name.invalid/", {}, timeout=5)


CERTIFICATE = Path(__file__).parent / "certificates" / "hook.example.pem"  # self-signed, with its key, for this test


def test_tls_is_checked_against_the_name_and_not_the_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=str(CERTIFICATE))
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    with receiver(serving) as there:
        good = Egress(LOCAL.allow, trusting).request("POST", there.at("hook.example"), {}, b"x")
        assert good.status == 200
        for egress, host in ((LOCAL, "hook.example"), (Egress(LOCAL.allow, trusting), "other.example")):
            with pytest.raises(Failed, match="certificate"):
                egress.request("POST", there.at(host), {}, b"x")
        assert len(there.requests) == 1


def test_allowing_ipv4_covers_its_mapped_form() -> None:
    assert Egress((ipaddress.ip_network("10.0.0.0/8"),)).permits("::ffff:10.1.2.3")
