"""Does a delivery come from who it says? Every scheme, forged in every way we could think of."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from server.core.sources import Verify
from server.standard_webhooks import NoUsableSecret, keys, sign
from server.verification import Unverified, Verified, verify

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
OLD = "whsec_" + base64.b64encode(b"another-secret-of-24-byt").decode()
NOW = 1_772_413_200_000
BODY = '{"title": "登录"}'.encode()
STANDARD = Verify("standard-webhooks", "env:S")


def standard(secret: str = SECRET, at: int = NOW // 1000, body: bytes = BODY, id_: str = "msg_1") -> dict[str, str]:
    return {
        "Webhook-Id": id_,
        "Webhook-Timestamp": str(at),
        "Webhook-Signature": Webhook(secret).sign(id_, datetime.fromtimestamp(at, UTC), body.decode()),
    }


def reason(how: Verify, secret: str | None, headers: dict[str, str], body: bytes = BODY) -> str:
    with pytest.raises(Unverified) as caught:
        verify(how, secret, headers, body, NOW)
    return caught.value.reason


def test_what_the_reference_library_signs_is_verified() -> None:
    assert verify(STANDARD, SECRET, standard(), BODY, NOW) == Verified("standard-webhooks", "msg_1")


def test_the_reference_library_verifies_what_is_signed_here() -> None:
    now = int(datetime.now(UTC).timestamp())
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(f"{OLD} {SECRET}", "m1", now, BODY),
    }
    for secret in (SECRET, OLD):
        assert Webhook(secret).verify(BODY, headers) == {"title": "登录"}


def test_a_secret_may_be_without_prefix_and_padding() -> None:
    bare = SECRET.removeprefix("whsec_").rstrip("=")
    assert verify(STANDARD, bare, standard(), BODY, NOW).delivery_id == "msg_1"
    assert keys(f"  {bare}  {OLD} not*base64 ") == [b"0123456789abcdef01234567", b"another-secret-of-24-byt"]
    with pytest.raises(NoUsableSecret):
        keys("not*base64 whsec_")


def test_while_a_secret_changes_both_are_good_and_several_signatures_may_stand_side_by_side() -> None:
    verify(STANDARD, f"{SECRET} {OLD}", standard(OLD), BODY, NOW)
    headers = standard()
    headers["Webhook-Signature"] = f"v1a,abc v1,{'A' * 43}= {headers['Webhook-Signature']}"
    verify(STANDARD, SECRET, headers, BODY, NOW)


@pytest.mark.parametrize("off", [0, 299, 300, -300])
def test_five_minutes_off_is_still_good(off: int) -> None:
    verify(STANDARD, SECRET, standard(at=NOW // 1000 + off), BODY, NOW)


@pytest.mark.parametrize("off", [301, -301, 86_400])
def test_more_than_five_minutes_off_is_not(off: int) -> None:
    assert reason(STANDARD, SECRET, standard(at=NOW // 1000 + off)) == "time-off"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"Webhook-Signature": "v1," + "A" * 43 + "="}, "no-match"),
        ({"Webhook-Signature": "v2,x"}, "no-match"),
        ({"Webhook-Signature": "é\u2028"}, "no-match"),
        ({"Webhook-Signature": " ".join(["v1,AAAA"] * 100)}, "no-match"),
        ({"Webhook-Signature": ""}, "missing-header"),
        ({"Webhook-Id": ""}, "missing-header"),
        ({"Webhook-Id": "msg_2"}, "no-match"),
        ({"Webhook-Id": "m" * 300}, "bad-header"),
        ({"Webhook-Timestamp": "²"}, "bad-header"),
        ({"Webhook-Timestamp": "１７７２"}, "bad-header"),
        ({"Webhook-Timestamp": "1e9"}, "bad-header"),
        ({"Webhook-Timestamp": "-5"}, "bad-header"),
        ({"Webhook-Timestamp": "9" * 5000}, "bad-header"),
        ({"Webhook-Timestamp": str(NOW // 1000 + 1)}, "no-match"),
    ],
)
def test_a_forged_delivery_is_refused(change: dict[str, str], why: str) -> None:
    assert reason(STANDARD, SECRET, standard() | change) == why


def test_another_body_or_another_sources_secret_is_refused() -> None:
    assert reason(STANDARD, SECRET, standard(), BODY + b" ") == "no-match"
    assert reason(STANDARD, OLD, standard()) == "no-match"
    assert reason(STANDARD, SECRET, {}) == "missing-header"


@pytest.mark.parametrize("scheme", ["standard-webhooks", "hmac-sha256", "bearer", "basic"])
@pytest.mark.parametrize("secret", [None, "", "  "])
def test_without_its_secret_a_source_is_closed(scheme: str, secret: str | None) -> None:
    assert reason(Verify(scheme, "env:S"), secret, {"Authorization": "Bearer "} | standard()) == "no-secret"


def test_a_secret_that_is_no_base64_closes_the_source() -> None:
    assert reason(STANDARD, "not*base64", standard()) == "unusable-secret"


HMAC = Verify("hmac-sha256", "env:S", "X-Hub-Signature-256")
DIGEST = hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("given", [DIGEST, f"sha256={DIGEST}", f"SHA256={DIGEST.upper()}", f" {DIGEST} "])
def test_an_hmac_is_hex_of_the_body(given: str) -> None:
    verify(HMAC, "old s3cret", {"x-hub-signature-256": given}, BODY, NOW)
    verify(Verify("hmac-sha256", "env:S"), "s3cret", {"X-Signature": given}, BODY, NOW)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("0" * 64, "no-match"),
        (DIGEST[:-1], "bad-header"),
        (f"sha1={DIGEST}", "bad-header"),
        ("", "missing-header"),
        ("²" * 64, "bad-header"),
    ],
)
def test_a_wrong_hmac_is_refused(given: str, why: str) -> None:
    assert reason(HMAC, "s3cret", {"X-Hub-Signature-256": given}) == why


def test_a_bearer_token_must_be_one_of_the_secrets() -> None:
    bearer = Verify("bearer", "env:S")
    assert verify(bearer, "t1 t2", {"authorization": "bearer t2", "webhook-id": "m"}, BODY, NOW).delivery_id == "m"
    assert reason(bearer, "t1", {"Authorization": "Bearer t"}) == "no-match"
    assert reason(bearer, "t1", {"Authorization": "Bearer t1 t1"}) == "no-match"
    assert reason(bearer, "t1", {"Authorization": "Bearer"}) == "bad-header"
    assert reason(bearer, "t1", {"Authorization": "Basic t1"}) == "bad-header"
    assert reason(bearer, "t1", {"Authorization": "Bearer ²é"}) == "no-match"
    assert reason(bearer, "t1", {}) == "missing-header"


def test_basic_is_user_and_password() -> None:
    basic = Verify("basic", "env:S")

    def header(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    verify(basic, "hook:pa:ss", header("hook:pa:ss"), BODY, NOW)
    assert reason(basic, "hook:pass", header("hook:wrong")) == "no-match"
    assert reason(basic, "hook:pass", header("hook")) == "bad-header"
    assert reason(basic, "hook:pass", {"Authorization": "Basic ***"}) == "bad-header"


def test_an_unknown_scheme_is_closed_and_none_is_open() -> None:
    assert reason(Verify("rot13", "env:S"), "s", {}) == "unknown-scheme"
    assert verify(Verify("none"), None, {"webhook-id": "m9"}, BODY, NOW) == Verified("none", "m9")
