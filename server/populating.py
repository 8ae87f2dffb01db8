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
from contextlib import contextmanager
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

MOST_PLAYED: Final = 500
"""Each is as much work as fifty copies; they are of every process, stage and rest that the shipped issues have."""
AT_ONCE: Final = 5_000
"""Copies that are written in one transaction."""

# A store that is filled is made again when the machine goes down meanwhile, so no transaction waits for the disk; the
# file stays whole all the same. The cache holds the ends of the indexes whose keys come in no order.
# A copy refers to what its original refers to, or to rows of its own, so none of it is looked up again.
FILLING: Final = {
    "synchronous": "normal",
    "wal_autocheckpoint": "20000",
    "cache_size": "-256000",
    "foreign_keys": "0",
}

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
    # Scattered by the golden ratio: a generator of chance for each customer takes longer than all the rest of a copy.
    rest, kind = divmod(number * 2_654_435_761 % 2**32, 5)
    rest, surname = divmod(rest, len(SURNAMES))
    rest, given = divmod(rest, len(GIVEN))
    name = f"{SURNAMES[surname]}{GIVEN[given]}"
    if kind < 2:
        rest, where = divmod(rest, len(PLACES))
        name = f"{PLACES[where]}{name}{TRADES[rest % len(TRADES)]}"
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
    soon = now + HOUR if waiting else None
    copy(first, max(0, count - played), soon, told=lambda done: told(played + done))
    return played


def copy(
    first: int, count: int, quiet_until: Moment | None = None, *, told: Callable[[int], object] = lambda done: None
) -> None:
    """Write so many copies of the issues from the id `first` on, each of them as often as the others; of those that
    are open and on which nothing is due before `quiet_until`, when that is given. Nobody else may write meanwhile.
    Raises RuntimeError when none of them can be copied."""
    originals = [one for one in _originals(first) if quiet_until is None or one.waits_until(quiet_until)]
    if not originals:
        raise RuntimeError("none of the issues that were played can be copied")
    with _filling():
        copying = _Copying(customers=_last("issue"), columns=originals[0].columns)
        done = 0
        for index, original in enumerate(originals):
            # Issues are numbered in the order in which they were received, more or less.
            share = (count - done) // (len(originals) - index)
            copying.copy(original, share)
            done += share
            told(done)
        copying.write()
        copying.end()


@contextmanager
def _filling() -> Iterator[None]:
    """Let SQLite write many rows quickly; it is as careful as before afterwards."""
    store = database.current()
    with database.session():
        before = {name: _run(f"PRAGMA {name}").fetchone()[0] for name in FILLING if not store.is_postgresql}
        for name in before:
            _run(f"PRAGMA {name}={FILLING[name]}")
        try:
            yield
        finally:
            for name, value in before.items():
                _run(f"PRAGMA {name}={value}")


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
class Row:
    """A row of an issue: its values, and which of them are other ones in a copy: column, place among the texts."""

    values: list[Any]
    texts: Sequence[tuple[int, int]]


