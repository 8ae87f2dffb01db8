"""What a receipt costs the interpreter: `advance` for `received` of the shipped `complaint-monitoring`."""

from __future__ import annotations

import json

from server.core import library, values
from server.core.advance import advance
from server.core.simulate import ScriptWorld
from server.resources import data_dir
from tests.bench.result import Result, side_by_side

LIMIT = 1.5


def run() -> list[Result]:
    """Measure one receipt, beside a calibration (parsing and writing the same issue as JSON)."""
    folder = data_dir("policies")
    shipped = library.load([(path.name, path.read_bytes()) for path in sorted(folder.glob("*.yaml"))])
    process = shipped.processes["complaint-monitoring"]
    example = process.raw["examples"][0]
    now = process.calendar.parse(example["start"])

    def receive() -> None:
        world = ScriptWorld(shipped.processes)
        world.counted()
        facts, problems = values.new_issue(process, example["issue"], now)
        assert not problems
        done = advance(process, None, {"kind": "received", "facts": facts, "by": "gong"}, now, world)
        assert done.case.values["severity"] == "A"

    text = json.dumps(example["issue"])
    seconds, calibration = side_by_side(receive, lambda: json.dumps(json.loads(text)), rounds=15, repeat=50)
    milliseconds = seconds * 1000
    return [
        Result(
            "advance for received",
            f"{milliseconds:.2f} ms",
            f"≤ {LIMIT} ms",
            milliseconds <= LIMIT,
            f"{seconds / calibration:.0f} × reading and writing the same issue as JSON",
        )
    ]
