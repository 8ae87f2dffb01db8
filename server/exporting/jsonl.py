"""JSON Lines: an issue a line, with its `timeline`."""

from __future__ import annotations

import json
from typing import BinaryIO

from server.exporting.reading import Export


def write(export: Export, to: BinaryIO) -> None:
    """Write every issue as the interface gives it, with its timeline."""
    for one in export.issues():
        line = json.dumps({**one.issue, "timeline": one.lines}, ensure_ascii=False, allow_nan=False)
        to.write(line.encode() + b"\n")
