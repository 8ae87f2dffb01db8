"""Strict JSON: what must never reach a table, and that no body takes long."""

from __future__ import annotations

import contextlib
import time

import pytest

from server.payloads import BadPayload, read_json


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": [1, -2.5, 1e3, true, null, "x"]}',
        b"7",
        '"督办 \\ud83d\\ude00"'.encode(),
        b"9223372036854775807",
        b"-9223372036854775807",
        b"[" * 32 + b"]" * 32,
        b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b'["\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]',
    ],
)
def test_sound_json_is_read(body: bytes) -> None:
    read_json(body)


def test_values_are_as_written() -> None:
    assert read_json('{"甲": [1, 2.5, true, null, "\\u00e9"], "b": {}}'.encode()) == {
        "甲": [1, 2.5, True, None, "é"],
        "b": {},
    }


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        (b"", "payload-not-json", ""),
        (b"{", "payload-not-json", ""),
        (b"{'a': 1}", "payload-not-json", ""),
        (b"[1,]", "payload-not-json", ""),
        (b"\xef\xbb\xbf{}", "payload-not-json", ""),
        (b'"\xff"', "payload-not-utf-8", ""),
        (b'"\xed\xa0\x80"', "payload-not-utf-8", ""),
        (b'{"a": {"b/c~": "x\\u0000y"}}', "payload-nul", "/a/b~1c~0"),
        (b'{"x\\u0000": 1}', "payload-nul", ""),
        (b'["a", "\\ud800"]', "payload-surrogate", "/1"),
        (b'{"\\udfff": 1}', "payload-surrogate", ""),
        (b'{"a": NaN}', "payload-number", "/a"),
        (b"[-Infinity]", "payload-number", "/0"),
        (b"[1e999]", "payload-number", "/0"),
        (b"[9223372036854775808]", "payload-number", "/0"),
        (b"[-9223372036854775808]", "payload-number", "/0"),
        (b"[" + b"9" * 5000 + b"]", "payload-number", "/0"),
        (b"[0." + b"9" * 5000 + b"]", "payload-number", "/0"),
        (b"[" * 33 + b"]" * 33, "payload-too-deep", ""),
        (b'{"a":' * 100_000, "payload-too-deep", ""),
        (b'{"a": {"b": 1, "c": 2, "b": 3}}', "payload-key-twice", "/a"),
        (b'{"' + b'":0,"'.join(b"%d" % n for n in range(1001)) + b'":0}', "payload-too-many-keys", ""),
        (b'"' + b"x" * 1024 * 1024 + b'"', "payload-too-large", ""),
    ],
    ids=range(23),
)
def test_what_cannot_be_kept_is_refused_with_its_place(body: bytes, code: str, pointer: str) -> None:
    with pytest.raises(BadPayload) as caught:
        read_json(body)
    assert (caught.value.code, caught.value.pointer) == (code, pointer)


@pytest.mark.parametrize(
    "body",
    [
        b'"' + b'\\"' * 500_000,
        b'"' * 1_000_000,
        b"[" + b"[]," * 300_000 + b"0]",
        b"[" + b"9" * 1_000_000 + b"]",
        b"[1." + b"9" * 1_000_000 + b"]",
        b"[" + b"1," * 500_000 + b"0]",
        b"\\" * 1_000_000,
        b"[" + b"NaN," * 250_000 + b"0]",
        b"[" + b'{"":1,"":1},' * 80_000 + b"0]",
    ],
    ids=range(9),
)
def test_the_worst_body_of_a_megabyte_takes_no_time_to_speak_of(body: bytes) -> None:
    start = time.process_time()
    with contextlib.suppress(BadPayload):
        read_json(body)
    assert time.process_time() - start < 5
