"""A whole reply into readings: the one place that decides which value of a device counts.

Numbers come in base units: watts, volts, amperes, hertz, joules, ohms, seconds, degrees Celsius and
ratios; states are tuples of the active tags; texts are texts. A sensor without a value is absent.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ..sma import tags as sma_tags
from ..sma.device_models import METERS
from ..sma.exceptions import SmaReadException
from ..sma.objects import BY_KEY, OBJECTS, UNITS, Object
from ..sma.sensors import LETTERS, SENSORS, Kind, SensorDefinition, expanded
from ..sma.source import Address, Identity, Readings, Value
from ..sma.text import clean, serial_number
from .values import elements, is_value, number, tags

#: What turns a `val` that is not null into a value, None if it is none.
Decoder: TypeAlias = Callable[[object], Value | None]


def _scaled(multiplier: int, divisor: int, *, least: float = -math.inf) -> Decoder:
    """Return what decodes a number and brings it to its base unit; a raw number below `least` is none."""

    def scaled(val: object) -> Value | None:
        raw = number(val)
        if raw is None or raw < least:
            return None
        return raw * multiplier if divisor == 1 else raw * multiplier / divisor

    return number if (multiplier, divisor, least) == (1, 1, -math.inf) else scaled


def _text(val: object) -> Value | None:
    if isinstance(val, str):
        return clean(val) or None
    digits = number(val)  # a serial number; 0 where there is none
    return str(digits) if isinstance(digits, int) and digits > 0 else None


def _state(val: object) -> Value | None:
    return tags(val) or None


def _number_of(numbers: Mapping[int, int], val: object) -> Value | None:
    return next((numbers[tag] for tag in tags(val) if tag in numbers), None)


def _decoder(each: Object, sensor: SensorDefinition) -> Decoder:
    if sensor.tag_numbers is not None:
        return partial(_number_of, sensor.tag_numbers)
    if sensor.kind in {Kind.STATES, Kind.CHOICE}:
        return _state
    if sensor.kind is Kind.TEXT:
        return _text
    multiplier, divisor = UNITS[each.unit]
    divisor *= each.factor
    common = math.gcd(multiplier, divisor)
    # Below 0 a lifetime total is no meter reading, and none to start from.
    least = 0 if sensor.kind is Kind.TOTAL else -math.inf
    return _scaled(multiplier // common, divisor // common, least=least)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the elements behind a key are decoded, and which sensors they are.

    `stands_in`: they count only where another object has no value.
    """

    decode: Decoder
    sensors: tuple[str, ...]
    stands_in: bool


def _plan(each: Object) -> _Plan:
    sensors = expanded(each.sensor)
    return _Plan(_decoder(each, SENSORS[sensors[0]]), sensors, stands_in=bool(each.name))


_PLANS: Mapping[str, _Plan] = {each.key: _plan(each) for each in OBJECTS}

#: The objects that describe the device or were set on it.
PARAMETER_KEYS: tuple[str, ...] = tuple(each.key for each in OBJECTS if each.is_parameter)
#: All others, for devices that refuse to say what they offer.
ONLINE_KEYS: tuple[str, ...] = tuple(each.key for each in OBJECTS if not each.is_parameter)


def decode(result_body: Mapping[str, object]) -> dict[str, Value]:
    """Return the readings of a result (key -> raw value); keys that no sensor has are passed over."""
    return concluded(decoded(result_body))


def decoded(result_body: Mapping[str, object]) -> dict[str, Value]:
    """Return each sensor's value by itself: the first step of `decode`, for results that come in parts."""
    readings: dict[str, Value] = {}
    others: dict[str, Value] = {}
    for key, raw in result_body.items():
        plan = _PLANS.get(key)
        if plan is None:
            continue
        found = others if plan.stands_in else readings
        for sensor, val in zip(plan.sensors, elements(raw), strict=False):
            if val is not None and (value := plan.decode(val)) is not None:
                found[sensor] = value
    for sensor, value in others.items():
        readings.setdefault(sensor, value)
    return readings


def concluded(readings: dict[str, Value], *, has_battery: bool = False) -> dict[str, Value]:
    """Return the readings that count, judged by all of them: the second step of `decode`.

    `has_battery`: earlier ones have shown that there is a battery.
    """
    readings = _without_empty_slots(_with_power_factor(readings))
    if not has_battery:
        readings = _without_absent_battery(readings)
    if not _METERED.isdisjoint(readings):
        readings["meter_serial"] = _meter_serial(readings)
    return readings


def _with_power_factor(readings: dict[str, Value]) -> dict[str, Value]:
    """Take the magnitude of the signed power factor where the unsigned one is 0: hybrids always send that."""
    if readings.get("grid_power_factor"):
        return readings
    readings = {name: value for name, value in readings.items() if name != "grid_power_factor"}
    signed = readings.get("grid_power_factor_eei")
    if isinstance(signed, int | float):
        readings["grid_power_factor"] = abs(signed)
    return readings


_OFF = (303,)


def _without_empty_slots(readings: dict[str, Value]) -> dict[str, Value]:
    """Drop slots for optimizers and gateways that are off and have no serial number: nothing is there."""
    return {
        name: value
        for name, value in readings.items()
        if value != _OFF or not _is_empty_slot(name, readings)
    }


