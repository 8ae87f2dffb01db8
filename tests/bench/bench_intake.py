"""Intake over HTTP beside a bare Flask route in the same gunicorn, in the same run, in turns.

Both verify the same signature on the same deliveries. The bare route commits one row of 1 KiB; intake of the shipped
`complaint-monitoring` judges, routes, starts clocks, plans messages, and commits a dozen rows and an audit entry.
"""

from __future__ import annotations

from statistics import median

from tests.bench.complaints import deliveries
from tests.bench.load import Load, drive
from tests.bench.places import DATABASES, bare, place, web
from tests.bench.result import Result

CONNECTIONS = 32
WORKERS = 2
RATIO = 0.5
P99 = 250
ROUNDS = 7
EACH = 400


def run() -> list[Result]:
    """Measure on both databases."""
    return [result for kind in DATABASES for result in _on(kind)]


def _on(kind: str) -> list[Result]:
    name = f"intake on {kind}"
    with place(kind) as where:
        if where is None:
            return [Result(name, "not measured", f"≥ {RATIO} ×", False, f"no {kind} here")]
        with web(where, WORKERS) as ours, bare(where, WORKERS) as theirs:
            for port, path in ((ours, "/hooks/complaint-inbox"), (theirs, "/bare")):
                drive(port, deliveries(EACH // 2, path), CONNECTIONS).require(201)
            mine: list[Load] = []
            others: list[Load] = []
            for _ in range(ROUNDS):
                mine.append(drive(ours, deliveries(EACH), CONNECTIONS).require(201))
                others.append(drive(theirs, deliveries(EACH, "/bare"), CONNECTIONS).require(201))
    ratio = median(one.rate / other.rate for one, other in zip(mine, others, strict=True))
    rates = f"{median(load.rate for load in mine):.0f}/s beside {median(load.rate for load in others):.0f}/s"
    detail = f"{rates}; {CONNECTIONS} connections, {WORKERS} processes each, {ROUNDS} × {EACH} deliveries in turns"
    p99 = median(load.percentile(0.99) for load in mine)
    theirs_p99 = median(load.percentile(0.99) for load in others)
    return [
        Result(f"{name}, beside a bare route", f"{ratio:.2f} ×", f"≥ {RATIO} ×", ratio >= RATIO, detail),
        Result(f"{name}, p99", f"{p99:.0f} ms", f"≤ {P99} ms", p99 <= P99, f"the bare route: {theirs_p99:.0f} ms"),
    ]
