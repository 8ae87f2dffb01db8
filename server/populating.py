"""Many issues that look real, for trying out and for measuring.

Some thousand are played through the interpreter like those of the demo, at moments of the last months. The rest are
copies of these under numbers, customers and addresses of their own, written in bulk: rows of issues, events, messages
and the audit trail, consistent with one another, so that a copy can be replayed, acted on and audited like any issue.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from server import audit, demo
from server.core import case as cases
from server.core.durations import parse_duration
from server.core.moments import HOUR, MINUTE, Moment
from server.core.process import Process
from server.policies import in_force
from server.store import database
from server.store.models import Serial

MOST_PLAYED: Final = 1_500
AT_ONCE: Final = 2_000
"""Copies that are written at once."""

TABLES: Final = ("issue", "event", "message", "audit_entry", "private_value")
SEPARATOR: Final = "\x00"  # stands in no text of the store

SURNAMES: Final = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗"
GIVEN: Final = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "秀英",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "涛",
    "明",
    "超",
    "霞",
    "平",
    "刚",
)
PLACES: Final = ("上海", "北京", "深圳", "广州", "杭州", "成都", "武汉", "南京", "西安", "苏州", "青岛", "厦门")
TRADES: Final = ("商贸", "制造", "物流", "科技", "医院", "小学", "餐饮", "置业", "传媒", "电子", "化工", "农业")


@dataclass(frozen=True, slots=True)
class Customer:
    """Who has the trouble: what stands in the fields of an issue that say so."""

    customer: str
    phone: str
    email: str
    member: str
    reference: str


def customer(number: int) -> Customer:
    """The customer of that number: always the same, and another one than every other number's."""
    chance = random.Random(number)
    if chance.random() < 0.4:
        name = f"{chance.choice(PLACES)}{chance.choice(SURNAMES)}{chance.choice(GIVEN)}{chance.choice(TRADES)}"
    else:
        name = f"{chance.choice(SURNAMES)}{chance.choice(GIVEN)}"
    # The tail keeps namesakes apart.
    return Customer(
        f"{name}{number:06d}",
        f"13{number % 10**9:09d}",
        f"c{number:07d}@mail.example",
        f"M{number:08d}",
        f"REF-{number:08d}",
    )


