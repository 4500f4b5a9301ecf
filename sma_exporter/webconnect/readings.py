"""A whole reply into readings: sensor name -> value, in base units, as far as the device has one.

This is where WebConnect ends: names and units are the same for whatever protocol comes next. Numbers
are in watts, volts, amperes, hertz, joules, ohms, degrees Celsius and ratios; states are tuples of the
active tags; texts are texts. A sensor without a value is absent.
"""

import math
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeAlias

from . import definitions
from .sensor import MAX_ELEMENTS, Sensor, elements, number, tags

Value: TypeAlias = int | float | str | tuple[int, ...]
Readings: TypeAlias = dict[str, Value]

#: What one of each of PySMA's units is in the base unit, as a fraction: division keeps 242.06 exact.
_BASE_UNITS: Mapping[str | None, tuple[int, int]] = {
    None: (1, 1),
    "W": (1, 1),
    "var": (1, 1),
    "VA": (1, 1),
    "V": (1, 1),
    "A": (1, 1),
    "mA": (1, 1000),
    "Hz": (1, 1),
    "°C": (1, 1),
    "%": (1, 100),
    "kOhm": (1000, 1),
    "Wh": (3600, 1),
    "kWh": (3_600_000, 1),
}

#: Letters of DC inputs and battery packs: devices have more of them than PySMA's three.
LETTERS = string.ascii_lowercase


def _scaled(multiplier: int, divisor: int, val: object) -> Value | None:
    raw = number(val)
    if raw is None:
        return None
    return raw * multiplier if divisor == 1 else raw * multiplier / divisor


def _text(val: object) -> Value | None:
    return val if isinstance(val, str) and val else None


def _is_text(key: str) -> bool:
    return key[5:7] == "10"


def _state(val: object) -> Value | None:
    return tags(val) or None


def _decoder(sensor: Sensor) -> Callable[[object], Value | None]:
    """Return what turns the sensor's `val` into a value; the key's data type tells which kind."""
    if sensor.key[5:7] == "08":
        return _state
    if _is_text(sensor.key):
        return _text
    multiplier, divisor = _BASE_UNITS[sensor.unit]
    divisor *= sensor.factor or 1
    common = math.gcd(multiplier, divisor)
    return partial(_scaled, multiplier // common, divisor // common)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the elements behind one key are decoded, and what they are called."""

    decode: Callable[[object], Value | None]
    names: tuple[str, ...]


def _names(sensors: list[Sensor]) -> tuple[str, ...]:
    """Return the sensor names of a key by index, on beyond those that are defined one by one."""
    first = sensors[0].name
    if first.startswith("optimizer_"):
        return tuple(f"{first}_{index}" for index in range(MAX_ELEMENTS))
    if len(sensors) > 1:
        return tuple(f"{first.removesuffix('_a')}_{letter}" for letter in LETTERS)
    return (first,)


def _plans(sensors: Iterable[Sensor]) -> dict[str, _Plan]:
    by_key = sorted(sensors, key=lambda sensor: (sensor.key, sensor.key_idx))
    groups = ((key, list(group)) for key, group in groupby(by_key, lambda sensor: sensor.key))
    return {key: _Plan(_decoder(group[0]), _names(group)) for key, group in groups}


_PLANS = _plans(definitions.SENSORS.values())

#: Objects that describe the device. They are parameters: getAllOnlValues leaves them out.
PARAMETER_KEYS: tuple[str, ...] = tuple(key for key in _PLANS if key.startswith("68"))
#: All other objects of the definitions, for devices that refuse to name what they offer.
ONLINE_KEYS: tuple[str, ...] = tuple(key for key in _PLANS if not key.startswith("68"))
#: The sensors behind the parameters: they change with the device, not with the weather.
PARAMETERS: frozenset[str] = frozenset(name for key in PARAMETER_KEYS for name in _PLANS[key].names)

#: The object behind each sensor.
KEY_OF: Mapping[str, str] = {name: key for key, plan in _PLANS.items() for name in plan.names}

#: Lifetime totals, in joules: meter readings that only ever grow. PySMA gives exactly these in kWh.
TOTALS: frozenset[str] = frozenset(
    name
    for sensor in definitions.SENSORS.values()
    if sensor.unit == "kWh"
    for name in _PLANS[sensor.key].names
)

_NO_BATTERY: tuple[Value | None, ...] = (None, (303,))


def decode(result_body: Mapping[str, object]) -> Readings:
    """Return the readings of a result (key -> raw value); keys that no sensor has are passed over."""
    readings: Readings = {}
    for key, raw in result_body.items():
        plan = _PLANS.get(key)
        if plan is None:
            continue
        for name, val in zip(plan.names, elements(raw), strict=False):
            value = plan.decode(val)
            if value is not None and not _is_rubbish(name, value):
                readings[name] = value
    return _without_absent_battery(readings)


def _is_rubbish(name: str, value: Value) -> bool:
    """Tell whether a lifetime total is below 0: no meter reading, and none to start from."""
    return name in TOTALS and isinstance(value, int | float) and value < 0


def names(key: str) -> tuple[str, ...]:
    """Return what the elements behind a key are called, by index; none for an unknown key."""
    return _PLANS[key].names if key in _PLANS else ()


def has_value(result_body: Mapping[str, object]) -> bool:
    """Tell whether a result holds any value at all, of a known key or not; a text only where one belongs."""
    return any(
        number(val) is not None or _state(val) is not None or (_is_text(key) and _text(val))
        for key, raw in result_body.items()
        for val in elements(raw)
    )


def _without_absent_battery(readings: Readings) -> Readings:
    """Drop the zeros that a hybrid without a battery reports (webconnect.md, section c).

    The battery is absent when mode and condition are off or missing and no pack has a voltage. States
    and the pack-less readings of everything else stay.
    """
    off = (
        readings.get("battery_status_operating_mode") in _NO_BATTERY
        and readings.get("battery_condition") in _NO_BATTERY
    )
    if not off or any(readings.get(f"battery_voltage_{letter}") for letter in LETTERS):
        return readings
    return {
        name: value
        for name, value in readings.items()
        if not name.startswith("battery_") or isinstance(value, tuple)
    }
