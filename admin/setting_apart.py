"""Why something was set apart, in one line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def problem_of(text: str | None) -> str:
    """Why an issue or a schedule is set apart."""
    if not text:
        return ""
    found: Mapping[str, Any] = json.loads(text)
    return ": ".join(str(found[name]) for name in ("error", "detail") if found.get(name))
