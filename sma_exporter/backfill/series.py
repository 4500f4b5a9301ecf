"""One series on its way from a logger into the file: in the base unit, in order, and honest."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ..devices.counter_guard import Total
from .loggers import Logger
from .openmetrics import Position, Series
from .time_ranges import Span, Zone

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the guard needs to judge a meter reading: W that bound it, s that a reset must last."""

    watts: float
    reset_delay: float


class Past:
    """What a logger has kept over a span; `every`: seconds between its entries."""

    def __init__(
        self, logger: Logger, every: int, series: Series, span: Span, zone: Zone, limits: Limits
    ) -> None:
        self.logger = logger
        self.every = every
        self.series = series
        self._zone = zone
        self._span = span
        self._last = span.start - 1
        self._total = Total() if series.is_counter else None
        self._limits = limits
        self._why = ""
        self._written = self._withheld = 0

    @property
    def rest(self) -> Span:
        """What is still to be asked for."""
        return Span(max(self._span.start, self._last), self._span.end)

    def go_on_from(self, position: Position) -> None:
        """Go on behind what is in a file already. Its last value was accepted, so nothing was in doubt."""
        self._last = position.stamp
        if self._total is not None:
            self._total.start_from(position.value, position.stamp)

    def lines(self, readings: Sequence[tuple[int, int | float]]) -> list[str]:
        """Return the lines for stamps and raw values in the order of time.

        Left out is what stands before already, and what the guard holds back.
        """
        multiplier, divisor = self.logger.scale
        prefix, last, total = self.series.prefix, self._last, self._total
        lines = []
        for stamp, raw in readings:
            if stamp <= last:
                continue
            value = raw * multiplier if divisor == 1 else raw * multiplier / divisor
            if total is not None and not self._is_accepted(total, value, stamp):
                continue
            last = stamp
            lines.append(f"{prefix}{value} {stamp}\n")
        self._last = last
        self._written += len(lines)
        return lines

    def _is_accepted(self, total: Total, value: float, stamp: int) -> bool:
        """Ask the guard about a meter reading; log where it changes its mind."""
        before = total.accepted
        why = (
            "below 0"
            if value < 0
            else total.offer(value, stamp, self._limits.watts, self._limits.reset_delay)
        )
        if bool(why) != bool(self._why):
            self._log_change(why, value, before, stamp)
        self._why = why
        self._withheld += bool(why)
        return not why

    def _log_change(self, why: str, value: float, before: float | None, stamp: int) -> None:
        about = self._fields(at=self._said(stamp), joules=value, accepted=before)
        if why:
            _LOGGER.warning("readings are left out: %s", why, extra=about)
        else:
            _LOGGER.info("readings are taken again", extra=about)

    def report(self) -> None:
        """Log what came of it."""
        last = self._said(self._last) if self._written else None
        about = self._fields(written=self._written, left_out=self._withheld, last=last)
        _LOGGER.info("a past is written", extra=about)

    def _said(self, stamp: int) -> str:
        return datetime.fromtimestamp(stamp, self._zone.info).isoformat()

    def _fields(self, **values: object) -> dict[str, object]:
        return {"metric": self.series.name, "logger": self.logger.number, **values}
