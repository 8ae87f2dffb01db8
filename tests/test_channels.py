"""The ways out, each against a real server that answers as it is told."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from server.channels import SENDERS, leaves_as_one, manual, send, way_of
from server.channels import email as mail
from server.channels.outgoing import Outgoing, Recipient, Way, shortened
from server.core.channels import TYPES, Channel
from server.egress import Egress
from tests.receivers import Receiver, Reply, receiver
from tests.test_egress import CERTIFICATE, networks

NOW = 1_772_413_200_000
LOCAL = Egress(networks("127.0.0.0/8"))
LI = Recipient("li", "li@example.com", "李工", "13800000001")
WANG = Recipient("wang", "wang@example.com", "Wang")
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def message(*to: Recipient, subject: str = "【A】YS1 登录", body: str = "请处理", **more: Any) -> Outgoing:
    return Outgoing("m-1", to or (LI,), subject, body, NOW, **more)


def way(type_: str, url: str, **more: Any) -> Way:
    return Way("c", type_, url, **more)


def states(outcomes: list[Any]) -> list[tuple[str, str]]:
    return [(outcome.recipient, outcome.state) for outcome in outcomes]


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


# --- all of them ------------------------------------------------------------------------------------------------------


def test_every_kind_of_channel_has_its_module() -> None:
    assert set(SENDERS) == set(TYPES)


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_ not in ("manual", "email")])
def test_a_channel_reaches_no_private_network(there: Receiver, type_: str) -> None:
    (outcome,) = send(way(type_, there.url), message(), Egress(), NOW)
    assert (outcome.state, there.requests) == ("refused", [])


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_ not in ("manual", "email")])
@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(302, headers={"Location": "/x"}), Reply(raw=b"nonsense\r\n\r\n"), Reply(429)]
)
def test_a_server_in_trouble_is_tried_again(there: Receiver, type_: str, reply: Reply) -> None:
    there.answers(reply)
    (outcome,) = send(way(type_, there.url), message(), LOCAL, NOW)
    assert (outcome.recipient, outcome.state) == ("li", "failed")


def test_a_channel_whose_address_or_secret_is_not_set_is_not_configured() -> None:
    crm = Channel("crm", "webhook", "env:CRM_URL", "env:CRM_SECRET")
    assert way_of(crm, {}) is None
    assert way_of(crm, {"CRM_URL": "https://crm.example/", "CRM_SECRET": " "}) is None
    found = way_of(crm, {"CRM_URL": "https://crm.example/", "CRM_SECRET": SECRET})
    assert found == Way("crm", "webhook", "https://crm.example/", SECRET, trusted=True)
    assert SECRET not in repr(found)
    literal = way_of(Channel("x", "slack", "https://x.example/"), {})
    assert literal is not None
    assert not literal.trusted
    assert way_of(Channel("v", "manual"), {}) is not None


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("督办督办", 4, "督办督办"),
        ("督办督办督", 4, "督办督…"),
        ("anything", 0, "anything"),
        ("ab", 1, "…"),
        ("e\u0301e\u0301e\u0301", 4, "e\u0301…"),
        ("👨\u200d👩\u200d👧 x", 4, "…"),
        ("a👍🏽bc", 3, "a…"),
    ],
)
def test_a_text_is_cut_on_characters(text: str, limit: int, short: str) -> None:
    assert shortened(text, limit) == short


# --- webhooks ---------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_as_the_reference_library_expects(there: Receiver) -> None:
    now = int(time.time() * 1000)
    (outcome,) = send(way("webhook", there.url, secret=SECRET), message(), LOCAL, now)
    assert outcome.state == "delivered"
    (request,) = there.requests
    read = Webhook(SECRET).verify(request.body, dict(request.headers))
    assert read == {
        "type": "notified",
        "timestamp": "2026-03-02T01:00:00+00:00",
        "data": {"subject": "【A】YS1 登录", "body": "请处理", "to": ["li"]},
    }


def test_every_attempt_has_the_same_id_and_the_same_bytes(there: Receiver) -> None:
    there.answers(Reply(503), Reply(204))
    out = way("webhook", there.url, secret=SECRET)
    found = [send(out, message(data={"number": "YS1"}), LOCAL, NOW + n)[0].state for n in (0, 5000)]
    assert found == ["failed", "delivered"]
    first, second = there.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "m-1"
    assert first.body == second.body
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize(
    ("reply", "state", "retry_after", "disable"),
    [
        (Reply(200), "delivered", None, False),
        (Reply(299), "delivered", None, False),
        (Reply(410), "refused", None, True),
        (Reply(307, headers={"Location": "http://127.0.0.1:1/"}), "failed", None, False),
        (Reply(400), "failed", None, False),
        (Reply(429, headers={"Retry-After": "120"}), "failed", 120, False),
        (Reply(503, headers={"Retry-After": "99999999"}), "failed", 86_400, False),
        (Reply(503, headers={"Retry-After": "Mon, 02 Mar 2026 01:01:00 GMT"}), "failed", 60, False),
        (Reply(503, headers={"Retry-After": "Mon, 02 Mar 2020 01:01:00 GMT"}), "failed", 0, False),
        (Reply(503, headers={"Retry-After": "²"}), "failed", None, False),
        (Reply(503, headers={"Retry-After": "soon"}), "failed", None, False),
    ],
)
def test_what_a_webhook_answers(
    there: Receiver, reply: Reply, state: str, retry_after: int | None, disable: bool
) -> None:
    there.answers(reply)
    (outcome,) = send(way("webhook", there.url), message(), LOCAL, NOW)
    assert (outcome.state, outcome.retry_after, outcome.disable) == (state, retry_after, disable)
    assert len(there.requests) == 1


def test_a_secret_that_cannot_sign_sends_nothing(there: Receiver) -> None:
    (outcome,) = send(way("webhook", there.url, secret="not*base64"), message(), LOCAL, NOW)
    assert (outcome.state, there.requests) == ("refused", [])


# --- short messages ---------------------------------------------------------------------------------------------------


def test_a_short_message_is_cut_and_posted_per_number(there: Receiver) -> None:
    there.answers(Reply.json({"code": 0, "id": "s1"}), Reply.json({"code": 7, "message": "blocked"}))
    two = (Recipient("li", "+8613800000001"), Recipient("wang", "13900000002"), Recipient("none"))
    found = send(way("sms", there.url, secret="k", max_length=4), message(*two, body="一二三四五"), LOCAL, NOW)
    assert states(found) == [("li", "delivered"), ("wang", "refused"), ("none", "refused")]
    assert found[0].provider_id == "s1"
    first, second = there.requests
    assert first.json() == {"id": "m-1/li", "to": "+8613800000001", "text": "一二三…", "language": "zh"}
    assert second.json()["id"] == "m-1/wang"
    assert first.headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(200), "delivered"),
        (Reply(200, b"accepted"), "delivered"),
        (Reply.json({"code": "OK"}), "delivered"),
        (Reply.json({"code": True}), "refused"),
        (Reply.json({"code": None}), "refused"),
        (Reply.json({"code": 9, "retry": True}), "failed"),
        (Reply(400), "refused"),
        (Reply(401), "failed"),
        (Reply(500), "failed"),
    ],
)
def test_what_a_gateway_answers(there: Receiver, reply: Reply, state: str) -> None:
    there.answers(reply)
    (outcome,) = send(way("sms", there.url), message(Recipient("li", "138")), LOCAL, NOW)
    assert outcome.state == state


# --- group robots -----------------------------------------------------------------------------------------------------

ROBOTS = ["wecom", "dingtalk", "feishu"]


@pytest.mark.parametrize("type_", [*ROBOTS, "slack"])
def test_a_robot_gets_one_message_that_names_everyone(there: Receiver, type_: str) -> None:
    there.answers(Reply(200, b"ok") if type_ == "slack" else Reply.json({"errcode": 0, "code": 0}))
    assert leaves_as_one(type_)
    found = send(way(type_, there.url), message(LI, WANG), LOCAL, NOW)
    assert states(found) == [("li", "delivered"), ("wang", "delivered")]
    (request,) = there.requests
    text = json.dumps(request.json(), ensure_ascii=False)
    for part in ("【A】YS1 登录", "请处理", "@李工", "@Wang"):
        assert part in text


@pytest.mark.parametrize(
    ("type_", "answer", "state"),
    [
        ("wecom", {"errcode": 0, "errmsg": "ok"}, "delivered"),
        ("wecom", {"errcode": 45009}, "failed"),
        ("wecom", {"errcode": 93000}, "refused"),
        ("wecom", {"code": 0}, "failed"),
        ("wecom", {"errcode": False}, "failed"),
        ("wecom", {"errcode": "0"}, "failed"),
        ("wecom", {}, "failed"),
        ("wecom", [], "failed"),
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, "refused"),
        ("dingtalk", {"errcode": 130101}, "failed"),
        ("feishu", {"code": 19024}, "refused"),
        ("feishu", {"code": 19001}, "refused"),
        ("feishu", {"code": 11232}, "failed"),
        ("feishu", {"StatusCode": 0, "StatusMessage": "success"}, "delivered"),
    ],
)
def test_only_a_robots_own_success_code_is_delivered(there: Receiver, type_: str, answer: Any, state: str) -> None:
    there.answers(Reply.json(answer))
    (outcome,) = send(way(type_, there.url), message(), LOCAL, NOW)
    assert outcome.state == state


@pytest.mark.parametrize("type_", ROBOTS)
def test_a_robots_answer_that_is_no_json_is_not_delivered(there: Receiver, type_: str) -> None:
    there.answers(Reply(200, b"<html>ok</html>"))
    assert send(way(type_, there.url), message(), LOCAL, NOW)[0].state == "failed"


@pytest.mark.parametrize(
    ("reply", "state"),
    [(Reply(200, b"ok"), "delivered"), (Reply(200, b"no_text"), "refused"), (Reply(404, b"no_service"), "refused")],
)
def test_slack_says_ok_in_plain_text(there: Receiver, reply: Reply, state: str) -> None:
    there.answers(reply)
    assert send(way("slack", there.url), message(), LOCAL, NOW)[0].state == state


def test_a_robot_mentions_people_by_its_own_ids_or_by_number(there: Receiver) -> None:
    there.answers(Reply.json({"errcode": 0, "code": 0}))
    known, by_number = Recipient("li", "LiGong", "李工", "138"), Recipient("wang", "", "Wang", "139")
    for type_ in ROBOTS:
        send(way(type_, there.url), message(known, by_number), LOCAL, NOW)
    wecom, dingtalk, feishu = (request.json() for request in there.requests)
    assert wecom["text"]["mentioned_list"] == ["LiGong"]
    assert wecom["text"]["mentioned_mobile_list"] == ["139"]
    assert dingtalk["at"] == {"atUserIds": ["LiGong"], "atMobiles": ["139"], "isAtAll": False}
    assert feishu["content"]["text"].endswith('<at user_id="LiGong">李工</at> @Wang')


def test_dingtalk_is_signed_with_its_secret(there: Receiver) -> None:
    there.answers(Reply.json({"errcode": 0}))
    send(way("dingtalk", there.url + "?access_token=t", secret="SECx"), message(), LOCAL, NOW)
    query = parse_qs(urlsplit(there.requests[0].path).query)
    expected = hmac.new(b"SECx", f"{NOW}\nSECx".encode(), hashlib.sha256).digest()
    assert query == {"access_token": ["t"], "timestamp": [str(NOW)], "sign": [base64.b64encode(expected).decode()]}


def test_feishu_is_signed_with_its_secret(there: Receiver) -> None:
    there.answers(Reply.json({"code": 0}))
    send(way("feishu", there.url, secret="s"), message(), LOCAL, NOW)
    body = there.requests[0].json()
    expected = hmac.new(f"{NOW // 1000}\ns".encode(), b"", hashlib.sha256).digest()
    assert (body["timestamp"], body["sign"]) == (str(NOW // 1000), base64.b64encode(expected).decode())


def test_a_customers_text_calls_nobody(there: Receiver) -> None:
    there.answers(Reply(200, b"ok"), Reply.json({"code": 0}))
    evil = message(body='<!channel> <@U1> <at user_id="all">x</at> &')
    send(way("slack", there.url), evil, LOCAL, NOW)
    send(way("feishu", there.url), evil, LOCAL, NOW)
    slack, feishu = (request.json() for request in there.requests)
    assert "<" not in slack["text"]
    assert "<at" not in feishu["content"]["text"].replace("</at>", "").split("\n")[1]


def test_a_long_text_fits_into_what_wecom_takes(there: Receiver) -> None:
    there.answers(Reply.json({"errcode": 0}))
    send(way("wecom", there.url), message(LI, WANG, body="督" * 5000), LOCAL, NOW)
    content = there.requests[0].json()["text"]["content"]
    assert len(content.encode()) <= 2048
    assert content.endswith("…\n@李工 @Wang")


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_manual_channel_sends_nothing_and_makes_a_task() -> None:
    assert send(way("manual", ""), message(LI, WANG), LOCAL, NOW) == []
    assert manual.task(message(LI, WANG)) == "请当面或电话告知 李工、Wang，然后确认：请处理"
    assert manual.task(message(WANG, language="en", body="", subject="Down")) == (
        "Tell Wang in person or by telephone, then confirm: Down"
    )


# --- e-mail -----------------------------------------------------------------------------------------------------------


class Mailbox:
    """What an SMTP server got; it refuses `reject@…` for good, `later@…` for now, and a subject with `poison`."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], Any]] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address.startswith("reject@"):
            return "550 5.1.1 no such user"
        if address.startswith("later@"):
            return "451 4.3.0 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        read = email.message_from_bytes(envelope.content, policy=email.policy.default)
        if "poison" in str(read["Subject"]):
            return "554 5.7.1 refused"
        self.mails.append((envelope.rcpt_tos, read))
        return "250 OK"


