"""What the environment says (contract, Environment), read once into a frozen `Settings`.

Secrets that are not set are made by `with_secrets` and kept in the data folder, readable by their owner only. Values
`env:NAME` of documents are looked up by `named_value` when they are used, never kept.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECRET_FILE: Final = "secret"
SIGNING_KEY_FILE: Final = "signing-key"
LANGUAGES: Final = ("zh", "en")
TOKEN_RATE: Final = 6000


class BadSetting(ValueError):
    """A variable whose value has no meaning; `code` and `params` find its text in the catalogue."""

    code = "bad-setting"

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}={value!r} is not {expected}")
        self.params = {"name": name, "value": value, "expected": expected}


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place outside that keeps checkpoints of the audit trail: `kind` is file, webhook or mail, `target` a path, an
    address of the web or of mail, `every` how many seconds lie between two checkpoints that it is sent, at least."""

    url: str = field(repr=False)  # as written; that of a webhook may be a secret
    kind: str
    target: str = field(repr=False)
    every: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this process. Secrets do not show in its repr."""

    data: Path
    database: str
    queue: str
    url: str
    secret: str | None = field(repr=False)
    signing_key: bytes | None = field(repr=False)  # 32 bytes, the seed of an Ed25519 key
    admin_password: str | None = field(repr=False)
    allow_nets: tuple[Network, ...] = ()
    proxy_hops: int = 0
    token_rate: int = TOKEN_RATE  # requests of one token in a minute; 0: any number
    language: str = "zh"
    anchors: tuple[Anchor, ...] = ()
    anchor_secret: str | None = field(default=None, repr=False)  # signs what webhooks among them are sent


def read(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the environment, and the secrets that were made before. Raises BadSetting."""
    data = Path(environ.get("DUBAN_DATA") or "data").resolve()
    return Settings(
        data=data,
        database=_database(environ.get("DUBAN_DATABASE") or str(data / "duban.sqlite")),
        queue=_queue(environ.get("DUBAN_QUEUE") or f"sqlite:///{data / 'queue.sqlite'}"),
        url=_address(environ),
        secret=environ.get("DUBAN_SECRET") or _kept(data / SECRET_FILE),
        signing_key=_signing_key(environ.get("DUBAN_SIGNING_KEY") or _kept(data / SIGNING_KEY_FILE)),
        admin_password=environ.get("DUBAN_ADMIN_PASSWORD") or None,
        allow_nets=_networks(environ.get("DUBAN_ALLOW_NETS", "")),
        proxy_hops=_hops(environ.get("DUBAN_PROXY_HOPS", "")),
        token_rate=_token_rate(environ.get("DUBAN_TOKEN_RATE", "")),
        language=_language(environ.get("DUBAN_LANGUAGE", "")),
        anchors=_anchors(environ.get("DUBAN_ANCHORS", "")),
        anchor_secret=environ.get("DUBAN_ANCHOR_SECRET") or None,
    )


def with_secrets(settings: Settings) -> Settings:
    """Make the secrets that are neither set nor kept, keep them in the data folder (mode 600), give all settings."""
    make_data_folder(settings)
    secret, key = settings.secret, settings.signing_key
    if secret is None:
        secret = _make(settings.data / SECRET_FILE, secrets.token_urlsafe(32))
    if key is None:
        made = base64.b64encode(secrets.token_bytes(32)).decode("ascii")
        key = _signing_key(_make(settings.data / SIGNING_KEY_FILE, made))
    return replace(settings, secret=secret, signing_key=key)


def make_data_folder(settings: Settings) -> None:
    """Make the data folder where there is none, for its owner only: what customers said lies in it."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)


_current: Settings | None = None


def use(settings: Settings) -> None:
    """Make these the settings of this process; what a process does first."""
    global _current
    _current = settings


def current() -> Settings:
    """The settings of this process: those it was told to use, else what the environment says, read once."""
    if _current is None:
        use(read())
    assert _current is not None
    return _current


def named_value(value: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """A value of a document: of `env:NAME` what the variable holds now (None: not set or empty), else as written."""
    if value is None:
        return None
    if value.startswith("env:"):
        return environ.get(value.removeprefix("env:")) or None
    return value


def _kept(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip() or None
    except FileNotFoundError:
        return None


def _make(path: Path, text: str) -> str:
    """Keep a new secret, or give the one that another process was faster to keep."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A hard link appears whole or not at all, and never replaces another one.
        os.link(beside, path)
    except FileExistsError:
        kept = _kept(path)
        if kept is None:
            raise
        return kept
    finally:
        beside.unlink(missing_ok=True)
    return text


def _address(environ: Mapping[str, str]) -> str:
    value = (environ.get("DUBAN_URL") or "http://127.0.0.1:8080").rstrip("/")
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadSetting("DUBAN_URL", value, "an address such as https://duban.example.com")
    return value


def _database(value: str) -> str:
    if "://" in value and not value.startswith(("sqlite://", "postgresql://", "postgres://")):
        raise BadSetting("DUBAN_DATABASE", value.partition("://")[0] + "://…", "postgresql://…, or a file for SQLite")
    return value


def _queue(value: str) -> str:
    if not value.startswith(("sqlite:///", "redis://", "rediss://")):
        raise BadSetting("DUBAN_QUEUE", value, "an address such as redis://queue.example.com/0")
    return value


def _signing_key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise BadSetting("DUBAN_SIGNING_KEY", "…", "32 bytes in base64")
    return key


def _networks(text: str) -> tuple[Network, ...]:
    found: list[Network] = []
    for part in text.replace(",", " ").split():
        try:
            found.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise BadSetting("DUBAN_ALLOW_NETS", part, "a network such as 10.0.0.0/8") from error
    return tuple(found)


def _anchors(text: str) -> tuple[Anchor, ...]:
    """Places separated by spaces or commas: `file:///PATH`, `https://…`, `mailto:ADDRESS?every=1h`."""
    return tuple(dict.fromkeys(_anchor(part) for part in text.replace(",", " ").split()))


_EVERY = re.compile(r"([1-9][0-9]{0,5})([smhd])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def _anchor(text: str) -> Anchor:
    bad = BadSetting("DUBAN_ANCHORS", text, "file:///PATH, https://… or mailto:ADDRESS (with ?every=1h)")
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError as error:
        raise bad from error
    if parts.scheme in ("http", "https") and host and parts.username is None:
        return Anchor(text, "webhook", text)
    if parts.scheme == "file" and host in (None, "localhost") and unquote(parts.path).strip("/") and not parts.query:
        return Anchor(text, "file", unquote(parts.path))
    if parts.scheme == "mailto" and re.fullmatch(r"[^\s@]+@[^\s@]+", unquote(parts.path)):
        options = parse_qs(parts.query, keep_blank_values=True)
        every = _EVERY.fullmatch(options.pop("every", ["1s"])[-1])
        if every is not None and not options:
            return Anchor(text, "mail", unquote(parts.path), int(every[1]) * _SECONDS[every[2]])
    raise bad


def _hops(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= 16):
        raise BadSetting("DUBAN_PROXY_HOPS", text, "a number of proxies from 0 to 16")
    return int(text)


def _token_rate(text: str) -> int:
    if not text:
        return TOKEN_RATE
    if not (text.isascii() and text.isdigit() and int(text) <= 1_000_000):
        raise BadSetting("DUBAN_TOKEN_RATE", text, "requests in a minute, from 0 (any number) to 1000000")
    return int(text)


def _language(text: str) -> str:
    if text and text not in LANGUAGES:
        raise BadSetting("DUBAN_LANGUAGE", text, "zh or en")
    return text or LANGUAGES[0]
