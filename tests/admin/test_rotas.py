"""Duty rotas and absences in the panel: the week, what is put in, changed, swapped and planned; who stands in."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from server import directory
from server.core.moments import DAY, HOUR, parse
from server.directory import snapshot
from server.store.models import AuditEntry
from tests.admin.test_directory import NASTY, fields_of, form_of, problems
from tests.admin.visiting import Panel, Visitor, now, words

TEAM = "front_line"
ROTA = f"/admin/rotas/{TEAM}"


@pytest.fixture
def root(panel: Panel) -> Visitor:
    return panel.visitor("root")


def put(visitor: Visitor, person: str, start: str, end: str, **more: str) -> int:
    given = {"person": person, "from": start, "to": end, **more}
    return visitor.post(f"{ROTA}/add", given).status_code


def shifts() -> list[tuple[str, int, int]]:
    return [(one.person, one.start, one.end) for one in snapshot().shifts.get(TEAM, ())]


def ids() -> list[str]:
    return [quote(directory.rota_id(TEAM, one.person, one.start)) for one in snapshot().shifts[TEAM]]


def at(text: str) -> int:
    return parse(f"{text}+08:00")


def week(visitor: Visitor, monday: str) -> list[str]:
    """The days of the table, in words."""
    page = visitor.get(f"/admin/rotas/?team={TEAM}&week={monday}").text
    table = page[page.index('id="week"') :]
    return [words(one) for one in re.findall(r"<tr.*?</tr>", table[: table.index("</table>")], re.DOTALL)[1:]]


def test_a_week_shows_who_is_on_duty_gaps_and_overlaps(root: Visitor) -> None:
    assert put(root, "gong", "2027-01-04T08:00", "2027-01-06T08:00") == 303
    assert put(root, "ai", "2027-01-05T20:00", "2027-01-06T08:00") == 303
    days = week(root, "2027-01-04")
    assert len(days) == 7
    assert "00:00–08:00 nobody" in days[0]
    assert "08:00–24:00 龚小燕" in days[0]
    assert "20:00–24:00 艾琳 overlap: this one counts 龚小燕" in days[1]
    assert "08:00–24:00 nobody" in days[2]
    assert "00:00–24:00 nobody" in days[6]


def test_long_shifts_fill_the_week_and_odd_weeks_are_borne(root: Visitor) -> None:
    page = root.text("/admin/rotas/?team=handling_group")
    assert "None: somebody is on duty at every moment." in page
    assert "nobody" not in page.split("Gaps in the next")[0].split("Week of")[1].replace("nobody stands in", "")
    for asked in ("week=x", "week=0001-01-01", "week=9999-12-31", "week=1971-01-01", "week=9998-12-31", "team=none"):
        assert root.get(f"/admin/rotas/?{asked}").status_code == 200


def test_gaps_ahead_are_listed_with_where_to_fill_them(root: Visitor) -> None:
    start = now() // HOUR * HOUR
    with_day = [(start, start + 2 * DAY), (start + 3 * DAY, start + 40 * DAY)]
    zone_text = [tuple(_local(one) for one in pair) for pair in with_day]
    for begin, end in zone_text:
        assert put(root, "gong", begin, end) == 303
    page = root.get(f"/admin/rotas/?team={TEAM}").text
    listed = page[page.index('id="gap-list"') :]
    assert listed[: listed.index("</ul>")].count("<li>") == 1
    link = re.search(r'href="([^"]*/add\?[^"]*)"', listed)
    assert link is not None
    fields = form_of(root, link[1].replace("&amp;", "&"))
    assert (fields["from"], fields["to"]) == (zone_text[0][1], zone_text[1][0])


def _local(moment: int) -> str:
    from admin import clock
    from server.core.moments import time_zone, to_datetime

    assert clock
    return to_datetime(moment, time_zone("Asia/Shanghai")).strftime("%Y-%m-%dT%H:%M")


def test_what_is_wrong_with_a_shift_is_said_at_its_inputs(root: Visitor) -> None:
    answer = root.post(f"{ROTA}/add", {"person": "gong", "from": "2027-01-04T08:00", "to": "2027-01-04T08:00"})
    assert answer.status_code == 422
    assert problems(answer.text) == ["To is not after its beginning"]
    answer = root.post(f"{ROTA}/add", {"person": NASTY, "from": NASTY, "relieve": "yes"})
    assert answer.status_code == 422
    assert len(problems(answer.text)) == 2
    assert "<script>alert" not in answer.text
    assert root.get("/admin/rotas/none/add").status_code == 404
    assert root.get("/admin/rotas/shift?id=none").status_code == 404


def test_a_shift_is_changed_taken_over_in_part_and_removed(root: Visitor) -> None:
    put(root, "gong", "2027-01-04T08:00", "2027-01-06T08:00")
    path = f"/admin/rotas/shift?id={ids()[0]}"
    stale = form_of(root, path)
    assert root.post(path, {**stale, "to": "2027-01-07T08:00"}).status_code == 303
    assert shifts() == [("gong", at("2027-01-04T08:00"), at("2027-01-07T08:00"))]
    assert root.post(path, {**stale, "person": "ai"}).status_code == 409
    put(root, "bai", "2027-01-05T08:00", "2027-01-06T08:00", relieve="yes")
    assert [one[0] for one in shifts()] == ["gong", "bai", "gong"]
    gone = f"/admin/rotas/remove?id={ids()[1]}"
    assert root.post(gone, form_of(root, gone)).status_code == 303
    assert [one[0] for one in shifts()] == ["gong", "gong"]


def test_two_shifts_are_swapped_after_they_were_shown(root: Visitor) -> None:
    put(root, "gong", "2027-01-04T08:00", "2027-01-05T08:00")
    put(root, "ai", "2027-01-05T08:00", "2027-01-06T08:00")
    first, second = ids()
    assert "艾琳: 5 Jan 2027, 08:00" in root.text(f"/admin/rotas/shift?id={first}")
    path = f"/admin/rotas/swap?first={first}&second={second}"
    given = form_of(root, path)
    assert root.post(path, {"seen": ["old", "marks"]}).status_code == 409
    assert root.post(path, given).status_code == 303
    assert [one[0] for one in shifts()] == ["ai", "gong"]
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).get()
    assert (entry.kind, entry.by) == ("directory.rota_changed", "root")
    assert root.post(path, given).status_code == 404


def test_a_rotation_is_shown_before_exactly_it_is_made(root: Visitor) -> None:
    path = f"{ROTA}/rotation"
    given = {
        "from": "2027-01-04T08:00", "to": "2027-01-25T08:00", "every": "1", "unit": "weeks",
        "login": ["gong", "ai", "bai"], "place": ["2", "1", ""],
    }  # fmt: skip
    shown = root.post(path, given)
    assert shown.status_code == 200
    sha256 = re.search(r'name="sha256" value="(\w+)"', shown.text)
    assert sha256 is not None
    assert shifts() == []
    assert root.post(path, {**given, "every": "2", "sha256": sha256[1]}).status_code == 200
    assert shifts() == []
    assert root.post(path, {**given, "sha256": sha256[1]}).status_code == 303
    assert [one[0] for one in shifts()] == ["ai", "gong", "ai"]
    again = root.post(path, {**given, "sha256": sha256[1]})
    assert (again.status_code, "is there already" in words(again.text)) == (422, True)
    relieving = root.post(path, {**given, "relieve": "yes", "place": ["", "", "1"]})
    sha256 = re.search(r'name="sha256" value="(\w+)"', relieving.text)
    assert sha256 is not None
    assert root.post(path, {**given, "relieve": "yes", "place": ["", "", "1"], "sha256": sha256[1]}).status_code == 303
    assert {one[0] for one in shifts()} == {"bai"}


def test_a_rotation_that_makes_no_sense_says_all_that_is_wrong(root: Visitor) -> None:
    path = f"{ROTA}/rotation"
    answer = root.post(path, {"from": "x", "to": "", "every": "0", "unit": "years", "login": "gong", "place": "x"})
    assert answer.status_code == 422
    assert len(problems(answer.text)) == 4
    long = {"from": "2027-01-04T08:00", "to": "2037-01-04T08:00", "every": "1", "unit": "hours"}
    answer = root.post(path, {**long, "login": "gong", "place": "1"})
    assert "more than 1000 shifts" in problems(answer.text)[0]
    answer = root.post(path, {**long, "to": "2026-01-04T08:00", "login": "gong", "place": "1"})
    assert problems(answer.text) == ["The end must come after the beginning."]


# -- absences ---


def test_an_absence_says_who_stands_in_and_takes_effect(root: Visitor) -> None:
    path = "/admin/absences/add?person=gong"
    given = {**form_of(root, path), "from": _local(now() - HOUR), "until": _local(now() + DAY), "deputy": "bai"}
    assert root.post(path, given).status_code == 303
    assert snapshot().stand_in("gong", now()) == "bai"
    assert "白露" in root.text("/admin/absences/")
    later = {**form_of(root, path), "from": _local(now() + 2 * DAY), "until": ""}
    assert root.post(path, later).status_code == 303
    assert snapshot().stand_in("gong", now() + 3 * DAY) == "ai"
    overlapping = root.post(path, {**form_of(root, path), "from": _local(now() + 5 * DAY)})
    assert overlapping.status_code == 422
    assert "before the one before it has ended" in overlapping.text
    assert fields_of(overlapping.text)["from"] == _local(now() + 5 * DAY)


def test_an_absence_is_changed_and_ended(root: Visitor) -> None:
    add = "/admin/absences/add?person=gong"
    root.post(add, {**form_of(root, add), "from": _local(now() - HOUR)})
    start = snapshot().people["gong"].absences[0].start
    path = f"/admin/absences/of/gong/{start}"
    answer = root.post(path, {**form_of(root, path), "deputy": "lan", "until": _local(now() + DAY)})
    assert answer.status_code == 303
    assert snapshot().stand_in("gong", now()) == "lan"
    assert root.post(f"{path}/end").status_code == 303
    assert not snapshot().people["gong"].is_away(now() + 1000)
    assert root.post("/admin/absences/of/gong/5/end").status_code == 404
    ahead = {**form_of(root, add), "from": _local(now() + DAY)}
    root.post(add, ahead)
    start = snapshot().people["gong"].absences[-1].start
    assert root.post(f"/admin/absences/of/gong/{start}/end").status_code == 303
    assert [one.start for one in snapshot().people["gong"].absences if one.start == start] == []


def test_nobody_who_stands_in_is_shown(root: Visitor) -> None:
    for login, deputy in (("gong", "ai"), ("ai", "gong")):
        path = f"/admin/absences/add?person={login}"
        root.post(path, {**form_of(root, path), "from": _local(now() - HOUR), "deputy": deputy})
    text = root.text("/admin/absences/")
    assert "nobody" in text
    assert root.get("/admin/absences/add?person=nobody-there").status_code == 404
