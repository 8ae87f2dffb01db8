"""The numbers that the processes count: their names, labels, and the bounds of their buckets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Metric:
    """A counter; with `buckets` a histogram. No label ever holds what somebody outside may choose."""

    name: str
    help: str
    labels: tuple[str, ...]
    buckets: tuple[float, ...] = ()


INTAKE: Final = Metric(
    "duban_intake_total",
    "Items handed in, by source (empty: by people and integrators) and what became of them.",
    ("source", "process", "outcome"),
)
"""Outcomes: created, repeated (known before), refused (by a process, to a person or integrator), kept (of a delivery:
to be mended and played again), unverified (a delivery with a wrong signature)."""

DECISIONS: Final = Metric(
    "duban_decisions_total",
    "Severities decided, at receipt and by every later change.",
    ("process", "severity"),
)

DELIVERIES: Final = Metric(
    "duban_deliveries_total",
    "Attempts to deliver a message, by channel and what they came to.",
    ("channel", "outcome"),
)
"""Outcomes: sent, retried (failed, tried again later), dead (given up), unsent (the channel is not set)."""

LATENESS: Final = Metric(
    "duban_sweep_lateness_seconds",
    "Seconds from a due moment of an issue until the sweep took it up.",
    (),
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600),
)

REQUESTS: Final = Metric(
    "duban_http_requests_total",
    "Requests answered, by route as the interface's description writes it, and status.",
    ("method", "route", "status"),
)

DURATION: Final = Metric(
    "duban_http_request_duration_seconds",
    "Seconds that the application took for an answer.",
    ("method", "route"),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

METRICS: Final = (INTAKE, DECISIONS, DELIVERIES, LATENESS, REQUESTS, DURATION)
