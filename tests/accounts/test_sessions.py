"""Sessions that are seen and ended, passwords that people change, and links with which they choose new ones."""

from __future__ import annotations

import json
import threading

import pytest

from server.accounts import (
    Refused,
    Throttled,
    add_user,
    caller_of_session,
    caller_of_token,
    change_password,
    disable_user,
    end_session,
    end_sessions,
    issue_token,
    make_reset_link,
    person_of_reset_link,
    reset_password,
    sessions_of,
    sign_in,
)
from server.accounts.sessions import IDLE
from server.directory import changed
from server.store import database
from server.store.database import Store
from server.store.models import AuditEntry, ResetLink, Role, Session

HOUR = 3_600_000
NOW = 1_772_000_000_000
GOOD = "correct horse battery"
BETTER = "a better horse battery"


@pytest.fixture(autouse=True)
def people(store: Store) -> Store:
    with store.transaction():
        Role.create(name="administrator", permissions=["system"])
        changed()
    add_user("root", NOW, roles=["administrator"], password=GOOD)
    add_user("li", NOW, password=GOOD)
    return store


def begin(login: str = "li", at: int = NOW, browser: str = "Firefox") -> str:
    text = sign_in(login, GOOD, "10.0.0.1", at, browser)
    assert text is not None
    return text


def kinds() -> list[str]:
    return [row.kind for row in AuditEntry.select().order_by(AuditEntry.id)]


def test_the_sessions_of_a_person_are_told_apart_and_ended_one_by_one() -> None:
    first, second = begin(), begin(at=NOW + HOUR, browser="x" * 500)
    begin("root")
    open_ = sessions_of("li", NOW + HOUR)
    assert [(one.address, one.browser[:7], one.created_at) for one in open_] == [
        ("10.0.0.1", "xxxxxxx", NOW + HOUR),
        ("10.0.0.1", "Firefox", NOW),
    ]
    assert len(open_[0].browser) == 200
    assert not end_session("root", open_[1].name, NOW, by="root"), "of somebody else"
    assert not end_session("li", "%" * 16, NOW, by="li")
    assert end_session("li", open_[1].name, NOW + HOUR, by="root")
    assert not end_session("li", open_[1].name, NOW + HOUR, by="root")
    assert caller_of_session(first, NOW + HOUR) is None
    assert caller_of_session(second, NOW + HOUR) is not None
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).first()
    assert (entry.kind, entry.by, json.loads(entry.body)["body"]) == (
        "person.sessions_ended",
        "root",
        {"count": 1, "login": "li"},
    )


def test_all_sessions_end_but_the_one_that_is_kept() -> None:
    kept, _, _ = begin(), begin(), begin()
    caller = caller_of_session(kept, NOW)
    assert caller is not None
    assert end_sessions("li", NOW, by="li", keep=caller.session) == 2
    assert [one.hash for one in sessions_of("li", NOW)] == [caller.session]
    assert end_sessions("li", NOW, by="root") == 1
    assert end_sessions("li", NOW, by="root") == 0
    assert kinds().count("person.sessions_ended") == 2


def test_an_idle_session_is_not_shown_and_goes_with_the_next_that_begins() -> None:
    begin()
    assert sessions_of("li", NOW + IDLE) == []
    begin(at=NOW + IDLE + 1)
    assert Session.select().count() == 1


def test_changing_ones_password_ends_every_other_session_and_token() -> None:
    text, other = begin(), begin()
    with database.transaction():
        Role.create(name="reader", permissions=["issue.read"])
        changed()
    add_user("mo", NOW, roles=["reader"], password=GOOD)
    caller = caller_of_session(text, NOW)
    assert caller is not None
    new = change_password(caller, GOOD, BETTER, "10.0.0.1", NOW)
    assert caller_of_session(text, NOW) is None
    assert caller_of_session(other, NOW) is None
    assert caller_of_session(new, NOW) is not None
    assert sign_in("li", GOOD, "", NOW) is None
    assert sign_in("li", BETTER, "", NOW) is not None
    mo = caller_of_session(begin("mo"), NOW)
    assert mo is not None
    token = issue_token("mo", ["issue.read"], NOW)
    change_password(mo, GOOD, BETTER, "", NOW)
    assert caller_of_token(token, NOW) is None


