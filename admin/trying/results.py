"""What a back-test gave, in the reader's words: totals, tables, the figures of its charts, the most changed issues."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from admin import clock
from admin.languages import gettext
from admin.lines import Line, because, lines
from admin.reading import Words, words_of
from server.backtesting.kept import MOST_LISTED
from server.trying import beside

MOST_ROWS: Final = 120
"""Rows of two timelines side by side that one issue shows on the page."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the result: a name for its chart (`key`), headings, rows of cells, and what else is to be said."""

    key: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """A row of two timelines side by side; a line that stands on one of them only has nothing on the other side."""

    before: Line | None
    after: Line | None

    @property
    def is_same(self) -> bool:
        """Whether both say the same."""
        return self.before is not None and self.after is not None and self.before.text == self.after.text


@dataclass(frozen=True, slots=True)
class Changed:
    """An issue that would have gone otherwise: in sentences, with the reasons of judgements; of the most changed ones
    both timelines (`more`: rows that are not shown)."""

    number: str
    severity: dict[str, Any] | None
    sentences: Sequence[str]
    reasons: Sequence[str]
    until: str
    sides: Sequence[Side] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """A back-test that is done. `charts` is what their script draws."""

    tables: Sequence[Table]
    listed: Sequence[Table]
    most: Sequence[Changed]
    issues: Sequence[Changed]
    changed: int
    is_cut: bool
    charts: Sequence[Mapping[str, Any]]


def words_for(row: Any, words: Words | None) -> Words | None:
    """The words of the text that the back-test is of."""
    if words is not None and words.process.sha256 == row.sha256:
        return words
    process = beside(row.name, bytes(row.data)).process
    return words if process is None else words_of(process)


def worded(row: Any, words: Words | None) -> Result | None:
    """The result in words; None when there are none any more (what it named is no longer in force)."""
    if words is None:
        return None
    found = row.summary
    tables = [_by_severity(found, words), _judged(found, words), _clocks(found, words), _notices(found, words),
              _escalations(found, words)]  # fmt: skip
    return Result(
        tables=[one for one in tables if one.rows],
        listed=[one for one in _listed(found, words) if one.rows],
        most=[_changed(one, words) for one in found["most_changed"]],
        issues=[_changed(one, words) for one in row.issues or ()],
        changed=found["changed"],
        is_cut=found["changed"] > MOST_LISTED,
        charts=_charts(found, words),
    )


# -- tables ---------------------------------------------------------------------------------------------------------


def _by_severity(found: Mapping[str, Any], words: Words) -> Table:
    heads = [gettext("Severity"), gettext("Issues"), gettext("Went otherwise"), gettext("Judged otherwise"),
             gettext("Missed: more / fewer"), gettext("Messages: more / fewer"),
             gettext("Escalations: more / fewer")]  # fmt: skip
    rows = [
        [
            _severity(one["severity"], words),
            one["issues"],
            one["changed"],
            one["judged_otherwise"],
            _pair(one, "late"),
            _pair(one, "notices"),
            _pair(one, "escalations"),
        ]
        for one in found["by_severity"]
    ]
    note = gettext("Issues are counted under the severity that was recorded last.")
    return Table("severity", gettext("By severity"), heads, rows, note)


def _pair(one: Mapping[str, Any], name: str) -> str:
    more, fewer = one[f"more_{name}"], one[f"fewer_{name}"]
    return f"+{more} / −{fewer}" if more or fewer else "–"


def _severity(name: str, words: Words) -> str:
    return words.of("severities", name) if name else gettext("none")


def _judged(found: Mapping[str, Any], words: Words) -> Table:
    rows = [
        [words.label(one["name"]), _value(one["name"], one["from"], words), _value(one["name"], one["to"], words),
         one["issues"]]
        for one in found["judged"]
    ]  # fmt: skip
    heads = [gettext("What is judged"), gettext("Was"), gettext("Would be"), gettext("Issues")]
    return Table("judged", gettext("Judged otherwise"), heads, rows)


def _value(name: str, value: Any, words: Words) -> str:
    return gettext("nothing") if value is None else words.phrases.constant(name, str(value))


def _clocks(found: Mapping[str, Any], words: Words) -> Table:
    rows = [
        [words.of("clocks", one["clock"]), run_text(one["from"]), run_text(one["to"]), one["runs"]]
        for one in found["clocks"]
    ]
    heads = [gettext("Deadline"), gettext("Was"), gettext("Would be"), gettext("Times")]
    return Table("clocks", gettext("Deadlines"), heads, rows)


