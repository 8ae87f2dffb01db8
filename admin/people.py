"""Who may read the directory."""

from __future__ import annotations

READERS = ("directory.edit", "audit.read", "system")
