"""Replies into readings: which value of a component counts, and what it is in base units.

Numbers come in base units, states as tuples of tags, texts as texts. A sensor without a value is absent.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from typing import TypeAlias

from ..sma import tags as sma_tags
from ..sma.device_models import CHARGING_STATION, METERS
from ..sma.objects import UNITS
from ..sma.sensors import SENSORS, Kind, SensorDefinition, expanded
from ..sma.source import Address, Identity, Readings, Value
from .channels import BY_NAME, BY_NAME_ON_CHARGER, KNOWN_WITHOUT_SENSOR, Channel, name_of
from .values import Reported, number, reported, tag

#: A component's channels by their names without "Measurement." and "[]".
Live: TypeAlias = Mapping[str, Reported]

#: For each sensor that several channels may stand for, which one was taken: two counters with different
#: starts would look like a reset.
Choices: TypeAlias = MutableMapping[str, str]

Rows: TypeAlias = Iterable[Mapping[str, object]]

#: Classes of devices (domain/ennexos.md, chapter 1).
_PRODUCING = frozenset({8001, 8007, 8008, 8009, 8010})

_NO_INFORMATION = 16777213

#: Only a charging station has channels that begin so.
_OF_CHARGERS = ("ChaSess.", "Chrg.", "Operation.EVeh.")

#: What `Plant:1` sums up over its devices begins so; everything else there is the plant's own.
_SUMS = (
    "Bat",
    "DcMs.",
    "GridMs.",
    "Metering.DyWhOut",
    "Metering.GridMs.",
    "Metering.TotWh",
    "PvGen.",
)

#: So many seconds before the newest value of a reply a power, a voltage, a current or a frequency is out of
#: date. Totals and states bear the time of their last change.
_STALE_SECONDS = 300.0
_INSTANT_UNITS = frozenset({"W", "VA", "var", "V", "A", "Hz"})
#: So do nominal powers and set points.
_NOT_MEASURED = (
    "Bat.ChaAmpSptDmd",
    "Bat.ChaVolSptDmd",
    "Bat.DschAmpSptDmd",
    "Bat.DschVolSptDmd",
    "Operation.Dmd.",
    "Operation.HealthStt.",
    "Setpoint.",
)


def live_of(rows: Rows, component: str) -> Live:
    """Return the channels of one component in a reply to `measurements/live`."""
    return {
        name: reported(row)
        for row in rows
        if row.get("componentId") == component and (name := _name_of(row))
    }


def parameters_of(rows: Rows, component: str) -> Live:
    """Return the parameters of one component in a reply to `parameters/search`."""
    found: dict[str, Reported] = {}
    for row in rows:
        values = row.get("values")
        if row.get("componentId") == component and isinstance(values, list):
            for each in values:
                if isinstance(each, dict) and (name := _name_of(each)):
                    found[name] = reported(each)
    return found


def _name_of(row: Mapping[str, object]) -> str:
    channel = row.get("channelId")
    return name_of(channel) if isinstance(channel, str) else ""


def newest_of(rows: Rows) -> float | None:
    """Return the newest time in a reply; None where there is none."""
    times = (reported(row).time for row in rows)
    return max((time for time in times if time is not None), default=None)


def has_value(live: Live) -> bool:
    """Tell whether a component says any number or state at all."""
    return any(
        number(element) not in {None, _NO_INFORMATION}
        for each in live.values()
        for element in each.elements
    )


def without_sums(live: Live) -> Live:
    """Return what `Plant:1` says of the plant itself, without what it sums up over devices."""
    return {name: each for name, each in live.items() if not name.startswith(_SUMS)}


def is_charger(device_class: int | None, live: Live) -> bool:
    """Tell whether a component is a charging station, by its class or else by its channels."""
    if device_class is not None:
        return device_class == CHARGING_STATION
    return any(name.startswith(_OF_CHARGERS) for name in live)


def decoded(
    live: Live,
    choices: Choices,
    *,
    charger: bool,
    newest: float | None = None,
    without: Collection[str] = (),
) -> dict[str, Value]:
    """Return the readings in the channels or parameters of one component.

    `choices` is what was taken before where several channels stand for one sensor, and is added to.
    `newest`: the newest time of the whole reply; what is long before that is out of date. `without`:
    sensors that are taken from elsewhere.
    """
    readings: dict[str, Value] = {}
    for sensor, channels in _candidates(live, charger=charger).items():
        if sensor in without:
            continue
        channel = _chosen(sensor, channels, live, choices)
        if channel is not None and not _is_stale(channel, live[channel.name], newest):
            readings.update(_readings(channel, live[channel.name]))
    return readings


def _candidates(live: Live, *, charger: bool) -> dict[str, list[Channel]]:
    """Return the channels that are there for each sensor, the preferred one first."""
    found: dict[str, list[Channel]] = {}
    for name, channel in (BY_NAME_ON_CHARGER if charger else BY_NAME).items():
        if name in live:
            found.setdefault(channel.sensor, []).append(channel)
    return found


def _chosen(sensor: str, channels: list[Channel], live: Live, choices: Choices) -> Channel | None:
    """Return the channel that stands for a sensor: once it is chosen, no other does.

    Of totals the first that is there; of others the first that has a value.
    """
    kept = choices.get(sensor)
    if kept is not None:
        return next((channel for channel in channels if channel.name == kept), None)
    is_total = SENSORS[expanded(sensor)[0]].kind is Kind.TOTAL
    for channel in channels:
        if is_total or any(True for _ in _readings(channel, live[channel.name])):
            choices[sensor] = channel.name
            return channel
    return None


def _is_stale(channel: Channel, each: Reported, newest: float | None) -> bool:
    if newest is None or each.time is None or channel.unit not in _INSTANT_UNITS:
        return False
    return not channel.name.startswith(_NOT_MEASURED) and each.time < newest - _STALE_SECONDS


def _readings(channel: Channel, each: Reported) -> Iterator[tuple[str, Value]]:
    """Yield the readings of one channel, by sensor."""
    template = channel.parts if channel.parts and len(each.elements) > 1 else channel.sensor
    sensors = expanded(template)
    definition = SENSORS[sensors[0]]
    values = [_value(channel, definition, element) for element in each.elements]
    if channel.pick is not None:
        numbers = [value for value in values if isinstance(value, int | float)]
        values = [channel.pick(numbers)] if numbers else []
    for sensor, value in zip(sensors, values, strict=False):
        if value is None:
            continue
        if channel.negative and isinstance(value, int | float):  # out, and in: one of them is 0
            yield channel.negative, max(0, -value)
            value = max(0, value)  # noqa: PLW2901 - the other half
        yield sensor, value


def _value(channel: Channel, sensor: SensorDefinition, element: object) -> Value | None:
    if sensor.kind is Kind.TEXT:
        return element if isinstance(element, str) and element else None
    if sensor.kind in {Kind.STATES, Kind.CHOICE}:
        found = tag(element, channel.none)
        return None if found is None else (found,)
    if sensor.tag_numbers is not None:
        return sensor.tag_numbers.get(tag(element) or 0)
    value = number(element)
    if value is None or (sensor.kind is Kind.TOTAL and value < 0):
        return None
    if sensor.bits:
        return int(value)
    multiplier, divisor = UNITS[channel.unit]
    return value * multiplier if divisor == 1 else value * multiplier / divisor


# --- who a device is ---


def class_of(device: Mapping[str, object], parameters: Live) -> int | None:
    """Return the class of a device, None where it is not told."""
    found = tag(device.get("productGroupTagId"))
    return found if found is not None else tag(_first(parameters, "Parameter.Nameplate.MainModel"))


def is_producing(device: Mapping[str, object]) -> bool:
    """Tell whether a device takes part in what `Plant:1` sums up; one that is not known may do so."""
    found = class_of(device, {})
    return found is None or found in _PRODUCING


def is_meter(device: Mapping[str, object]) -> bool:
    """Tell whether a device is a meter."""
    return tag(device.get("productTagId")) in METERS


def identity_of(device: Mapping[str, object], parameters: Live) -> Identity:
    """Return the identity from a device's description, else from its parameters."""

    def text(member: str, *names: str) -> str:
        values = (device.get(member), *(_first(parameters, name) for name in names))
        return next((_plain(value) for value in values if _plain(value)), "")

    return Identity(
        serial=text("serial", "Parameter.Nameplate.SerNum"),
        name=text("name", "Parameter.Nameplate.Location"),
        model=text("product", "Parameter.Nameplate.ModelStr")
        or _tag_text(device.get("productTagId"), _first(parameters, "Parameter.Nameplate.Model")),
        manufacturer=text("vendor", "Parameter.Nameplate.VendorStr")
        or _tag_text(_first(parameters, "Parameter.Nameplate.Vendor")),
        sw_version=text("firmwareVersion", "Parameter.Nameplate.PkgRev"),
    )