@pytest.mark.parametrize(
    ("present", "new", "code"),
    [
        ("wrong one", BETTER, "wrong-password"),
        (GOOD, "short", "password-too-short"),
        (GOOD, "x" * 1001, "password-too-long"),
    ],
)
def test_a_password_is_not_changed_without_the_present_one_or_to_a_weak_one(present: str, new: str, code: str) -> None:
    text = begin()
    caller = caller_of_session(text, NOW)
    assert caller is not None
    with pytest.raises(Refused) as refused:
        change_password(caller, present, new, "", NOW)
    assert refused.value.code == code
    assert caller_of_session(text, NOW) is not None
    assert sign_in("li", GOOD, "", NOW) is not None


def test_guessing_the_present_password_is_slowed_down_like_signing_in() -> None:
    caller = caller_of_session(begin(), NOW)
    assert caller is not None
    for _ in range(5):
        with pytest.raises(Refused):
            change_password(caller, "a wrong guess", BETTER, "", NOW + 1)
    with pytest.raises(Throttled):
        change_password(caller, GOOD, BETTER, "", NOW + 1)
    assert kinds().count("person.password_change_refused") == 5


def test_a_link_is_used_once_within_a_day() -> None:
    session = begin()
    text = make_reset_link("li", NOW, by="root")
    assert text not in json.dumps([row.hash for row in ResetLink.select()])
    assert person_of_reset_link(text, NOW) == "li"
    with pytest.raises(Refused, match="at least 10"):
        reset_password(text, "short", "", NOW)
    assert reset_password(text, BETTER, "10.0.0.9", NOW + 23 * HOUR) == "li"
    assert caller_of_session(session, NOW) is None, "whoever was signed in is not any more"
    assert sign_in("li", BETTER, "", NOW + 23 * HOUR) is not None
    with pytest.raises(Refused) as refused:
        reset_password(text, GOOD, "", NOW + 23 * HOUR)
    assert refused.value.code == "reset-link-no-good"
    assert [kind for kind in kinds() if "reset" in kind] == ["person.reset_link_made", "person.password_reset"]


def test_a_link_expires_and_gives_way_to_a_newer_one_and_to_being_disabled() -> None:
    first = make_reset_link("li", NOW, by="root")
    second = make_reset_link("li", NOW, by="root")
    assert person_of_reset_link(first, NOW) is None
    assert person_of_reset_link(second, NOW + 24 * HOUR) is None
    assert person_of_reset_link("made up", NOW) is None
    disable_user("li", NOW)
    assert person_of_reset_link(second, NOW) is None
    with pytest.raises(Refused):
        make_reset_link("li", NOW, by="root")
    with pytest.raises(Refused):
        make_reset_link("nobody", NOW, by="root")


def test_of_two_who_have_the_link_one_gets_in() -> None:
    text = make_reset_link("li", NOW, by="root")
    outcomes: list[str] = []
    store = database.current()
    begin_together = threading.Barrier(2)

    def use(password: str) -> None:
        begin_together.wait()
        try:
            with store.session():
                outcomes.append(reset_password(text, password, "", NOW))
        except Refused as refused:
            outcomes.append(refused.code)

    both = [threading.Thread(target=use, args=(f"password number {number}",)) for number in (1, 2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert sorted(outcomes) == ["li", "reset-link-no-good"]


def test_after_too_many_wrong_guesses_the_link_lets_one_in_at_once() -> None:
    for _ in range(5):
        assert sign_in("li", "a wrong guess", "", NOW) is None
    with pytest.raises(Throttled):
        sign_in("li", GOOD, "", NOW)
    reset_password(make_reset_link("li", NOW, by="root"), BETTER, "", NOW)
    assert sign_in("li", BETTER, "", NOW) is not None
