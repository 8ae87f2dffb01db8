"""What an editor of documents asks while somebody writes: which names there are, when a
duration ends, what a calendar's year looks like, how a template reads on an issue. Nothing here is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from server import policies
from server.accounts import Caller
from server.calling import channel_name
from server.core import documents
from server.core.calendars import BadCalendar, Calendar, NeverOpens, compile_calendar
from server.core.durations import BadDuration, parse_duration
from server.core.findings import Finding
from server.core.hours import read_hours
from server.core.moments import DAY, Moment, OutOfRange, parse, show, to_datetime
from server.core.reading import OPERATORS
from server.core.records import view_of
from server.core.templates import BadTemplate, RenderProblem, compile_template
from server.core.values import OWN, SET_BY_SERVER
from server.core.vocabulary import LANGUAGES, Vocabulary, catalogue, in_language
from server.core.wording import Reader, message_context
from server.directory import snapshot
from server.issues import Filters, listed, sees_private
from server.recording import held
from server.store.models import Activation, Version

FRIDAY: Final = 4
AT_FIVE: Final = 17
MOST_DURATIONS: Final = 1_000
FIRST_YEAR, LAST_YEAR = 1970, 2100
READ_ISSUES: Final = "issue.read"


# -- names ---------------------------------------------------------------------------------------------------------


def names(language: str) -> dict[str, list[dict[str, str]]]:
    """The names that a document may use and that stand outside it, by kind, each with its title: teams, roles, people,
    calendars, channels documents, processes; `channel` has `of`: the channels document that it stands in."""
    people = snapshot()
    found: dict[str, list[dict[str, str]]] = {
        "team": [_named(f"team:{id}", in_language(title, language, id)) for id, title in sorted(people.titles.items())],
        "role": [
            _named(name, in_language(title, language, name)) for name, title in sorted(people.role_titles.items())
        ],
        "person": [_named(login, one.name) for login, one in sorted(people.people.items()) if not one.disabled],
        "calendar": [],
        "channels": [],
        "process": [],
        "channel": [],
    }
    query = Version.select().join(Activation, on=Activation.version == Version.id).where(Activation.until_at.is_null())
    for row in query.order_by(Version.name):
        document, _ = documents.read(bytes(row.data))
        if document is None or row.kind not in found:
            continue
        found[row.kind].append(_named(row.name, in_language(document.value.get("title"), language, row.name)))
        ways = document.value.get("channels") if row.kind == "channels" else None
        for id, way in ways.items() if isinstance(ways, dict) else ():
            way = way if isinstance(way, dict) else {}
            called = channel_name(id, way.get("title"), str(way.get("type", "")), language)
            found["channel"].append({**_named(id, called), "of": row.name})
    return found


def _named(name: str, title: str) -> dict[str, str]:
    return {"name": name, "title": title}


def built_in(language: str) -> dict[str, Any]:
    """What every issue has that conditions may name, who can be named without a directory, and which comparisons go
    with which kind of field."""
    titles, people = catalogue()["names"], {**catalogue()["who"], "customer": catalogue()["words"]["customer"]}
    return {
        "fields": {
            name: {"title": in_language(titles.get(name), language, name), "type": kind.name}
            for name, kind in {**OWN, **SET_BY_SERVER}.items()
        },
        "who": {name: in_language(title, language, name) for name, title in people.items()},
        "operators": OPERATORS,
    }


# -- durations and calendars ---------------------------------------------------------------------------------------


def calendar(name: str, text: bytes | None = None) -> Calendar | None:
    """The calendar in force of that name, or the one that the text is; None: there is none that can be used."""
    if text is None:
        return policies.in_force().calendars.get(name)
    document, _ = documents.read(text)
    if document is None:
        return None
    try:
        return compile_calendar(document.value)
    except BadCalendar:
        return None


def friday(calendar: Calendar, now: Moment) -> Moment:
    """The next Friday at five in the calendar's zone: an hour before many offices close for the weekend."""
    local = to_datetime(now, calendar.zone)
    day = local.date() + timedelta(days=(FRIDAY - local.weekday()) % 7)
    moment = parse(f"{day.isoformat()}T{AT_FIVE:02}:00", calendar.zone)
    return moment if moment > now else parse(f"{(day + timedelta(days=7)).isoformat()}T{AT_FIVE:02}:00", calendar.zone)


