"""From a line `notified` to messages: who is told, by which channel, in which words (policy language, "notify").

`write` is called in the transaction that writes the event; `server.delivery` sends what is then in the store.
"""

from __future__ import annotations

from server.messages.occasion import LATE_FROM, Occasion
from server.messages.planning import FOLD_FOR, Told, plan, write, write_all
from server.messages.survey_links import SurveyToken, read_token, token
from server.messages.tasks import confirm_one, confirm_task, open_tasks

__all__ = [
    "FOLD_FOR",
    "LATE_FROM",
    "Occasion",
    "SurveyToken",
    "Told",
    "confirm_one",
    "confirm_task",
    "open_tasks",
    "plan",
    "read_token",
    "token",
    "write",
    "write_all",
]
