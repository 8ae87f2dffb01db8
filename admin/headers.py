"""What every answer of the panel says to the browser: a strict content security policy, no framing, no caching."""

from __future__ import annotations

import secrets

from flask import Response, g, request

from server import settings

PREFIX = "/admin/"


def nonce() -> str:
    """The nonce of this answer's own scripts and styles."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def is_panel() -> bool:
    """Whether the request is for the panel."""
    path = request.path
    return path == "/admin" or path.startswith(PREFIX)


def secure(response: Response) -> Response:
    """The answer with the headers that keep foreign scripts, frames and caches away from it."""
    if not is_panel():
        return response
    allowed = f"'self' 'nonce-{nonce()}'"
    policy = {
        "default-src": "'none'",
        "script-src": allowed,
        "style-src": allowed,
        "img-src": "'self' data:",  # Bootstrap's marks are data
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    headers = response.headers
    headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    if settings.current().url.startswith("https://"):
        headers["Strict-Transport-Security"] = "max-age=31536000"
    if not (request.endpoint or "").endswith((".static", "panel_bundle.file")):
        headers["Cache-Control"] = "no-store"
    return response
