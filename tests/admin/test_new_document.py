"""A new document is begun in the panel: empty, or of another one's text."""

from __future__ import annotations

import pytest

from server import drafts
from server.core import documents
from server.store.models import Draft
from tests.admin.visiting import Panel, words

PAGE = "/admin/drafts/new"
GIVEN = {"from": "empty:process", "name": "returns", "title_zh": "退货", "title_en": "Returns", "reason": "为了退货"}


@pytest.mark.parametrize("kind", ["process", "calendar", "source", "channels"])
def test_an_empty_document_of_each_kind_lands_in_the_editor(panel: Panel, kind: str) -> None:
    visitor = panel.visitor("root")
    assert "New document" in visitor.text("/admin/documents/")
    answer = visitor.post(PAGE, {**GIVEN, "from": f"empty:{kind}"})
    row = Draft.select().order_by(Draft.id.desc()).get()
    assert answer.headers["Location"].endswith(f"/admin/editor/{row.id}/")
    assert (row.kind, row.name, row.state, row.based_on_id, row.reason) == (kind, "returns", "draft", None, "为了退货")
    assert documents.read(bytes(row.data))[0].value == {  # type: ignore[union-attr]
        "kind": kind,
        "name": "returns",
        "title": {"zh": "退货", "en": "Returns"},
    }
    assert visitor.get(answer.headers["Location"]).status_code == 200
    assert "returns" in visitor.text("/admin/documents/")


def test_a_copy_keeps_everything_but_name_and_title(panel: Panel) -> None:
    visitor = panel.visitor("root", "zh")
    assert "客户投诉监控细则 (complaint-monitoring)" in visitor.text(PAGE)
    answer = visitor.post(PAGE, {**GIVEN, "from": "complaint-monitoring", "title_en": ""})
    assert answer.status_code == 303, words(answer.text)
    text = bytes(Draft.select().order_by(Draft.id.desc()).get().data).decode()
    standing = bytes(drafts.in_force("complaint-monitoring").data).decode()
    assert "\nname: returns" in text
    assert "title: {zh: 退货}" in text
    assert text[text.index("\nowner:") :] == standing[standing.index("\nowner:") :]


@pytest.mark.parametrize(
    ("more", "status", "said"),
    [
        ({"name": "complaint-monitoring"}, 409, "There is a document called complaint-monitoring already."),
        ({"name": "being-written"}, 409, "Draft 1 is of a document called being-written."),
        ({"name": "Returns"}, 422, "cannot name a document"),
        ({"name": ""}, 422, "cannot name a document"),
        ({"name": "<b>"}, 422, "cannot name a document"),
        ({"title_zh": "", "title_en": " "}, 422, "Give a title"),
        ({"from": "no-such-document"}, 404, "no-such-document"),
        ({"from": "empty:law"}, 404, "empty:law"),
        ({"from": ""}, 404, ""),
    ],
)
def test_what_cannot_be_begun_says_why_and_keeps_what_was_typed(
    panel: Panel, more: dict[str, str], status: int, said: str
) -> None:
    visitor = panel.visitor("root")
    drafts.create("empty:calendar", "being-written", {"en": "x"}, drafts.caller("root"), 1)
    answer = visitor.post(PAGE, {**GIVEN, **more})
    assert answer.status_code == status
    assert said in words(answer.text)
    assert "<b>" not in answer.text
    for name in ("title_en", "reason"):
        assert {**GIVEN, **more}[name].strip() in answer.text
    assert Draft.select().count() == 1


def test_who_may_not_propose_begins_nothing(panel: Panel) -> None:
    assert panel.visitor("ida").post(PAGE, GIVEN).status_code == 403
    assert panel.visitor("rita").get(PAGE).status_code == 403
    assert Draft.select().count() == 0
