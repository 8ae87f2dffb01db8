"""The panel's scripts: built when sources change, not built again when they do not, and missing with a reason."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.serving import environment

ROOT = Path(__file__).resolve().parent.parent


def run(checkout: Path, *, path: str | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    """Build in a checkout, with these variables."""
    return subprocess.run(
        [sys.executable, "hatch_build.py"],
        cwd=checkout,
        env=environment({**env, **({} if path is None else {"PATH": path})}),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is built from, and nothing that was built."""
    shutil.copytree(ROOT / "admin" / "web", tmp_path / "admin" / "web", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copy(ROOT / "hatch_build.py", tmp_path)
    return tmp_path


@pytest.fixture
def built(checkout: Path) -> Path:
    """The same with the bundle of this checkout and the packages that it was made with."""
    mark = ROOT / ".cache" / "web" / "node_modules" / ".installed"
    if not mark.is_file() or not (ROOT / "admin" / "static" / "bundle" / "manifest.json").is_file():
        skip_or_fail("the panel's scripts are not built: `make bundle`")
    (checkout / ".cache" / "web").mkdir(parents=True)
    (checkout / ".cache" / "web" / "node_modules").symlink_to(mark.parent)
    return checkout


def test_a_changed_source_is_bundled_anew_and_an_unchanged_one_is_not(built: Path) -> None:
    entry = built / "admin" / "web" / "src" / "mark.js"
    entry.write_text("import { one } from './mark/one.js';\ndocument.title = one;\n")
    (entry.parent / "mark").mkdir()
    (entry.parent / "mark" / "one.js").write_text("export const one = 'first';\n")
    manifest = built / "admin" / "static" / "bundle" / "manifest.json"

    def text() -> str:
        return (manifest.parent / json.loads(manifest.read_text())["entries"]["mark"]["file"]).read_text()

    assert run(built, DUBAN_BUNDLE="require").returncode == 0
    assert "first" in text()
    before = manifest.stat().st_ino
    assert run(built, path="/nowhere").returncode == 0, "nothing is needed when all is there"
    assert manifest.stat().st_ino == before
    (entry.parent / "mark" / "one.js").write_text("export const one = 'second';\n")
    assert run(built).returncode == 0
    assert "second" in text()


def test_a_source_that_cannot_be_bundled_is_named_and_the_former_bundle_stays(built: Path) -> None:
    assert run(built).returncode == 0
    (built / "admin" / "web" / "src" / "broken.js").write_text("const = 1;\n")
    done = run(built, DUBAN_BUNDLE="require")
    assert done.returncode == 1
    assert "admin/web/src/broken.js:1" in done.stderr
    assert (built / "admin" / "static" / "bundle" / "manifest.json").is_file()


def test_without_the_registry_there_is_a_warning_or_on_demand_a_failure(checkout: Path) -> None:
    if shutil.which("npm") is None:
        skip_or_fail("no npm")
    unreachable = {"npm_config_registry": "http://127.0.0.1:9/", "npm_config_cache": str(checkout / "npm")}
    unreachable |= {"npm_config_fetch_retries": "0", "npm_config_replace_registry_host": "always"}
    done = run(checkout, **unreachable)
    assert done.returncode == 0
    assert "npm cannot bring the packages" in done.stderr
    assert "make bundle" in done.stderr
    assert not (checkout / "admin" / "static" / "bundle").exists()
    assert run(checkout, DUBAN_BUNDLE="require", **unreachable).returncode == 1


def test_every_package_is_fixed_by_its_digest_and_from_nowhere_but_the_registry() -> None:
    lock = json.loads((ROOT / "admin" / "web" / "package-lock.json").read_text())
    packages = {name: about for name, about in lock["packages"].items() if name}
    assert len(packages) > 20
    for name, about in packages.items():
        assert about.get("resolved", "https://registry.npmjs.org/").startswith("https://registry.npmjs.org/"), name
        assert about["integrity"].startswith("sha512-"), name
