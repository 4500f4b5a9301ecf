"""A whole reply into readings: sensor name -> value, in base units, as far as the device has one.

This is where WebConnect ends: names and units are the same for whatever protocol comes next. Numbers
are in watts, volts, amperes, hertz, joules, ohms, seconds, degrees Celsius and ratios; states are
tuples of the active tags; texts are texts. A sensor without a value is absent; one whose value stands
behind another key is there under its own name.
"""

import math
import string
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TypeAlias, TypeVar

from ..sma.tags import NUMBERS, STATES
from . import definitions
from .definitions import NUMBERED, SUBSTITUTES
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
    "Ah": (3600, 1),
    "s": (1, 1),
    "W/m²": (1, 1),
    "m/s": (1, 1),
}

#: Letters of DC inputs and battery packs: devices have more of them than PySMA's three.
LETTERS = string.ascii_lowercase

#: The sensor that another one stands in for.
_MAIN = {substitute: name for name, substitute in SUBSTITUTES.items()}


#: What turns a `val` that is not null into a value, None if it is none.
Decoder: TypeAlias = Callable[[object], Value | None]


def _number(multiplier: int, divisor: int) -> Decoder:
    """Return what decodes a number and brings it to its base unit."""
    if multiplier == divisor == 1:
        return number

    def scaled(val: object) -> Value | None:
        raw = number(val)
        if raw is None:
            return None
        return raw * multiplier if divisor == 1 else raw * multiplier / divisor

    return scaled


def _total(multiplier: int, divisor: int) -> Decoder:
    """Return what decodes a lifetime total; below 0 it is no meter reading, and none to start from."""
    scaled = _number(multiplier, divisor)

    def total(val: object) -> Value | None:
        raw = number(val)
        return None if raw is None or raw < 0 else scaled(raw)

    return total


def _text(val: object) -> Value | None:
    return val if isinstance(val, str) and val else None


def _is_text(key: str) -> bool:
    return key[5:7] == "10"


def _state(val: object) -> Value | None:
    return tags(val) or None


def _number_of(numbers: Mapping[int, int], val: object) -> Value | None:
    return next((numbers[tag] for tag in tags(val) if tag in numbers), None)


def _decoder(sensor: Sensor) -> Decoder:
    """Return what decodes the sensor's `val`; the key's data type tells which kind it is."""
    data_type = sensor.key[5:7]
    if data_type == "08":
        numbers = NUMBERS.get(sensor.name)
        return partial(_number_of, numbers) if numbers else _state
    if _is_text(sensor.key):
        return _text
    multiplier, divisor = _BASE_UNITS[sensor.unit]
    divisor *= sensor.factor or 1
    common = math.gcd(multiplier, divisor)
    is_total = _MAIN.get(sensor.name, sensor.name) in definitions.TOTALS
    return (_total if is_total else _number)(multiplier // common, divisor // common)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the elements behind one key are decoded, and what they are called."""

    decode: Decoder
    names: tuple[str, ...]


def _names(sensors: list[Sensor]) -> tuple[str, ...]:
    """Return the sensor names of a key by index, on beyond those that are defined one by one."""
    first = sensors[0].name
    if first.startswith(NUMBERED):
        return tuple(f"{first}_{index}" for index in range(MAX_ELEMENTS))
    if len(sensors) > 1:
        return tuple(f"{first.removesuffix('_a')}_{letter}" for letter in LETTERS)
    return (first,)


def _plans(sensors: Iterable[Sensor]) -> dict[str, _Plan]:
    by_key = sorted(sensors, key=lambda sensor: (sensor.key, sensor.key_idx))
    groups = ((key, list(group)) for key, group in groupby(by_key, lambda sensor: sensor.key))
    return {key: _Plan(_decoder(group[0]), _names(group)) for key, group in groups}


_PLANS = _plans(definitions.SENSORS.values())


def is_parameter(key: str) -> bool:
    """Tell whether an object is a parameter: getAllOnlValues leaves it out."""
    return key.startswith(("68", "6322"))


#: Objects that describe the device or were set on it.
PARAMETER_KEYS: tuple[str, ...] = tuple(key for key in _PLANS if is_parameter(key))
#: All other objects of the definitions, for devices that refuse to name what they offer.
ONLINE_KEYS: tuple[str, ...] = tuple(key for key in _PLANS if not is_parameter(key))
#: The sensors behind the parameters: they change with the device, not with the weather.
PARAMETERS: frozenset[str] = frozenset(name for key in PARAMETER_KEYS for name in _PLANS[key].names)

_KEY_OF: Mapping[str, str] = {name: key for key, plan in _PLANS.items() for name in plan.names}


def keys_of(name: str) -> tuple[str, ...]:
    """Return the objects behind a sensor, the one that counts first in front; none if there is none."""
    both = (name, SUBSTITUTES.get(name, ""))
    return tuple(_KEY_OF[each] for each in both if each in _KEY_OF)


_Fact = TypeVar("_Fact")


def _of_each(facts: Mapping[str, _Fact]) -> dict[str, _Fact]:
    """Return what is known of the first element of an array for all of its elements."""
    return {
        name: fact
        for first, fact in facts.items()
        for name in _PLANS[definitions.SENSORS[first].key].names
    }


#: Lifetime totals: meter readings that only ever grow, and what bounds them; see the definitions.
TOTALS: Mapping[str, float | None] = _of_each(definitions.TOTALS)

#: The states that each status sensor can be in.
STATES_OF: Mapping[str, tuple[int, ...]] = _of_each(STATES)

_NO_BATTERY: tuple[Value | None, ...] = (None, (303,))
_PACK_CONDITIONS = tuple(f"battery_condition_{letter}" for letter in LETTERS)
_PACK_VOLTAGES = tuple(f"battery_voltage_{letter}" for letter in LETTERS)


def decode(result_body: Mapping[str, object]) -> Readings:
    """Return the readings of a result (key -> raw value); keys that no sensor has are passed over."""
    readings: Readings = {}
    for key, raw in result_body.items():
        plan = _PLANS.get(key)
        if plan is None:
            continue
        values = elements(raw)
        if len(values) > len(plan.names):
            values = values[: len(plan.names)]
        for index, val in enumerate(values):
            if val is not None and (value := plan.decode(val)) is not None:
                readings[plan.names[index]] = value
    for name, substitute in SUBSTITUTES.items():
        value = readings.pop(substitute, None)
        if value is not None:
            readings.setdefault(name, value)
    return _without_absent_battery(readings)


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

    The battery is absent when its mode and the condition of each pack are off or missing and no pack has
    a voltage. States and the readings of everything else stay.
    """
    if readings.get("battery_status_operating_mode") not in _NO_BATTERY:
        return readings
    if any(readings.get(name) not in _NO_BATTERY for name in _PACK_CONDITIONS):
        return readings
    if any(readings.get(name) for name in _PACK_VOLTAGES):
        return readings
    return {
        name: value
        for name, value in readings.items()
        if not name.startswith("battery_") or isinstance(value, tuple)
    }