@contextmanager
def serving(box: Mailbox, **options: Any) -> Iterator[int]:
    """An SMTP server on this machine, by its port."""
    with socket.socket() as free:  # aiosmtpd connects to its own port before it would know a chosen one
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, str]]:
    box = Mailbox()
    with serving(box) as port:
        yield box, f"smtp://127.0.0.1:{port}?from=duban@example.com"


def test_a_mail_arrives_with_its_headers(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    (outcome,) = send(way("email", url), message(body="第一行\n.\n尾"), LOCAL, NOW)
    assert outcome.state == "delivered"
    ((to, read),) = box.mails
    assert to == ["li@example.com"]
    assert (read["From"], read["To"]) == ("duban@example.com", "李工 <li@example.com>")
    assert read["Subject"] == "【A】YS1 登录"
    assert read["Auto-Submitted"] == "auto-generated"
    assert email.utils.parsedate_to_datetime(read["Date"]) == datetime(2026, 3, 2, 1, tzinfo=UTC)
    assert read["Message-ID"] == outcome.provider_id == mail.message_id("m-1", "li", "duban@example.com")
    assert read.get_content().replace("\r\n", "\n") == "第一行\n.\n尾\n"


def test_each_recipient_has_an_outcome_of_its_own(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    several = [
        Recipient("a", "reject@example.com"),
        LI,
        Recipient("b", "later@example.com"),
        Recipient("c", "no address"),
        Recipient("d", "x@example.com, evil@example.com"),
        Recipient("e", ""),
        WANG,
    ]
    found = send(way("email", url), message(*several), LOCAL, NOW)
    assert states(found) == [
        ("a", "refused"),
        ("li", "delivered"),
        ("b", "failed"),
        ("c", "refused"),
        ("d", "refused"),
        ("e", "refused"),
        ("wang", "delivered"),
    ]
    assert found[0].detail == "550 5.1.1 no such user"
    assert [to for to, _ in box.mails] == [["li@example.com"], ["wang@example.com"]]
    assert "wang" not in str(box.mails[0][1])


def test_a_header_cannot_begin_another(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    evil = Recipient("li", "li@example.com", 'Li\r\nBcc: evil@example.com\r\n"x')
    send(way("email", url), message(evil, subject="a\r\nBcc: evil@example.com\r\n\r\nbody\x00"), LOCAL, NOW)
    ((to, read),) = box.mails
    assert to == ["li@example.com"]
    assert read["Bcc"] is None
    assert read["Subject"] == "a Bcc: evil@example.com body"


def test_a_refused_mail_is_final_and_the_next_goes_on(mailbox: tuple[Mailbox, str]) -> None:
    _, url = mailbox
    (outcome,) = send(way("email", url), message(subject="poison"), LOCAL, NOW)
    assert (outcome.state, outcome.detail) == ("refused", "554 5.7.1 refused")
    assert send(way("email", url), message(), LOCAL, NOW)[0].state == "delivered"


def test_mail_goes_to_a_server_in_the_own_network_only_if_whoever_runs_this_named_it(
    mailbox: tuple[Mailbox, str],
) -> None:
    box, url = mailbox
    assert send(way("email", url), message(), Egress(), NOW)[0].state == "refused"
    assert send(way("email", url, trusted=True), message(), Egress(), NOW)[0].state == "delivered"
    assert len(box.mails) == 1


def test_without_the_starttls_that_was_asked_for_nothing_is_sent(mailbox: tuple[Mailbox, str]) -> None:
    box, url = mailbox
    for asked in (url + "&starttls=yes", url.replace("//", "//user:secret@")):
        (outcome,) = send(way("email", asked), message(), LOCAL, NOW)
        assert outcome.state in ("failed", "refused")
        assert "secret" not in outcome.detail
    assert box.mails == []


def test_starttls_is_checked_against_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Mailbox()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    trusting = Egress(LOCAL.allow, ssl.create_default_context(cafile=str(CERTIFICATE)))
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real("127.0.0.1", *a, **k))
    with serving(box, tls_context=tls, require_starttls=True) as port:
        url = f"smtp://hook.example:{port}?from=d@example.com&starttls=yes"
        assert send(way("email", url), message(), trusting, NOW)[0].state == "delivered"
        for egress, other in ((LOCAL, url), (trusting, url.replace("hook.example", "other.example"))):
            (outcome,) = send(way("email", other), message(), egress, NOW)
            assert outcome.state == "failed"
            assert "certificate" in outcome.detail
    assert len(box.mails) == 1


def test_a_mail_server_that_is_not_there_is_tried_again() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    found = send(way("email", f"smtp://127.0.0.1:{port}?from=d@example.com"), message(LI, WANG), LOCAL, NOW)
    assert states(found) == [("li", "failed"), ("wang", "failed")]


def test_a_mail_server_that_says_a_byte_at_a_time_does_not_hold_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "LONGEST", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def drip() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(b"220 slow\r\n")
                client.recv(100)
                try:
                    client.sendall(b"250 slow\r\n")
                    while not ended.wait(0.05):
                        client.sendall(b"2")
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        start = time.monotonic()
        port = server.getsockname()[1]
        (outcome,) = send(way("email", f"smtp://127.0.0.1:{port}?from=d@example.com"), message(), LOCAL, NOW)
        assert outcome.state == "failed"
        assert time.monotonic() - start < 10
        ended.set()
        thread.join(5)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mx.example.com", mail.Server("mx.example.com", 25, "duban@mx.example.com")),
        ("smtp://10.0.0.5:2525", mail.Server("10.0.0.5", 2525, "duban@localhost")),
        (
            "smtp://a%40b.cn:p%3Aw@mx.example.com:587",
            mail.Server("mx.example.com", 587, "a@b.cn", "a@b.cn", "p:w", starttls=True),
        ),
        (
            "smtps://u:p@mx.example.com?from=d@b.cn",
            mail.Server("mx.example.com", 465, "d@b.cn", "u", "p", tls=True),
        ),
        ("smtp://u:p@mx?from=d@b.cn&starttls=no", mail.Server("mx", 25, "d@b.cn", "u", "p")),
    ],
)
def test_the_address_of_a_mail_server(url: str, expected: mail.Server) -> None:
    assert mail.read_server(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "http://x",
        "smtp://",
        "smtp://h:99999",
        "smtp://h?from=nobody",
        "smtp://h?starttls=maybe",
        "smtp://h?from=a@b%0d%0ac",
    ],
)
def test_what_is_no_address_of_a_mail_server_is_refused(url: str) -> None:
    with pytest.raises(mail.BadServer):
        mail.read_server(url)
    assert send(way("email", url), message(), LOCAL, NOW)[0].state == "refused"
