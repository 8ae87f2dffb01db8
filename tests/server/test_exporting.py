"""Issues and events for other programs: whole, sound in each format, without private fields and without formulas."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator, FormatChecker

from server import acting, exporting, intake, issues
from server.exporting import reading
from server.exporting.tables import cell
from server.exporting.xlsx import Workbook
from server.store.database import Store
from server.store.models import AuditEntry, Issue
from tests.server.conftest import MONDAY

PROCESS = "complaint-monitoring"
FACTS = {"subject": "=1+1", "customer": "+甲公司", "phone": "13800000000", "reference": "r", "summary": "a\nb",
         "category": "price", "outage": True, "amount": 12.5}  # fmt: skip

# The rules of ocel20-schema-json.json (ocel-standard.org).
ATTRIBUTE = {"type": "object", "required": ["name", "type"], "properties": {
    "name": {"type": "string"}, "type": {"enum": ["string", "time", "integer", "float", "boolean"]}}}  # fmt: skip
NAMED = {"type": "object", "required": ["name", "attributes"], "properties": {
    "name": {"type": "string"}, "attributes": {"type": "array", "items": ATTRIBUTE}}}  # fmt: skip
RELATED = {"type": "array", "items": {"type": "object", "required": ["objectId", "qualifier"], "properties": {
    "objectId": {"type": "string"}, "qualifier": {"type": "string"}}}}  # fmt: skip
TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
OCEL = {"type": "object", "required": ["eventTypes", "objectTypes", "events", "objects"], "properties": {
    "eventTypes": {"type": "array", "items": NAMED},
    "objectTypes": {"type": "array", "items": NAMED},
    "events": {"type": "array", "items": {"type": "object", "required": ["id", "type", "time"], "properties": {
        "id": TEXT, "type": TEXT, "time": TIME, "relationships": RELATED, "attributes": {"type": "array", "items": {
            "type": "object", "required": ["name", "value"], "properties": {"name": TEXT, "value": TEXT}}}}}},
    "objects": {"type": "array", "items": {"type": "object", "required": ["id", "type"], "properties": {
        "id": TEXT, "type": TEXT, "relationships": RELATED, "attributes": {"type": "array", "items": {
            "type": "object", "required": ["name", "value", "time"],
            "properties": {"name": TEXT, "value": TEXT, "time": TIME}}}}}}}}  # fmt: skip


@pytest.fixture
def number(open_for_business: Store) -> str:
    made = intake.receive(PROCESS, FACTS, MONDAY, by="gong").number
    acting.act(made, "edit", "gong", {"customer": "乙", "phone": "13900000000"}, MONDAY + 60_000)
    return made


def exported(format: str, **more: Any) -> bytes:
    to = io.BytesIO()
    exporting.export(PROCESS, format, to, MONDAY + 120_000, **more)
    return to.getvalue()


def test_a_line_is_an_issue_with_its_timeline(number: str) -> None:
    (line,) = exported("jsonl").splitlines()
    found = json.loads(line)
    assert (found["number"], found["facts"]["customer"], found["stage"]) == (number, "乙", "recorded")
    assert "phone" not in found["facts"]
    assert found["timeline"] == issues.timeline(number, "admin", ())
    assert b"139" not in line
    private = json.loads(exported("jsonl", private=True, by="admin"))
    assert private["facts"]["phone"] == "13900000000"
    assert private["timeline"] == issues.timeline(number)


def test_exactly_what_was_received_in_the_time_asked_for_is_written_whatever_came_between(
    open_for_business: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    numbers = [intake.receive(PROCESS, FACTS, MONDAY + number, by="gong").number for number in range(20)]
    # Not in the order in which they were written down; some closed, some of another process.
    received = {number: MONDAY + (7 * place) % 20 for place, number in enumerate(numbers)}
    for number, at in received.items():
        Issue.update(received_at=at, final=at % 3 == 0).where(Issue.number == number).execute()
    others = numbers[4::5]
    Issue.update(process="other").where(Issue.number.in_(others)).execute()
    for since, until in ((None, None), (5, None), (None, 12), (5, 12), (19, 20), (50, None)):
        start, end = (None if one is None else MONDAY + one for one in (since, until))
        said: list[tuple[int, int]] = []
        found = exported("jsonl", since=start, until=end, progress=lambda *told, said=said: said.append(told))
        meant = [
            number
            for number, at in received.items()
            if number not in others and (start is None or at >= start) and (end is None or at < end)
        ]
        assert [json.loads(line)["number"] for line in found.splitlines()] == meant, (since, until)
        assert not meant or said[-1] == (len(meant), len(meant))


def test_what_comes_after_an_export_began_is_not_in_it(number: str) -> None:
    export = reading.Export(PROCESS, False, lambda done, all: None)
    intake.receive(PROCESS, FACTS, MONDAY + 1, by="gong")
    assert [one.issue["number"] for one in export.issues()] == [number]


def test_who_exports_stands_in_the_audit_trail(number: str) -> None:
    exported("csv", by="admin")
    (entry,) = AuditEntry.select().where(AuditEntry.kind == "export")
    assert entry.by == "admin"
    assert json.loads(entry.body)["body"] == {"process": PROCESS, "format": "csv", "private": False, "issues": 1}


def test_an_unknown_process_is_no_empty_file(open_for_business: Store) -> None:
    with pytest.raises(exporting.UnknownProcess):
        exporting.export("none", "csv", io.BytesIO(), MONDAY)
    assert exporting.export(PROCESS, "jsonl", io.BytesIO(), MONDAY) == 0


def test_an_issue_that_cannot_be_read_is_said_and_holds_up_no_other(number: str) -> None:
    other = intake.receive(PROCESS, FACTS, MONDAY, by="gong").number
    Issue.update(case="{}").where(Issue.number == number).execute()
    first, second = map(json.loads, exported("jsonl").splitlines())
    assert (first["number"], first["timeline"]) == (number, [])
    assert first["problem"]
    assert second["number"] == other
    for format in exporting.FORMATS:
        assert exported(format)


def test_a_table_has_issues_and_events_and_no_formula(number: str) -> None:
    rows = list(csv.DictReader(io.StringIO(exported("csv").decode(), newline="")))
    assert rows[0]["record"] == "issue"
    assert (rows[0]["subject"], rows[0]["customer"], rows[0]["outage"], rows[0]["amount"]) == (
        "'=1+1",
        "乙",
        "true",
        "12.5",
    )
    assert "phone" not in rows[0]
    assert [row["what"] for row in rows if row["kind"] == "action"][-1] == "edit"
    assert len(rows) == 1 + len(issues.timeline(number))
    assert not [value for row in rows for value in row.values() if value.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_no_text_begins_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell([text]) == f"'{text}"


def test_what_is_no_formula_stays_as_it_is() -> None:
    for value in ("a=1", "", "'x", 5, -5, 1.5, True, None):
        assert cell(value) == value


def sheets(data: bytes) -> dict[str, list[list[str]]]:
    space = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
    found = {}
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
        names = [
            one.get("name")
            for one in ElementTree.fromstring(file.read("xl/workbook.xml")).iter(f"{{{space['m']}}}sheet")
        ]
        for index, name in enumerate(names, 1):
            tree = ElementTree.fromstring(file.read(f"xl/worksheets/sheet{index}.xml"))
            assert not tree.findall(".//m:f", space)
            found[str(name)] = [
                ["".join(one.itertext()) for one in row] for row in tree.findall("m:sheetData/m:row", space)
            ]
    return found


def test_a_workbook_has_a_sheet_of_issues_and_one_of_events(number: str) -> None:
    found = sheets(exported("xlsx"))
    assert list(found) == ["Issues", "Events"]
    head, row = found["Issues"]
    issue = dict(zip(head, row, strict=True))
    assert (issue["number"], issue["subject"], issue["amount"], issue["outage"]) == (number, "'=1+1", "12.5", "1")
    assert "phone" not in issue
    assert len(found["Events"]) == 1 + len(issues.timeline(number))


def test_a_full_sheet_goes_on_in_another_and_every_text_can_be_read() -> None:
    to = io.BytesIO()
    with Workbook(to, most_rows=3) as book:
        book.sheet("A", ["x"], ([text] for text in ["\x00\x1b\ufffe", "_x0041_", "<&>", "y" * 40_000, "\ud800"]))
    found = sheets(to.getvalue())
    assert list(found) == ["A", "A 2", "A 3"]
    assert found["A"][1:] == [["_x0000__x001B__xFFFE_"], ["_x005F_x0041_"]]
    assert len(found["A 2"][2][0]) == 32_767


def test_the_event_log_follows_the_standard_and_refers_to_what_is_there(number: str) -> None:
    log = json.loads(exported("ocel"))
    Draft7Validator(OCEL, format_checker=FormatChecker()).validate(log)
    objects = {one["id"]: one for one in log["objects"]}
    assert len(objects) == len(log["objects"])
    assert len({one["id"] for one in log["events"]}) == len(log["events"]) == len(issues.timeline(number))
    assert {related["objectId"] for one in log["events"] for related in one["relationships"]} <= set(objects)
    for instances, types in (("events", "eventTypes"), ("objects", "objectTypes")):
        declared = {one["name"]: {each["name"] for each in one["attributes"]} for one in log[types]}
        for one in log[instances]:
            assert {each["name"] for each in one["attributes"]} <= declared[one["type"]], one["id"]
    known = [(each["name"], each["value"], each["time"]) for each in objects[number]["attributes"]]
    assert ("customer", "+甲公司", "2026-03-02T09:00:00+08:00") in known
    assert ("customer", "乙", "2026-03-02T09:01:00+08:00") in known
    assert not [name for name, _, _ in known if name == "phone"]
    assert "13900000000" not in json.dumps(log)


def test_memory_does_not_grow_with_the_number_of_issues(number: str) -> None:
    row = Issue.select().dicts().get()
    del row["id"]

    def peak() -> int:
        class Nowhere(io.RawIOBase):
            def writable(self) -> bool:
                return True

            def write(self, data: Any) -> int:
                return len(data)

        tracemalloc.start()
        exporting.export(PROCESS, "jsonl", Nowhere(), MONDAY)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    def more(start: int, count: int) -> None:
        Issue.insert_many(
            [{**row, "number": f"N{n}", "external_id": None} for n in range(start, start + count)]
        ).execute()

    more(0, 300)
    peak()
    few = peak()
    more(300, 1200)
    assert peak() < 1.5 * few + 200_000