def rated_power_of(device: Mapping[str, object]) -> Readings:
    """Return the rated power in a device's description; a parameter that says it goes before."""
    found = number(device.get("generatorPower"))
    return {"inverter_power_limit": found} if found is not None and found > 0 else {}


def _first(parameters: Live, name: str) -> object:
    each = parameters.get(name)
    return each.elements[0] if each is not None and each.elements else None


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    found = number(value)
    return "" if found is None else str(int(found) if found == int(found) else found)


def _tag_text(*values: object) -> str:
    found = next((number for value in values if (number := tag(value)) is not None), None)
    return "" if found is None else sma_tags.text(found)


def numbers_at(live: Live, addresses: Iterable[Address]) -> dict[Address, float]:
    """Return the raw numbers at some addresses (channels, elements); those without one are left out."""
    found = {}
    for address in addresses:
        each = live.get(name_of(address.key))
        elements = each.elements if each is not None else ()
        raw = number(elements[address.element]) if address.element < len(elements) else None
        if raw is not None:
            found[address] = float(raw)
    return found


def unknown(live: Live) -> list[str]:
    """Return the names of the channels that no table knows."""
    return sorted(live.keys() - BY_NAME.keys() - BY_NAME_ON_CHARGER.keys() - KNOWN_WITHOUT_SENSOR)
