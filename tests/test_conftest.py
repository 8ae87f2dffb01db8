"""A skip is for a desk; under CI it is a failure."""

from __future__ import annotations

import pytest

from tests.conftest import skip_or_fail


def test_what_is_missing_skips_on_a_desk(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        skip_or_fail("no browser")


def test_what_is_missing_fails_under_ci(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        skip_or_fail("no browser")
