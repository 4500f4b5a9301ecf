"""Dates, time zones, and the pieces in which a device is asked for its history.

A date is a day by the device's clock: its daily entries are stamped at its local midnight. Nothing here
falls back to UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from ..sma.history import DAY
from .errors import HistoryUsageError

#: Prometheus is still writing what is younger, and does not take it from anybody else.
TOO_YOUNG_SECONDS = 3 * 3600

#: Daily entries may be off by the hour that clocks are changed by; there is one a day, so asking wider
#: doubles none.
SLACK_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone, and who named it."""

    info: tzinfo
    source: str

    def __str__(self) -> str:
        return f"{self.info} ({self.source})"


def given_zone(flag: str | None, environ: Mapping[str, str]) -> Zone | None:
    """Return the zone of the flag or of TZ, None when neither is set. HistoryUsageError for one unknown."""
    if flag is not None:
        return Zone(_zone_info(flag, "--timezone"), "--timezone")
    name = environ.get("TZ", "").removeprefix(":")
    if not name:
        return None
    return Zone(_zone_info(name, "TZ"), "TZ")


def devices_zone(name: str | None, device: str) -> Zone:
    """Return the zone that a device is set to; HistoryUsageError when it does not tell."""
    if name is None:
        raise HistoryUsageError(
            "the device does not say in which time zone it is: give it, like --timezone Europe/Berlin, or TZ"
        )
    return Zone(_zone_info(name, device), "the device's")


def _zone_info(name: str, source: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, a path, an unknown name
        raise HistoryUsageError(
            f"{source} says {name!r}, which is no time zone that this machine knows: give one like "
            "--timezone Europe/Berlin (and install tzdata if there is none at all)"
        ) from None


def parse_date(text: str) -> date:
    """Return a date, or a date with a time (datetime), in ISO form. ValueError for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Span:
    """From one time to another, both included; unix seconds."""

    start: int
    end: int


def wanted_span(first: date, last: date | None, zone: tzinfo, now: float) -> Span:
    """Return from the beginning of the first day to the end of the last, without what is too young.

    Either may be a datetime, which is that moment. HistoryUsageError when nothing is left.
    """
    latest = _latest(now)
    try:
        start = _moment(first, zone)
        end = latest if last is None else _moment(_day_after(last), zone)
    except (OverflowError, ValueError):
        raise HistoryUsageError("a date is beyond what a clock shows") from None
    if start > end and last is not None:
        raise HistoryUsageError(f"--from {first} is later than --to {last}")
    if start > latest:
        raise HistoryUsageError(
            f"--from {first} is too young: the last three hours are left to Prometheus"
        )
    return Span(max(start, 0), min(end, latest))


def with_slack(span: Span, every: int, now: float) -> Span:
    """Return the span in which a logger's entries are asked for."""
    slack = SLACK_SECONDS if every == DAY else 0
    return Span(max(span.start - slack, 0), min(span.end + slack, _latest(now)))


def _latest(now: float) -> int:
    return int(now) - TOO_YOUNG_SECONDS


def _day_after(day: date) -> date:
    return day if isinstance(day, datetime) else day + timedelta(days=1)


def _moment(day: date, zone: tzinfo) -> int:
    if not isinstance(day, datetime):
        day = datetime.combine(day, time.min)
    if day.tzinfo is None:
        day = day.replace(tzinfo=zone)
    return int(day.timestamp())


def pieces(span: Span, zone: tzinfo, every: int) -> Iterator[Span]:
    """Cut a span at local midnights into what one request may ask for, each beginning where another ends.

    A day of five-minute entries, a year of daily ones: as much as several programs ask for. How much more
    a device would bear is not known.
    """
    start, day = span.start, datetime.fromtimestamp(span.start, zone).date()
    while start < span.end:
        day = day.replace(day.year + 1, 1, 1) if every == DAY else day + timedelta(days=1)
        end = min(_moment(day, zone), span.end)
        yield Span(start, end)
        start = end