def run_text(state: str | None) -> str:
    """How a run of a clock ended, in words."""
    words = {
        "met": gettext("met"),
        "breached": gettext("missed"),
        "stopped": gettext("stopped"),
        "cancelled": gettext("no longer applies"),
        "open": gettext("still running"),
        None: gettext("not there"),
    }
    return words.get(state, str(state))


def _notices(found: Mapping[str, Any], words: Words) -> Table:
    rows = [
        [words.who(one["to"]), words.channel(one["via"]), one["before"], one["after"], f"+{one['more']}",
         f"−{one['fewer']}"]
        for one in found["notices"]
    ]  # fmt: skip
    heads = [gettext("Who"), gettext("Channel"), gettext("Was"), gettext("Would be"), gettext("More"), gettext("Fewer")]
    return Table("notices", gettext("Messages"), heads, rows)


def _escalations(found: Mapping[str, Any], words: Words) -> Table:
    rows = [
        [words.of("ladders", one["ladder"]), one["rung"], one["before"], one["after"], f"+{one['more']}",
         f"−{one['fewer']}"]
        for one in found["escalations"]
    ]  # fmt: skip
    heads = [gettext("Ladder"), gettext("Rung"), gettext("Was"), gettext("Would be"), gettext("More"), gettext("Fewer")]
    return Table("escalations", gettext("Escalations"), heads, rows)


def _listed(found: Mapping[str, Any], words: Words) -> list[Table]:
    """What is listed and not guessed."""
    numbers = gettext("For example")
    return [
        Table(
            "refused",
            gettext("What the draft would refuse"),
            [gettext("What was done"), gettext("Why"), gettext("Issues"), numbers],
            [[_action(one["action"], words), why_text(one["why"]), one["issues"], ", ".join(one["numbers"])]
             for one in found["refused"]],
            gettext("These issues are compared up to that moment: nobody knows what people would have done instead."),
        ),
        Table(
            "unanswered",
            gettext("What was not asked of the directory then"),
            [gettext("Question"), gettext("Times"), numbers],
            [[_question(one["question"], words), one["times"], ", ".join(one["numbers"])]
             for one in found["unanswered"]],
        ),
        Table(
            "unknown",
            gettext("Facts that the draft does not know"),
            [gettext("Field"), gettext("Times"), numbers],
            [[one["field"], one["times"], ", ".join(one["numbers"])] for one in found["unknown_facts"]],
        ),
        Table(
            "left_out",
            gettext("Left out"),
            [gettext("Why"), gettext("Issues"), numbers],
            [[_left_out(one["why"]), one["issues"], ", ".join(one["numbers"])] for one in found["left_out"]],
        ),
    ]  # fmt: skip


def _action(name: str, words: Words) -> str:
    if name == "received":
        return gettext("the receipt of the issue")
    if name == "time":
        return gettext("time passing")
    kind, _, rest = name.partition(".")
    if kind in ("notice", "survey") and rest:
        return words.of("notify" if kind == "notice" else "surveys", rest)
    return words.of("actions", name)


def why_text(why: str) -> str:
    """Why something is refused, in words."""
    words = {
        "unknown": gettext("there is no such action"),
        "stage": gettext("not in this stage"),
        "when": gettext("its condition does not hold"),
        "by": gettext("not by this person"),
        "not_by": gettext("not by this person, of all people"),
        "form": gettext("its form is not filled as it must be"),
        "loop": gettext("time alone never comes to an end"),
        "time": gettext("a time that is too far away"),
    }
    return words.get(why, why)


def _question(question: Sequence[Any], words: Words) -> str:
    kind, *rest = question
    match kind:
        case "fits":
            return gettext("whether somebody is %(who)s", who=words.who(rest[0]))
        case "persons":
            return gettext("who is %(who)s", who=words.who(rest[0]))
        case "choose":
            return gettext("whose turn it is in %(team)s", team=words.who(f"team:{rest[0]}"))
        case "in_window":
            return gettext("how many issues the watch %(watch)s counts", watch=words.of("watches", str(rest[1])))
    return ", ".join(map(str, question))


def _left_out(why: str) -> str:
    words = {
        "erased": gettext("its private fields are erased"),
        "unreadable": gettext("it cannot be read any more"),
        "refused": gettext("it was refused"),
        "failed": gettext("it cannot be computed"),
    }
    return words.get(why, why)


