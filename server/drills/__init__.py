"""Drills (应急演练): a script played through a process against the live directory, without anybody being told.

Who would have been told what, when and by which channel is kept with the drill (docs/drills.md).
"""

from __future__ import annotations

from server.drills.keeping import UnknownDrill, brief, kept, newest, run, shown
from server.drills.playing import MOST_MESSAGES, Plan, in_force, of_library
from server.drills.written import Example, examples, run_text

__all__ = [
    "MOST_MESSAGES",
    "Example",
    "Plan",
    "UnknownDrill",
    "brief",
    "examples",
    "in_force",
    "kept",
    "newest",
    "of_library",
    "run",
    "run_text",
    "shown",
]
