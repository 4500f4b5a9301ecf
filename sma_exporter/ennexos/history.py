"""What an ennexOS device has stored of itself: `measurements/search`.

It says what a counter gained in each interval ("Dif"), so its readings are added up, and end at the
present one: the series joins the live one, from below; Prometheus would take a series that falls, however
little, for a counter that began anew. The time of an interval is its end. The running day bears a time
that is still to come, and is no entry.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from time import time as unix_time
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

from ..sma.exceptions import SmaException, SmaReadException
from ..sma.history import (
    DAY,
    FIVE_MINUTES,
    Entry,
    HistoryDevice,
    HistoryError,
    HistorySeries,
    SeriesState,
    Wait,
    repeated,
)
from ..sma.objects import UNITS
from .channels import BY_NAME, BY_NAME_ON_CHARGER, CHANNELS, Channel
from .client import PLANT, SELF, EnnexOS
from .component import (
    Taken,
    about,
    channels,
    has_battery,
    is_charger_of,
    readings,
    surrounded,
)
from .decode import live_of, parameters_of
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

#: Seconds that one request for days may be about.
_DAYS_PIECE = 366 * DAY

#: What a device answers where it has no history of a channel.
_NOT_KEPT = frozenset({400, 403, 404})


Rows: TypeAlias = list[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A channel whose history may be there, in one resolution."""

    series: HistorySeries
    channel: Channel


class _Place(NamedTuple):
    """Where a sensor stands: the component and the channel."""

    component: str
    channel: Channel


def _rows() -> Mapping[str, _Row]:
    rows = (
        _Row(HistorySeries(_key(channel, name), sensor.replace("_", " "), every, sensor), channel)
        for sensor in _SENSORS
        for every, name in _RESOLUTIONS.items()
        for channel in CHANNELS
        if channel.sensor == sensor
    )
    return {row.series.key: row for row in rows}


