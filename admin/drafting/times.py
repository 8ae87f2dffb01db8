"""When something takes effect: the choices of a form, what was chosen, and moments as people write them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from admin import clock, languages
from admin.deadlines import distance
from admin.languages import gettext
from server.core import moments
from server.core.moments import Moment, OutOfRange

MORNING: Final = 9
OTHER: Final = "other"
NOW: Final = "now"
AS_ASKED: Final = "asked"


def spelled(moment: Moment) -> str:
    """`Monday 30 November 2026, 09:00`, in the zone of the panel."""
    return clock.text(moment, "spelled")


def ahead(moment: Moment) -> str:
    """How long it is until then."""
    return distance(moment, clock.now(), languages.language())


def _local(moment: Moment) -> datetime:
    return moments.to_datetime(moment // 1000 * 1000, clock.zone()).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice: `moment` None is at once, or not known before it is typed."""

    value: str
    label: str
    moment: Moment | None = None


@dataclass(frozen=True, slots=True)
class When:
    """What stands in the form: the choices, which is chosen, and what is typed as another time."""

    choices: Sequence[Choice]
    chosen: str
    typed: str = ""
    problem: str = ""

    @property
    def moment(self) -> Moment | None:
        """What is chosen."""
        return next((one.moment for one in self.choices if one.value == self.chosen), None)


class NoTime(ValueError):
    """What was typed is no time."""


def offered(asked: Moment | None, first: str = NOW) -> When:
    """The form as it is shown first. `asked`: the time that the submitter asked for."""
    now = clock.now()
    here = _local(now)
    tomorrow = _morning(here + timedelta(days=1))
    monday = _morning(here + timedelta(days=7 - here.weekday()))
    choices = []
    if asked is not None and asked > now:
        label = gettext("%(moment)s, as it was asked for (%(distance)s)", moment=spelled(asked), distance=ahead(asked))
        choices.append(Choice(AS_ASKED, label, asked))
    elif first == AS_ASKED:
        choices.append(Choice(AS_ASKED, gettext("at once, as it was asked for"), None))
    else:
        choices.append(Choice(NOW, gettext("at once, as soon as it is approved"), None))
    if tomorrow != asked:
        label = gettext("tomorrow: %(moment)s (%(distance)s)", moment=spelled(tomorrow), distance=ahead(tomorrow))
        choices.append(Choice(str(tomorrow), label, tomorrow))
    if monday not in (asked, tomorrow):
        choices.append(_at(monday))
    return When((*choices, Choice(OTHER, gettext("at another time"))), choices[0].value)


def chosen(shown: When, form: Mapping[str, str]) -> When:
    """The form as it was filled in."""
    value = form.get("when", shown.chosen)
    typed = form.get("at", "").strip()[:40]
    if all(one.value != value for one in shown.choices) and value.isascii() and value.isdigit() and len(value) < 15:
        # The page was made before midnight, say: what was chosen is the time that it showed.
        shown = When((_at(int(value)), *shown.choices), value)
    return When(shown.choices, value, typed)


def _at(moment: Moment) -> Choice:
    """The choice of a time, whose value is the time itself: a page that was open for days means what it said."""
    return Choice(str(moment), f"{spelled(moment)} ({ahead(moment)})", moment)


def moment_of(filled: When) -> Moment | None:
    """The time that was chosen; None: at once. Raises NoTime."""
    if filled.chosen != OTHER:
        if all(one.value != filled.chosen for one in filled.choices):
            raise NoTime(filled.chosen)
        return filled.moment
    try:
        there = datetime.fromisoformat(filled.typed.replace(" ", "T"))
        if there.tzinfo is not None:
            raise ValueError(filled.typed)
        return moments.from_datetime(there.replace(tzinfo=clock.zone()))
    except (ValueError, OverflowError, OutOfRange) as error:
        raise NoTime(filled.typed) from error


def _morning(day: datetime) -> Moment:
    there = day.replace(hour=MORNING, minute=0, second=0, microsecond=0, tzinfo=clock.zone())
    return moments.from_datetime(there)
