"""The device's local time: Central European Time, by rule, as some machines lack a zone database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

DAY = 86_400
TIME_ZONE = 9578  # (UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna


def summer_begins_or_ends(year: int, month: int) -> float:
    """01:00 UTC on the last Sunday of a month of 31 days."""
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return (last - timedelta(days=(last.weekday() + 1) % 7)).timestamp()


def utc_offset(time: float) -> int:
    """Seconds that the device's clock is ahead of UTC."""
    year = datetime.fromtimestamp(time, UTC).year
    summer = summer_begins_or_ends(year, 3) <= time < summer_begins_or_ends(year, 10)
    return 7200 if summer else 3600


def midnight(day: int) -> int:
    """Return the Unix time at which a local day begins, days counted from 1970-01-01."""
    guess = day * DAY - 3600  # clocks change at 01:00 UTC, which is not between the two guesses
    return guess if utc_offset(guess) == 3600 else guess - 3600


def local_day(time: float) -> int:
    """Return the local day of a Unix time, counted from 1970-01-01."""
    return int((time + utc_offset(time)) // DAY)


def midnights(start: float, end: float) -> Iterator[int]:
    """Yield the local midnights from start to end, both included."""
    if start > end:
        return
    for day in range(local_day(start), local_day(end) + 1):
        if start <= (time := midnight(day)) <= end:
            yield time
