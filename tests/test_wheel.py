"""The wheel, installed into an empty environment and started from an empty folder, has all it needs."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.serving import environment, ready, serving

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, expected: int = 0) -> str:
    """Run a command without settings of this machine; give what it printed; fail unless it ends with `expected`."""
    done = subprocess.run(command, cwd=cwd, env=environment({}), capture_output=True, text=True, check=False)
    assert done.returncode == expected, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("duban-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The `bin` folder of an environment that has nothing but the wheel and its dependencies.

    Under CI they are installed from the registry, as a user would; on a desk those of this environment are lent,
    without the checkout itself (a path named in a .pth file does not have its own .pth files read).
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, with_pip=True)
    # What is imported is compiled then; most of what is installed never is.
    lend = [] if os.environ.get("CI") else ["--no-deps", "--no-index"]
    run(folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-compile", *lend, wheel, cwd=folder)
    if lend:
        own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
        (Path(own) / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder / "bin"


def test_the_wheel_carries_the_documents_inside_the_package(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for kind in ("policies", "schemas", "seeds"):
        files = [path for path in (ROOT / kind).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert files, f"{kind} is empty"
        assert {f"server/_data/{path.relative_to(ROOT)}" for path in files} - set(names) == set()
    assert {name.split("/")[0] for name in names} <= {"server", "admin", "jobs", names[-1].split("/")[0]}


def test_the_wheel_carries_no_tests_and_no_caches(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if "__pycache__" in name or "/tests/" in f"/{name}"] == []


def test_the_wheel_carries_the_panels_scripts_and_not_what_they_are_built_from(wheel):
    packed = zipfile.ZipFile(wheel)
    names = packed.namelist()
    assert [name for name in names if name.startswith("admin/web/") or "node_modules" in name] == []
    if "admin/static/bundle/manifest.json" not in names:
        skip_or_fail("the scripts were not built: neither Node.js nor npm's registry")
    manifest = json.loads(packed.read("admin/static/bundle/manifest.json"))
    assert manifest["entries"].keys() == {path.stem for path in (ROOT / "admin/web/src").glob("*.js")}
    for entry in manifest["entries"].values():
        for name in (entry["file"], *entry["shared"], *filter(None, [entry["style"]])):
            assert packed.read(f"admin/static/bundle/{name}")
            assert gzip.decompress(packed.read(f"admin/static/bundle/{name}.gz"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_shipped_documents_are_clean_from_an_empty_folder(installed, tmp_path):
    where = "import server, server.resources as r; print(server.__file__); print(r.data_dir('policies'))"
    for line in run(installed / "python", "-c", where, cwd=tmp_path).splitlines():
        assert line.startswith(str(installed.parent)), "the checkout shows through"
    run(installed / "duban", "check", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == [], "a check leaves nothing behind"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_installed_server_starts_in_an_empty_folder(installed, tmp_path):
    with serving(tmp_path, command=installed / "duban") as address:
        assert ready(address)
    assert (tmp_path / "data").is_dir()
