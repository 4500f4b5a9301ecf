"""What an ennexOS device has stored of itself: `measurements/search`.

It says what a counter gained in each interval ("Dif"), so its readings are added up, and end at the
present one: the series joins the live one. The time of an interval is its end. The running day bears a
time that is still to come, and is no entry.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..sma.exceptions import SmaException, SmaReadException
from ..sma.history import (
    DAY,
    FIVE_MINUTES,
    Entry,
    HistoryDevice,
    HistorySeries,
    SeriesState,
    Wait,
    repeated,
)
from ..sma.objects import UNITS
from .channels import CHANNELS, Channel
from .client import PLANT, EnnexOS
from .component import Taken, about, has_battery, readings
from .decode import parameters_of
from .values import number, unix_seconds

_LOGGER = logging.getLogger(__name__)

#: The sensors whose history is worth having: what months and years are made of.
_SENSORS = (
    "total_yield",
    "pv_gen_meter",
    "metering_total_yield",
    "metering_total_absorbed",
    "total_absorbed",
    "battery_charge_total",
    "battery_discharge_total",
    "charging_total",
)

_RESOLUTIONS: Mapping[int, str] = {DAY: "OneDay", FIVE_MINUTES: "FiveMinutes"}

#: Seconds that one request for what came since the first piece may be about.
_SINCE_PIECE = {DAY: 366 * DAY, FIVE_MINUTES: DAY}

#: What a device answers where it has no history of a channel.
_NOT_KEPT = frozenset({400, 403, 404})


@dataclass(frozen=True, slots=True)
class _Row:
    """A channel whose history may be there, in one resolution."""

    series: HistorySeries
    channel: Channel


class _Place(NamedTuple):
    """Where a sensor stands: the component, the channel, and what it says now, in the base unit."""

    component: str
    channel: str
    total: float


def _rows() -> Mapping[str, _Row]:
    rows = (
        _Row(
            HistorySeries(f"{channel.id} {name}", channel.sensor.replace("_", " "), every, sensor),
            channel,
        )
        for sensor in _SENSORS
        for every, name in _RESOLUTIONS.items()
        for channel in CHANNELS
        if channel.sensor == sensor
    )
    return {row.series.key: row for row in rows}


_ROWS = _rows()


class EnnexOSHistory:
    """Implements `sma.history.HistorySource`.

    `zone`: the IANA name of the time zone in which days begin; None where nobody has said it. `wait`: waits
    so many seconds, returns whether to stop. `clock`: unix time.
    """

    noun = "channel"
    series = tuple(row.series for row in _ROWS.values())

    def __init__(
        self,
        client: EnnexOS,
        component: str,
        device: str,
        zone: str | None,
        wait: Wait,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._component = component
        self._device = device
        self._zone = zone
        self._wait = wait
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._running: dict[str, float] = {}

    def describe(self) -> HistoryDevice:
        """Ask what the device is, and what its counters say now."""
        rows = self._client.measurements(dict.fromkeys((self._component, PLANT)))
        parameters = parameters_of(self._client.parameters([self._component]), self._component)
        found = replace(about(self._client, self._component), parameters=parameters)
        taken = Taken()
        values = readings(rows, self._component, found, taken)
        for sensor in _SENSORS:
            total = values.get(sensor)
            if isinstance(total, int | float):
                is_own = sensor in taken.own
                component = self._component if is_own else PLANT
                channel = (taken.own if is_own else taken.plant)[sensor]
                self._places[sensor] = _Place(component, channel, float(total))
        rated = values.get("inverter_power_limit")
        return HistoryDevice(
            identity=found.identity,
            rated=float(rated) if isinstance(rated, int | float) and rated > 0 else None,
            zone=self._zone,
            has_battery=has_battery(values),
        )

    def probe(self, series: HistorySeries, now: float) -> SeriesState:
        """Ask for the last day of a channel."""
        row = _ROWS[series.key]
        place = self._places.get(series.sensor)
        if place is None or place.channel != row.channel.name:
            return SeriesState(why_not="the device has no such channel, or it has no value now")
        every = series.every or FIVE_MINUTES
        try:
            found = self._gains(row, place, int(now) - 2 * DAY, int(now))
        except SmaReadException as error:
            if not _is_not_kept(error):
                raise
            return SeriesState(why_not="not kept")
        return SeriesState(every, max((stamp for stamp, _ in found), default=None))

    def entries(self, series: HistorySeries, start: int, end: int) -> list[Entry]:
        """Return the readings at the ends of the intervals of a span.

        The first call for a series asks for everything since then: what came has to be taken off the
        present reading.
        """
        row, place = _ROWS[series.key], self._places[series.sensor]
        running = self._running.get(series.key)
        if running is None:
            running = place.total - self._gained_since(row, place, start)
        entries: list[Entry] = []
        for stamp, gain in self._gains(row, place, start, end):
            running += gain
            entries.append((stamp, running))
        self._running[series.key] = running
        return entries

    def _gained_since(self, row: _Row, place: _Place, start: int) -> float:
        """Return what a counter gained since a moment, the running interval included."""
        extra = {"device": self._device, "series": row.series.key}
        _LOGGER.info("adding up what came since", extra=extra)
        every = row.series.every or FIVE_MINUTES
        until = int(self._clock()) + DAY + 3600  # the end of the running day
        gained = 0.0
        while start < until:
            end = min(start + _SINCE_PIECE[every], until)
            gained += sum(gain for _, gain in self._gains(row, place, start, end))
            start = end
        return gained

    def _gains(self, row: _Row, place: _Place, start: int, end: int) -> list[tuple[int, float]]:
        """Return what a counter gained in each interval that ends in a span, its start left out."""
        resolution = _RESOLUTIONS[row.series.every or FIVE_MINUTES]
        rows = self._asked(place.component, row.channel.id, start, end, resolution)
        multiplier, divisor = UNITS[row.channel.unit]
        found = []
        for each in rows:
            values = each.get("values")
            for entry in values if isinstance(values, list) else ():
                if not isinstance(entry, dict):
                    continue
                stamp, gain = unix_seconds(entry.get("time")), number(entry.get("value"))
                if stamp is not None and gain is not None and start < stamp <= end:
                    found.append((int(stamp), gain * multiplier / divisor))
        return sorted(found)

    def _asked(
        self, component: str, channel: str, start: int, end: int, resolution: str
    ) -> list[Mapping[str, object]]:
        """Ask; repeat what failed, a few times. Stopped between two requests."""
        return repeated(
            lambda: self._client.history(
                component,
                [channel],
                start,
                end,
                resolution=resolution,
                aggregate="Dif",
                timezone=self._zone or "",
            ),
            self._wait,
            self._device,
            is_final=_is_not_kept,
        )


def _is_not_kept(error: SmaException) -> bool:
    return isinstance(error, SmaReadException) and error.err in _NOT_KEPT
