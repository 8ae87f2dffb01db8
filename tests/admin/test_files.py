"""Files on the page of an issue: attached by a form, saved by a link, for those who may."""

from __future__ import annotations

import io
import re

from server.store.models import Attachment
from tests.admin.visiting import Panel, Visitor, receive


def attach(visitor: Visitor, number: str, data: bytes, name: str) -> str:
    path = f"/admin/issues/{number}"
    answer = visitor.post(
        f"{path}/files", {"file": (io.BytesIO(data), name)}, content_type="multipart/form-data", follow_redirects=True
    )
    assert answer.status_code == 200
    return answer.text


def test_a_file_is_attached_by_a_form_and_saved_by_its_link(panel: Panel) -> None:
    number = receive()
    visitor = panel.visitor("gong")
    assert 'enctype="multipart/form-data"' in visitor.get(f"/admin/issues/{number}").text
    page = attach(visitor, number, b"<script>alert(1)</script>", "<b>合同.html")
    assert "Done." in page
    assert "&lt;b&gt;合同.html" in page
    assert "<b>合同.html" not in page
    link = re.search(rf'href="(/admin/issues/{number}/files/\d+)" download', page)
    assert link is not None
    answer = visitor.get(link[1])
    assert answer.get_data() == b"<script>alert(1)</script>"
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    # rita reads issues, and sees no private fields.
    page = panel.visitor("rita").get(f"/admin/issues/{number}").text
    assert "合同.html" in page
    assert "files/" not in page
    assert panel.visitor("rita").get(link[1]).status_code == 403
    assert visitor.get(f"/admin/issues/{receive()}/files/1").status_code == 404


def test_what_is_too_large_or_nothing_is_said_and_not_kept(panel: Panel) -> None:
    number = receive()
    visitor = panel.visitor("gong")
    assert "at most 10 MiB" in attach(visitor, number, b"x" * (10 * 1024 * 1024 + 1), "a")
    assert "Choose a file first" in attach(visitor, number, b"", "")
    huge = {"text": "x" * (3 << 20)}
    assert visitor.post(f"/admin/issues/{number}/actions/comment", huge).status_code == 413
    assert Attachment.select().count() == 0
