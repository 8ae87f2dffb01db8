"""What every answer outside the panel says to browsers: nothing of it runs, is framed, guessed at or kept."""

from __future__ import annotations

from flask import Response, request

from server import settings

_PANEL = "/admin"


def secure(response: Response) -> Response:
    """The answer with the headers that it does not have yet. The panel sets its own."""
    if request.path == _PANEL or request.path.startswith(_PANEL + "/"):
        return response
    headers = response.headers
    headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Cache-Control", "no-store")
    if settings.current().url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
