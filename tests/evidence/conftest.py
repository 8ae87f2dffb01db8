"""A sealed trail with events of issues, signed checkpoints in the store, and copies of them outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from server import audit
from server.evidence.verifying import Outside, Verified, verify
from server.sealing import Sealer, Signer, checkpoints
from server.store import writing
from server.store.database import Store
from server.store.models import Issue, Version
from tests.server.conftest import MONDAY

MINUTE = 60_000


@dataclass
class Trail:
    """The trail of a store; time passes as it is told."""

    store: Store
    signer: Signer = field(default_factory=lambda: Signer(b"s" * 32))
    now: int = MONDAY
    outside: list[checkpoints.Checkpoint] = field(default_factory=list)

    def happens(self, count: int = 3) -> list[str]:
        """Some issues, each with two events as server.recording writes them; gives their numbers."""
        numbers = []
        with self.store.transaction():
            version = Version.get_or_create(
                kind="process", name="p", number=1, defaults={"sha256": "", "data": b"", "created_at": 0}
            )[0].id
            for n in range(count):
                numbers.append(f"P{Issue.select().count() + 1}")
                issue = writing.insert(
                    Issue,
                    {
                        "process": "p",
                        "version": version,
                        "number": numbers[-1],
                        "stage": "s",
                        "received_at": self.now,
                        "recorded_at": self.now,
                        "case": "{}",
                    },
                )
                for seq, kind, by in ((1, "received", "gong"), (2, "action", "li")):
                    self._event(issue, seq, kind, by, {"number": numbers[-1], "facts": {"subject": str(n)}})
        return numbers

    def _event(self, issue: int, seq: int, kind: str, by: str, said: dict[str, Any]) -> None:
        row = {"issue": issue, "seq": seq, "at": self.now, "recorded_at": self.now, "kind": kind, "by": by}
        writing.insert_event({**row, "body": "{}", "entries": "[]"})
        audit.record(f"issue.{kind}", self.now, {**said, "seq": seq, "entries": []}, by=by, issue=issue)

    def seal(self) -> None:
        """A minute later everything is sealed, signed, and kept outside."""
        self.now += MINUTE
        sealer = Sealer("test")
        while sealer.work(self.now, self.signer):
            pass
        self.outside = checkpoints.after(0, 1000)

    def verify(self, *, anchored: bool = True) -> Verified:
        """What verifying finds, with or without the copies outside."""
        outside = [Outside("witness", self.outside)] if anchored else []
        return verify((self.signer.verifier,), outside)

    def codes(self, *, anchored: bool = True) -> list[tuple[str, int | None, int | None]]:
        """Code, place and id of each finding."""
        return [(one.code, one.place, one.entry) for one in self.verify(anchored=anchored).findings]

    def sql(self, statement: str) -> None:
        """Somebody who may write to the database does this."""
        with self.store.session():
            self.store.db.execute_sql(statement)


def laid_in(store: Store) -> Trail:
    """Three minutes of a trail, a block each."""
    found = Trail(store)
    for _ in range(3):
        found.happens()
        found.seal()
    return found


@pytest.fixture
def trail(store: Store) -> Trail:
    """The trail on each database in turn."""
    return laid_in(store)


@pytest.fixture
def sqlite_trail(sqlite_store: Store) -> Trail:
    """The trail on SQLite."""
    return laid_in(sqlite_store)
