"""Pages load what was bundled for them, and say so where it was not."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from admin import bundles
from tests.admin.visiting import Panel

MANIFEST = {
    "sources": "",
    "entries": {"editor": {"file": "editor-ABC.js", "style": "editor-ABC.css", "shared": ["shared-1.js"]}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of its own."""
    made = tmp_path / "bundle"
    made.mkdir()
    (made / "manifest.json").write_text(json.dumps(MANIFEST))
    (made / "editor-ABC.js").write_text("let x = 1;")
    (made / "editor-ABC.js.gz").write_bytes(gzip.compress(b"let x = 1;"))
    monkeypatch.setattr(bundles, "FOLDER", made)
    return made


def shown(panel: Panel, name: str, language: str = "en") -> str:
    with panel.app.test_request_context("/admin/", headers={"Cookie": f"duban_language={language}"}):
        return str(bundles.bundle(name))


def test_an_entry_is_loaded_as_a_module_with_what_it_shares(panel: Panel, folder: Path) -> None:
    tags = shown(panel, "editor")
    assert re.search(r'<script type="module" src="/admin/bundle/editor-ABC.js" nonce="[\w-]+"></script>', tags)
    assert re.search(r'<link rel="modulepreload" href="/admin/bundle/shared-1.js"', tags)
    assert re.search(r'<link rel="stylesheet" href="/admin/bundle/editor-ABC.css"', tags)


def test_a_missing_bundle_is_said_with_the_command_that_builds_it(panel: Panel, folder: Path) -> None:
    assert "<code>make bundle</code>" in shown(panel, "charts")
    (folder / "manifest.json").unlink()
    assert "<code>make bundle</code>" in shown(panel, "editor")
    assert "尚未构建" in shown(panel, "editor", "zh")


def test_files_are_packed_and_kept_by_the_browser(panel: Panel, folder: Path) -> None:
    client = panel.app.test_client()
    answer = client.get("/admin/bundle/editor-ABC.js", headers={"Accept-Encoding": "gzip"}, buffered=True)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.mimetype == "text/javascript"
    assert gzip.decompress(answer.data) == b"let x = 1;"
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    assert client.get("/admin/bundle/editor-ABC.js", buffered=True).data == b"let x = 1;"
    for name in ("nothing.js", "../panel.css", "..%2Fpanel.css", ".."):
        assert client.get(f"/admin/bundle/{name}").status_code in (303, 404), name
