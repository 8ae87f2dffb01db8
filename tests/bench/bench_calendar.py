"""Working time beside pandas: the same sums, over a year with holidays and a lunch break, in the same run."""

from __future__ import annotations

from server.core.calendars import Calendar, compile_calendar
from server.core.durations import parse_duration
from server.core.moments import HOUR, Moment
from tests.bench.result import Result, side_by_side

_TIMES = 40
_STARTS = 25
_HOURS = {"monday-friday": ["09:00-12:00", "13:00-18:00"]}
_HOLIDAYS = ["2026-01-01", "2026-02-16", "2026-02-17", "2026-02-18", "2026-04-06", "2026-05-01", "2026-10-01"]


def run() -> list[Result]:
    """Compare additions of a few working hours and of a month of them with pandas' CustomBusinessHour, from starts over
    a year with holidays and lunch breaks. The results must be equal first; sums that end at a close are left out, for
    there pandas gives the next opening, the policy language the close."""
    try:
        import pandas as pd  # noqa: F401
    except ModuleNotFoundError:
        return [Result("working time, add", "not measured", f"≥ {_TIMES} ×", False, "pandas is missing: group `bench`")]
    return [_compare(hours) for hours in (20, 161)]


def _compare(hours: int) -> Result:
    import pandas as pd

    calendar = compile_calendar({"timezone": "UTC", "hours": _HOURS, "dates": dict.fromkeys(_HOLIDAYS, "closed")})
    duration = parse_duration(f"{hours}wh")
    offset = pd.offsets.CustomBusinessHour(hours, start=["09:00", "13:00"], end=["12:00", "18:00"], holidays=_HOLIDAYS)
    starts = _starts(calendar)
    stamps = [pd.Timestamp(start, unit="ms") for start in starts]
    for start, stamp in zip(starts, stamps, strict=True):
        assert calendar.add(start, duration) == int((stamp + offset).timestamp() * 1000), calendar.show(start)

    def ours() -> None:
        for start in starts:
            calendar.add(start, duration)

    def theirs() -> None:
        for stamp in stamps:
            stamp + offset

    mine, others = (seconds / len(starts) for seconds in side_by_side(ours, theirs, rounds=7, repeat=4))
    return Result(
        f"working time, add {hours} h, beside pandas CustomBusinessHour",
        f"{others / mine:.0f} × faster",
        f"≥ {_TIMES} ×",
        others / mine >= _TIMES,
        f"{mine * 1e6:.2f} µs and {others * 1e6:.0f} µs a sum; a year with holidays and lunch breaks",
    )


def _starts(calendar: Calendar) -> list[Moment]:
    """Moments spread over the year, at all hours of the day, at half past so that none is an opening or a close."""
    first, last = calendar.parse("2026-01-02T00:30"), calendar.parse("2026-11-15T00:30")
    step = (last - first) // _STARTS // HOUR * HOUR + HOUR
    return list(range(first, last, step))
