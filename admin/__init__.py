"""The admin panel under /admin/: views, templates, translations. `register(app)` puts it into an application."""

from __future__ import annotations

from admin.panel import register

__all__ = ["register"]
