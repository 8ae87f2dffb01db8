"""Drafts of the shipped documents, changed here and there."""

from __future__ import annotations

from server import drafts
from server.resources import data_dir
from tests.admin.visiting import COMPLAINTS, now


def text_of(name: str = COMPLAINTS) -> str:
    """The shipped text of a document."""
    return (data_dir("policies") / f"{name}.yaml").read_text("utf-8")


def draft(*changes: tuple[str, str], name: str = COMPLAINTS, text: str | None = None) -> int:
    """A draft of the document with each of the first texts in the place of the second; its number."""
    text = text_of(name) if text is None else text
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after, 1)
    return int(drafts.begin(name, text.encode(), drafts.caller("root"), now()).id)


HALF_AN_HOUR = ("until: respond, within: {A: 1h,", "until: respond, within: {A: 30m,")
"""The owner's change: an A issue gets 30 minutes."""