def _key(channel: Channel, resolution: str) -> str:
    """Return the name of a series; of a charging station a channel is about something else."""
    return f"{channel.id} {resolution}" + (" (charging)" if channel.charger else "")


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
        clock: Callable[[], float] = unix_time,
    ) -> None:
        self._client = client
        self._component = component
        self._device = device
        self._zone = zone
        self._wait = wait
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._midnights: dict[str, list[tuple[int, float]]] = {}
        self._running: dict[str, float] = {}

    def describe(self) -> HistoryDevice:
        """Ask what the device is, and which of its channels count."""
        client, component = self._client, self._component
        found = surrounded(client, component, about(client, component))
        with suppress(SmaReadException):  # not every user may see them
            parameters = parameters_of(client.parameters([component]), component)
            found = replace(found, parameters=parameters)
        asked = [SELF, PLANT] if component == SELF else [component]
        rows = client.measurements(asked)
        taken = Taken()
        seen = channels(rows, component)
        values, own = readings(seen, found, taken), seen.own
        table = BY_NAME_ON_CHARGER if is_charger_of(found, own) else BY_NAME
        for sensor in _SENSORS:
            if sensor in values:
                is_own = sensor in taken.own
                name = (taken.own if is_own else taken.plant)[sensor]
                self._places[sensor] = _Place(component if is_own else PLANT, table[name])
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
        if place is None or place.channel != row.channel:
            return SeriesState(why_not="the device has no such channel, or it has no value now")
        every = series.every or FIVE_MINUTES
        try:
            found = self._gains(place, every, int(now) - 2 * DAY, int(now))
        except SmaReadException as error:
            if not _is_not_kept(error):
                raise
            return SeriesState(why_not="not kept")
        return SeriesState(every, max((stamp for stamp, _ in found), default=None))

    def entries(self, series: HistorySeries, start: int, end: int) -> list[Entry]:
        """Return the readings at the ends of the intervals of a span.

        The first call for a sensor asks for all days since then: what came has to be taken off the
        present reading.
        """
        place = self._places[series.sensor]
        midnights = self._midnights.get(series.sensor)
        if midnights is None or start < midnights[0][0]:
            midnights = self._midnights[series.sensor] = self._readings_at_midnights(place, start)
        if series.every == DAY:
            # The first one was not asked for: a device may have kept nothing so long ago.
            return [(stamp, value) for stamp, value in midnights[1:] if start <= stamp <= end]
        # What a device has not kept of a day stands at the end of it.
        last_midnight, running = max(each for each in midnights if each[0] <= start)
        if last_midnight < start:
            running += sum(
                gain for _, gain in self._gains(place, FIVE_MINUTES, last_midnight, start)
            )
        running = max(running, self._running.get(series.sensor, running))  # gains are rounded
        gains = self._gains(place, FIVE_MINUTES, start, end)
        if gains and len(midnights) == 1:
            raise HistoryError(
                f"{self._device} keeps no days of {place.channel.id}: its readings cannot be found out"
            )
        entries: list[Entry] = []
        for stamp, gain in gains:
            running += gain
            entries.append((stamp, running))
        self._running[series.sensor] = running
        return entries

    def _readings_at_midnights(self, place: _Place, start: int) -> list[tuple[int, float]]:
        """Return what a counter said at the midnights from the one before a moment on, up to the next one.

        The present reading comes before the gains of the running day, and those reach until now: whatever
        comes in between makes the series end below the live one.
        """
        extra = {"device": self._device, "channel": place.channel.id}
        _LOGGER.info("adding up what came since", extra=extra)
        begin, (today, tomorrow) = self._day_of(start)[0], self._day_of(self._clock())
        gains: list[tuple[int, float]] = []
        piece = begin
        while piece < today:
            end = min(piece + _DAYS_PIECE, today)
            gains += self._gains(place, DAY, piece, end)
            piece = end
        reading = self._total(place)
        gains += self._gains(place, DAY, today, tomorrow)
        found = []
        for stamp, gain in reversed(gains):
            found.append((stamp, reading))
            reading -= gain
        return [(begin, reading), *reversed(found)]

    def _day_of(self, moment: float) -> tuple[int, int]:
        """Return the local midnights before (or at) a moment, and after it."""
        zone = ZoneInfo(self._zone or "UTC")
        day = datetime.fromtimestamp(moment, zone).date()
        days = (day, day + timedelta(days=1))
        begin, end = (int(datetime.combine(each, time(), zone).timestamp()) for each in days)
        return begin, end

    def _whole_intervals(self, every: int, start: int, end: int) -> tuple[int, int]:
        """Return a span that is not cut within an interval: a device counts from where one begins."""
        if every == DAY:
            return self._day_of(start)[0], self._day_of(end - 1)[1]
        return start - start % every, end + -end % every

    def _total(self, place: _Place) -> float:
        rows = self._repeated(lambda: self._client.measurements([place.component]))
        each = live_of(rows, place.component).get(place.channel.name)
        found = number(each.elements[0]) if each is not None and each.elements else None
        if found is None:
            raise HistoryError(f"{self._device} does not say any more what {place.channel.id} is")
        return found * _factor(place)

    def _gains(self, place: _Place, every: int, start: int, end: int) -> list[tuple[int, float]]:
        """Return what a counter gained in each interval that ends in a span, its start left out."""
        begin_asked, end_asked = self._whole_intervals(every, start, end)
        rows = self._repeated(
            lambda: self._client.history(
                place.component,
                [place.channel.id],
                begin_asked,
                end_asked,
                resolution=_RESOLUTIONS[every],
                aggregate="Dif",
                timezone=self._zone or "UTC",
            )
        )
        found: dict[int, float] = {}
        for each in rows:
            values = each.get("values")
            for entry in values if isinstance(values, list) else ():
                if not isinstance(entry, dict):
                    continue
                stamp, gain = unix_seconds(entry.get("time")), number(entry.get("value"))
                if stamp is not None and gain is not None and start < stamp <= end:
                    found[int(stamp)] = gain * _factor(place)
        return sorted(found.items())

    def _repeated(self, ask: Callable[[], Rows]) -> Rows:
        """Ask; repeat what failed, a few times. Stopped between two requests."""
        return repeated(ask, self._wait, self._device, is_final=_is_not_kept)


def _factor(place: _Place) -> float:
    multiplier, divisor = UNITS[place.channel.unit]
    return multiplier / divisor


def _is_not_kept(error: SmaException) -> bool:
    return isinstance(error, SmaReadException) and error.err in _NOT_KEPT
