"""What every answer outside the panel says to browsers: nothing of it runs, is framed, guessed at or kept."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from server import settings

_PANEL = "/admin"


def secure(response: Response) -> Response:
    """The answer with the headers that it does not have yet. The panel sets its own."""
    path = request.path
    if path == _PANEL or path.startswith(_PANEL + "/"):
        return response
    given = {name.lower() for name in response.headers.keys()}  # noqa: SIM118 (it is a list of pairs)
    for name, value in _HEADERS.items():
        if name.lower() not in given:
            response.headers.add(name, value)
    if settings.current().url.startswith("https://"):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
