"""Two changes of one text side by side: what somebody has to choose, what is put together by itself."""

from __future__ import annotations

import random

from server import drafts
from server.drafts.merging import places
from server.store.models import Draft
from tests.drafts.conftest import MATTERS, NAME, approved, changed, submitted, who
from tests.drafts.test_life import refused
from tests.server.conftest import MONDAY


def rebased(mine: bytes, theirs: bytes) -> drafts.ThreeWay:
    """The draft of one beside the other, which came into force meanwhile."""
    draft = drafts.begin(NAME, mine, who("fu"), MONDAY, "mine")
    approved(submitted(theirs, "meng"))
    return drafts.three_way(drafts.one(draft.id))


def test_what_is_apart_is_put_together_without_a_choice() -> None:
    three = rebased(changed(("zh: 事项", "zh: 各项")), changed())
    assert three.open == []
    assert drafts.joined(three, []).encode() == changed(("zh: 事项", "zh: 各项"), text=changed().decode())
    assert len(three.mine_said) == 1
    assert three.touching == []


def test_what_both_changed_is_chosen_and_named_in_words() -> None:
    three = rebased(changed(("A: 1h", "A: 45m"), ("T10:00", "T09:45")), changed())
    assert len(three.touching) == 2
    assert "45" in three.touching[0][0]["text"]["en"]
    clock, example = three.open
    assert "45" in clock.said["mine"][0]["en"]
    assert "30" in clock.said["theirs"][0]["en"]
    assert "".join(clock.base).strip().startswith("answer: ")
    texts = {choice: drafts.joined(three, [choice, choice]) for choice in ("base", "mine", "theirs")}
    assert texts["base"] == MATTERS
    assert "A: 45m" in texts["mine"]
    assert texts["theirs"].encode() == changed()
    both = drafts.joined(three, ["both", "mine"])
    assert both.index("A: 30m") < both.index("A: 45m")
    assert example.line > clock.line


def test_lines_that_are_apart_and_touch_the_same_are_chosen_too() -> None:
    moved = MATTERS.replace(
        "actions:\n  close: {title: {zh: 关闭, en: Close}, from: received, to: closed, by: anyone}\n",
        "actions:\n  close:\n    title: {zh: 关闭, en: Close}\n    from: received\n    to: closed\n    by: anyone\n",
    )
    mine = moved.replace("en: Close}", "en: Shut}")
    three = rebased(mine.encode(), changed(("by: anyone", "by: owner")))
    assert all(place.kind != "conflict" or place.base for place in three.places)
    assert len(three.open) == 1


def test_what_somebody_put_together_by_hand_is_kept_with_all_authors() -> None:
    draft = submitted(changed(("A: 1h", "A: 45m"), ("T10:00", "T09:45")))
    approved(submitted(by="meng"), "tao")
    three = drafts.three_way(drafts.one(draft.id))
    text = drafts.joined(three, ["mine", "mine"])
    fresh = drafts.rebase(draft.id, who("meng"), MONDAY + 1, text.encode())
    assert (fresh.state, bytes(fresh.data).decode(), drafts.authors(fresh)) == (Draft.DRAFT, text, {"fu", "meng"})
    assert drafts.one(draft.id).state == Draft.WITHDRAWN
    assert drafts.submit(fresh.id, who("fu"), MONDAY + 1).state == Draft.SUBMITTED


def test_what_needs_no_rebase_has_no_three_sides() -> None:
    draft = submitted()
    with refused("rebase-not-needed", 409):
        drafts.three_way(draft)


def test_texts_that_cannot_be_read_are_compared_by_lines_alone() -> None:
    three = rebased(b"kind: process\n  name: [\n", changed())
    assert three.unreadable
    assert three.open
    assert all(drafts.joined(three, [choice] * len(three.open)) for choice in drafts.CHOICES)


def test_choosing_one_side_everywhere_gives_its_text_where_only_it_changed() -> None:
    chance = random.Random(7)
    for _ in range(300):
        base = [f"{chance.choice('abc')}\n" for _ in range(chance.randrange(12))]
        mine, theirs = (mutated(base, chance) for _ in range(2))
        found = places("".join(base), "".join(mine), "".join(theirs))
        for side, text in (("base", base), ("mine", mine), ("theirs", theirs)):
            assert [line for place in found for line in getattr(place, side)] == text
        if mine == base:
            assert [line for place in found for line in place.theirs] == theirs
            assert all(place.kind in ("same", "theirs") for place in found)


def mutated(lines: list[str], chance: random.Random) -> list[str]:
    found = list(lines)
    for _ in range(chance.randrange(4)):
        at = chance.randrange(len(found) + 1)
        found[at : at + chance.randrange(2)] = [f"{chance.choice('abcx')}\n"] * chance.randrange(3)
    return found