@dataclass(slots=True)
class Original:
    """An issue that is copied: its rows, and as one text whatever in them says which issue it is."""

    id: int
    process: str
    number: str
    customer: Customer
    date: str
    wake_at: Moment | None
    columns: Mapping[str, Sequence[str]]
    digests: Sequence[tuple[str, str, bytes]]  # field, digest that stands in the audit trail, salt
    rows: dict[str, list[Row]] = field(default_factory=dict)
    pieces: Sequence[str] = ()  # what stands between the words by which copies differ
    between: Sequence[str] = ()  # which word stands behind each of them but the last

    def take(self, found: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Take the rows of the tables; most of their texts are the same in every copy. The others are cut where the
        words stand by which copies differ."""
        words = {self.number: "number", f',"issue":{self.id},"kind":': "issue"}
        words |= {digest: f"digest {name}" for name, digest, _ in self.digests}
        words |= {old: name for name in Customer.__slots__ if (old := getattr(self.customer, name))}
        # The longest first: a word may stand in another one.
        pattern = re.compile(f"({'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})")
        texts: list[str] = []
        for table, rows in found.items():
            self.rows[table] = []
            for row in rows:
                varying: list[tuple[int, int]] = []
                for column, value in enumerate(row):
                    if isinstance(value, str) and pattern.search(value):
                        varying.append((column, len(texts)))
                        texts.append(value)
                self.rows[table].append(Row(list(row), varying))
        parts = pattern.split(SEPARATOR.join(texts))
        self.pieces, self.between = parts[::2], [words[word] for word in parts[1::2]]

    def copied(self, issue: int, number: str, who: Customer) -> list[str]:
        """The texts as those of another issue."""
        words = {name: getattr(who, name) for name in Customer.__slots__}
        words |= {f"digest {name}": audit.digest(salt, words[name]) for name, _, salt in self.digests}
        words |= {"number": number, "issue": f',"issue":{issue},"kind":'}
        made = [""] * (2 * len(self.pieces) - 1)
        made[::2] = self.pieces
        made[1::2] = [words[name] for name in self.between]
        return "".join(made).split(SEPARATOR)

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
    found: dict[str, Sequence[Sequence[Any]]] = {}
    columns: dict[str, list[str]] = {}
    for table in TABLES:
        order = '"field"' if table == "private_value" else '"id"'
        key = "id" if table == "issue" else "issue_id"
        cursor = _run(f'SELECT * FROM "{table}" WHERE "{key}" = {{0}} ORDER BY {order}', issue)
        columns[table] = [one[0] for one in cursor.description]
        found[table] = cursor.fetchall()
    row = dict(zip(columns["issue"], found["issue"][0], strict=True))
    case = cases.load(row["case"])
    who = Customer(*(str(case.facts.get(name) or "") for name in Customer.__slots__))
    digests = [
        (name, audit.digest(bytes(salt), getattr(who, name)), bytes(salt))
        for _, name, salt in found["private_value"]
        if name in Customer.__slots__ and getattr(who, name)
    ]
    calendar = in_force().processes[case.process].process.calendar
    date = calendar.date(case.facts["received"]).replace("-", "")
    original = Original(issue, case.process, case.number, who, date, row["wake_at"], columns, digests)
    original.take(found)
    return original


@dataclass(slots=True)
class _Copying:
    """Writes copies; knows the ids, serial numbers and customers that are used up."""

    customers: int
    columns: Mapping[str, Sequence[str]]
    ids: dict[str, int] = field(default_factory=dict)
    serials: dict[tuple[str, str], int] = field(default_factory=dict)
    made: dict[str, list[Sequence[Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = {table: _last(table) for table in TABLES if table != "private_value"}
        self.serials = {(row.process, row.date): row.last for row in Serial.select()}
        self.made = {table: [] for table in TABLES}

    def copy(self, original: Original, count: int) -> None:
        """Make so many copies; writes whenever enough have come together."""
        pattern = in_force().processes[original.process].process.number
        for _ in range(count):
            self._copy(original, pattern)
            if len(self.made["issue"]) >= AT_ONCE:
                self.write()

    def write(self) -> None:
        """Write what has come together."""
        with database.transaction():
            for table in TABLES:
                _insert(table, self.columns[table], self.made[table])
                self.made[table].clear()

    def _copy(self, original: Original, pattern: str) -> None:
        self.customers += 1
        number, who = self._number(original, pattern), customer(self.customers)
        issue = self.ids["issue"] = self.ids["issue"] + 1
        texts = original.copied(issue, number, who)
        events: dict[int, int] = {}
        for table, rows in original.rows.items():
            made, at = self.made[table], self.columns[table].index
            of_issue = at("id" if table == "issue" else "issue_id")
            for row in rows:
                copied = row.values.copy()
                made.append(copied)
                for column, place in row.texts:
                    copied[column] = texts[place]
                copied[of_issue] = issue
                if table in ("event", "message", "audit_entry"):
                    copied[0] = self.ids[table] = self.ids[table] + 1
                if table == "event":
                    events[row.values[0]] = copied[0]
                elif table == "message":
                    copied[at("event_id")] = events[copied[at("event_id")]]
                    key = f"{copied[at('key')]}{number}"
                    copied[at("key")] = "msg_" + hashlib.sha256(key.encode()).hexdigest()[:40]

    def _number(self, original: Original, pattern: str) -> str:
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
                for table in TABLES:
                    _run(f'ANALYZE "{table}"')  # else PostgreSQL takes the tables for empty, and reads them whole


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
