"""The panel's bundled JavaScript: one entry per page that needs it, built from admin/web by hatch_build.py.

`bundle('editor')` in a template gives the tags that load the entry `admin/web/src/editor.js`; where it was not built,
a notice that says so, and how it is built."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, render_template, request, send_from_directory, url_for
from markupsafe import Markup

from admin.headers import nonce

FOLDER: Final = Path(__file__).parent / "static" / "bundle"
A_YEAR: Final = 365 * 24 * 3600

blueprint = Blueprint("panel_bundle", __name__, url_prefix="/admin/bundle")
log = logging.getLogger(__name__)


def bundle(name: str) -> Markup:
    """The tags that load an entry, or the notice that it is missing."""
    entry = entries().get(name)
    if entry is None:
        return Markup(render_template("panel/no_bundle.html"))
    tags = [
        Markup('<link rel="modulepreload" href="{}" nonce="{}">').format(_address(shared), nonce())
        for shared in entry["shared"]
    ]
    if entry["style"]:
        tags.append(Markup('<link rel="stylesheet" href="{}" nonce="{}">').format(_address(entry["style"]), nonce()))
    tags.append(Markup('<script type="module" src="{}" nonce="{}"></script>').format(_address(entry["file"]), nonce()))
    return Markup("\n").join(tags)


def entries() -> dict[str, Any]:
    """The entries that were built; none where the bundle is missing."""
    manifest = FOLDER / "manifest.json"
    try:
        return _read(manifest, manifest.stat().st_mtime_ns)
    except OSError:
        return {}


def say_if_missing() -> None:
    """Tell whoever starts the server that pages will lack their scripts."""
    if not entries():
        log.warning("the panel's scripts are not built; pages that need them say so: run `make bundle`")


@blueprint.get("/<name>")
def file(name: str) -> Response:
    """A file of the bundle. Its name changes with its content, so it may be kept for ever."""
    packed = f"{name}.gz"
    if request.accept_encodings.quality("gzip") > 0 and (FOLDER / packed).is_file():
        answer = send_from_directory(FOLDER, packed, mimetype=_kind(name), max_age=A_YEAR)
        answer.headers["Content-Encoding"] = "gzip"
    else:
        answer = send_from_directory(FOLDER, name, mimetype=_kind(name), max_age=A_YEAR)
    answer.vary.add("Accept-Encoding")
    return answer


def _kind(name: str) -> str | None:
    return {".js": "text/javascript", ".css": "text/css"}.get(Path(name).suffix)


def _address(name: str) -> str:
    return url_for("panel_bundle.file", name=name)


@lru_cache(maxsize=1)
def _read(manifest: Path, changed: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(manifest.read_text("utf-8"))["entries"]
    return found
