"""`sma_exporter backfill`: a device's own loggers as OpenMetrics, named and labelled as the live series are.

Logger by logger, and in each one piece of time after the other: so a family's samples stand together and
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
from .errors import HistoryError, HistoryUsageError
from .loggers import DAY, FIVE_MINUTES, Logger, candidates
from .openmetrics import Output, series
from .progress import progress
from .series import Limits, Past
from .source import Facts, Source, Wait, opened, readings
from .time_ranges import Zone, devices_zone, pieces, wanted_span, with_slack

_LOGGER = logging.getLogger(__name__)

INTERVALS: Mapping[str, int] = {"1d": DAY, "5m": FIVE_MINUTES}

#: What Prometheus adds to the live series; without them the past is another series.
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
    """Open where the past goes: a new file, one to be continued, or standard output."""
    if path is None:
        return Output(sys.stdout.buffer)
    return Output.resume(path) if resume else Output.create(path)


def backfill(
    settings: config.DeviceSettings, wanted: Wanted, output: Output, *, now: float, wait: Wait
) -> None:
    """Write what the device has kept. `wait`: waits so many seconds, returns whether to stop.

    HistoryError, SmaException, PasswordFileError: what was written until then is there, and a file can be
    continued.
    """
    if output.begun.is_complete:
        _LOGGER.info("the file is complete already", extra={"file": str(output.path)})
        return
    missing = [name for name in _TARGET_LABELS if name not in wanted.labels]
    if missing:
        message = "without these labels the past is no part of the series that Prometheus scrapes"
        _LOGGER.warning(message, extra={"missing": ",".join(missing)})
    with opened(settings, wait) as source:
        facts = source.facts()
        zone = wanted.zone or devices_zone(facts.zone, settings.name)
        pasts = [*_pasts(source, settings, wanted, zone, facts, now)]
        if not pasts:
            raise HistoryError(
                "the device has no logger for this interval: --list shows what it keeps; if that is "
                "nothing, is its clock right?"
            )
        _copy(source, _left(pasts, output), zone, output, settings.name)
    output.finish()


def _pasts(
    source: Source,
    settings: config.DeviceSettings,
    wanted: Wanted,
    zone: Zone,
    facts: Facts,
    now: float,
) -> Iterator[Past]:
    """Yield what is to be copied, in the order of the table."""
    span = wanted_span(wanted.first, wanted.last, zone.info, now)
    first, last = (datetime.fromtimestamp(t, zone.info).isoformat() for t in (span.start, span.end))
    about = {"device": settings.name, "first": first, "last": last, "time_zone": str(zone)}
    _LOGGER.info("asking for the past", extra=about)
    for logger in candidates(wanted.every):
        every, why_not = _every(source, logger, wanted.every, facts, now)
        if why_not:
            extra = {"device": settings.name, "logger": logger.number, "why": why_not}
            _LOGGER.info("no past of: %s", logger.title, extra=extra)
            continue
        note = f"Logger {logger.number} from {first} on."  # so that a file tells how it was made
        line = series(logger.sensor, settings.name, wanted.labels, note)
        limits = _limits(logger, settings, facts)
        yield Past(logger, every, line, with_slack(span, every, now), zone, limits)


def _every(
    source: Source, logger: Logger, wanted: int, facts: Facts, now: float
) -> tuple[int, str]:
    """Return the seconds between a logger's entries, and why it is passed over, "" if it is not."""
    if logger.is_battery and not facts.has_battery:
        return wanted, "the device has no battery"
    found = source.find(logger, now)
    # Where it is not known, no request may be for a year: that could be a hundred thousand entries.
    every = found.every or FIVE_MINUTES
    if wanted == DAY and every == FIVE_MINUTES and not found.why_not:
        return every, "not kept by the day, as far as can be seen: use --interval 5m"
    return every, found.why_not


def _limits(logger: Logger, settings: config.DeviceSettings, facts: Facts) -> Limits:
    """Return what bounds a logger: the rated power, but for what a meter counts."""
    is_metered = logger.sensor.startswith("metering_")
    watts = UNKNOWN_WATTS if is_metered or facts.rated is None else facts.rated
    return Limits(watts, settings.counter_reset_delay)


def _left(pasts: list[Past], output: Output) -> list[Past]:
    """Return what a file still lacks: the rest of the series it ends in, and those after it.

    HistoryUsageError when it was not written for the same.
    """
    position = output.begun.position
    if position is None:
        return pasts
    prefixes = [past.series.prefix for past in pasts]
    begins_alike = any(output.begun.head.startswith(past.series.header) for past in pasts)
    if not begins_alike or position.prefix not in prefixes:
        raise HistoryUsageError(
            f"{output.path} was written for another device, or with other labels, another interval, "
            "time zone or --from: continue it with the same ones, or begin another file"
        )
    left = pasts[prefixes.index(position.prefix) :]
    left[0].go_on_from(position)
    return left


def _copy(source: Source, pasts: list[Past], zone: Zone, output: Output, device: str) -> None:
    """Ask for one piece after the other, and write what is in it."""
    total = sum(1 for past in pasts for _ in pieces(past.rest, zone.info, past.every))
    with progress(device, total) as advance:
        for past in pasts:
            for span in pieces(past.rest, zone.info, past.every):
                entries = source.entries(past.logger, span.start, span.end)
                output.write(past.series, past.lines(readings(entries, span.start, span.end)))
                advance(past.series.name)
            past.report()
