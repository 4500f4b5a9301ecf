"""From what a source says to what is shown of it, whatever the protocol.

Another device than the configured one is refused, lifetime totals stay honest, states that no table
knows are remembered, and the configuration's own sensors get their values.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from .. import config
from ..sma import limits
from ..sma.exceptions import SmaIdentityException
from ..sma.sensors import SENSORS, Kind, out_of_bounds
from ..sma.source import Address, Identity, Measurements, Readings, Value
from ..sma.text import clean
from .counter_guard import UNKNOWN_WATTS, CounterGuard
from .snapshot import CustomReading, DeviceState

_LOGGER = logging.getLogger(__name__)

#: Of one sensor.
MAX_UNKNOWN_STATES = 16

_KEPT = frozenset(name for name, sensor in SENSORS.items() if sensor.kept)
_TOTALS = {name: sensor for name, sensor in SENSORS.items() if sensor.kind is Kind.TOTAL}


class Shown(NamedTuple):
    """What of a read is shown."""

    readings: Readings
    custom: tuple[CustomReading, ...]


class Evaluation:
    """Evaluates the reads of one device; `state` is what it has learned."""

    def __init__(self, device: str) -> None:
        self.state = DeviceState()
        self._device = device
        self._guard = CounterGuard()
        self._doubted: Identity | None = None  # another serial number, seen once
        self._sensors: tuple[config.CustomSensor, ...] = ()
        self._were_out_of_bounds: set[str] = set()  # each is logged once

    def evaluate(
        self, measurements: Measurements, settings: config.DeviceSettings, url: str, now: float
    ) -> Shown:
        """Return what is shown of measurements that a source brought. `now` is monotonic.

        SmaIdentityException when another device than the configured one answers at `url`.
        """
        if measurements.identity is not None:
            self._check_serial(measurements.identity, settings, url)
            self._note_identity(measurements.identity)
        readings = self._with_kept(self._in_bounds(_shortened(measurements.readings)))
        custom = tuple(_custom_readings(settings.sensors, measurements.custom))
        self._judge_totals(readings, custom, settings, now)
        if self._guard.withheld:
            held = self._guard.is_withheld
            readings = {name: value for name, value in readings.items() if not held(name)}
            custom = tuple(row for row in custom if not held(_series(row)))
        self.state = replace(
            self.state,
            kept={name: readings[name] for name in readings.keys() & _KEPT},
            unknown_states=self._with_unknown_states(readings),
            withheld=self._guard.withheld,
        )
        return Shown(readings, custom)

    def _check_serial(self, identity: Identity, settings: config.DeviceSettings, url: str) -> None:
        if settings.serial and identity.serial != settings.serial:
            raise SmaIdentityException(
                f"the device at {url} has the serial number {identity.serial or '(none)'}, configured is "
                f"{settings.serial}: correct `serial` or `url` of {settings.name}"
            )

    def _note_identity(self, identity: Identity) -> None:
        """Note who answers.

        A device that tells another serial number than before is another one when it says so twice:
        a single wrong one must not make its totals start anew.
        """
        known, doubted = self.state.identity, self._doubted
        if known.serial and not identity.serial:
            return  # whoever tells none may be the same
        if known.serial in {"", identity.serial}:
            self._doubted = None
        elif doubted is identity:
            return  # the device has not been asked anew
        elif doubted is None or doubted.serial != identity.serial:
            self._doubted = identity
            _LOGGER.info(
                "another serial number: believed when the device tells it once more",
                extra={"device": self._device, "serial": identity.serial, "before": known.serial},
            )
            return
        else:
            _LOGGER.warning(
                "another device answers at this address: its totals start anew",
                extra={"device": self._device, "serial": identity.serial, "before": known.serial},
            )
            self._doubted = None
            self._guard.forget()
            self.state = replace(self.state, kept={})
        self.state = replace(self.state, identity=identity)

    def _in_bounds(self, readings: Readings) -> Readings:
        """Leave out what no device can measure; say so once for each sensor."""
        garbage = out_of_bounds(readings)
        if not garbage:
            return readings
        for name in garbage.keys() - self._were_out_of_bounds:
            extra = {"device": self._device, "sensor": name, "value": garbage[name]}
            _LOGGER.warning("the device sends a value that cannot be: it is left out", extra=extra)
        self._were_out_of_bounds |= garbage.keys()
        return {name: value for name, value in readings.items() if name not in garbage}

    def _with_kept(self, readings: Readings) -> Readings:
        """Add what describes the device and was not told this time."""
        missing = self.state.kept.keys() - readings.keys()
        return (
            {**{name: self.state.kept[name] for name in missing}, **readings}
            if missing
            else readings
        )

    def _judge_totals(
        self,
        readings: Readings,
        custom: Iterable[CustomReading],
        settings: config.DeviceSettings,
        now: float,
    ) -> None:
        """Let the guard judge every lifetime total of a read, the configuration's own too."""
        if settings.sensors != self._sensors:
            gone = {*map(_series, self._sensors)} - {*map(_series, settings.sensors)}
            self._guard.drop(gone)
            self._sensors = settings.sensors
        totals = {
            name: float(value)
            for name, value in readings.items()
            if name in _TOTALS and isinstance(value, int | float)
        }
        own = {_series(row): row.value for row in custom if row.type == "counter"}
        limit = readings.get("inverter_power_limit")
        rated = float(limit) if isinstance(limit, int | float) and limit > 0 else UNKNOWN_WATTS
        max_rates = {name: _TOTALS[name].max_rate or rated for name in totals}
        changes = self._guard.check(totals | own, max_rates, now, settings.counter_reset_delay)
        for change in changes:
            about = {"device": self._device, "sensor": change.sensor}
            extra = about | {"value": change.value, "accepted": change.accepted}
            if change.why:
                _LOGGER.warning("a lifetime total is withheld: %s", change.why, extra=extra)
            else:
                _LOGGER.info("a lifetime total is shown again", extra=extra)

    def _with_unknown_states(self, readings: Readings) -> Mapping[str, tuple[int, ...]]:
        """Remember states that no table has, the latest last: once seen they stay, at 0.

        So no series vanishes, until there are too many: the one seen longest ago makes room.
        """
        seen = self.state.unknown_states
        for name, value in readings.items():
            if not isinstance(value, tuple) or SENSORS[name].kind is not Kind.STATES:
                continue
            unknown = [tag for tag in value if tag not in SENSORS[name].states]
            if unknown:
                earlier = (tag for tag in seen.get(name, ()) if tag not in unknown)
                seen = {**seen, name: (*earlier, *unknown)[-MAX_UNKNOWN_STATES:]}
        return seen


def _shortened(readings: Readings) -> Readings:
    """Return readings as they are kept and shown: no text or list of tags is longer than any real one."""
    return {
        name: value if isinstance(value, int | float) else _cut(value)
        for name, value in readings.items()
    }


def _cut(value: str | tuple[int, ...]) -> Value:
    return clean(value) if isinstance(value, str) else value[: limits.TAGS]


def addresses(sensors: Iterable[config.CustomSensor]) -> frozenset[Address]:
    """Return where the values of the configuration's own sensors stand."""
    return frozenset(Address(sensor.key, sensor.index) for sensor in sensors)


def _series(row: CustomReading | config.CustomSensor) -> str:
    return f"{row.metric} {dict(row.labels)}"


def _custom_readings(
    sensors: Iterable[config.CustomSensor], numbers: Mapping[Address, float]
) -> Iterator[CustomReading]:
    for sensor in sensors:
        raw = numbers.get(Address(sensor.key, sensor.index))
        if raw is not None and not (sensor.type == "counter" and raw < 0):
            value = raw * sensor.multiplier
            yield CustomReading(sensor.metric, sensor.type, sensor.help, sensor.labels, value)
