"""Accounts: users, passwords, tokens, sessions, and what a caller may do."""

from __future__ import annotations

from server.accounts.callers import Caller
from server.accounts.problems import NotPermitted, Refused, Throttled
from server.accounts.refusals import note_refusal
from server.accounts.sessions import caller_of_session, cookie_name, sign_in, sign_out
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
    "cookie_name",
    "disable_user",
    "first_administrator",
    "issue_token",
    "note_refusal",
    "revoke_token",
    "set_password",
    "sign_in",
    "sign_out",
]
