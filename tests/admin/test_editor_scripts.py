"""The editor's script by itself, in Node.js: patches of texts, and the inputs of the schemas (admin/web/test)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from admin.editing.schemas import schema_in
from server.core.schema import KINDS
from tests.conftest import skip_or_fail

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".cache" / "web" / "node_modules"


@pytest.mark.parametrize("test", sorted(path.name for path in (ROOT / "admin" / "web" / "test").glob("*.test.js")))
def test_the_script_does_in_node_what_it_should(tmp_path: Path, test: str) -> None:
    node = shutil.which("node")
    if node is None or not (MODULES / "esbuild").is_dir():
        skip_or_fail("no Node.js with the packages of admin/web: make bundle")
    schemas = tmp_path / "schemas.json"
    schemas.write_text(json.dumps({kind: schema_in(kind, "en") for kind in KINDS}), encoding="utf-8")
    env = {
        **os.environ,
        "NODE_PATH": str(MODULES),
        "DUBAN_POLICIES": f"{ROOT / 'policies'}/",
        "DUBAN_SCHEMAS": str(schemas),
    }
    bundled = tmp_path / "test.cjs"
    bundle = [MODULES / "esbuild" / "bin" / "esbuild", ROOT / "admin" / "web" / "test" / test, "--bundle"]
    options = ["--platform=node", "--format=cjs", f"--outfile={bundled}", "--log-level=error"]
    subprocess.run([str(node), *map(str, bundle), *options], env=env, check=True, timeout=60)
    done = subprocess.run([str(node), str(bundled)], env=env, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-6000:]
    assert "# fail 0" in done.stdout
    assert "# pass 0" not in done.stdout