def populate(
    count: int, now: Moment, *, waiting: bool = False, told: Callable[[int], object] = lambda done: None
) -> int:
    """Bring so many issues into the store, whose demo people and documents are there; give how many were played. Of
    those that are copied, `waiting` takes only open ones on which nothing is due within the hour. `told` hears how
    many there are by and by. Nobody else may write meanwhile."""
    played = min(count, MOST_PLAYED, max(30, count // 20))
    with database.transaction():
        first = _last("issue") + 1
        demo.play(list(_stories(played, now, waiting)), now)
        played = _last("issue") + 1 - first  # they may have opened others
    told(played)
    originals = [one for one in _originals(first) if not waiting or one.waits_until(now + HOUR)]
    if not originals:
        raise RuntimeError("none of the issues that were played can be copied")
    copying = _Copying(customers=played)
    left = max(0, count - played)
    for index, original in enumerate(originals):
        # Issues are numbered in the order in which they were received, more or less.
        share = left // (len(originals) - index)
        left -= share
        for begin in range(0, share, AT_ONCE):
            with database.transaction():
                copying.write(original, min(AT_ONCE, share - begin))
        told(count - left)
    copying.end()
    return played


# -- issues that are played ----------------------------------------------------------------------------------------


def _stories(count: int, now: Moment, waiting: bool) -> Iterator[demo.Story]:
    """Stories of every process, most of them over, spread over the last months."""
    chance = random.Random(count)
    courses = [course for course in demo.courses() if course["issues"]]
    for number in range(count):
        course = chance.choice(courses)
        process = in_force().processes[course["process"]].process
        most = max(issue["steps"] for issue in course["issues"])
        over = not waiting and chance.random() < 0.8
        issue = chance.choice([one for one in course["issues"] if not over or one["steps"] == most])
        steps = course["steps"][: issue["steps"]]
        rests = parse_duration(issue["rests"]).elapsed_ms(days_too=True)
        rests += chance.randrange(demo.LONGEST_AGO // 2 if over else rests // 2)
        start = demo.start(process, [step["after"] for step in steps], now - rests) - chance.randrange(MINUTE)
        moments = list(demo.moments(process, start, steps))
        facts = {**course["issue"], **issue["issue"], **_of_customer(process, number)}
        yield demo.Story(process, facts, course.get("by"), list(zip(moments, steps, strict=True)), start)


def _of_customer(process: Process, number: int) -> dict[str, Any]:
    who = customer(number)
    return {name: getattr(who, name) for name in Customer.__slots__ if name in process.fields}


# -- copies --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slot:
    """A text of a row: its place among the texts of its issue."""

    index: int


@dataclass(frozen=True, slots=True)
class Original:
    """An issue that is copied: all its texts as one, and the rows of each table with slots in the place of texts."""

    process: str
    number: str
    customer: Customer
    date: str
    case: cases.Case
    wake_at: Moment | None
    text: str
    rows: Mapping[str, Sequence[Sequence[Any]]]
    columns: Mapping[str, Sequence[str]]
    digests: Sequence[tuple[str, str, bytes]] = ()  # field, digest that stands in the audit trail, salt

    def waits_until(self, moment: Moment) -> bool:
        """Whether it is open, and nothing is due on it before that moment."""
        return self.wake_at is not None and self.wake_at > moment


_PLAIN = (
    'SELECT "id" FROM "issue" WHERE "id" >= {0} AND "problem" IS NULL '
    'AND NOT EXISTS (SELECT 1 FROM "issue_link" WHERE "issue_id" = "issue"."id" OR "other_id" = "issue"."id") '
    'AND NOT EXISTS (SELECT 1 FROM "survey_link" WHERE "issue_id" = "issue"."id") '
    'AND NOT EXISTS (SELECT 1 FROM "message" WHERE "issue_id" = "issue"."id" '
    'AND ("batch_id" IS NOT NULL OR "replaces_id" IS NOT NULL)) ORDER BY "received_at"'
)


def _originals(first: int) -> Iterator[Original]:
    """What was played and can be copied: whatever is tied to no other issue, and holds no link of its own."""
    with database.session():
        for (issue,) in _run(_PLAIN, first).fetchall():
            yield _original(int(issue))


def _original(issue: int) -> Original:
    texts: list[str] = []
    rows: dict[str, list[list[Any]]] = {}
    columns: dict[str, list[str]] = {}

    def slotted(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        texts.append(value)
        return Slot(len(texts) - 1)

    for table in TABLES:
        order = '"field"' if table == "private_value" else '"id"'
        key = "id" if table == "issue" else "issue_id"
        cursor = _run(f'SELECT * FROM "{table}" WHERE "{key}" = {{0}} ORDER BY {order}', issue)
        columns[table] = [one[0] for one in cursor.description]
        rows[table] = [[slotted(value) for value in row] for row in cursor.fetchall()]
    at = columns["issue"].index
    (row,) = rows["issue"]
    case = cases.load(texts[row[at("case")].index])
    private = [(texts[name.index], bytes(salt)) for _, name, salt in rows["private_value"]]
    process = in_force().processes[case.process].process
    who = Customer(*(str(case.facts.get(name) or "") for name in Customer.__slots__))
    return Original(
        process=case.process,
        number=case.number,
        customer=who,
        date=process.calendar.date(case.facts["received"]).replace("-", ""),
        case=case,
        wake_at=row[at("wake_at")],
        text=SEPARATOR.join(texts),
        rows=rows,
        columns=columns,
        digests=[
            (name, audit.digest(salt, getattr(who, name)), salt)
            for name, salt in private
            if name in Customer.__slots__ and getattr(who, name)
        ],
    )


@dataclass(slots=True)
class _Copying:
    """Writes copies; knows the ids, serial numbers and customers that are used up."""

    customers: int
    ids: dict[str, int] = field(default_factory=dict)
    serials: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = {table: _last(table) for table in TABLES if table != "private_value"}
        self.serials = {(row.process, row.date): row.last for row in Serial.select()}

    def write(self, original: Original, count: int) -> None:
        """So many copies, within the caller's transaction."""
        made: dict[str, list[Sequence[Any]]] = {table: [] for table in TABLES}
        for _ in range(count):
            self._copy(original, made)
        for table in TABLES:
            _insert(table, original.columns[table], made[table])

    def _copy(self, original: Original, made: dict[str, list[Sequence[Any]]]) -> None:
        self.customers += 1
        number, who = self._number(original), customer(self.customers)
        issue = self.ids["issue"] = self.ids["issue"] + 1
        text = original.text.replace(original.number, number)
        text = text.replace(f',"issue":{original.rows["issue"][0][0]},"kind":', f',"issue":{issue},"kind":')
        for name, digest, salt in original.digests:
            text = text.replace(digest, audit.digest(salt, getattr(who, name)))
        for name in Customer.__slots__:
            if old := getattr(original.customer, name):
                text = text.replace(old, getattr(who, name))
        texts = text.split(SEPARATOR)
        events: dict[int, int] = {}
        for table in TABLES:
            columns = original.columns[table]
            for row in original.rows[table]:
                copied = [texts[value.index] if type(value) is Slot else value for value in row]
                if table == "issue":
                    copied[0] = issue
                else:
                    copied[columns.index("issue_id")] = issue
                if table in ("event", "message", "audit_entry"):
                    self.ids[table] += 1
                    if table == "event":
                        events[row[0]] = self.ids[table]
                    copied[0] = self.ids[table]
                if table == "message":
                    copied[columns.index("event_id")] = events[row[columns.index("event_id")]]
                    key = columns.index("key")
                    copied[key] = "msg_" + hashlib.sha256(f"{copied[key]}{number}".encode()).hexdigest()[:40]
                made[table].append(copied)

    def _number(self, original: Original) -> str:
        pattern = in_force().processes[original.process].process.number
        key = (original.process, original.date if "{date}" in pattern else "")
        self.serials[key] = serial = self.serials.get(key, 0) + 1
        number = pattern.replace("{date}", original.date)
        return re.sub(r"\{serial(?::(\d+))?\}", lambda found: str(serial).zfill(int(found[1] or 0)), number)

    def end(self) -> None:
        """Let new issues go on counting where this ended."""
        with database.transaction():
            for (process, date), last in self.serials.items():
                Serial.insert(process=process, date=date, last=last).on_conflict(
                    conflict_target=[Serial.process, Serial.date], preserve=[Serial.last]
                ).execute()
            if database.current().is_postgresql:
                for table, last in self.ids.items():
                    _run(f"SELECT setval('{table}_id_seq', {{0}})", last)


def _insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    store = database.current()
    if store.is_postgresql:
        with store.db.cursor().copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    places = ", ".join("?" * len(columns))
    store.db.cursor().executemany(f'INSERT INTO "{table}" ({names}) VALUES ({places})', rows)


def _last(table: str) -> int:
    with database.session():
        return int(_run(f'SELECT COALESCE(MAX("id"), 0) FROM "{table}"').fetchone()[0])


def _run(statement: str, *values: Any) -> Any:
    store = database.current()
    return store.db.execute_sql(statement.format("%s" if store.is_postgresql else "?"), values)
