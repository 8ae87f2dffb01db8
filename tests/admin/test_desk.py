"""The desk: finding issues, reading one, doing something about it."""

from __future__ import annotations

import re

import pytest

from server import acting, issues
from server.core.moments import DAY, HOUR, MINUTE
from server.recording import held
from server.store.models import Event, Issue, Message, Version
from server.sweep import sweep
from tests.admin.visiting import COMPLAINTS, Panel, now, receive, words
from tests.publishing import approved


def numbers(text: str) -> list[str]:
    """The issues of a list, in its order."""
    return list(dict.fromkeys(re.findall(r"/admin/issues/(YS\d+)\"", text)))


# -- the list ---------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_is_due_next_and_marks_what_is_overdue(panel: Panel) -> None:
    late = receive("已晚", outage=True, at=now() - 2 * HOUR)
    early = receive("刚到")
    answer = panel.visitor("gong").get("/admin/issues/")
    assert numbers(answer.text) == [early, late]
    rows = {number: row for row in answer.text.split("<tr")[2:] if (number := numbers(row)[0])}
    assert 'class="overdue"' in rows[late]
    assert re.search(r"1 hour 30 minutes late Odd record set aside · \d+ \w+, \d\d:\d\d", words(rows[late]))
    assert 'class="overdue"' not in rows[early]
    assert "in 29 minutes Odd record set aside" in words(rows[early])
    assert "A Urgent" in words(rows[late])


def test_filters_narrow_the_list(panel: Panel) -> None:
    urgent = receive("服务中断", outage=True)
    plain = receive("咨询发票")
    visitor = panel.visitor("gong")

    def found(query: str) -> list[str]:
        return numbers(visitor.get(f"/admin/issues/?{query}").text)

    assert found("severity=A") == [urgent]
    assert found("q=发票") == [plain]
    assert found(f"q={urgent}") == [urgent]
    assert found("q=%25") == []
    assert found("stage=recorded&process=complaint-monitoring") == [plain, urgent]
    assert found("stage=closed") == []
    assert found("state=closed") == []
    assert found("team=finance") == []
    assert found("owner=me") == []
    owner = held(urgent).case.owner
    assert owner is not None
    Issue.update(owner="gong").where(Issue.number == urgent).execute()
    assert found("owner=me") == [urgent]
    assert "No issue fits these filters." in visitor.text("/admin/issues/?q=nothing-like-it")


