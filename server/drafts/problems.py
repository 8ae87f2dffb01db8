"""Why a step of a draft is not done: a code with parameters; its words, for commands and HTTP alike, stand in
`schemas/problems.yaml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from server.core.findings import Finding
from server.resources import texts_of


class NotDone(Exception):
    """What was asked for is not done. `status` is that of HTTP; `findings` say what is wrong with the text."""

    def __init__(self, status: int, code: str, findings: Iterable[Finding] = (), **params: object) -> None:
        super().__init__(code, params)
        self.status = status
        self.code = code
        self.findings = list(findings)
        self.params = params
        self.conflicts: list[dict[str, Any]] = []  # of a rebase: {"at", "mine", "theirs"}, in words by language

    def text(self, language: str = "en") -> str:
        """The message in that language."""
        return str(_texts()[self.code]["detail"][language]).format(**self.params)

    def __str__(self) -> str:
        return self.text()


@cache
def _texts() -> Mapping[str, Any]:
    return texts_of("problems")