def worked(calendar: Calendar, texts: Iterable[str], now: Moment) -> dict[str, Any]:
    """When each duration that begins on the next Friday at five ends, as the calendar's wall clock shows it; none for
    what is no duration, or never ends."""
    start = friday(calendar, now)
    ends: dict[str, str | None] = {}
    for text in list(texts)[:MOST_DURATIONS]:
        try:
            ends[text] = show(calendar.add(start, parse_duration(text)), calendar.zone)[:16]
        except (BadDuration, OutOfRange, NeverOpens):
            ends[text] = None
    return {"calendar": calendar.name, "start": show(start, calendar.zone)[:16], "ends": ends}


@dataclass(frozen=True, slots=True)
class Day:
    """A date in a calendar: its open hours, and by what rule: `week`, `holiday`, `make_up`, `own` (the document's)."""

    day: str
    hours: Sequence[str]
    rule: str


def empty_year(number: int) -> list[Day]:
    """Every date of a year without any hours: what a calendar that cannot be used yet is drawn as."""
    first = date(number, 1, 1)
    return [
        Day((first + timedelta(days=offset)).isoformat(), [], "week")
        for offset in range((date(number + 1, 1, 1) - first).days)
    ]


def year(data: bytes, number: int) -> list[Day] | None:
    """Every date of a year as the calendar of the text has it; None for a text that is no usable calendar."""
    found = calendar("", data)
    if found is None or not FIRST_YEAR <= number <= LAST_YEAR:
        return None
    document, _ = documents.read(data)
    assert document is not None
    own = {date.fromordinal(day).isoformat() for day in read_hours(document.value).dates}
    special = found.dates
    first = date(number, 1, 1)
    days = []
    for offset in range((date(number + 1, 1, 1) - first).days):
        day = (first + timedelta(days=offset)).isoformat()
        what = special.get(day)
        rule = "own" if day in own else "week" if what is None else "holiday" if what == "closed" else "make_up"
        days.append(Day(day, [_interval(found, *one) for one in found.open_intervals(day)], rule))
    return days


def _interval(calendar: Calendar, opening: Moment, closing: Moment) -> str:
    start, end = show(opening, calendar.zone)[11:16], show(closing, calendar.zone)[11:16]
    return f"{start}-{'24:00' if end == '00:00' and closing - opening <= DAY else end}"


# -- templates -----------------------------------------------------------------------------------------------------


class NoIssue(Exception):
    """There is no issue that the caller may see the template on."""


def preview(data: bytes, template: str, number: str, by: Caller) -> dict[str, Any]:
    """A template of the text on an issue of its process, the newest when no number is given, in every language that it
    is written in: `{"number", "texts": {language: {"subject", "body"}}}`; instead of a part that cannot be rendered its
    `problem`. Private fields print what they would for the caller. Raises NoIssue, NotPermitted, UnknownIssue."""
    by.require(READ_ISSUES)
    document, _ = documents.read(data)
    value: Mapping[str, Any] = {} if document is None else document.value
    written = value.get("templates")
    raw = written.get(template) if isinstance(written, dict) else None
    process = str(value.get("name"))
    newest = [] if number else listed(Filters(process=process), limit=1).issues
    if not isinstance(raw, dict) or not (number or newest):
        raise NoIssue(template)
    found = held(number or newest[0]["number"])
    if found.case.process != process:
        raise NoIssue(number)
    people = snapshot()
    private = found.pinned.private | _private(value)
    hidden = frozenset() if sees_private(by.login, found.case, people, by.permissions) else private
    facts = view_of(found.case, found.case.moment).facts
    runs = {name: state.open or state.last for name, state in found.case.clocks.items()}
    clocks = {name: (run.state, run.due) for name, run in runs.items() if run is not None}
    texts = {}
    for language in LANGUAGES:
        reader = Reader(language, found.pinned.process.calendar, people.names(language))
        context = message_context(Vocabulary(value), facts, reader, clocks=clocks, link="", hidden=hidden)
        texts[language] = {
            part: _rendered(in_language(raw[part], language), context, language)
            for part in ("subject", "body")
            if raw.get(part)
        }
    return {"number": found.case.number, "texts": texts}


def _private(value: Mapping[str, Any]) -> frozenset[str]:
    """The fields that the text marks as private."""
    fields = value.get("fields")
    items = fields.items() if isinstance(fields, dict) else ()
    return frozenset(name for name, one in items if isinstance(one, dict) and one.get("private") is True)


def _rendered(text: str, context: Mapping[str, object], language: str) -> dict[str, str]:
    try:
        return {"text": compile_template(text).render(context)}
    except (BadTemplate, RenderProblem) as bad:
        return {"problem": Finding(bad.code, params=bad.params).text(language)}
