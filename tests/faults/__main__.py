"""`python -m tests.faults [sqlite] [postgresql]`: kill the server for long and print what came of it; 1 when a rule is
broken. DURATION is the time for each database: seconds, or with `m`, minutes."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import Plan, run
from tests.faults.keeper import SAFEGUARDS
from tests.faults.machine import Missing, NotInTime


def seconds(text: str) -> float:
    """The seconds that `90`, `90s` or `15m` mean."""
    unit = 60 if text.endswith("m") else 1
    return float(text.rstrip("ms")) * unit


def main() -> int:
    """Run on each database; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("database", nargs="*", default=["sqlite", "postgresql"], help="sqlite, postgresql (both)")
    parser.add_argument("--duration", type=seconds, default=seconds(os.environ.get("DURATION") or "15m"))
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--without", choices=sorted(SAFEGUARDS), help="take a safeguard away, to see the run fail")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # with everything that it started
    failed = False
    for name in given.database:
        folder = Path(tempfile.mkdtemp(prefix=f"duban-faults-{name}-"))
        print(f"{name}, {given.duration:.0f} s, --seed {given.seed}", flush=True)
        try:
            verdict = run(Plan(name, given.duration, seed=given.seed, without=given.without), folder)
        except (Missing, NotInTime) as error:
            print(f"no run: {error}", file=sys.stderr)
            return 2
        print(verdict.table(), end="\n\n", flush=True)
        if verdict.holds:
            shutil.rmtree(folder)
        else:
            print(f"what it left: {folder}", file=sys.stderr)
        failed |= not verdict.holds
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
