"""Points in time as JQL writes them: dates, distances from now, and the functions of the calendar.

Everything is read in the viewer's time zone and becomes UTC. A bare date is its midnight, as in
Jira, also on the right side of `<=` and `=`; only the predicates of history take it as a day.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from serve.query.jql.errors import JqlError
from serve.query.jql.syntax import Empty, Function, Literal, Operand, Span

EARLIEST_YEAR, LATEST_YEAR = 1900, 2999
_MAX_AMOUNT = 100_000

_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?", re.ASCII)
_DISTANCE = re.compile(r"[+-]?\s*(?:\d{1,7}\s*[wdhm]\s*)+", re.ASCII)
_PART = re.compile(r"(\d{1,7})\s*([wdhm])", re.ASCII)
_INCREMENT = re.compile(r"([+-]?)(\d{1,7})([yMwdhm]?)", re.ASCII)
_EPOCH_MS = re.compile(r"-?\d{9,15}", re.ASCII)

_UNITS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
}
_OF_CLOCKS = frozenset({"h", "m"})
INSTANT = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where and when the question is asked: `now` is UTC; weeks begin on Monday."""

    now: datetime
    zone: ZoneInfo

    @property
    def local(self) -> datetime:
        """Wall-clock time of the viewer, without a zone."""
        return self.now.astimezone(self.zone).replace(tzinfo=None)

    def utc(self, local: datetime) -> datetime:
        """Return the instant of a wall-clock time; of a doubled one the first."""
        return local.replace(tzinfo=self.zone).astimezone(UTC)

    def day(self, moment: datetime) -> date:
        """Return the day of the viewer's calendar that holds an instant."""
        return moment.astimezone(self.zone).date()

    def day_bounds(self, day: date) -> tuple[datetime, datetime]:
        """Return the first instant of a day of the viewer's calendar, and of the next day."""
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - wall-clock time
        return self.utc(midnight), self.utc(midnight + timedelta(days=1))


@dataclass(frozen=True, slots=True)
class _Period:
    """One calendar unit: its unit letter, the start of the one that holds a time, and the next."""

    letter: str
    start: Callable[[datetime], datetime]


def _day(local: datetime) -> datetime:
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _week(local: datetime) -> datetime:
    return _day(local) - timedelta(days=local.weekday())


def _month(local: datetime) -> datetime:
    return _day(local).replace(day=1)


def _year(local: datetime) -> datetime:
    return _month(local).replace(month=1)


_PERIODS: Mapping[str, _Period] = {
    "day": _Period("d", _day),
    "week": _Period("w", _week),
    "month": _Period("M", _month),
    "year": _Period("y", _year),
}
CALENDAR_FUNCTIONS = {
    f"{edge}of{name}": (edge, period)
    for edge in ("start", "end")
    for name, period in _PERIODS.items()
}
CALENDAR_NAMES = tuple(f"{edge}Of{name.title()}" for edge in ("start", "end") for name in _PERIODS)
TIME_FUNCTIONS = frozenset({"now", *CALENDAR_FUNCTIONS})


def moment_of(operand: Operand, clock: Clock) -> datetime:
    """Return the instant (UTC) that a date, a distance from now or a time function means.

    JqlError for anything else, with the forms there are.
    """
    if isinstance(operand, Function):
        return _called(operand, clock)
    if isinstance(operand, Literal):
        return _written(operand, clock)
    what = "EMPTY" if isinstance(operand, Empty) else "A list"
    raise JqlError(f"{what} is no point in time.", _FORMS, operand.span)


def naive(moment: datetime) -> datetime:
    """Drop the zone of a UTC time: the marts hold naive UTC."""
    return moment.replace(tzinfo=None)


def span_of(operand: Operand, clock: Clock) -> tuple[datetime, datetime]:
    """Return the time [start, end) that a date stands for, as precise as it is written.

    A bare date is a day, a date with a time its minute, everything else an instant (a millisecond).
    """
    moment = moment_of(operand, clock)
    date_written = _DATE.fullmatch(operand.text.strip()) if isinstance(operand, Literal) else None
    if date_written is None:
        return moment, moment + INSTANT
    if date_written[5] is None:
        return clock.day_bounds(clock.day(moment))
    return moment, moment + timedelta(minutes=1)


