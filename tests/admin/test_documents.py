"""The policy desk for reading: what is told of a document, its past, two versions side by side, who may look."""

from __future__ import annotations

import hashlib
import re

import pytest

from admin.documents import kept
from admin.documents.sides import sides
from server import drafts
from server.accounts import users
from server.core import checking
from server.core.moments import DAY, HOUR
from server.drafts.rights import caller
from server.store import database
from server.store.models import Draft, Role, Version
from tests.admin.visiting import COMPLAINTS, PASSWORD, Panel, now, receive
from tests.publishing import approved, publish

PATH = f"/admin/documents/{COMPLAINTS}"
PAGES = ("", "/history", "/compare", "/text", "/issues", "/download")


def text_of(name: str = COMPLAINTS) -> bytes:
    return bytes(drafts.in_force(name).data)


def second(at: int | None = None) -> None:
    """A second version: A complaints are answered in half an hour."""
    text = text_of().replace(b"within: {A: 1h, B: 4h, C: 24h}", b"within: {A: 30m, B: 4h, C: 24h}")
    publish(text, now() if at is None else at, "fu", "han", "A complaints <b>wait</b> too long")


def handed_in(name: str) -> Draft:
    """A draft of hers that waits for approval."""
    text = text_of(name) + b"# a remark\n"
    draft = drafts.begin(name, text, caller("fu"), now())
    found = drafts.check(draft, now())
    accepted = [{"code": one.code, "at": drafts.place(one)["at"]} for one in found]
    return drafts.submit(draft.id, caller("fu"), now(), "a remark", accepted)


# -- the desk ----------------------------------------------------------------------------------------------------


def test_the_desk_says_what_is_in_force_what_is_being_changed_and_what_takes_effect_next(panel: Panel) -> None:
    second()
    at = now()
    drafts.begin("cn-office", None, caller("fu"), at, "longer lunch")
    waiting = handed_in("contingency")
    drafts.approve(waiting.id, caller("han"), waiting.sha256, at, effective_at=at + 3 * DAY)
    page = panel.visitor("ida").text("/admin/documents/")
    assert "Monitoring of customer complaints" in page
    assert "by 傅晓梅, approved by 韩立群" in page
    assert "version 2" in page
    assert "being written 傅晓梅" in page
    assert "approved, waits for its time" in page
    assert re.search(r"takes effect \d+ \w+( \d{4})?, \d\d:\d\d", page)
    assert "Waiting for you" not in page


def test_the_desk_says_what_waits_for_whoever_looks(panel: Panel) -> None:
    at = now()
    for login in ("han", "fu"):
        users.set_password(login, PASSWORD, at)
    handed_in("cn-office")
    drafts.reject(handed_in("contingency").id, caller("han"), at, "not so")
    drafts.begin("improvement", None, caller("fu"), at)
    approver, author = panel.visitor("han").text("/admin/documents/"), panel.visitor("fu").text("/admin/documents/")
    assert "Approve it, or send it back Office hours" in approver
    assert "Mend it" not in approver
    assert "Mend it and hand it in again" in author
    assert "Finish it and hand it in" in author
    assert "Approve it" not in author


def test_a_review_that_is_due_is_said(panel: Panel) -> None:
    assert "review was due" not in panel.visitor("ida").text("/admin/documents/")
    text = text_of().replace(b"review: 6mo", b"review: 1d")
    publish(text, now() - 2 * DAY, "fu", "han")
    assert "review was due" in panel.visitor("ida").text("/admin/documents/")


def test_a_new_document_that_is_not_in_force_yet_is_on_the_desk(panel: Panel) -> None:
    text = text_of("cn-office").replace(b"name: cn-office", b"name: nights")
    drafts.begin("nights", text, caller("fu"), now())
    page = panel.visitor("ida").text("/admin/documents/")
    assert "New documents, not in force yet nights" in page


# -- one document ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            (
                "Complaint managers owns it",
                "First response",
                "In any stage that is not final",
                "Text message",
                "Hours by the clock under an office calendar: ",
            ),
        ),
        (
            "zh",
            ("投诉管理组", "首次响应", "任何未结束的阶段", "短信", "处理过程图", "办公日历下的时限按自然小时计算："),
        ),
    ],
)
def test_a_process_is_told_and_drawn_with_the_names_of_the_directory(panel: Panel, language, sentences) -> None:
    page = panel.visitor("ida", language).get(PATH).text
    for sentence in sentences:
        assert sentence in page, sentence
    assert page.count("<svg") == 2  # the workflow and a ladder
    assert "style=" not in page.partition("<main")[2]


