"""`sma_exporter backfill --list`: which series a device keeps, since when, and what becomes of them."""

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime

from .. import config
from ..sma.history import DAY, HistorySeries, HistorySource, SeriesState
from .command import describe
from .openmetrics import metric_of
from .time_ranges import Zone, devices_zone

#: No device is older than 2005.
_OLDEST = 1_104_537_600

_YEAR = 366 * DAY

#: Columns of a line of text.
_WIDTH = 100


def listing(
    source: HistorySource, settings: config.DeviceSettings, zone: Zone | None, *, now: float
) -> Iterator[str]:
    """Yield the lines of the list, each as soon as it is known. Raises what `backfill` does."""
    device = describe(source, settings)
    if zone is None:
        unknown = Zone(UTC, "the device does not say where it is")
        zone = devices_zone(device.zone, settings.name) if device.zone else unknown
    width = max(len(text) for text in (source.noun, *(each.key for each in source.series))) + 1
    yield f"{settings.name}: time zone {zone}"
    yield f"\n{source.noun:<{width}}{'every':<7}{'first entry':<18}{'last entry':<18}metric, or what it keeps"
    absent: dict[str, list[str]] = {}
    for series in source.series:
        state = source.probe(series, now)
        if state.why_not:
            absent.setdefault(state.why_not, []).append(series.key)
        else:
            yield f"{series.key:<{width}}{_rest(series, state, _first(source, series, state), zone)}"
    for why, keys in absent.items():
        yield "\n" + textwrap.fill(f"{why}: {', '.join(keys)}", _WIDTH, break_long_words=False)


def _rest(series: HistorySeries, state: SeriesState, first: int | None, zone: Zone) -> str:
    """Return the columns behind the key."""
    every = {None: "?", DAY: "1 day"}.get(state.every, "5 min")
    what = metric_of(series.sensor) if series.sensor else f"({series.title})"
    stamps = "".join(f"{_said(stamp, zone):<18}" for stamp in (first, state.last))
    return f"{every:<7}{stamps}{what}"


def _said(stamp: int | None, zone: Zone) -> str:
    if stamp is None:
        return "?"
    return f"{datetime.fromtimestamp(stamp, zone.info):%Y-%m-%d %H:%M}"


def _first(source: HistorySource, series: HistorySeries, state: SeriesState) -> int | None:
    """Return the first stamp that can be found; None without any."""
    if state.last is None:
        return None
    if state.every == DAY:
        return _first_day(source, series, state.last)
    return _first_of_many(source, series, state.last)


def _first_day(source: HistorySource, series: HistorySeries, first: int) -> int:
    """Walk back year by year, until one is empty."""
    while first > _OLDEST:
        stamps = _stamps(source, series, first - _YEAR, first - 1)
        if not stamps:
            break
        first = stamps[0]
    return first


def _first_of_many(source: HistorySource, series: HistorySeries, first: int) -> int:
    """Look at single days, further and further back, then halve.

    A device that was off on a day that is looked at hides what is before.
    """
    empty, back = _OLDEST, DAY
    while first - back > _OLDEST:
        if not (stamps := _stamps(source, series, first - back, first - back + DAY)):
            empty = first - back
            break
        first, back = stamps[0], back * 2
    while first - empty > DAY:
        middle = (first + empty) // 2
        stamps = _stamps(source, series, middle, middle + DAY)
        if stamps and stamps[0] < first:
            first = stamps[0]
        else:
            empty = middle
    return first


def _stamps(source: HistorySource, series: HistorySeries, start: int, end: int) -> list[int]:
    return [stamp for stamp, _ in source.entries(series, start, end)]