_FORMS = (
    'Write a date ("2026-01-31", "2026-01-31 14:30"), a distance (-2w, "-1d 4h") or startOfDay().'
)


def _written(literal: Literal, clock: Clock) -> datetime:
    text = literal.text.strip()
    date = _DATE.fullmatch(text)
    if date:
        year, _, month, day, hour, minute = date.groups()
        try:
            local = datetime(  # noqa: DTZ001 - wall-clock time, its zone is the viewer's
                int(year), int(month), int(day), int(hour or 0), int(minute or 0)
            )
        except ValueError:
            raise JqlError(f"{text} is not in the calendar.", _FORMS, literal.span) from None
        return _bounded(lambda: clock.utc(local), literal.span)
    if _DISTANCE.fullmatch(text):
        sign = -1 if text.startswith("-") else 1
        distance = sum(
            (int(amount) * _UNITS[unit] for amount, unit in _PART.findall(text)), timedelta()
        )
        return _bounded(lambda: clock.now + sign * distance, literal.span)
    if _EPOCH_MS.fullmatch(text):
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return _bounded(lambda: epoch + timedelta(milliseconds=int(text)), literal.span)
    raise JqlError(f"{text[:80]} is no point in time.", _FORMS, literal.span)


def _called(call: Function, clock: Clock) -> datetime:
    name = call.name.lower()
    if name == "now" and not call.arguments:
        return clock.now
    if name == "now":
        raise JqlError("now() takes no arguments.", _FORMS, call.span)
    if name not in CALENDAR_FUNCTIONS:
        raise JqlError(f"{call.name}() gives no point in time.", _FORMS, call.span)
    edge, period = CALENDAR_FUNCTIONS[name]
    if len(call.arguments) > 1:
        raise JqlError(
            f"{call.name}() takes one increment at most.",
            f'Write {call.name}("-1{period.letter}").',
            call.span,
        )

    def resolved() -> datetime:
        local = clock.local
        amount, unit = _increment(call.arguments[0], period) if call.arguments else (0, "")
        if unit == period.letter:
            # of its own unit it means another period, of another one it is added to the edge
            local, amount = _shifted(period.start(local), amount, unit), 0
        place, before = period.start(local), timedelta()
        if edge == "end":
            # the last instant before the next period, however often its wall-clock time was shown
            place, before = _shifted(place, 1, period.letter) - INSTANT, INSTANT
        if unit in _OF_CLOCKS:
            # hours and minutes pass whether clocks change or not
            return clock.utc(place + before) - before + amount * _UNITS[unit]
        place = _shifted(place, amount, unit) if amount else place
        return clock.utc(place + before) - before

    return _bounded(resolved, call.span)


def _increment(written: Literal, period: _Period) -> tuple[int, str]:
    match = _INCREMENT.fullmatch(written.text.strip())
    if not match or int(match[2]) > _MAX_AMOUNT:
        raise JqlError(
            f"{written.text[:80]} is no increment.",
            'Write a number with one of the units y, M, w, d, h, m, as in "-1d" or "+2M".',
            written.span,
        )
    sign = -1 if match[1] == "-" else 1
    return sign * int(match[2]), match[3] or period.letter


def _shifted(local: datetime, amount: int, unit: str) -> datetime:
    if unit in _UNITS:
        return local + amount * _UNITS[unit]
    months = amount * (12 if unit == "y" else 1) + local.year * 12 + local.month - 1
    year, month = divmod(months, 12)
    # in a shorter month the last day stands for those it does not have
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def _bounded(resolve: Callable[[], datetime], span: Span) -> datetime:
    try:
        moment = resolve()
    except JqlError:
        raise
    except (OverflowError, ValueError):
        moment = None
    if moment is None or not EARLIEST_YEAR <= moment.year <= LATEST_YEAR:
        raise JqlError(
            "The time is out of reach.",
            f"Give one between the years {EARLIEST_YEAR} and {LATEST_YEAR}.",
            span,
        )
    return moment
