"""Why something about an account is not done: a code with parameters, whose texts are in the catalogue."""

from __future__ import annotations

from server.core.findings import Finding


class Refused(ValueError):
    """What was asked for is not possible."""

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code, params)
        self.code = code
        self.params = params

    def text(self, language: str = "en") -> str:
        """The message in that language."""
        return Finding(self.code, (), self.params).text(language)

    def __str__(self) -> str:
        return self.text()


class Throttled(Exception):
    """Too many failed attempts to sign in; the next one is looked at after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"try again in {retry_after} s")
        self.retry_after = retry_after


class NotPermitted(Exception):
    """The caller lacks the permission."""

    def __init__(self, permission: str) -> None:
        super().__init__(permission)
        self.permission = permission
