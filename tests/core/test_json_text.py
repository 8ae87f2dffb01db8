"""JSON as it is kept: what Python's own encoder writes, and refused where that refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.core import json_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
)
WAYS = [pytest.param(True, id="keys sorted"), pytest.param(False, id="keys as they come")]


@pytest.mark.parametrize("sort_keys", WAYS)
@given(value=VALUES)
def test_it_is_what_json_dumps_writes(sort_keys: bool, value: Any) -> None:
    expected = json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    assert json_text.writer(sort_keys=sort_keys)(value) == expected


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": {"b": -float("inf")}}])
def test_what_no_reader_takes_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text.writer()(value)


def test_what_is_no_json_is_refused_or_stands_for_itself() -> None:
    with pytest.raises(TypeError, match="set"):
        json_text.writer()({"a": {1}})
    assert json_text.writer(default=sorted)({"a": {2, 1}}) == '{"a":[1,2]}'


def test_a_value_in_itself_comes_to_an_end() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(RecursionError):
        json_text.writer()(value)


def test_without_the_part_in_c_it_writes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"b": [1, None, "督办\n"], "a": 1e16}
    quick = json_text.writer(sort_keys=True)(value)
    monkeypatch.setattr("json.encoder.c_make_encoder", None)
    assert json_text.writer(sort_keys=True)(value) == quick == '{"a":1e+16,"b":[1,null,"督办\\n"]}'
