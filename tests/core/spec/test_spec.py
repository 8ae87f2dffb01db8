"""Each sentence of the policy language and of the contract's script and timeline, by a small policy played whole.

The cases stand in YAML files, one for each part of the page; what is expected was worked out from the page.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.spec.playing import HERE, cases, lines_of, short

FILES = sorted(path.name for path in HERE.glob("*.yaml") if path.name != "base.yaml")


def _all() -> list[Any]:
    found = [(file, case) for file in FILES for case in cases(file)]
    return [pytest.param(case, id=f"{file.removesuffix('.yaml')}: {case['name']}") for file, case in found]


@pytest.mark.parametrize("case", _all())
def test_the_timeline_is_what_the_page_says(case: dict[str, Any]) -> None:
    because = bool(case.get("because"))
    found = [short(line, because) for line in lines_of(case)]
    wanted = [" ".join(line.split()) for line in case["lines"].strip().splitlines()]
    if not case.get("received"):  # the base's own line, unless the case is about it
        assert found[0].split()[1] == "received", found[0]
        found = found[1:]
    assert found == wanted, "\n".join(["", "found:", *found, "wanted:", *wanted])
