"""Passwords: argon2id. Checking one costs the same whether or not the person exists."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.accounts.problems import Refused

SHORTEST = 10
LONGEST = 1000

# 32 MiB and three passes: more than OWASP asks for, and two at a time fit into the memory of a small machine.
hasher = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
_turns = threading.BoundedSemaphore(2)


def hashed(password: str, login: str = "") -> str:
    """The hash to keep. Raises Refused for a password that is too short, too long, or the login itself."""
    if len(password) < SHORTEST:
        raise Refused("password-too-short", limit=SHORTEST)
    if len(password) > LONGEST:
        raise Refused("password-too-long", limit=LONGEST)
    if login and password.casefold() == login.casefold():
        raise Refused("password-is-login")
    with _turns:
        return hasher.hash(_bytes(password))


def fits(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; without a hash the answer is no, after the same work."""
    with _turns:
        try:
            return hasher.verify(password_hash or _nobodys(hasher), _bytes(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return hasher.check_needs_rehash(password_hash)


def _bytes(password: str) -> bytes:
    # Half a character of a broken client is no reason to fail.
    return password[: LONGEST + 1].encode("utf-8", "surrogatepass")


@cache
def _nobodys(by: PasswordHasher) -> str:
    return by.hash("nobody has this password")
