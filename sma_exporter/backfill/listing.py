"""`sma_exporter backfill --list`: which loggers a device keeps, since when, and what becomes of them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from .. import config
from .loggers import DAY, LOGGERS, Logger
from .openmetrics import metric_of
from .source import Found, Source, Wait, opened, readings
from .time_ranges import Zone, devices_zone

#: No WebConnect device is older than 2005.
_OLDEST = 1_104_537_600

_YEAR = 366 * DAY


def listing(
    settings: config.DeviceSettings, zone: Zone | None, *, now: float, wait: Wait
) -> Iterator[str]:
    """Yield the lines of the list, each as soon as it is known. Raises what `history.backfill` does."""
    with opened(settings, wait) as source:
        facts = source.facts()
        if zone is None:
            unknown = Zone(UTC, "the device does not say where it is")
            zone = devices_zone(facts.zone, settings.name) if facts.zone else unknown
        yield f"{settings.name}: time zone {zone}"
        yield f"\n{'logger':<7}{'every':<7}{'first entry':<18}{'last entry':<18}metric, or what it keeps"
        absent: dict[str, list[str]] = {}
        for logger in LOGGERS:
            found = source.find(logger, now)
            if found.why_not:
                absent.setdefault(found.why_not, []).append(str(logger.number))
            else:
                yield _line(logger, found, _first(source, logger, found), zone)
        for why, numbers in absent.items():
            yield f"\n{why}: {', '.join(numbers)}"


def _line(logger: Logger, found: Found, first: int | None, zone: Zone) -> str:
    every = {None: "?", DAY: "1 day"}.get(found.every, "5 min")
    what = metric_of(logger.sensor) if logger.sensor else f"({logger.title})"
    stamps = "".join(f"{_said(stamp, zone):<18}" for stamp in (first, found.last))
    return f"{logger.number:<7}{every:<7}{stamps}{what}"


def _said(stamp: int | None, zone: Zone) -> str:
    if stamp is None:
        return "?"
    return f"{datetime.fromtimestamp(stamp, zone.info):%Y-%m-%d %H:%M}"


def _first(source: Source, logger: Logger, found: Found) -> int | None:
    """Return the first stamp that can be found; None without any."""
    if found.last is None:
        return None
    if found.every == DAY:
        return _first_day(source, logger, found.last)
    return _first_of_many(source, logger, found.last)


def _first_day(source: Source, logger: Logger, first: int) -> int:
    """Walk back year by year, until one is empty."""
    while first > _OLDEST:
        stamps = _stamps(source, logger, first - _YEAR, first - 1)
        if not stamps:
            break
        first = stamps[0]
    return first


def _first_of_many(source: Source, logger: Logger, first: int) -> int:
    """Look at single days, further and further back, then halve.

    A device that was off on a day that is looked at hides what is before.
    """
    empty, back = _OLDEST, DAY
    while first - back > _OLDEST:
        if not (stamps := _stamps(source, logger, first - back, first - back + DAY)):
            empty = first - back
            break
        first, back = stamps[0], back * 2
    while first - empty > DAY:
        middle = (first + empty) // 2
        stamps = _stamps(source, logger, middle, middle + DAY)
        if stamps and stamps[0] < first:
            first = stamps[0]
        else:
            empty = middle
    return first


def _stamps(source: Source, logger: Logger, start: int, end: int) -> list[int]:
    return [stamp for stamp, _ in readings(source.entries(logger, start, end), start, end)]