def test_a_ladder_by_conditions_is_drawn_with_a_row_for_each_case(panel: Panel) -> None:
    by = "[{is: %s, when: {field: outage, is: true}}, {is: %s, when: {field: category, is: price}}]"
    head, ladders, text = text_of().decode().partition("\nladders:")
    for within, times in (("within: 4h}", ("30m", "2h")), ("within: 24h}", ("1h", "3h"))):
        assert within in text
        text = text.replace(within, f"within: {by % times}}}", 1)
    text = head + ladders + text
    publish(text, now())
    page = panel.visitor("ida").get(PATH).text
    rows = re.findall(r'<text class="rung-severity"[^>]*>[^<]*<title>([^<]*)</title>', page)
    assert len(rows) == 3
    assert rows[2] == "in all other cases"
    ticks = re.findall(r'<text class="rung-time"[^>]*>([^<]*)</text>', page)
    assert ticks == ["at once", "30 min", "30 min + 1 h", "2 h", "5 h"]
    # One case after the other: three rungs, three rungs, and the first until somebody acts.
    assert page.count('<rect class="rung rung-') == 7
    assert page.count("rung-stays") == 3
    # Rungs that go by different conditions have no common rows.
    publish(text.replace("category, is: price}}]", "category, is: product}}]", 1), now() + 1)
    assert '<text class="rung-severity"' not in panel.visitor("ida").get(PATH).text


def test_every_shipped_document_has_an_overview(panel: Panel) -> None:
    visitor = panel.visitor("ida")
    for name in (row.name for row in Version.select(Version.name).distinct()):
        page = visitor.text(f"/admin/documents/{name}")
        assert "In short" in page, name
        assert "None" not in page.replace("None (none)", "").replace("→ None", "").replace("无", ""), name


def test_a_calendar_shows_its_year_with_holidays_and_make_up_days(panel: Panel) -> None:
    visitor = panel.visitor("ida")
    page = visitor.get("/admin/documents/cn-office?year=2026").text
    assert re.search(r'<td class="day-holiday" title="[^"]*1 Oct[^"]* · public holiday">1<', page)
    assert re.search(r'<td class="day-makeup" title="[^"]*10 Oct[^"]* · make-up working day">10<', page)
    assert "not known to this version" not in page
    assert "not known to this version" in visitor.text("/admin/documents/cn-office?year=2150")
    for year in ("0", "-5", "999999", "x", ""):
        assert visitor.get(f"/admin/documents/cn-office?year={year}").status_code == 200


def test_an_earlier_version_says_that_it_is_not_in_force(panel: Panel) -> None:
    second()
    visitor = panel.visitor("ida")
    assert "This is not what is in force now" in visitor.text(f"{PATH}?version=1")
    assert "This is not what is in force now" not in visitor.text(PATH)
    for path in ("?version=3", "?version=x", "/compare?from=9", "/text?version=-1", "/issues?version=0"):
        assert visitor.get(PATH + path).status_code == 404, path


