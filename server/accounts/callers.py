"""Who is calling, and what he may do."""

from __future__ import annotations

from dataclasses import dataclass

from server.accounts.problems import NotPermitted


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who has shown who he is: by a session, by a token (whose scopes bound what he may), or in a shell."""

    login: str
    permissions: frozenset[str]
    token: int | None = None
    session: str | None = None  # hash of the session

    @property
    def owner(self) -> str:
        """To whom idempotency keys belong: the token, else the person."""
        return self.login if self.token is None else f"token:{self.token}"

    def may(self, permission: str) -> bool:
        """Whether the caller has the permission."""
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raise NotPermitted unless the caller has the permission."""
        if permission not in self.permissions:
            raise NotPermitted(permission)
