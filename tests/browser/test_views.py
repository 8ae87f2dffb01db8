"""The views in which `make test` walks its paths: each of them is used."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

from tests.browser.views import ALL, CROSSED, View


def test_each_view_is_the_one_in_which_some_path_is_always_walked() -> None:
    sources = "".join(file.read_text("utf-8") for file in sorted(Path(__file__).parent.glob("test_*.py")))
    named = {
        name
        for call in re.findall(r"^@seen\(([^)]*)\)", sources, re.MULTILINE)
        for name in re.findall(r'"(.+?)"', call)
    }
    assert named == {str(view) for view in ALL}


def test_every_two_of_language_width_and_scheme_are_met_by_the_crossed_views() -> None:
    def pairs(views: list[View]) -> set[frozenset[object]]:
        return {frozenset(pair) for view in views for pair in combinations((view.language, view.width, view.scheme), 2)}

    assert pairs(CROSSED) == pairs(ALL)
    assert len(CROSSED) == 4
