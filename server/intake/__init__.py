"""Intake: issues that are handed in, one by one or as a webhook's delivery (architecture, "How one issue travels")."""

from __future__ import annotations

from server.intake.deliveries import Outcome, UnknownSource, take, take_new
from server.intake.keeping import NotKept, drop_kept, replay_kept
from server.intake.receiving import Received, Refused, UnknownProcess, find, hand_in, receive, unknown_people
from server.verification import Unverified

__all__ = [
    "NotKept",
    "Outcome",
    "Received",
    "Refused",
    "UnknownProcess",
    "UnknownSource",
    "Unverified",
    "drop_kept",
    "find",
    "hand_in",
    "receive",
    "replay_kept",
    "take",
    "take_new",
    "unknown_people",
]
