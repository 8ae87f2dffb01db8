"""A draft tried before it is in force: its examples, made-up issues played through it, what it would change; and what
lies ahead of a real issue.

Nothing here stores or sends anything; the text that is tried may be one that is still being typed.
"""

from __future__ import annotations

from server.trying.ahead import begins, plan_of, play_on
from server.trying.beside import Beside, beside
from server.trying.changes import changes
from server.trying.examples import ExampleShown, example_of_issue, example_of_trial, examples
from server.trying.playing import Played, State, Trial, play

__all__ = [
    "Beside",
    "ExampleShown",
    "Played",
    "State",
    "Trial",
    "begins",
    "beside",
    "changes",
    "example_of_issue",
    "example_of_trial",
    "examples",
    "plan_of",
    "play",
    "play_on",
]
