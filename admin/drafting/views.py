"""All pages about drafts, as one view of the panel."""

from __future__ import annotations

from admin.drafting.beginning import BeginningPages
from admin.drafting.conflicts import ConflictPages
from admin.drafting.deciding import DecidingPages
from admin.drafting.listing import ListPages
from admin.drafting.one import OnePage


class DraftsView(ListPages, OnePage, BeginningPages, DecidingPages, ConflictPages):
    """Drafts and their life."""
