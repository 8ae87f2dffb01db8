"""The lock says the same three times: bounds in pyproject.toml, uv.lock, and locks/ for machines without uv."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))
LOCKED = {(package["name"], package["version"]) for package in LOCK["package"] if package["name"] != "duban"}

RUNTIME = PROJECT["project"]["dependencies"]
WANTED = {
    "runtime": RUNTIME,
    "dev": RUNTIME + PROJECT["dependency-groups"]["dev"],
    "bench": RUNTIME + PROJECT["dependency-groups"]["dev"] + PROJECT["dependency-groups"]["bench"],
}


def pinned(which: str) -> set[tuple[str, str]]:
    """Give (name, version) of every line of locks/WHICH.txt."""
    text = (ROOT / "locks" / f"{which}.txt").read_text("utf-8")
    return {(canonicalize_name(name), version) for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.M)}


@pytest.mark.parametrize("which", WANTED)
def test_the_files_for_pip_have_the_versions_of_uv_lock(which):
    assert pinned(which) - LOCKED == set(), "run `make lock`"


@pytest.mark.parametrize("which", WANTED)
def test_every_dependency_is_locked_within_its_bounds(which):
    versions: dict[str, list[str]] = {}
    for name, version in pinned(which):
        versions.setdefault(name, []).append(version)
    for text in WANTED[which]:
        requirement = Requirement(text)
        found = versions.get(canonicalize_name(requirement.name), [])
        assert found, f"{requirement.name} is missing in locks/{which}.txt: run `make lock`"
        assert all(version in requirement.specifier for version in found), text


def test_every_dependency_is_bounded_above_but_the_time_zones():
    free = [text for text in RUNTIME if "<" not in text]
    assert [Requirement(text).name for text in free] == ["tzdata"]


def test_everything_comes_from_the_public_registry():
    registries = {package["source"].get("registry") for package in LOCK["package"] if package["name"] != "duban"}
    assert registries == {"https://pypi.org/simple"}
    hosts = set(re.findall(r'url = "(\w+://[^/"]*)', (ROOT / "uv.lock").read_text("utf-8")))
    assert hosts == {"https://files.pythonhosted.org"}
