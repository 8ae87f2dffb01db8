"""JSON as it is kept: without spaces, in the letters that were given, refused where it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from json import encoder
from typing import Any


def writer(*, sort_keys: bool = False, default: Callable[[Any], Any] | None = None) -> Callable[[Any], str]:
    """What makes such a text of a value: its keys sorted, or in their order; `default` gives what stands for a value
    of another kind. It raises ValueError for NaN and infinities, TypeError for what is not JSON, and RecursionError for
    a value that is in itself.

    Python's own encoder makes its inner one anew for every value, and notes each part in order to find circles: for
    the small values of a case that takes as long as writing them."""
    outer = json.JSONEncoder(
        sort_keys=sort_keys, default=default, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    made = getattr(encoder, "c_make_encoder", None)
    if made is None:  # a Python without it
        return outer.encode
    inner = made(None, outer.default, encoder.encode_basestring, None, ":", ",", sort_keys, False, False)
    return lambda value: "".join(inner(value, 0))