def _is_empty_slot(name: str, readings: Readings) -> bool:
    kind, _, index = name.rpartition("_")
    if kind == "gateway_condition":
        return True
    return kind == "optimizer_condition" and f"optimizer_serial_{index}" not in readings


_NO_BATTERY: tuple[Value | None, ...] = (None, _OFF)
_PACK_CONDITIONS = tuple(f"battery_condition_{letter}" for letter in LETTERS)
_PACK_VOLTAGES = tuple(f"battery_voltage_{letter}" for letter in LETTERS)
#: What has gone into batteries. What has come out proves none: a recorded hybrid without a battery
#: says that it has discharged 100 Wh, of 0 Wh charged.
_BATTERY_CHARGED = frozenset(
    name
    for name, sensor in SENSORS.items()
    if name.startswith("battery_charge_") and sensor.kind is Kind.TOTAL
)


def has_charged_battery(readings: Readings) -> bool:
    """Tell whether a total proves a battery, which may sleep now."""
    return any(readings[name] for name in readings.keys() & _BATTERY_CHARGED)


def _without_absent_battery(readings: dict[str, Value]) -> dict[str, Value]:
    """Drop the zeros that a hybrid without a battery reports (domain/webconnect.md, section c).

    The battery is absent when its mode and the condition of each pack are off or missing, no pack
    has a voltage and nothing was ever charged: a battery that sleeps has its totals. States and the
    readings of everything else stay.
    """
    if readings.get("battery_status_operating_mode") not in _NO_BATTERY:
        return readings
    if any(readings.get(name) not in _NO_BATTERY for name in _PACK_CONDITIONS):
        return readings
    if any(readings.get(name) for name in _PACK_VOLTAGES) or has_charged_battery(readings):
        return readings
    return {
        name: value
        for name, value in readings.items()
        if not name.startswith("battery_") or isinstance(value, tuple)
    }


#: What the inverter derives from the meter and its own values is no sign of a meter.
_DERIVED = {"metering_current_consumption", "metering_total_consumption"}
_METERED = {name for name in SENSORS if name.startswith("metering_")} - _DERIVED


def _meter_serial(readings: Readings) -> str:
    """Return the serial number of the meter that a device reads, or is; "" where it is not told."""
    kind = readings.get("device_type")
    is_meter = isinstance(kind, tuple) and not METERS.isdisjoint(kind)
    sensors = (*SENSORS["meter_serial"].made_of, *(("serial_number",) if is_meter else ()))
    return next((serial for name in sensors if (serial := serial_number(readings.get(name)))), "")


def identity_of(readings: Readings) -> Identity:
    """Return the identity in the readings of a device's parameters."""
    version = readings.get("device_sw_version")
    return Identity(
        serial=_plain(readings.get("serial_number")),
        name=_plain(readings.get("device_name")),
        model=_plain(readings.get("device_type")),
        manufacturer=_plain(readings.get("device_manufacturer")),
        sw_version=version_int_to_string(version if isinstance(version, int) else None),
    )


def _plain(value: Value | None) -> str:
    if isinstance(value, tuple):
        return sma_tags.text(value[0])
    return "" if value is None else str(value)


def version_int_to_string(version_integer: int | None) -> str:
    """Return a firmware version: four bytes, two of them BCD, the last a letter (51389444: "3.10.36.R").

    "" for None, 0 and what is no 32-bit number.
    """
    if not version_integer or not 0 < version_integer < 1 << 32:
        return ""
    major, minor, build, release = version_integer.to_bytes(4, "big")
    letter = "NEABRS"[release] if release < 6 else str(release)
    return f"{major:x}.{minor:x}.{build}.{letter}"


def numbers_at(
    result_body: Mapping[str, object], addresses: Iterable[Address]
) -> dict[Address, float]:
    """Return the raw numbers at some addresses; those without one are left out."""
    found = {}
    for address in addresses:
        values = elements(result_body.get(address.key))
        raw = number(values[address.element]) if address.element < len(values) else None
        if raw is not None:
            found[address] = float(raw)
    return found


def has_value(result_body: Mapping[str, object]) -> bool:
    """Tell whether a result holds any value at all, of a known key or not; a text only where one belongs."""
    return any(
        is_value(val) and (_is_text(key) or not isinstance(val, str))
        for key, raw in result_body.items()
        for val in elements(raw)
    )


def require_value(result_body: Mapping[str, object]) -> None:
    """Raise SmaReadException for a result that holds no value at all."""
    if not has_value(result_body):
        raise SmaReadException("the device answers, but without any value: is it starting?")


#: So many elements of an array are counted at the most.
_COUNTED = 10_000


def left_out(result_body: Mapping[str, object]) -> list[str]:
    """Say which arrays have more elements with a value than there are sensors for."""
    sentences = []
    for key, raw in result_body.items():
        names = sensors_of(key)
        if len(names) > 1 and any(
            map(is_value, more := elements(raw, most=_COUNTED)[len(names) :])
        ):
            count = len(names) + len(more)
            sentences.append(
                f"{key} has {count} elements, of which the first {len(names)} are read"
            )
    return sentences


def _is_text(key: str) -> bool:
    """Tell by the data type in a key."""
    return key[5:7] == "10"


def sensors_of(key: str) -> tuple[str, ...]:
    """Return the sensors behind a key's elements, by the library's names; none for an unknown key."""
    return BY_KEY[key].names if key in BY_KEY else ()
