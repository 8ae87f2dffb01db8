"""E-mail by SMTP: `smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&starttls=yes`, or `smtps://…` (docs/channels.md)."""

from __future__ import annotations

import contextlib
import hashlib
import re
import smtplib
import socket
import ssl
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from server.channels.outgoing import Outcome, Outgoing, Recipient, State, Way, shortened
from server.core.moments import Moment
from server.core.templates import one_line
from server.egress import Egress, Failed, Refused

GROUP = False
TIMEOUT = 15.0  # seconds for each answer of the server
LONGEST = 90.0  # seconds for the whole session
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f]+@[^\s@<>()\[\],;:\\\"\x00-\x1f]+")


class BadServer(ValueError):
    """An address of a mail server that cannot be used."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in, as whom, and from whom it comes."""

    host: str
    port: int
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False  # from the first byte (smtps)
    starttls: bool = False


def read_server(url: str) -> Server:
    """Read the channel's address. STARTTLS is used with a user and on port 587, unless `starttls` says yes or no.

    Raises BadServer.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadServer(str(error)) from error
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    sender = options.get("from") or (user if "@" in user else f"duban@{_domain(parts.hostname or '')}")
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadServer("neither smtp://HOST nor smtps://HOST")
    if not _ADDRESS.fullmatch(sender):
        raise BadServer("no ?from=ADDRESS")
    wish = options.get("starttls", "yes" if user or port == 587 else "no").lower()
    if wish not in ("yes", "no", "1", "0", "true", "false"):
        raise BadServer("starttls is yes or no")
    tls = parts.scheme == "smtps"
    starttls = not tls and wish in ("yes", "1", "true")
    return Server(parts.hostname, port or (465 if tls else 25), sender, user, password, tls, starttls)


def send(way: Way, message: Outgoing, egress: Egress, now: Moment) -> list[Outcome]:
    """Hand the message in, for each recipient by itself: one who is refused does not hold up the others, and nobody
    reads who else got it."""
    try:
        server = read_server(way.url)
        session = _open(server, egress, trusted=way.trusted)
    except (BadServer, Refused) as bad:
        return [Outcome(recipient.id, "refused", str(bad)) for recipient in message.to]
    except (OSError, Failed, smtplib.SMTPException) as problem:
        outcome = _problem(problem)
        return [Outcome(r.id, outcome.state, outcome.detail, retry_after=outcome.retry_after) for r in message.to]
    # A time limit on each answer is none on all of them: a server may send a byte at a time.
    limit = threading.Timer(LONGEST, _cut, [session])
    limit.daemon = True
    limit.start()
    try:
        return [_hand_in(session, server, message, recipient, now) for recipient in message.to]
    finally:
        limit.cancel()
        # What was accepted stays accepted: a farewell that fails must not make it a failure, or it is sent again.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            session.quit()
        session.close()


def _domain(host: str) -> str:
    """The domain that mail comes from when the address names no sender: the host's, unless that is a number."""
    return host if re.search(r"[a-z]", host) and ":" not in host else "localhost"


def compose(message: Outgoing, recipient: Recipient, sender: str, now: Moment) -> EmailMessage:
    """The mail: plain text in UTF-8, its Message-ID the same at every attempt. Raises ValueError for a bad address."""
    if not _ADDRESS.fullmatch(recipient.address):
        raise ValueError("no e-mail address")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = _address("", sender)
    mail["To"] = _address(one_line(recipient.name), recipient.address)
    mail["Subject"] = shortened(one_line(message.subject), 500)
    mail["Date"] = format_datetime(datetime.fromtimestamp(now // 1000, UTC))
    mail["Message-ID"] = message_id(message.id, recipient.id, sender)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(message.body.replace("\x00", ""), charset="utf-8", cte="base64")
    # After the content: setting it clears every header about it.
    mail["Content-Language"] = "zh-CN" if message.language == "zh" else "en"
    return mail


def message_id(id_: str, recipient: str, sender: str) -> str:
    """A Message-ID that follows from the message and its recipient alone."""
    made = hashlib.sha256(f"{id_}\n{recipient}".encode()).hexdigest()[:32]
    return f"<{made}@{sender.rpartition('@')[2]}>"


def _address(name: str, written: str) -> Address:
    user, _, domain = written.rpartition("@")
    return Address(name, user, domain.encode("idna").decode() if not domain.isascii() else domain)


def _open(server: Server, egress: Egress, *, trusted: bool) -> smtplib.SMTP:
    context = egress.tls

    class Session(smtplib.SMTP):
        def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
            plain = egress.connect(host, port, timeout, trusted=trusted)
            plain.settimeout(timeout)
            return context.wrap_socket(plain, server_hostname=host) if server.tls else plain

    # local_hostname: left out, smtplib asks the name server for our own name, which may take half a minute.
    session = Session(local_hostname=_own_name(server.sender), timeout=TIMEOUT)
    try:
        # starttls() checks the certificate against this name; connect() does not keep it.
        session._host = server.host  # type: ignore[attr-defined]
        session.connect(server.host, server.port)
        session.ehlo_or_helo_if_needed()
        if server.starttls:
            session.starttls(context=context)
            session.ehlo()
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def _cut(session: smtplib.SMTP) -> None:
    if session.sock is not None:
        with contextlib.suppress(OSError):
            session.sock.shutdown(socket.SHUT_RDWR)


def _own_name(sender: str) -> str:
    domain = sender.rpartition("@")[2]
    return domain if domain.isascii() else "localhost"


def _hand_in(session: smtplib.SMTP, server: Server, message: Outgoing, recipient: Recipient, now: Moment) -> Outcome:
    try:
        mail = compose(message, recipient, server.sender, now)
    except (ValueError, UnicodeError) as bad:
        return Outcome(recipient.id, "refused", str(bad)[:200])
    try:
        session.send_message(mail, server.sender, [recipient.address])
    except (OSError, smtplib.SMTPException) as problem:
        found = _problem(problem)
        return Outcome(recipient.id, found.state, found.detail, retry_after=found.retry_after)
    return Outcome(recipient.id, "delivered", provider_id=str(mail["Message-ID"]))


def _problem(problem: Exception) -> Outcome:
    """What an error means: 5xx is final (RFC 5321, 4.2.1), except before a mail is handed in; all else may pass."""
    match problem:
        case smtplib.SMTPRecipientsRefused(recipients=recipients) if recipients:
            return _by_code(*next(iter(recipients.values())))
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError():
            return _by_code(problem.smtp_code, problem.smtp_error)
        case smtplib.SMTPNotSupportedError():
            return Outcome("", "refused", str(problem)[:200])
        case smtplib.SMTPAuthenticationError() | smtplib.SMTPResponseException():
            # A wrong password is mended by whoever runs the server; the mail waits for that.
            return Outcome("", "failed", f"{problem.smtp_code} {_text(problem.smtp_error)}")
        case ssl.SSLError():
            return Outcome("", "failed", f"TLS: {problem}"[:200])
    return Outcome("", "failed", f"{type(problem).__name__}: {problem}"[:200])


def _by_code(code: int, text: Any) -> Outcome:
    state: State = "refused" if 500 <= code < 600 else "failed"
    return Outcome("", state, f"{code} {_text(text)}")


def _text(given: Any) -> str:
    return one_line(given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given))[:200]
