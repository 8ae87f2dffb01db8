"""`python -m tests.bench [NAME…]`: run the benchmarks, a line per target; exit 1 when one is missed. Without names, all
but those that take long by themselves (`LONG`)."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.places import stop_in_order
from tests.bench.result import Result

LONG = ("beyond", "million")


def names(folder: Path = Path(__file__).parent) -> list[str]:
    """Give the names of the benchmarks: what stands after `bench_` in their modules' names."""
    return sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))


def main(chosen: Sequence[str]) -> int:
    """Run the benchmarks named, or all; give 0 when every target is met, 1 when not, 2 for an unknown name."""
    known = names()
    unknown = [name for name in chosen if name not in known]
    if unknown or not known:
        print(f"no benchmark {', '.join(unknown) or 'at all'}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    missed = 0
    for name in chosen or [name for name in known if name not in LONG]:
        results: list[Result] = importlib.import_module(f"tests.bench.bench_{name}").run()
        for result in results:
            print(result.line(), flush=True)
            missed += not result.met
    if missed:
        print(f"{missed} target(s) MISSED", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    stop_in_order()
    sys.exit(main(sys.argv[1:]))
