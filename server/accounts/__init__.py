"""Accounts: users, passwords, tokens, sessions, and what a caller may do."""

from __future__ import annotations

from server.accounts.callers import Caller
from server.accounts.problems import NotPermitted, Refused, Throttled
from server.accounts.refusals import note_refusal
from server.accounts.resets import make_reset_link, person_of_reset_link, reset_password
from server.accounts.sessions import (
    caller_of_session,
    change_password,
    cookie_name,
    end_session,
    end_sessions,
    sessions_of,
    sign_in,
    sign_out,
)
from server.accounts.tokens import caller_of_token, issue_token, revoke_token
from server.accounts.users import add_user, administrators, disable_user, first_administrator, set_password
from server.permissions import PERMISSIONS

__all__ = [
    "PERMISSIONS",
    "Caller",
    "NotPermitted",
    "Refused",
    "Throttled",
    "add_user",
    "administrators",
    "caller_of_session",
    "caller_of_token",
    "change_password",
    "cookie_name",
    "disable_user",
    "end_session",
    "end_sessions",
    "first_administrator",
    "issue_token",
    "make_reset_link",
    "note_refusal",
    "person_of_reset_link",
    "reset_password",
    "revoke_token",
    "sessions_of",
    "set_password",
    "sign_in",
    "sign_out",
]
