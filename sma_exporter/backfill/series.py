"""One series on its way from a device's history into the file: in order, and honest."""

import logging
from collections.abc import Sequence
from datetime import datetime

from ..devices.counter_guard import Total
from ..metrics.exposition import line
from ..sma.history import Entry, HistorySeries
from .openmetrics import Position, Series
from .time_ranges import Span, Zone

_LOGGER = logging.getLogger(__name__)


class SeriesHistory:
    """What a device has kept of a series over a span.

    `every`: seconds between its entries. `max_rate`: what a total can gain in a second, in its unit;
    `reset_delay`: seconds that a reset of it must last to be believed.
    """

    def __init__(
        self,
        kept: HistorySeries,
        every: int,
        series: Series,
        span: Span,
        zone: Zone,
        *,
        max_rate: float,
        reset_delay: float,
    ) -> None:
        self.kept = kept
        self.every = every
        self.series = series
        self._zone = zone
        self._span = span
        self._last = span.start - 1
        self._total = Total() if series.is_counter else None
        self._max_rate = max_rate
        self._reset_delay = reset_delay
        self._why = ""
        self._written = self._withheld = 0

    @property
    def rest(self) -> Span:
        """What is still to be asked for."""
        return Span(max(self._span.start, self._last), self._span.end)

    def go_on_from(self, position: Position) -> None:
        """Go on behind what is in a file already. Its last value was accepted."""
        self._last = position.stamp
        if self._total is not None:
            self._total.start_from(position.value, position.stamp)

    def lines(self, entries: Sequence[Entry]) -> list[str]:
        """Return the lines for entries in the order of time.

        Left out is what stands before already, and what the guard holds back.
        """
        prefix, last, total = self.series.prefix, self._last, self._total
        lines = []
        for stamp, value in entries:
            if stamp <= last:
                continue
            if total is not None and not self._is_accepted(total, value, stamp):
                continue
            last = stamp
            lines.append(line(prefix, value, stamp))
        self._last = last
        self._written += len(lines)
        return lines

    def _is_accepted(self, total: Total, value: float, stamp: int) -> bool:
        """Ask the guard about a meter reading; log where it changes its mind."""
        before = total.accepted
        why = (
            "below 0" if value < 0 else total.offer(value, stamp, self._max_rate, self._reset_delay)
        )
        if bool(why) != bool(self._why):
            self._log_change(why, value, before, stamp)
        self._why = why
        self._withheld += bool(why)
        return not why

    def _log_change(self, why: str, value: float, before: float | None, stamp: int) -> None:
        extra = self._extra(at=self._said(stamp), joules=value, accepted=before)
        if why:
            _LOGGER.warning("readings are left out: %s", why, extra=extra)
        else:
            _LOGGER.info("readings are taken again", extra=extra)

    def report(self) -> None:
        """Log what came of it."""
        last = self._said(self._last) if self._written else None
        extra = self._extra(written=self._written, left_out=self._withheld, last=last)
        _LOGGER.info("a series is written", extra=extra)

    def _said(self, stamp: int) -> str:
        return datetime.fromtimestamp(stamp, self._zone.info).isoformat()

    def _extra(self, **values: object) -> dict[str, object]:
        return {"metric": self.series.name, "series": self.kept.key, **values}