def test_markup_in_a_text_is_shown_and_does_nothing(panel: Panel) -> None:
    nasty = '<script>alert(1)</script><b>"&'
    text = text_of("contingency").decode()
    for part in ("开始处置", "特别紧急", "已受理", "应急预案", "问题背景", "响应"):
        text = text.replace(f"zh: {part}", f"zh: '{nasty}'")
    publish(text, now())
    visitor = panel.visitor("ida", "zh")
    for page in PAGES[:-1]:
        answer = visitor.get(f"/admin/documents/contingency{page}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text, page
        assert "<b>&#34;" not in answer.text, page


# -- the past ----------------------------------------------------------------------------------------------------


def test_the_past_says_who_when_why_and_approved_by_whom(panel: Panel) -> None:
    second()
    page = panel.visitor("ida").get(f"{PATH}/history").text
    assert "Proposed by 傅晓梅: A complaints &lt;b&gt;wait&lt;/b&gt; too long" in page
    assert "Approved by 韩立群" in page
    assert "(put in force by 韩立群)" in page
    assert hashlib.sha256(text_of()).hexdigest() in page
    draft = Draft.get(Draft.name == COMPLAINTS)
    assert f'href="/admin/drafts/{draft.id}/"' in page
    assert "roll-back" not in page
    page = panel.visitor("root").get(f"{PATH}/history").text
    assert f'href="/admin/drafts/roll-back/{COMPLAINTS}/1"' in page
    assert f'href="/admin/drafts/roll-back/{COMPLAINTS}/2"' not in page


def test_it_says_which_version_was_in_force_at_a_moment(panel: Panel) -> None:
    first = Version.get(Version.name == COMPLAINTS)
    began = first.activations.first().from_at
    second(began + 5 * HOUR)
    visitor = panel.visitor("ida")

    def at(moment: int) -> str:
        from admin import clock

        with panel.app.test_request_context():
            return visitor.text(f"{PATH}/history?at={clock.typed(moment)}")

    assert "no version of this document was in force" in at(began - HOUR)
    assert "version 1 was in force" in at(began + HOUR)
    assert "version 1 was in force" in at(began + 5 * HOUR - 1000)
    assert "version 2 was in force" in at(began + 5 * HOUR + 1000)
    for bad in ("yesterday", "2026-13-01", "<b>"):
        page = visitor.get(f"{PATH}/history?at={bad}").text
        assert "is no time; write it like" in page
        assert "<b>”" not in page


def test_a_long_past_is_shown_in_pages(panel: Panel) -> None:
    for minutes in range(1, 56):
        approved(text_of().replace(b"A: 1h,", f"A: {minutes}m,".encode()), now() + minutes)
    visitor = panel.visitor("ida")
    page = visitor.get(f"{PATH}/history").text
    assert page.count('<li class="line line') == 50
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert visitor.get(following[1]).text.count('<li class="line line') == 6


def test_a_document_of_one_version_is_not_compared_with_itself(panel: Panel) -> None:
    page = panel.visitor("ida").text(f"{PATH}/compare")
    assert "There is only one version of this document" in page
    assert "Versions 1 and 1" not in page


def test_two_versions_are_told_apart_in_meaning_and_line_by_line(panel: Panel) -> None:
    second()
    visitor = panel.visitor("ida")
    page = visitor.get(f"{PATH}/compare?from=1&to=2").text
    assert "clock “First response”: severity A Urgent, Within 1 h → 30 min" in page
    assert "<del>1h</del>" in page
    assert "<ins>30m</ins>" in page
    assert "lines that are the same" in page
    whole = visitor.get(f"{PATH}/compare?from=1&to=2&whole=1").text
    assert whole.count('class="side-same"') > page.count('class="side-same"')
    assert "Nothing: both mean the same." in visitor.text(f"{PATH}/compare?from=2&to=2")
    assert "severity A Urgent, Within 30 min → 1 h" in visitor.text(f"{PATH}/compare?from=2&to=1")


def test_a_text_that_is_no_document_is_compared_by_its_lines(panel: Panel) -> None:
    base = Version.get(Version.name == "cn-office")
    broken = b"kind: calendar\nname: [\n"
    sha256 = hashlib.sha256(broken).hexdigest()
    with database.transaction():
        Version.create(
            kind="calendar", name="cn-office", number=2, sha256=sha256, data=broken, origin=Version.PROPOSED,
            author="fu", approver="han", based_on=base, created_at=now(),
        )  # fmt: skip
    visitor = panel.visitor("ida")
    assert "cannot be read as a document" in visitor.text("/admin/documents/cn-office/compare?from=1&to=2")
    assert visitor.get("/admin/documents/cn-office?version=2").status_code == 200


def test_the_bytes_of_a_version_are_downloaded_as_they_are(panel: Panel) -> None:
    answer = panel.visitor("ida").get(f"{PATH}/download?version=1")
    assert answer.get_data() == text_of()
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert f"{COMPLAINTS}-1.yaml" in answer.headers["Content-Disposition"]
    assert answer.mimetype == "application/octet-stream"


def test_the_issues_that_a_version_judges_are_listed_in_pages(panel: Panel) -> None:
    older = [receive(f"matter {number}") for number in range(52)]
    second()
    newer = receive("a later matter")
    visitor = panel.visitor("ida")
    page = visitor.get(f"{PATH}/issues?version=1").text
    assert "52 issues are judged by this version" in page
    assert older[-1] in page
    assert newer not in page
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    assert older[0] in visitor.get(following[1].replace("&amp;", "&")).text
    assert newer in visitor.text(f"{PATH}/issues?version=2")
    assert visitor.get(f"{PATH}/issues?after=x").status_code == 200


@pytest.mark.parametrize("page", ["", "/history", "/compare", "/issues"])
def test_a_page_asks_the_store_as_often_for_many_versions_as_for_few(panel: Panel, page: str) -> None:
    second()
    visitor = panel.visitor("ida")

    def asked() -> int:
        visitor.get(PATH + page)
        statements: list[str] = []
        connection = database.current().db.connection()
        connection.set_trace_callback(statements.append)
        try:
            visitor.get(PATH + page)
        finally:
            connection.set_trace_callback(None)
        return len(statements)

    few = asked()
    assert few > 3
    for hours in range(1, 30):
        approved(text_of().replace(b"keep: 5y", f"keep: {hours}y".encode()), now() + hours)
    assert asked() == few


def test_what_is_found_does_not_depend_on_documents_that_are_not_named(panel: Panel) -> None:
    found = {}
    for row in Version.select():
        context = [(f"{one.name}.yaml", bytes(one.data)) for one in Version.select() if one.name != row.name]
        file = (f"{row.name}.yaml", bytes(row.data))
        found[row.name] = [str(one) for one in checking.check([file], now(), context, examples=False)]
        assert [str(one) for one in kept.findings(row, now())] == found[row.name], row.name
    assert len(found) > 20


# -- who may look ------------------------------------------------------------------------------------------------


def test_an_auditor_reads_all_of_it_and_changes_nothing(panel: Panel) -> None:
    with database.transaction():
        Role.create(name="auditing", title="auditing", permissions=["audit.read"])
        from server import directory

        directory.changed()
    users.add_user("audrey", now(), roles=["auditing"], password=PASSWORD, name="Audrey")
    number = receive("a secret subject")
    visitor = panel.visitor("audrey")
    before = Draft.select().count(), Version.select().count()
    for page in PAGES:
        answer = visitor.get(PATH + page)
        assert answer.status_code == 200, page
        assert "/editor/of/" not in answer.text
        assert "a secret subject" not in answer.text
        assert visitor.post(PATH + page).status_code in (403, 405)
    assert number in visitor.text(f"{PATH}/issues")
    assert visitor.get(f"/admin/issues/{number}").status_code == 403
    assert visitor.post(f"/admin/editor/of/{COMPLAINTS}").status_code == 403
    assert f"/admin/editor/of/{COMPLAINTS}" in panel.visitor("root").get(PATH).text
    assert (Draft.select().count(), Version.select().count()) == before


# -- why an issue was judged so ------------------------------------------------------------------------------------


def test_an_issue_says_why_it_was_judged_so_and_by_which_versions(panel: Panel) -> None:
    number = receive("系统中断", outage=True)
    page = panel.visitor("ida").get(f"/admin/issues/{number}").text
    assert "Why it was judged so" in page
    assert "Severity: Urgent" in page
    assert "rule 1: 服务中断" not in page
    assert "rule 1: Outage is yes or " in page
    assert "It saw: Outage = yes" in page
    assert "looked up under “Product or service”" in page
    assert f'href="/admin/documents/{COMPLAINTS}?version=1"' in page
    second()
    assert "Monitoring of customer complaints, version 1" in panel.visitor("rita").text(f"/admin/issues/{number}")
    assert f'href="/admin/documents/{COMPLAINTS}' not in panel.visitor("rita").get(f"/admin/issues/{number}").text


# -- side by side --------------------------------------------------------------------------------------------------


def test_the_sides_hold_every_line_of_both_texts_in_order() -> None:
    older = "\n".join(f"line {number}" for number in range(100))
    newer = older.replace("line 50\n", "").replace("line 70", "line seventy").replace("line 3\n", "line 3\nnew\n")
    for whole in (True, False):
        pairs = sides(older, newer, whole)
        count = sum(pair.count for pair in pairs)
        assert len([pair for pair in pairs if pair.older]) + count == 100
        assert len([pair for pair in pairs if pair.newer]) + count == 100
        assert [pair.kind for pair in pairs if pair.kind not in ("same", "folded")] == ["new", "gone", "changed"]
    whole_pairs = sides(older, newer, True)
    assert "\n".join("".join(t for t, _ in pair.newer.pieces) for pair in whole_pairs if pair.newer) == newer
    assert "\n".join("".join(t for t, _ in pair.older.pieces) for pair in whole_pairs if pair.older) == older
    assert sides("", "") == []
    assert [pair.kind for pair in sides("a", "b")] == ["changed"]
    assert [pair.kind for pair in sides("", "b")] == ["new"]


def test_large_texts_of_like_lines_are_compared_in_a_moment() -> None:
    import time

    begun = time.process_time()
    sides("a\n" * 60_000 + "b\n", "c\n" + "a\n" * 50_000 + "d\n" + "a\n" * 100)
    sides("x" * 200_000, "y" * 200_000)
    assert time.process_time() - begun < 5
