"""What every answer outside the panel says to browsers: nothing of it runs, is framed, guessed at or kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Response

from server import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import WSGIEnvironment

_PANEL = "/admin"


class Secured(Response):
    """An answer that is sent with the headers which it does not have yet. The panel sets its own."""

    def get_wsgi_response(self, environ: WSGIEnvironment) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """The answer as it is sent."""
        content, status, headers = super().get_wsgi_response(environ)
        path = "/" + environ.get("PATH_INFO", "").lstrip("/")
        if path != _PANEL and not path.startswith(_PANEL + "/"):
            headers += lacking(headers)
        return content, status, headers


def lacking(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers that an answer with these has to be sent with, too."""
    given = {name.lower() for name, _ in headers}
    found = [header for name, header in _HEADERS if name not in given]
    if settings.current().url.startswith("https://") and _HTTPS[0] not in given:
        found.append(_HTTPS[1])
    return found


def _named(name: str, value: str) -> tuple[str, tuple[str, str]]:
    return name.lower(), (name, value)


_HEADERS: Final = (
    _named("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"),
    _named("X-Content-Type-Options", "nosniff"),
    _named("X-Frame-Options", "DENY"),
    _named("Referrer-Policy", "no-referrer"),
    _named("Cross-Origin-Resource-Policy", "same-origin"),
    _named("Cache-Control", "no-store"),
)

_HTTPS: Final = _named("Strict-Transport-Security", "max-age=31536000")
