"""What the environment says."""

from __future__ import annotations

import stat
from ipaddress import ip_network
from pathlib import Path

import pytest

from server.core.findings import Finding
from server.settings import BadSetting, named_value, read, with_secrets


def test_without_any_variable_everything_lies_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read({})
    assert settings.data == tmp_path / "data"
    assert settings.database == str(tmp_path / "data" / "duban.sqlite")
    assert (settings.url, settings.proxy_hops, settings.language) == ("http://127.0.0.1:8080", 0, "zh")
    assert not settings.data.exists()


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    environ = {"DUBAN_DATA": str(tmp_path / "data")}
    made = with_secrets(read(environ))
    assert made.secret is not None
    assert made.signing_key is not None
    assert len(made.signing_key) == 32
    again = read(environ)
    assert (again.secret, again.signing_key) == (made.secret, made.signing_key)
    assert with_secrets(again) == made
    for file in made.data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(file.name for file in made.data.iterdir()) == ["secret", "signing-key"]
    assert made.secret not in repr(made)


def test_a_secret_that_is_set_is_not_kept(tmp_path: Path) -> None:
    settings = with_secrets(read({"DUBAN_DATA": str(tmp_path), "DUBAN_SECRET": "given"}))
    assert settings.secret == "given"
    assert not (tmp_path / "secret").exists()


def test_networks_hops_and_language_are_read() -> None:
    settings = read(
        {
            "DUBAN_ALLOW_NETS": "10.0.0.0/8, fd00::/8 192.168.1.7",
            "DUBAN_PROXY_HOPS": "2",
            "DUBAN_LANGUAGE": "en",
            "DUBAN_URL": "https://duban.example/",
        }
    )
    assert settings.allow_nets == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), ip_network("192.168.1.7"))
    assert (settings.proxy_hops, settings.language, settings.url) == (2, "en", "https://duban.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DUBAN_URL", "duban.example"),
        ("DUBAN_URL", "ftp://duban.example"),
        ("DUBAN_ALLOW_NETS", "10.0.0.0/99"),
        ("DUBAN_PROXY_HOPS", "-1"),
        ("DUBAN_TOKEN_RATE", "-1"),
        ("DUBAN_TOKEN_RATE", "many"),
        ("DUBAN_PROXY_HOPS", "²"),
        ("DUBAN_LANGUAGE", "fr"),
        ("DUBAN_DATABASE", "mysql://duban:secret@db/duban"),
        ("DUBAN_SIGNING_KEY", "short"),
    ],
)
def test_a_value_without_a_meaning_is_refused(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read({name: value})
    text = Finding(refused.value.code, (), refused.value.params).text("en")
    assert name in text
    if name == "DUBAN_SIGNING_KEY":
        assert value not in text
    assert "secret" not in text


def test_values_of_documents_are_looked_up_when_used() -> None:
    assert named_value("env:TOKEN", {"TOKEN": "x"}) == "x"
    assert named_value("env:TOKEN", {"TOKEN": ""}) is None
    assert named_value("env:TOKEN", {}) is None
    assert named_value("plain", {}) == "plain"
    assert named_value(None, {}) is None