# -- issues ---------------------------------------------------------------------------------------------------------


def _changed(one: Mapping[str, Any], words: Words) -> Changed:
    sides = one.get("timeline") or ()
    return Changed(
        number=one["number"],
        severity=words.severity(one["severity"] or None),
        sentences=list(_sentences(one, words)),
        reasons=[
            because(reason, words)
            for judged in one["judged"]
            for reason in [judged.get("because")]
            if reason is not None
        ],
        until=clock.told(one.get("compared_until")),
        sides=[_side(row, words) for row in sides[:MOST_ROWS]],
        more=max(0, int(one.get("rows") or 0) - MOST_ROWS),
    )


def _sentences(one: Mapping[str, Any], words: Words) -> Any:
    for judged in one["judged"]:
        name = judged["name"]
        yield gettext(
            "%(name)s: %(before)s → %(after)s",
            name=words.label(name),
            before=_value(name, judged["from"], words),
            after=_value(name, judged["to"], words),
        )
    for run in one["clocks"]:
        title = words.of("clocks", run["clock"])
        if run["from"] != run["to"]:
            before, after = run_text(run["from"]), run_text(run["to"])
        else:
            before, after = _short(run["due_from"]), _short(run["due_to"])
            title = gettext("%(clock)s, due", clock=title)
        yield gettext("%(name)s: %(before)s → %(after)s", name=title, before=before, after=after)
    for told in one["notices"]:
        who = gettext("Messages to %(who)s, %(via)s", who=words.who(told["to"]), via=words.channel(told["via"]))
        yield gettext("%(name)s: %(before)s → %(after)s", name=who, before=told["before"], after=told["after"])
    for rung in one["escalations"]:
        title = gettext("%(ladder)s, rung %(rung)s", ladder=words.of("ladders", rung["ladder"]), rung=rung["rung"])
        yield gettext("%(name)s: %(before)s → %(after)s", name=title, before=rung["before"], after=rung["after"])


def _short(text: str | None) -> str:
    return gettext("nothing") if text is None else clock.told_text(text)


def _side(row: Mapping[str, Any], words: Words) -> Side:
    before, after = (None if row[key] is None else lines([row[key]], words)[0] for key in ("before", "after"))
    return Side(before, after)


# -- charts ---------------------------------------------------------------------------------------------------------


def _charts(found: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """The figures of the charts as ECharts takes them; each figure stands in a table, too."""
    severities = [one for one in found["by_severity"] if one["issues"]]
    clocks: dict[str, list[int]] = {}
    for one in found["clocks"]:
        pair = clocks.setdefault(words.of("clocks", one["clock"]), [0, 0])
        pair[0] += one["runs"] if one["to"] == "breached" else 0
        pair[1] += one["runs"] if one["from"] == "breached" else 0
    told = {
        f"{words.who(one['to'])} · {words.channel(one['via'])}": [one["more"], one["fewer"]]
        for one in found["notices"][:MOST_BARS]
    }
    names = [_severity(one["severity"], words) for one in severities]
    otherwise = [one["changed"] for one in severities]
    same = [one["issues"] - one["changed"] for one in severities]
    return [
        _chart(gettext("Issues by severity"), names, {gettext("otherwise"): otherwise, gettext("as before"): same}),
        *(
            _chart(
                title,
                list(figures),
                {
                    gettext("more"): [pair[0] for pair in figures.values()],
                    gettext("fewer"): [-pair[1] for pair in figures.values()],
                },
            )
            for title, figures in ((gettext("Deadlines missed"), clocks), (gettext("Messages"), told))
            if any(map(any, figures.values()))
        ),
    ]


MOST_BARS: Final = 12


def _chart(title: str, names: Sequence[str], series: Mapping[str, Sequence[int]]) -> dict[str, Any]:
    return {
        "title": title,
        "options": {
            "aria": {"enabled": False},
            "legend": {"top": 0},
            "tooltip": {"trigger": "axis"},
            "grid": {"left": 8, "right": 16, "top": 34, "bottom": 8, "containLabel": True},
            "xAxis": {"type": "value", "minInterval": 1},
            "yAxis": {
                "type": "category",
                "data": list(names),
                "inverse": True,
                "axisLabel": {"width": 130, "overflow": "truncate"},
            },
            "series": [
                {"name": name, "type": "bar", "stack": "all", "data": list(values), "barMaxWidth": 26}
                for name, values in series.items()
            ],
        },
    }
