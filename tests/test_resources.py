"""The shipped documents are found in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import resources

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("kind", ["policies", "schemas", "seeds"])
def test_a_checkout_has_them_beside_the_packages(kind):
    assert resources.data_dir(kind) == ROOT / kind


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """An installed package `server` in an otherwise empty folder."""
    monkeypatch.setattr(resources, "__file__", str(tmp_path / "server" / "resources.py"))
    return tmp_path


def test_an_installed_package_prefers_its_own(installed):
    own = installed / "server" / "_data" / "policies"
    own.mkdir(parents=True)
    (installed / "policies").mkdir()
    assert resources.data_dir("policies") == own


def test_a_broken_installation_says_what_is_missing(installed):
    with pytest.raises(FileNotFoundError, match="schemas"):
        resources.data_dir("schemas")


def test_the_documents_of_the_working_folder_come_before_the_shipped_ones(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resources.policy_dir() == ROOT / "policies"
    (tmp_path / "policies").mkdir()
    assert resources.policy_dir() == ROOT / "policies"  # an empty folder holds no documents
    (tmp_path / "policies" / "own.yaml").write_text("kind: calendar\n")
    assert resources.policy_dir().resolve() == tmp_path / "policies"
