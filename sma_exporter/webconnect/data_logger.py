"""The data loggers of WebConnect devices: the table, and how a device is asked for its history.

Numbers and objects are from SMA's metadata: 28672 is 7000 in hex, the group of the object
7000_00261E00. Which of them a device keeps, and for how long, differs, so it is asked. A sensor stands
where the metadata has the very object that is read live, and the object is a meter reading (or the
state of charge): the history of the other numbers may be averages or count a day, which is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

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
from ..sma.time_zones import time_zone
from .client import SMA, LogEntry
from .decode import PARAMETER_KEYS, decode, identity_of
from .exceptions import SmaNoLoggerException, SmaSeveralDevicesException
from .values import elements, number, tags


@dataclass(frozen=True, slots=True)
class DataLogger:
    """A data logger. `every`, `sensor`: as in `HistorySeries`.

    `unit`: what 1 in its entries means, by SMA's metadata: "0.01 V" is a hundredth of a volt.
    """

    number: int
    title: str
    every: int | None = None
    sensor: str = ""
    unit: str = "Wh"

    def __index__(self) -> int:
        return self.number

    @property
    def is_for_installer(self) -> bool:
        """Whether its group ends in 2: those of the live objects are shown to the installer only."""
        return self.number & 0xF == 2

    @property
    def scale(self) -> tuple[int, int]:
        """What one of its unit is in the base unit of the sensor, as a fraction."""
        return {"Wh": (3600, 1), "%": (1, 100)}[self.unit]


# fmt: off
LOGGERS: tuple[DataLogger, ...] = (
    # Asked for by several programs; 28720 is taken for the five-minute twin of 28752.
    DataLogger(28672, "total yield", FIVE_MINUTES, "total_yield"),
    DataLogger(28704, "total yield", DAY, "total_yield"),
    DataLogger(29056, "PV generation", None, "pv_gen_meter"),
    DataLogger(28720, "grid feed-in", FIVE_MINUTES, "metering_total_yield"),
    DataLogger(28752, "grid feed-in", DAY, "metering_total_yield"),
    DataLogger(28736, "grid draw", FIVE_MINUTES, "metering_total_absorbed"),
    DataLogger(28768, "grid draw", DAY, "metering_total_absorbed"),
    DataLogger(29328, "total consumption", None, "metering_total_consumption"),
    DataLogger(28816, "battery state of charge", FIVE_MINUTES, "battery_soc_total", "%"),
    DataLogger(29344, "battery charge, total", None, "battery_charge_total"),
    DataLogger(29360, "battery discharge, total", None, "battery_discharge_total"),
    DataLogger(28784, "absorbed energy of the device", FIVE_MINUTES, "total_absorbed"),
    DataLogger(28800, "absorbed energy of the device", DAY, "total_absorbed"),
    # Shown by --list, no more.
    DataLogger(10016, "PV power", unit="W"),
    DataLogger(28832, "grid voltage L1", unit="0.01 V"),
    DataLogger(28848, "grid voltage L2", unit="0.01 V"),
    DataLogger(28864, "grid voltage L3", unit="0.01 V"),
    DataLogger(28880, "DC voltage", unit="0.01 V"),
    DataLogger(28896, "grid frequency", unit="0.01 Hz"),
    DataLogger(28930, "battery voltage", unit="0.01 V"),
    DataLogger(28946, "battery voltage", unit="0.01 V"),
    DataLogger(28962, "battery voltage", unit="0.01 V"),
    DataLogger(28978, "battery current", unit="0.001 A"),
    DataLogger(28994, "battery temperature", unit="0.1 °C"),
    DataLogger(29010, "battery temperature", unit="0.1 °C"),
    DataLogger(29026, "battery temperature", unit="0.1 °C"),
    DataLogger(29042, "battery capacity", unit="%"),
    DataLogger(29072, "total consumption (of the day?)"),
    DataLogger(29088, "self-consumption"),
    DataLogger(29104, "direct consumption"),
    DataLogger(29120, "battery charge (of the day?)"),
    DataLogger(29136, "battery discharge (of the day?)"),
    DataLogger(29168, "self-supply"),
    DataLogger(29184, "power", unit="W"),
    DataLogger(29200, "grid voltage L1", unit="0.01 V"),
    DataLogger(29216, "grid current L1", unit="0.001 A"),
    DataLogger(29232, "DC power", unit="W"),
    DataLogger(29248, "DC voltage", unit="0.01 V"),
    DataLogger(29264, "DC current", unit="0.001 A"),
    DataLogger(29280, "insulation resistance", unit="Ohm"),
    DataLogger(29296, "residual current", unit="0.001 A"),
    DataLogger(29424, "discharge of the present battery"),
    DataLogger(29440, "charge of the present battery"),
    DataLogger(29458, "available charging power", unit="W"),
    DataLogger(29474, "available discharging power", unit="W"),
    DataLogger(29488, "ambient temperature of the battery", unit="0.1 °C"),
    DataLogger(29616, "DC power, string B", unit="W"),
    DataLogger(29632, "DC voltage, string B", unit="0.01 V"),
    DataLogger(29648, "DC current, string B", unit="0.001 A"),
)
# fmt: on

_BY_KEY = {str(logger.number): logger for logger in LOGGERS}
_SERIES = tuple(
    HistorySeries(str(logger.number), logger.title, logger.every, logger.sensor)
    for logger in LOGGERS
)

#: SMA's object for the time zone that a device is set to.
_TIME_ZONE_KEY = "6800_08838D00"

#: Long enough for a daily entry, also on the day of 25 hours.
_LAST_DAY = DAY + 3600

#: What a device answers to whoever may not read it.
_FORBIDDEN = {401, 403}


class DataLoggerSource:
    """Implements `sma.history.HistorySource`. `wait`: waits so many seconds, returns whether to stop."""

    noun = "logger"
    series = _SERIES

    def __init__(self, client: SMA, device: str, wait: Wait) -> None:
        self._client = client
        self._device = device
        self._wait = wait

    def describe(self) -> HistoryDevice:
        """Ask what the device is."""
        values = self._client.read_keys([*dict.fromkeys((*PARAMETER_KEYS, _TIME_ZONE_KEY))])
        parameters, now = decode(values), decode(self._client.read_all())
        rated = parameters.get("inverter_power_limit")
        zones = (tag for val in elements(values.get(_TIME_ZONE_KEY)) for tag in tags(val))
        return HistoryDevice(
            identity=identity_of(parameters),
            rated=float(rated) if isinstance(rated, int | float) and rated > 0 else None,
            zone=time_zone(zones),
            has_battery=any(
                name.startswith("battery_") and isinstance(value, int | float)
                for name, value in now.items()
            ),
        )

    def probe(self, series: HistorySeries, now: float) -> SeriesState:
        """Ask for the last day of a data logger."""
        logger, is_user = _BY_KEY[series.key], self._client.group == "user"
        try:
            found = self._read(logger, int(now) - _LAST_DAY, int(now))
        except SmaNoLoggerException:
            if not is_user:
                return SeriesState(why_not="not kept")
            likely = "most likely for" if logger.is_for_installer else "not kept, or for"
            return SeriesState(why_not=f"{likely} the installer only")
        except SmaReadException as error:
            if error.err not in _FORBIDDEN:
                raise
            why_not = "for the installer only" if is_user else "refused by the device"
            return SeriesState(why_not=why_not)
        stamps = [stamp for stamp, _ in readings(found, 0, int(now))]
        every = logger.every or self._seconds_between(series, stamps, int(now))
        return SeriesState(every, stamps[-1] if stamps else None)

    def _seconds_between(self, series: HistorySeries, stamps: list[int], now: int) -> int | None:
        """Tell a daily logger, which has one entry or two in its last day, from one with more."""
        if len(stamps) <= 2:
            before = self.entries(series, now - 2 * _LAST_DAY, now - _LAST_DAY)
            stamps = sorted({*stamps, *(stamp for stamp, _ in before)})
        if len(stamps) < 2:
            return None
        gaps = (later - sooner for sooner, later in pairwise(stamps))
        return DAY if min(gaps) > DAY / 2 else FIVE_MINUTES

    def entries(self, series: HistorySeries, start: int, end: int) -> list[Entry]:
        """Return the entries of a span, both ends included; none where nothing was stored."""
        logger = _BY_KEY[series.key]
        try:
            found = self._read(logger, start, end)
        except SmaNoLoggerException:
            return []
        multiplier, divisor = logger.scale if logger.sensor else (1, 1)
        return [
            (stamp, raw * multiplier if divisor == 1 else raw * multiplier / divisor)
            for stamp, raw in readings(found, start, end)
        ]

    def _read(self, logger: DataLogger, start: int, end: int) -> list[LogEntry]:
        """Read a data logger; repeat what failed, a few times. Stopped between two requests."""
        return repeated(
            lambda: self._client.read_logger(logger, start, end),
            self._wait,
            self._device,
            is_final=_is_nothing_to_give,
        )


def _is_nothing_to_give(error: SmaException) -> bool:
    return isinstance(error, SmaNoLoggerException | SmaSeveralDevicesException) or (
        isinstance(error, SmaReadException) and error.err in _FORBIDDEN
    )


def readings(entries: Sequence[object], start: int, end: int) -> list[tuple[int, int | float]]:
    """Return stamp and raw value of the entries that have one, in the order of time.

    What is null, no number, or stamped outside of the span is left out.
    """
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        stamp, value = number(entry.get("t")), number(entry.get("v"))
        if value is not None and isinstance(stamp, int) and start <= stamp <= end:
            found.append((stamp, value))
    found.sort()
    return found
