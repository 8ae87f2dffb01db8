"""A page of issues is found along an index that holds those that are meant side by side, whatever is asked for."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

import pytest

from server.store import sql
from server.store.database import Store
from server.store.listing import Filters, newest, oldest
from server.store.models import Issue, Version

MANY = 6_000
LIMIT = 11
PROCESSES = ("complaint", "routine", "service")
STAGES = ("recorded", "accepted", "done")
NEWEST = 2**63 - 1


def ids(filters: Filters, before: int = NEWEST, limit: int = LIMIT) -> list[int]:
    text, values = newest(filters, before, limit)
    return [row[0] for row in sql.run(text, *values).fetchall()]


def keep(rows: list[dict[str, Any]]) -> None:
    """Write these issues, of which nothing else matters."""
    version = Version.create(kind="process", name="p", number=1, sha256="0" * 64, data=b"", created_at=0)
    common = {"version": version, "received_at": 0, "recorded_at": 0, "case": "x" * 1000}
    for start in range(0, len(rows), 500):
        Issue.insert_many([{**common, **row} for row in rows[start : start + 500]]).execute()


def some(count: int) -> list[dict[str, Any]]:
    """Issues of every kind, in no order."""
    chance = random.Random(7)
    return [
        {
            "id": id,
            "number": f"{chance.choice(('YS', 'LX'))}2026{id:04}",
            "process": chance.choice(PROCESSES),
            "stage": chance.choice(STAGES),
            "severity": chance.choice(("A", "B", None)),
            "owner": chance.choice(("li", "wang", None)),
            "team": chance.choice(("support", "sales", None)),
            "final": chance.random() < 0.5,
            "problem": "{}" if chance.random() < 0.2 else None,
            "subject": chance.choice(("退款未到账", "Refund missing", "100% ok_!", "长" * 250 + "退款")),
        }
        for id in range(1, count + 1)
    ]


ASKED: dict[str, tuple[Any, ...]] = {
    "process": ("routine", "nothing"),
    "stage": ("accepted",),
    "severity": ("A",),
    "owner": ("li",),
    "team": ("support",),
    "final": (True, False),
    "problem": (True, False),
    "q": ("退款", "refund", "YS2026", "ys20260", "0% OK_", "%", "_", "!", "nothing"),
}


def is_meant(row: dict[str, Any], filters: Filters) -> bool:
    """Whether a list shows the issue, said plainly."""
    columns = ("process", "stage", "severity", "owner", "team", "final")
    if any(getattr(filters, name) not in (None, row[name]) for name in columns):
        return False
    if filters.problem not in (None, row["problem"] is not None):
        return False
    text = (filters.q or "").lower()
    return row["number"].lower().startswith(text) or text in row["subject"].lower()


def every_choice() -> Iterator[Filters]:
    """Every set of filters, each with one of its values in turn."""
    for number, names in enumerate(chain.from_iterable(combinations(ASKED, count) for count in range(len(ASKED) + 1))):
        yield Filters(**{name: ASKED[name][number % len(ASKED[name])] for name in names})


def test_whatever_is_asked_for_the_pages_together_are_all_that_is_meant_newest_first(store: Store) -> None:
    rows = some(300)
    keep(rows)
    found_any = 0
    for filters in [*every_choice(), *(Filters(q=text) for text in ASKED["q"])]:
        meant = [row["id"] for row in reversed(rows) if is_meant(row, filters)]
        pages: list[int] = []
        while page := ids(filters, pages[-1] if pages else NEWEST, limit=40):
            pages += page
        assert pages == meant, filters
        found_any += bool(meant)
    assert found_any > 100


def test_an_empty_store_has_no_page(store: Store) -> None:
    for filters in every_choice():
        assert ids(filters) == []


# What is found in one place of one index, however many other issues there are.
SIDE_BY_SIDE = (
    Filters(),
    Filters(final=True),
    Filters(final=False),
    Filters(process="routine"),
    Filters(process="routine", final=False),
    Filters(process="routine", stage="accepted"),
    Filters(stage="accepted"),
    Filters(severity="A"),
    Filters(severity="A", final=False),
    Filters(process="routine", severity="A", final=False),
    Filters(owner="li"),
    Filters(owner="li", final=False),
    Filters(team="support"),
    Filters(team="support", final=False),
    Filters(problem=True),
    Filters(problem=True, process="routine", final=False),
    Filters(q="退款"),
)


_IN_THE_WAY = (
    "SELECT datname, pid, backend_type, state, xact_start, backend_xid, backend_xmin, left(query, 60) "
    "FROM pg_stat_activity WHERE backend_xmin IS NOT NULL OR datname = current_database()"
)
_HIDDEN = "SELECT relallvisible < relpages OR relpages = 0 FROM pg_class WHERE oid = 'issue'::regclass"


@pytest.fixture
def clumped(store: Store) -> Store:
    """Issues of one kind behind those of another, as the databases do not think of them."""
    rows = some(MANY)
    for row in rows:
        part = row["id"] * 3 // (MANY + 1)
        row |= {"process": PROCESSES[part], "stage": STAGES[2 - part], "severity": "ABC"[part], "problem": None}
        row |= {"owner": ("li", "wang", "li")[part], "team": ("sales", "support", "sales")[part], "final": part == 0}
        row |= {"subject": "退款" if row["id"] % 3 else "其他"}
    rows[5]["problem"] = "{}"
    rows[7]["subject"] = "长" * 250
    keep(rows)
    if store.is_postgresql:
        with store.session():
            connection = store.db.connection()
            # What former tests of this database deleted is left in the indexes, which makes others seem cheaper.
            connection.execute('VACUUM FULL "issue"')
            # Whatever looks at this database meanwhile leaves pages that are not all visible, and so does what the
            # store wrote without waiting for the disk.
            until = time.monotonic() + 60
            connection.execute('VACUUM ANALYZE "issue"')
            while connection.execute(_HIDDEN).fetchone() != (False,):
                if time.monotonic() > until:
                    pytest.fail("\n".join(map(str, connection.execute(_IN_THE_WAY).fetchall())), pytrace=False)
                connection.execute('VACUUM ANALYZE "issue"')
    return store


@pytest.mark.parametrize("before", [NEWEST, MANY // 2, MANY // 6])
def test_a_page_looks_at_no_issue_that_it_does_not_show(clumped: Store, before: int) -> None:
    for filters in SIDE_BY_SIDE:
        text, values = newest(filters, before, LIMIT)
        if clumped.is_postgresql:
            scans = list(_scans(text, values))
            looked_at = sum(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) for scan in scans)
            # A text is looked for in those that have another one, too.
            assert looked_at <= LIMIT * len(scans) * (3 if filters.q else 1), (filters, scans)
        else:
            # Each of the 2,000 issues of a kind takes a dozen.
            assert _instructions(clumped, text, values) < 4_000, filters


def test_a_walk_through_a_process_comes_by_each_of_its_issues_once_in_order(store: Store) -> None:
    rows = some(300)
    keep(rows)
    found: list[int] = []
    while page := [row[0] for row in sql.run(*_called(oldest("routine", found[-1] if found else 0, 40))).fetchall()]:
        assert len(page) <= 40
        found += page
    assert found == [row["id"] for row in rows if row["process"] == "routine"]


def _called(statement: tuple[str, Any]) -> tuple[Any, ...]:
    text, values = statement
    return text, *values


@pytest.mark.parametrize("known", ["force_custom_plan", "force_generic_plan"])
def test_a_walk_through_a_process_comes_by_no_other_issue(clumped: Store, known: str) -> None:
    """Also when the statement was prepared, so that the plan is made without knowing which process is meant."""
    if clumped.is_postgresql:
        clumped.db.execute_sql(f"SET plan_cache_mode = {known}")
    for process in PROCESSES:
        for after in (0, MANY // 2, MANY):
            text, values = oldest(process, after, LIMIT)
            if clumped.is_postgresql:
                scans = list(_scans(*_prepared(clumped, text, values)))
                looked_at = sum(scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) for scan in scans)
                assert looked_at <= 2 * LIMIT, (process, after, scans)
            else:
                assert _instructions(clumped, text, values) < 4_000, (process, after)


def _prepared(store: Store, text: str, values: Any) -> tuple[str, Any]:
    """The same, prepared: PostgreSQL takes no parameters for what it executes then."""
    for number in range(1, len(values) + 1):
        text = text.replace("?", f"${number}", 1)
    store.db.execute_sql("DEALLOCATE ALL")
    store.db.connection().prepare_threshold = None
    store.db.execute_sql(f"PREPARE walk AS {text}")
    return f"EXECUTE walk({', '.join(map(repr, values))})", ()


def test_what_is_asked_for_beside_it_is_looked_up_in_the_index(clumped: Store) -> None:
    """Of issues that are passed over, only the entry in the index is read: most of an issue is its case."""
    names = ("process", "stage", "severity", "owner", "team", "final")
    for chosen in chain.from_iterable(combinations(names, count) for count in (2, 3, 4, 5, 6)):
        filters = Filters(**{name: False if name == "final" else ASKED[name][0] for name in chosen})
        if clumped.is_postgresql:
            text, values = newest(filters, NEWEST, LIMIT)
            assert _read_in_the_table(text, values) == 0, (filters, _seen())
        else:
            plan = _plan(*newest(filters, NEWEST, LIMIT))
            assert "COVERING INDEX issue_of_" in plan, (filters, plan)


def test_a_search_reads_no_issue_whose_text_is_another(clumped: Store) -> None:
    for filters in (Filters(q="nothing"), Filters(q="nothing", final=False, owner="li")):
        text, values = newest(filters, NEWEST, LIMIT)
        if clumped.is_postgresql:
            assert _read_in_the_table(text, values) <= 1, "the long one"
        else:
            plan = _plan(text, values)
            assert "COVERING INDEX issue_words" in plan
            assert "INDEX issue_long_subject" in plan


def test_what_has_no_case_is_looked_for_in_the_quicker_way(postgres_store: Store) -> None:
    assert "ILIKE" not in newest(Filters(q="退款 2026"), NEWEST, LIMIT)[0]
    text, values = newest(Filters(q="ys2026_退款"), NEWEST, LIMIT)
    assert text.index('"subject" LIKE') < text.index("ILIKE")
    assert values[:2] == ["%2026!_退款%"] * 2


def _plan(text: str, values: Any) -> str:
    return " ".join(str(row) for row in sql.run(f"EXPLAIN QUERY PLAN {text}", *values).fetchall())


def _scans(text: str, values: Any) -> Iterator[dict[str, Any]]:
    """What PostgreSQL did on the table and on its indexes."""
    found = sql.run(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *values).fetchone()[0]
    waiting = [(json.loads(found) if isinstance(found, str) else found)[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node.get("Relation Name") == "issue" or "Bitmap Index" in node["Node Type"]:
            yield node


def _seen() -> Any:
    """What PostgreSQL knows of the pages of the table."""
    looked = "SELECT s.*, c.relpages, c.relallvisible FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid"
    return sql.run(f"{looked} WHERE c.relname = 'issue'").fetchone()


def _read_in_the_table(text: str, values: Any) -> int:
    """How many issues PostgreSQL read that it did not give."""
    return sum(
        node.get("Rows Removed by Filter", 0) for node in _scans(text, values) if "Only" not in node["Node Type"]
    )


def _instructions(store: Store, text: str, values: Any) -> int:
    """How many instructions SQLite takes for it, in tens."""
    tens = 0

    def ten_more() -> int:
        nonlocal tens
        tens += 1
        return 0

    connection = store.db.connection()
    connection.set_progress_handler(ten_more, 10)
    sql.run(text, *values).fetchall()
    connection.set_progress_handler(None, 0)
    return tens * 10
