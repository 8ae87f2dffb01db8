"""The policy desk, for reading: which documents there are, what they say, and what became of them."""

from __future__ import annotations

from admin.documents.views import DocumentsView

__all__ = ["DocumentsView"]
