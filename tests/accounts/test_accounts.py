"""Users, passwords, tokens and sessions, on both databases."""

from __future__ import annotations

import json
import time

import pytest
from argon2 import PasswordHasher, Type

from server.accounts import (
    PERMISSIONS,
    NotPermitted,
    Refused,
    Throttled,
    add_user,
    administrators,
    caller_of_session,
    caller_of_token,
    disable_user,
    first_administrator,
    issue_token,
    passwords,
    revoke_token,
    set_password,
    sign_in,
    sign_out,
)
from server.accounts.sessions import IDLE, LONGEST
from server.directory import changed, snapshot
from server.store.database import Store
from server.store.models import AuditEntry, Person, Role, Session, SignInAttempt, Team, Token

MINUTE = 60_000
NOW = 1_772_000_000_000
GOOD = "correct horse battery"


@pytest.fixture(autouse=True)
def roles(store: Store) -> Store:
    with store.transaction():
        Role.create(name="agent", permissions=["issue.read", "issue.write"])
        Role.create(name="administrator", permissions=["system"])
        Team.create(id="support")
        changed()
    return store


def refusal(call: object, *arguments: object, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        call(*arguments, **more)  # type: ignore[operator]
    assert refused.value.text("zh") != refused.value.text("en")
    return refused.value.code


# -- users ------------------------------------------------------------------------------------------------------------


def test_a_user_has_the_permissions_of_his_roles(store: Store) -> None:
    add_user("li", NOW, roles=["agent"], teams=["support"], password=GOOD, by="root")
    assert snapshot().permissions_of("li") == {"issue.read", "issue.write"}
    assert snapshot().members["support"] == ("li",)
    assert GOOD not in Person.get_by_id("li").password_hash
    assert AuditEntry.get().kind == "person.added"


def test_what_cannot_be_a_user_is_refused(store: Store) -> None:
    add_user("li", NOW)
    assert refusal(add_user, "li", NOW) == "login-taken"
    assert refusal(add_user, "system", NOW) == "bad-login"
    assert refusal(add_user, "Li Ming", NOW) == "bad-login"
    assert refusal(add_user, "wu", NOW, roles=["agnet"]) == "unknown-name"
    assert refusal(add_user, "wu", NOW, teams=["suport"]) == "unknown-name"
    assert refusal(add_user, "wu", NOW, password="short") == "password-too-short"
    assert refusal(add_user, "longlogin-longlogin", NOW, password="LongLogin-LongLogin") == "password-is-login"
    assert refusal(add_user, "wu", NOW, password="x" * 1001) == "password-too-long"
    assert [person.login for person in Person.select()] == ["li"]


def test_a_disabled_user_keeps_nothing_and_can_come_back(store: Store) -> None:
    add_user("li", NOW, roles=["agent"], password=GOOD)
    token = issue_token("li", ["issue.read"], NOW)
    cookie = sign_in("li", GOOD, "::1", NOW)
    assert cookie is not None
    disable_user("li", NOW)
    assert caller_of_token(token, NOW) is None
    assert caller_of_session(cookie, NOW) is None
    assert sign_in("li", GOOD, "::1", NOW) is None
    assert refusal(disable_user, "li", NOW) == "unknown-person"
    add_user("li", NOW, roles=["agent"])
    assert caller_of_token(token, NOW) is None
    assert sign_in("li", GOOD, "::1", NOW) is None


def test_the_last_administrator_stays(store: Store) -> None:
    add_user("root", NOW, roles=["administrator"])
    assert refusal(disable_user, "root", NOW) == "last-administrator"
    add_user("other", NOW, roles=["administrator"])
    disable_user("root", NOW)
    assert administrators() == ["other"]


def test_the_first_start_makes_one_administrator(store: Store) -> None:
    made = first_administrator(NOW)
    assert made is not None
    login, password = made
    assert password is not None
    assert len(password) >= 20
    assert snapshot().permissions_of(login) == frozenset(PERMISSIONS)
    assert sign_in(login, password, "", NOW) is not None
    assert first_administrator(NOW) is None


def test_a_password_that_was_given_is_not_repeated(store: Store) -> None:
    assert first_administrator(NOW, GOOD) == ("admin", None)
    assert sign_in("admin", GOOD, "", NOW) is not None


# -- signing in -------------------------------------------------------------------------------------------------------


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(store: Store) -> None:
    add_user("li", NOW, password=GOOD)
    add_user("wu", NOW)
    for login in ("li", "wu", "nobody", "x\x00\ud800", ""):
        assert sign_in(login, "wrong password \ud800\x00", "10.0.0.1", NOW) is None


def test_sign_ins_are_in_the_audit_trail_and_so_are_those_that_were_refused(store: Store) -> None:
    add_user("li", NOW, password=GOOD)
    for login, password in (("li", "wrong"), ("my secret password", "li"), ("li", GOOD)):
        sign_in(login, password, "", NOW)
    entries = AuditEntry.select().where(AuditEntry.kind.startswith("person.sign")).order_by(AuditEntry.id)
    assert [(row.kind, json.loads(row.body)["body"]["login"]) for row in entries] == [
        ("person.sign_in_refused", "li"),
        ("person.sign_in_refused", None),
        ("person.signed_in", "li"),
    ]
    assert not AuditEntry.select().where(AuditEntry.body.contains("secret")).exists()


def test_a_server_hashes_at_no_lower_cost_than_owasp_asks_for(hasher: PasswordHasher) -> None:
    assert hasher.type is Type.ID
    assert hasher.time_cost >= 2
    assert hasher.memory_cost >= 19 * 1024


def test_an_unknown_user_takes_as_long_as_a_known_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = PasswordHasher(time_cost=4, memory_cost=16 * 1024, parallelism=1)
    monkeypatch.setattr(passwords, "hasher", slow)
    known = passwords.hashed(GOOD)
    passwords.fits(None, "warm")

    def fastest(password_hash: str | None) -> float:
        taken = []
        for _ in range(5):
            begun = time.process_time()
            passwords.fits(password_hash, "wrong password")
            taken.append(time.process_time() - begun)
        return min(taken)

    assert 0.6 < fastest(None) / fastest(known) < 1.6


def test_after_five_failures_each_further_one_waits_longer(store: Store) -> None:
    add_user("li", NOW, password=GOOD)
    now = NOW
    waits = []
    for _ in range(5):
        assert sign_in("li", "wrong", "", now) is None
    for _ in range(4):
        with pytest.raises(Throttled) as throttled:
            sign_in("li", GOOD, "", now)
        waits.append(throttled.value.retry_after)
        now += throttled.value.retry_after * 1000
        assert sign_in("li", "wrong", "", now) is None
    assert waits == [1, 2, 4, 8]
    now += 16_000
    assert sign_in("li", GOOD, "", now) is not None
    assert sign_in("li", "wrong", "", now + 1) is None


def test_an_unknown_user_is_throttled_just_the_same(store: Store) -> None:
    for _ in range(5):
        assert sign_in("nobody", "wrong", "", NOW) is None
    with pytest.raises(Throttled):
        sign_in("nobody", "wrong", "", NOW)


def test_one_address_that_tries_many_logins_is_throttled_and_others_are_not(store: Store) -> None:
    add_user("li", NOW, password=GOOD)
    for number in range(30):
        assert sign_in(f"guess{number}", "wrong", "203.0.113.9", NOW) is None
    with pytest.raises(Throttled):
        sign_in("li", GOOD, "203.0.113.9", NOW)
    assert sign_in("li", GOOD, "198.51.100.1", NOW) is not None


def test_failures_are_forgotten_after_a_quarter_of_an_hour(store: Store) -> None:
    for _ in range(5):
        sign_in("li", "wrong", "", NOW)
    assert sign_in("li", "wrong", "", NOW + 16 * MINUTE) is None
    assert SignInAttempt.select().count() == 6
    sign_in("li", "wrong", "", NOW + 2 * 24 * 60 * MINUTE)
    assert SignInAttempt.select().count() == 1


def test_a_session_ends_when_idle_when_old_and_when_signed_out(store: Store) -> None:
    add_user("li", NOW, roles=["agent"], password=GOOD)
    cookie = sign_in("li", GOOD, "::1", NOW)
    assert cookie is not None
    assert Session.select().where(Session.hash == cookie).count() == 0
    caller = caller_of_session(cookie, NOW + MINUTE)
    assert caller is not None
    assert (caller.login, caller.may("issue.write"), caller.owner) == ("li", True, "li")
    assert caller_of_session(cookie, NOW + MINUTE + IDLE) is None
    now = NOW + MINUTE
    while now < NOW + LONGEST:
        assert caller_of_session(cookie, now) is not None
        now += IDLE - 1
    assert caller_of_session(cookie, NOW + LONGEST) is None
    sign_out(cookie)
    assert caller_of_session(cookie, NOW + MINUTE) is None
    assert caller_of_session("made up", NOW) is None


def test_a_new_password_ends_what_was_begun_with_the_old_one(store: Store) -> None:
    add_user("li", NOW, roles=["agent"], password=GOOD)
    cookie = sign_in("li", GOOD, "", NOW)
    assert cookie is not None
    set_password("li", "another good one", NOW)
    assert caller_of_session(cookie, NOW) is None
    assert sign_in("li", GOOD, "", NOW) is None
    assert sign_in("li", "another good one", "", NOW) is not None


def test_a_hash_of_lower_cost_is_renewed_at_the_next_sign_in(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_user("li", NOW, password=GOOD)
    before = Person.get_by_id("li").password_hash
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert sign_in("li", GOOD, "", NOW) is not None
    after = Person.get_by_id("li").password_hash
    assert before != after
    assert not passwords.is_outdated(after)


# -- tokens -----------------------------------------------------------------------------------------------------------


def test_a_token_can_do_what_its_scopes_say_and_no_more(store: Store) -> None:
    add_user("li", NOW, roles=["agent"])
    text = issue_token("li", ["issue.read"], NOW, expires_at=NOW + MINUTE, label="CRM")
    caller = caller_of_token(text, NOW)
    assert caller is not None
    caller.require("issue.read")
    with pytest.raises(NotPermitted, match=r"issue\.write"):
        caller.require("issue.write")
    assert caller.owner == f"token:{Token.get().id}"
    assert text not in json.dumps(list(Token.select().dicts()), default=str)
    assert caller_of_token(text, NOW + MINUTE) is None
    assert caller_of_token(text[:-1], NOW) is None
    assert caller_of_token("", NOW) is None


def test_a_token_loses_what_its_person_loses(store: Store) -> None:
    add_user("li", NOW, roles=["agent"])
    text = issue_token("li", ["issue.read", "issue.write"], NOW)
    with store.transaction():
        Role.update(permissions=["issue.read"]).where(Role.name == "agent").execute()
        changed()
    caller = caller_of_token(text, NOW)
    assert caller is not None
    assert caller.permissions == {"issue.read"}


def test_a_token_is_refused_for_what_the_person_may_not(store: Store) -> None:
    add_user("li", NOW, roles=["agent"])
    assert refusal(issue_token, "li", ["system"], NOW) == "scope-not-held"
    assert refusal(issue_token, "li", ["issue.raed"], NOW) == "unknown-name"
    assert refusal(issue_token, "li", [], NOW) == "no-scope"
    assert refusal(issue_token, "nobody", ["issue.read"], NOW) == "unknown-person"
    assert Token.select().count() == 0


def test_a_revoked_token_is_refused(store: Store) -> None:
    add_user("li", NOW, roles=["agent"])
    text = issue_token("li", ["issue.read"], NOW)
    assert revoke_token(Token.get().id, NOW)
    assert not revoke_token(Token.get().id, NOW)
    assert caller_of_token(text, NOW) is None
    assert [entry.kind for entry in AuditEntry.select().order_by(AuditEntry.id)] == [
        "person.added",
        "token.issued",
        "token.revoked",
    ]
