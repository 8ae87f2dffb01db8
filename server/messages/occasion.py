"""What is known when messages are planned: the event that was just written, its issue, and the world around it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server.core.case import Case
from server.core.channels import Channels
from server.core.moments import Moment
from server.core.process import Process
from server.core.turn import Telling
from server.core.vocabulary import Vocabulary
from server.core.world import Place
from server.directory import LiveDirectory
from server.settings import Settings

LATE_FROM: Final = 2_000
"""Milliseconds after which a message that time caused says by how much it is late: more than a busy second."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event, in the transaction that writes it: `seq` is its number on the issue, `entries` the lines that it
    caused, `case` the issue after it. `channels` is the channels document of the process. `held`: messages are kept
    back until an administrator lets them go (demo data, a restored backup). What belongs to no issue (a report) has
    neither id, and a case that only names it; what was only played (a drill) has `earlier`, the issue's lines of
    before, which are in no store."""

    issue_id: int | None
    event_id: int | None
    seq: int
    process: Process
    case: Case
    channels: Channels
    entries: Sequence[Mapping[str, Any]]
    directory: LiveDirectory
    now: Moment
    settings: Settings
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    held: bool = False
    earlier: Sequence[Mapping[str, Any]] = ()

    @property
    def words(self) -> Vocabulary:
        """The words of the process."""
        return Vocabulary(self.process.raw)

    def place(self, telling: Telling) -> Place:
        """Where the directory is asked from: the issue as it was when the step was taken, and who is there now."""
        facts = telling.facts
        return Place(
            self.case.process, self.case.number, facts.get("team"), facts.get("owner"), self.case.receiver, self.now
        )

    def at(self, telling: Telling) -> Moment:
        """When the step was taken."""
        return int(self.entries[telling.line]["at"])

    def late(self, telling: Telling) -> int:
        """By how many milliseconds the step is late; 0 when it is not."""
        behind = self.now - self.at(telling)
        return behind if telling.by_time and behind >= LATE_FROM else 0
