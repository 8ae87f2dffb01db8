"""What an operator watches: numbers that grow are counted by every process and added up in the store; everything that
is so many now is read from the store (docs/metrics.md). Any process gives the same answer."""

from __future__ import annotations

from server.metrics.counting import Counting, after_commit, count, each_after_commit, observe
from server.metrics.exposition import CONTENT_TYPE, Family, Sample, text
from server.metrics.figures import counted, figure, so_many_now
from server.metrics.names import DECISIONS, DELIVERIES, DURATION, INTAKE, LATENESS, METRICS, REQUESTS

__all__ = [
    "CONTENT_TYPE",
    "DECISIONS",
    "DELIVERIES",
    "DURATION",
    "INTAKE",
    "LATENESS",
    "METRICS",
    "REQUESTS",
    "Counting",
    "Family",
    "Sample",
    "after_commit",
    "count",
    "counted",
    "each_after_commit",
    "figure",
    "observe",
    "so_many_now",
    "text",
]
