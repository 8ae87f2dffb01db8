"""Drafts to be tried."""

from __future__ import annotations

from tests.admin.conftest import panel, staffed, use_settings

__all__ = ["panel", "staffed", "use_settings"]
