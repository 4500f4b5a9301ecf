"""`sma_exporter backfill`: a device's own history as OpenMetrics, named and labelled as the live series are.

Series by series, and in each one piece of time after the other: so a family's samples stand together and
in order, as promtool wants them, and no more than one piece is ever in memory. Meter readings pass the
same guard as the live ones, with their stamps as its clock.
"""

import logging
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from .. import config
from ..devices.counter_guard import UNKNOWN_WATTS
from ..sma.history import (
    DAY,
    FIVE_MINUTES,
    HistoryDevice,
    HistoryError,
    HistorySeries,
    HistorySource,
)
from ..sma.sensors import SENSORS
from .errors import HistoryUsageError
from .openmetrics import Output, new_series
from .progress import progress
from .series import SeriesHistory
from .time_ranges import Zone, devices_zone, pieces, wanted_span, with_slack

_LOGGER = logging.getLogger(__name__)

INTERVALS: Mapping[str, int] = {"1d": DAY, "5m": FIVE_MINUTES}

#: What Prometheus adds to the live series; without them the history is another series.
_TARGET_LABELS = ("job", "instance")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: the first and the last day (None: until now), each a date or a moment.

    `every`: the interval (s). `zone`: where these days are, None for the device's. `labels`: further ones.
    """

    first: date
    last: date | None
    every: int
    zone: Zone | None
    labels: Mapping[str, str]


def output(path: Path | None, *, resume: bool) -> Output:
    """Open where the history goes: a new file, one to be continued, or standard output."""
    if path is None:
        return Output(sys.stdout.buffer)
    return Output.resume(path) if resume else Output.create(path)


def backfill(
    source: HistorySource,
    settings: config.DeviceSettings,
    wanted: Wanted,
    output: Output,
    *,
    now: float,
) -> None:
    """Write what the device has kept. `now` is unix time.

    HistoryError, SmaException: what was written until then is there, and a file can be continued.
    """
    if output.begun.is_complete:
        _LOGGER.info("the file is complete already", extra={"file": str(output.path)})
        return
    missing = [name for name in _TARGET_LABELS if name not in wanted.labels]
    if missing:
        message = (
            "without these labels the history is no part of the series that Prometheus scrapes"
        )
        _LOGGER.warning(message, extra={"missing": ",".join(missing)})
    device = describe(source, settings)
    zone = wanted.zone or devices_zone(device.zone, settings.name)
    histories = [*_histories(source, settings, wanted, zone, device, now)]
    if not histories:
        raise HistoryError(
            "the device keeps nothing for this interval: --list shows what it keeps; if that is "
            "nothing, is its clock right?"
        )
    _copy(source, _left(histories, output), zone, output, settings.name)
    output.finish()


def describe(source: HistorySource, settings: config.DeviceSettings) -> HistoryDevice:
    """Ask what the device is. HistoryError if it is another one than configured."""
    device = source.describe()
    found, wanted = device.identity.serial, settings.serial
    if wanted and found != wanted:
        raise HistoryError(
            f"the device at {settings.url} has the serial number {found or '(none)'}, "
            f"configured is {wanted}: correct `serial` or `url`"
        )
    return device


def _histories(
    source: HistorySource,
    settings: config.DeviceSettings,
    wanted: Wanted,
    zone: Zone,
    device: HistoryDevice,
    now: float,
) -> Iterator[SeriesHistory]:
    """Yield what is to be copied, in the order of the table."""
    span = wanted_span(wanted.first, wanted.last, zone.info, now)
    first, last = (datetime.fromtimestamp(t, zone.info).isoformat() for t in (span.start, span.end))
    extra = {"device": settings.name, "first": first, "last": last, "time_zone": str(zone)}
    _LOGGER.info("asking for the history", extra=extra)
    for kept in source.series:
        if not kept.sensor or kept.every not in {wanted.every, None}:
            continue
        every, why_not = _every(source, kept, wanted.every, device, now)
        if why_not:
            extra = {"device": settings.name, "series": kept.key, "why": why_not}
            _LOGGER.info("no history of: %s", kept.title, extra=extra)
            continue
        # In the HELP, so that a file tells how it was made.
        note = f"{source.noun.capitalize()} {kept.key} from {first} on."
        yield SeriesHistory(
            kept,
            every,
            new_series(kept.sensor, settings.name, wanted.labels, note),
            with_slack(span, every, now),
            zone,
            max_rate=SENSORS[kept.sensor].max_rate or device.rated or UNKNOWN_WATTS,
            reset_delay=settings.counter_reset_delay,
        )


def _every(
    source: HistorySource, kept: HistorySeries, wanted: int, device: HistoryDevice, now: float
) -> tuple[int, str]:
    """Return the seconds between entries, and why a series is passed over, "" if it is not."""
    if kept.is_battery and not device.has_battery:
        return wanted, "the device has no battery"
    state = source.probe(kept, now)
    # Where it is not known, no request may be for a year: that could be a hundred thousand entries.
    every = state.every or FIVE_MINUTES
    if wanted == DAY and every == FIVE_MINUTES and not state.why_not:
        return every, "not kept by the day, as far as can be seen: use --interval 5m"
    return every, state.why_not


def _left(histories: list[SeriesHistory], output: Output) -> list[SeriesHistory]:
    """Return what a file still lacks: the rest of the series it ends in, and those after it.

    HistoryUsageError when it was not written for the same.
    """
    position = output.begun.position
    if position is None:
        return histories
    prefixes = [history.series.prefix for history in histories]
    begins_alike = any(output.begun.head.startswith(each.series.header) for each in histories)
    if not begins_alike or position.prefix not in prefixes:
        raise HistoryUsageError(
            f"{output.path} was written for another device, or with other labels, another interval, "
            "time zone or --from: continue it with the same ones, or begin another file"
        )
    left = histories[prefixes.index(position.prefix) :]
    left[0].go_on_from(position)
    return left


def _copy(
    source: HistorySource,
    histories: list[SeriesHistory],
    zone: Zone,
    output: Output,
    device: str,
) -> None:
    """Ask for one piece after the other, and write what is in it."""
    total = sum(1 for each in histories for _ in pieces(each.rest, zone.info, each.every))
    with progress(device, total) as advance:
        for history in histories:
            for span in pieces(history.rest, zone.info, history.every):
                entries = source.entries(history.kept, span.start, span.end)
                output.write(history.series, history.lines(entries))
                advance(history.series.name)
            history.report()
