"""Readings into families: pure functions over the table in metrics_families.py."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from .metrics_families import (
    ALL_FAMILIES,
    BITS,
    COUNTER,
    GAUGE,
    INFO,
    METER_INFO,
    STATE_SET,
    Family,
)
from .snapshot import CustomReading
from .webconnect import Readings, tags
from .webconnect.readings import STATES_OF
from .webconnect.tags import slug

__all__ = [
    "ALL_FAMILIES",
    "BIT_NAMES",
    "COUNTER",
    "GAUGE",
    "INFO",
    "METER_INFO",
    "STATE_SET",
    "Family",
    "Source",
    "as_shown",
    "clean",
    "custom_families",
    "empty_families",
    "families",
    "new_metric",
]

_UNITS = (
    "watts", "volts", "amperes", "hertz", "celsius", "ohms", "seconds", "ratio", "joules", "vars",
    "voltamperes", "coulombs", "bytes_per_second", "watts_per_square_meter", "meters_per_second",
)  # fmt: skip

#: Names of the inputs whose states are the bits of one number, the lowest first.
BIT_NAMES = ("d1", "d2", "d3", "d4")

MAX_LABEL_LENGTH = 128

_METER_SENSORS = [
    sensor
    for family in ALL_FAMILIES
    if family.name.startswith("sma_meter_") and family.kind in {GAUGE, COUNTER}
    for sensor in family.sensors
]


class Source(NamedTuple):
    """A device as the table sees it: its name, its readings, its states that no table has."""

    device: str
    readings: Readings
    unknown_states: Mapping[str, tuple[int, ...]]


def families(sources: Sequence[Source]) -> Iterator[Metric]:
    """Yield each family that has samples, once, the devices in the order in which they were given."""
    prepared = [source._replace(readings=as_shown(source.readings)) for source in sources]
    for family in ALL_FAMILIES:
        metric = new_metric(family)
        for source in prepared:
            _ADD[family.kind](metric, family, source)
        if metric.samples:
            yield metric


def empty_families() -> Iterator[Metric]:
    """Yield every family of the table without samples: the names, for a registry."""
    return (new_metric(family) for family in ALL_FAMILIES)


def new_metric(family: Family) -> Any:
    """Return the family of prometheus_client that a row describes, without samples."""
    labels = ["device"] if family.label is None else ["device", family.label]
    if family.kind == COUNTER:
        name = family.name.removesuffix("_total")
        return CounterMetricFamily(name, family.help, labels=labels, unit=_unit(name))
    if family.kind == STATE_SET:
        return StateSetMetricFamily(family.name, family.help, labels=labels)
    if family.kind == INFO:
        return InfoMetricFamily(family.name.removesuffix("_info"), family.help, labels=labels)
    return GaugeMetricFamily(family.name, family.help, labels=labels, unit=_unit(family.name))


def custom_families(readings: Iterable[tuple[str, CustomReading]]) -> Iterator[Metric]:
    """Yield the families of the configuration's own sensors; `readings` are pairs with the device."""
    metrics: dict[str, Any] = {}
    for device, row in readings:
        names = sorted(row.labels)
        metric = metrics.get(row.metric)
        if metric is None:
            family = CounterMetricFamily if row.type == COUNTER else GaugeMetricFamily
            name = row.metric.removesuffix("_total") if row.type == COUNTER else row.metric
            metric = metrics[row.metric] = family(name, row.help, labels=["device", *names])
        metric.add_metric([device, *(clean(row.labels[name]) for name in names)], row.value)
    yield from metrics.values()


def clean(text: str) -> str:
    """Return a device's text as a label value: valid Unicode, no control characters, not endless."""
    printable = "".join(c for c in text if not unicodedata.category(c).startswith("C"))
    return printable[:MAX_LABEL_LENGTH].strip()


def _unit(name: str) -> str:
    return next((unit for unit in _UNITS if name.endswith(f"_{unit}")), "")


def as_shown(readings: Readings) -> Readings:
    """Return the readings with a power factor where there is one, and without empty slots.

    Hybrids always send 0 for the unsigned power factor; then the signed one's magnitude counts.
    Slots for optimizers and gateways say "off" when nothing is fitted: one that says nothing else, and
    has no serial number, is empty.
    """
    found = {
        name: value
        for name, value in readings.items()
        if not (value == _OFF and _is_empty_slot(name, readings))
    }
    if not found.get("grid_power_factor"):
        found.pop("grid_power_factor", None)
        signed = found.get("grid_power_factor_eei")
        if isinstance(signed, int | float):
            found["grid_power_factor"] = abs(signed)
    return found


_OFF = (303,)


def _is_empty_slot(name: str, readings: Readings) -> bool:
    if name.startswith("gateway_condition_"):
        return True
    optimizer, _, index = name.rpartition("_")
    return optimizer == "optimizer_condition" and f"optimizer_serial_{index}" not in readings


def _add_numbers(metric: Any, family: Family, source: Source) -> None:
    for sensor, part in family.sensors.items():
        value = source.readings.get(sensor)
        if isinstance(value, int | float):
            metric.add_metric([source.device, part] if family.label else [source.device], value)


def _add_bits(metric: Any, family: Family, source: Source) -> None:
    (sensor,) = family.sensors
    number = source.readings.get(sensor)
    if isinstance(number, int):
        for bit, part in enumerate(BIT_NAMES):
            metric.add_metric([source.device, part], number >> bit & 1)


def _add_states(metric: Any, family: Family, source: Source) -> None:
    for sensor, part in family.sensors.items():
        active = source.readings.get(sensor)
        if isinstance(active, tuple):
            known = (*STATES_OF[sensor], *source.unknown_states.get(sensor, ()))
            slugs = {slug(tag) for tag in active}
            states = {slug(tag): slug(tag) in slugs for tag in known}
            metric.add_metric([source.device, part] if family.label else [source.device], states)


def _add_info(metric: Any, family: Family, source: Source) -> None:
    if family is METER_INFO:
        if any(name in source.readings for name in _METER_SENSORS):
            found = (source.readings.get(sensor) for sensor in family.sensors)
            serial = next((str(value) for value in found if value), "")
            metric.add_metric([source.device], {family.text: serial})
        return
    for sensor, part in family.sensors.items():
        for text in _texts(source.readings.get(sensor)):
            labels = [source.device, part] if family.label else [source.device]
            metric.add_metric(labels, {family.text: clean(text)})


def _texts(value: object) -> Iterable[str]:
    """Return what an info says: a text, or a choice of the package's own tables by its name."""
    if isinstance(value, tuple):
        return (tags.name(tag) for tag in value)
    return (value,) if isinstance(value, str) else ()


_ADD: Mapping[str, Callable[[Any, Family, Source], None]] = {
    GAUGE: _add_numbers,
    COUNTER: _add_numbers,
    BITS: _add_bits,
    STATE_SET: _add_states,
    INFO: _add_info,
}
