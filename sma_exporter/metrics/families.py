"""Readings into families: pure functions over the table."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from prometheus_client.core import Metric

from ..devices.snapshot import CustomReading
from ..sma import limits, tags
from ..sma.sensors import SENSORS
from ..sma.source import Readings
from ..sma.tags import slug
from ..sma.text import clean
from .exposition import Lines, line, quoted, series
from .table import ALL_FAMILIES, BITS, COUNTER, GAUGE, INFO, METER_INFO, STATE_SET, Family

__all__ = [
    "ALL_FAMILIES",
    "BIT_NAMES",
    "COUNTER",
    "GAUGE",
    "INFO",
    "METER_INFO",
    "STATE_SET",
    "DeviceReadings",
    "Family",
    "custom_families",
    "empty_families",
    "families",
    "new_metric",
]

_UNITS = (
    "watts", "volts", "amperes", "hertz", "celsius", "ohms", "seconds", "ratio", "joules", "vars",
    "voltamperes", "coulombs", "bytes_per_second", "watts_per_square_meter", "meters_per_second",
)  # fmt: skip

#: Names of the inputs and outputs whose states are the bits of one number, the lowest first.
BIT_NAMES = ("d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8")


class DeviceReadings(NamedTuple):
    """A device as the table sees it: its name, its readings, its states that no table has."""

    device: str
    readings: Readings
    unknown_states: Mapping[str, tuple[int, ...]]


class _Place(NamedTuple):
    """Where the values of a sensor go: a series is `before`, the device, `after`.

    `least`: a number below it is none; readers refuse a whole answer for a counter below 0.
    """

    family: Family
    number: int
    sensor: str
    before: str
    after: str
    least: float


_MOST = sys.float_info.max

_DEVICE = "\0"  # no name holds it


def _split(name: str, **labels: str) -> tuple[str, str]:
    """Return what stands before and behind the device in a series."""
    before, _, after = series(name, {"device": _DEVICE, **labels}).partition(_DEVICE)
    return before, after


def _places() -> Iterator[_Place]:
    for number, family in enumerate(ALL_FAMILIES):
        for sensor, part in family.sensors.items():
            labels = {family.label: part} if family.label and part else {}
            before, after = _split(family.name, **labels)
            least = 0.0 if family.kind == COUNTER else -_MOST
            yield _Place(family, number, sensor, before, after, least)


#: In the order of exposition, as `_ORDER` counts them.
_PLACES: Sequence[_Place] = tuple(_places())
_ORDER: Mapping[str, int] = {place.sensor: order for order, place in enumerate(_PLACES)}


def families(sources: Sequence[DeviceReadings]) -> Iterator[Metric]:
    """Yield each family that has samples, once, the devices in the order in which they were given."""
    lines: dict[int, list[str]] = defaultdict(list)  # by the family's number
    for source in sources:
        device = quoted(source.device)
        readings = source.readings
        for order in sorted(_ORDER[name] for name in readings if name in _ORDER):
            place = _PLACES[order]
            write = _WRITE[place.family.kind]
            text = write(place, device, readings[place.sensor], source)
            if text:
                lines[place.number].append(text)
    for number in sorted(lines):
        metric = new_metric(ALL_FAMILIES[number])
        metric.lines = lines[number]
        yield metric


def empty_families() -> Iterator[Metric]:
    """Yield every family of the table without samples: the names, for a registry."""
    return (new_metric(family) for family in ALL_FAMILIES)


def new_metric(family: Family) -> Lines:
    """Return the family of prometheus_client that a row describes, without samples."""
    kind = GAUGE if family.kind == BITS else family.kind
    name = family.name
    if kind == COUNTER:
        name = name.removesuffix("_total")
    elif kind == INFO:
        name = name.removesuffix("_info")
    return Lines(name, family.help, kind, _unit(name) if kind in {GAUGE, COUNTER} else "")


def custom_families(readings: Iterable[tuple[str, CustomReading]]) -> Iterator[Metric]:
    """Yield the families of the configuration's own sensors; `readings` are pairs with the device."""
    found: dict[str, Lines] = {}
    for device, row in readings:
        metric = found.get(row.metric)
        if metric is None:
            name = row.metric.removesuffix("_total") if row.type == COUNTER else row.metric
            metric = found[row.metric] = Lines(name, row.help, row.type)
        own = {label: clean(text) for label, text in row.labels.items()}
        metric.lines.append(line(series(row.metric, {"device": device} | own), row.value))
    yield from found.values()


@cache
def _unit(name: str) -> str:
    return next((unit for unit in _UNITS if name.endswith(f"_{unit}")), "")


def _number(place: _Place, device: str, value: object, _: DeviceReadings) -> str:
    if not isinstance(value, int | float) or not place.least <= value <= _MOST:
        return ""  # it is no number, not finite, or more than a float can hold
    return line(f"{place.before}{device}{place.after}", float(value))


def _bits(place: _Place, device: str, value: object, _: DeviceReadings) -> str:
    return _all_bits(place.sensor, value).replace(_DEVICE, device) if isinstance(value, int) else ""


@lru_cache(maxsize=64)
def _all_bits(sensor: str, value: int) -> str:
    """Return the lines of all bits of a number, without the device."""
    family = _PLACES[_ORDER[sensor]].family
    return "".join(
        line(
            series(family.name, {"device": _DEVICE, str(family.label): part}),
            float(value >> bit & 1),
        )
        for bit, part in enumerate(BIT_NAMES[: SENSORS[sensor].bits])
    )


def _states(place: _Place, device: str, value: object, source: DeviceReadings) -> str:
    if not isinstance(value, tuple):
        return ""
    unknown = source.unknown_states.get(place.sensor, ())
    shown = value[: limits.TAGS], tuple(sorted(unknown)[: limits.TAGS])
    return _all_states(place.sensor, *shown).replace(_DEVICE, device)


@lru_cache(maxsize=512)  # a status changes a few times a day, and devices are alike; 5 kB at most
def _all_states(sensor: str, active: tuple[int, ...], unknown: tuple[int, ...]) -> str:
    """Return the lines of all states of a sensor, each once, without the device."""
    family = _PLACES[_ORDER[sensor]].family
    part = family.sensors[sensor]
    labels = {"device": _DEVICE} | ({family.label: part} if family.label else {})
    active_slugs = {slug(tag) for tag in active}
    slugs = active_slugs.union(slug(tag) for tag in (*SENSORS[sensor].states, *unknown))
    return "".join(
        line(series(family.name, labels | {family.name: state}), float(state in active_slugs))
        for state in sorted(slugs)
    )


def _info(place: _Place, device: str, value: object, _: DeviceReadings) -> str:
    family, part = place.family, place.family.sensors[place.sensor]
    labels = {"device": _DEVICE} | ({family.label: part} if family.label else {})
    return "".join(
        line(series(family.name, labels | {family.text: text}), 1.0)
        for text in dict.fromkeys(map(clean, _texts(value)))
    ).replace(_DEVICE, device)


def _texts(value: object) -> Iterable[str]:
    """Return what an info says: a text, or choices of the package's own tables by their names."""
    if isinstance(value, tuple):
        return (tags.name(tag) for tag in value[: limits.TAGS])
    return (value,) if isinstance(value, str) else ()


_WRITE: Mapping[str, Callable[[_Place, str, object, DeviceReadings], str]] = {
    GAUGE: _number,
    COUNTER: _number,
    BITS: _bits,
    STATE_SET: _states,
    INFO: _info,
}