def test_older_issues_are_on_the_next_page(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.listing.SIZE", 2)
    made = [receive(f"第 {count} 件") for count in range(5)]
    visitor = panel.visitor("gong")
    seen: list[str] = []
    path: str | None = "/admin/issues/?process=complaint-monitoring"
    while path:
        text = visitor.get(path).text
        seen += numbers(text)
        link = re.search(r'rel="next" href="([^"]+)"', text)
        path = link[1].replace("&amp;", "&") if link else None
    assert seen == made[::-1]


def test_an_issue_whose_policy_does_not_compile_any_more_is_listed_all_the_same(panel: Panel) -> None:
    number = receive()
    row = Issue.get(Issue.number == number)
    shipped = Version.get_by_id(row.version_id)
    broken = approved(bytes(shipped.data).replace(b"calendar: cn-office", b"calendar: gone"), now())
    Issue.update(pins={**row.pins, "process": broken}).where(Issue.number == number).execute()
    answer = panel.visitor("gong").get("/admin/issues/")
    assert answer.status_code == 200
    assert number in answer.text


# -- one issue --------------------------------------------------------------------------------------------------------


def test_each_line_of_the_timeline_says_why(panel: Panel) -> None:
    number = receive(outage=True, harm=["money"], amount=20000)
    text = panel.visitor("chen").text(f"/admin/issues/{number}")
    assert "Severity is Urgent: rule 1, because Outage = yes" in text
    assert "“department” is “technical_support”: looked up under “Product or service”, because Category = " in text
    assert "“First response” started, due " in text
    assert "the system: Recorded, stage Recorded" in text


def test_clocks_messages_and_facts_are_shown_by_their_names(panel: Panel) -> None:
    start = now() - 3 * HOUR
    number = receive(outage=True, at=start)
    while sweep(now()):
        pass
    text = panel.visitor("root").text(f"/admin/issues/{number}")
    assert "First response overdue due " in text
    assert re.search(r"2 hours late", text)
    assert "The channel is not set up".lower() in text.lower()
    assert "not sent" in text
    assert "Customer 华兴科技" in text
    assert Message.select().where(Message.state == Message.UNSENT).exists()


def test_private_facts_are_for_those_who_handle_the_issue(panel: Panel) -> None:
    number = receive(phone="13812345678", by="gong")
    assert "13812345678" in panel.visitor("gong").text(f"/admin/issues/{number}")
    outsider = panel.visitor("rita").text(f"/admin/issues/{number}")
    assert "13812345678" not in outsider
    assert "One private fact is hidden from you." in outsider
    assert "13812345678" in panel.visitor("ida").text(f"/admin/issues/{number}")


def test_text_from_outside_is_text(panel: Panel) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"
    number = receive(nasty, customer=nasty, summary=nasty)
    visitor = panel.visitor("gong")
    for path in (f"/admin/issues/{number}", "/admin/issues/", "/admin/issues/?q=" + nasty):
        text = visitor.get(path).text
        assert "<script>alert" not in text
        assert "<img" not in re.sub(r'<img src="/admin/assets/[^>]*>', "", text)
        assert "{{7*7}}" in text


def test_a_reader_sees_no_actions(panel: Panel) -> None:
    number = receive()
    text = panel.visitor("rita").get(f"/admin/issues/{number}").text
    assert "There is nothing that you can do on this issue now." in text
    assert 'class="action"' not in text


# -- doing ------------------------------------------------------------------------------------------------------------


def owner_of(number: str) -> str:
    owner = held(number).case.owner
    assert owner is not None
    return owner


def handled(panel: Panel) -> tuple[str, str]:
    """An issue that its owner has answered: its number and the owner, who can sign in."""
    from server.accounts import set_password
    from tests.admin.visiting import PASSWORD

    number = receive()
    owner = owner_of(number)
    acting.act(number, "respond", owner, {}, now())
    set_password(owner, PASSWORD, now())
    return number, owner


def test_an_action_is_done_and_stands_on_the_timeline(panel: Panel) -> None:
    number, owner = handled(panel)
    visitor = panel.visitor(owner)
    answer = visitor.post(f"/admin/issues/{number}/actions/offer", {"solution": "换新设备\r\n并致歉", "wording": ""})
    assert answer.status_code == 303, words(answer.text)
    case = held(number).case
    assert (case.stage, case.facts["solution"]) == ("offered", "换新设备\n并致歉")
    text = visitor.text(f"/admin/issues/{number}")
    assert "Done: Tell the customer" in text
    assert "Tell the customer, stage Customer told (Solution: 换新设备 并致歉)" in text
    event = Event.select().order_by(Event.id.desc()).get()
    assert (event.kind, event.by) == ("action", owner)


def test_a_refused_form_keeps_what_was_typed_with_the_problem_at_its_field(panel: Panel) -> None:
    number, owner = handled(panel)
    for language, problem in (("en", "Solution must be given"), ("zh", "解决方案 必须填写")):
        visitor = panel.visitor(owner, language)
        answer = visitor.post(f"/admin/issues/{number}/actions/offer", {"solution": "", "wording": "先<b>道歉</b>"})
        assert answer.status_code == 422
        fields = {name: part for part in answer.text.split('data-field="')[1:] if (name := part.split('"')[0])}
        form = answer.text.split('id="action-offer"')[1].split("</details>")[0]
        assert form.split(">")[0].strip().startswith("open") or " open" in form.split(">")[0]
        at_solution = form.split('data-field="solution"')[1].split('data-field="wording"')[0]
        assert problem in words(at_solution)
        assert 'aria-invalid="true"' in at_solution
        assert "先&lt;b&gt;道歉&lt;/b&gt;</textarea>" in form.split('data-field="wording"')[1]
        assert fields
    assert held(number).case.stage == "handling"


def test_an_action_that_is_not_possible_any_more_shows_what_was_typed(panel: Panel) -> None:
    number, owner = handled(panel)
    visitor = panel.visitor(owner)
    acting.act(number, "offer", owner, {"solution": "已解决"}, now())
    answer = visitor.post(f"/admin/issues/{number}/actions/offer", {"solution": "另一个方案"})
    assert answer.status_code == 409
    assert "Not done: not in this stage." in words(answer.text)
    assert "另一个方案" in answer.text
    assert held(number).case.facts["solution"] == "已解决"


def test_what_a_policy_gives_to_others_is_refused_and_noted(panel: Panel) -> None:
    from server.store.models import AuditEntry

    number, owner = handled(panel)
    assert owner != "gong"
    answer = panel.visitor("gong").post(f"/admin/issues/{number}/actions/offer", {"solution": "我来"})
    assert answer.status_code == 403
    assert "Not done: not by this person." in words(answer.text)
    assert AuditEntry.select().where(AuditEntry.kind == "issue.refused", AuditEntry.by == "gong").count() == 1


def test_an_edit_sends_only_what_was_changed(panel: Panel) -> None:
    number = receive(location="上海", member="M-1")
    visitor = panel.visitor("gong")
    form = visitor.get(f"/admin/issues/{number}").text.split('id="action-edit"')[1].split("</details>")[0]
    before = dict(re.findall(r'name="before\.(\w+)" value="([^"]*)"', form))
    assert before["location"] == "上海"
    acting.act(number, "edit", "gong", {"member": "M-2"}, now())
    sent = {name: value for name, value in before.items() if value} | {"location": "", "reference": "400-1"}
    hidden = {f"before.{name}": value for name, value in before.items()}
    answer = visitor.post(f"/admin/issues/{number}/actions/edit", {**sent, **hidden})
    assert answer.status_code == 303, words(answer.text)
    facts = held(number).case.facts
    assert "location" not in facts
    assert facts["reference"] == "400-1"
    assert facts["member"] == "M-2"
    last = issues.timeline(number)[-1]
    given = next(line for line in issues.timeline(number)[::-1] if line["kind"] == "action")["with"]
    assert given == {"location": None, "reference": "400-1"}, last


def test_assigning_and_judging_by_hand_offer_names(panel: Panel) -> None:
    number = receive()
    visitor = panel.visitor("mo")
    text = visitor.get(f"/admin/issues/{number}").text
    assert '<option value="severity=B">High</option>' in text
    answer = visitor.post(f"/admin/issues/{number}/actions/reclassify", {"value": "severity=B", "reason": ""})
    assert answer.status_code == 422
    assert "Reason must be given" in answer.text
    assert '<option value="severity=B" selected>' in answer.text
    answer = visitor.post(f"/admin/issues/{number}/actions/reclassify", {"value": "severity=B", "reason": "重要客户"})
    assert answer.status_code == 303
    assert held(number).case.values["severity"] == "B"


# -- a new issue ------------------------------------------------------------------------------------------------------


def test_a_new_issue_is_judged_and_shown(panel: Panel) -> None:
    visitor = panel.visitor("gong")
    assert "Monitoring of customer complaints" in visitor.text("/admin/new-issue/")
    given = {
        "subject": "无法下单", "received": "2026-03-02T09:00", "customer": "华兴", "reference": "1", "summary": "x",
        "category": "product", "outage": "true", "harm": ["money", "data"], "amount": "１２.５",
        "phone": " 13800000000 ",
    }  # fmt: skip
    answer = visitor.post(f"/admin/new-issue/?process={COMPLAINTS}", given)
    assert answer.status_code == 303, words(answer.text)
    number = answer.headers["Location"].rsplit("/", 1)[1]
    case = held(number).case
    assert case.receiver == "gong"
    assert case.values["severity"] == "A"
    assert (case.facts["harm"], case.facts["amount"], case.facts["outage"]) == (["money", "data"], 12.5, True)
    assert case.facts["phone"] == "13800000000"
    # Nine o'clock is that of the process's calendar.
    assert held(number).pinned.process.calendar.show(case.facts["received"]) == "2026-03-02T09:00:00+08:00"
    assert f"Issue {number} is recorded." in visitor.text(f"/admin/issues/{number}")


def test_a_refused_new_issue_keeps_everything(panel: Panel) -> None:
    given = {
        "subject": "", "amount": "12 元", "email": "no address", "harm": ["data"], "category": "price",
        "goes_on": "nobody", "description": "第一行\r\n第二行", "outage": "false", "solution": "待定",
    }  # fmt: skip
    answer = panel.visitor("gong", "zh").post(f"/admin/new-issue/?process={COMPLAINTS}", given)
    assert answer.status_code == 422
    text = answer.text
    for problem in ("主题 必须填写", "应为数字", "没有启用的人员“nobody”"):
        assert problem in text, problem
    assert 'value="12 元"' in text
    assert 'value="no address"' in text
    assert re.search(r'value="data" checked', text)
    assert '<option value="price" selected>' in text
    assert '<option value="false" selected>' in text
    assert '<option value="nobody" selected>' in text
    assert "第一行\n第二行</textarea>" in text
    assert "待定</textarea>" in text
    assert Issue.select().count() == 0


# -- asked, and by hand -----------------------------------------------------------------------------------------------


def test_a_task_by_hand_is_confirmed_on_the_page(panel: Panel) -> None:
    from server import intake

    number = receive(outage=True)
    issue = Issue.get(Issue.number == number)
    first = Message.select().where(Message.issue == issue).get()
    Message.update(
        state=Message.MANUAL, notice="ladder.complaint.1", payload={**first.payload, "counted": False}
    ).where(Message.id == first.id).execute()
    visitor = panel.visitor("root")
    assert "Done, confirm" in visitor.text(f"/admin/issues/{number}")
    answer = visitor.post(f"/admin/issues/{number}/tasks/{first.id}/confirm")
    assert answer.status_code == 303
    assert Message.get_by_id(first.id).state == Message.CONFIRMED
    assert "Done, confirm" not in visitor.text(f"/admin/issues/{number}")
    assert visitor.post(f"/admin/issues/{number}/tasks/{10**6}/confirm").status_code == 404
    assert intake.find("", "x") is None


def test_a_long_timeline_begins_with_its_latest_lines(panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admin.showing.RECENT", 3)
    number = receive(outage=True, at=now() - DAY + MINUTE)
    visitor = panel.visitor("gong")
    short = visitor.get(f"/admin/issues/{number}").text
    assert short.count('<li class="line ') == 3
    assert "earlier lines" in short
    whole = visitor.get(f"/admin/issues/{number}?whole=1").text
    assert whole.count('<li class="line ') == len(issues.timeline(number))
