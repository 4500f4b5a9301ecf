"""The metric table: which reading becomes which sample of which family.

Data, and pure functions over readings. Names and labels are the product: users write them into
dashboards and alerts. A family's HELP is its sentence here and the SMA keys of its sensors.
"""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)

from .snapshot import CustomReading
from .webconnect import Readings
from .webconnect.readings import KEY_OF, LETTERS
from .webconnect.sensor import MAX_ELEMENTS
from .webconnect.tags import STATES, slug

GAUGE, COUNTER, STATE_SET, INFO = "gauge", "counter", "stateset", "info"

_UNITS = (
    "watts", "volts", "amperes", "hertz", "celsius", "ohms", "seconds", "ratio", "joules", "vars",
    "voltamperes",
)  # fmt: skip

_PARTS: Mapping[str, Sequence[str]] = {
    "phase": ("l1", "l2", "l3"),
    "string": LETTERS,
    "pack": LETTERS,
    "optimizer": [str(index) for index in range(MAX_ELEMENTS)],
}

MAX_LABEL_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Family:
    """A row of the table.

    `sensors` maps the names of readings to the value of `label`, a label beside `device` that tells
    parts of one thing apart; without it there is one sensor, with an empty value.
    """

    name: str
    kind: str
    sentence: str
    sensors: Mapping[str, str]
    label: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The SMA objects behind the family."""
        return tuple(dict.fromkeys(KEY_OF[name] for name in self.sensors))

    @property
    def help(self) -> str:
        """HELP: one sentence that names the keys."""
        return f"{self.sentence} ({', '.join(self.keys)})."

    @property
    def needs_installer(self) -> bool:
        """Whether most models show the value to the installer only: the key's group ends in 2."""
        return all(key[3] == "2" for key in self.keys)


def _row(kind: str, name: str, sentence: str, sensor: str) -> Family:
    """Return a row; "{string}" in `sensor` and the like stand for the values of that label."""
    for label, values in _PARTS.items():
        if f"{{{label}}}" in sensor:
            sensors = {sensor.replace(f"{{{label}}}", value): value for value in values}
            return Family(name, kind, sentence, sensors, label)
    return Family(name, kind, sentence, {sensor: ""})


def _gauge(name: str, sentence: str, sensor: str) -> Family:
    return _row(GAUGE, name, sentence, sensor)


def _counter(name: str, sentence: str, sensor: str) -> Family:
    return _row(COUNTER, name, sentence, sensor)


def _states(name: str, sentence: str, sensor: str) -> Family:
    return _row(STATE_SET, name, sentence, sensor)


#: In the order of exposition.
# fmt: off
FAMILIES: tuple[Family, ...] = (
    # AC side
    _gauge("sma_ac_power_watts", "AC power of the inverter, positive out of it; not the exchange with the grid", "grid_power"),
    _gauge("sma_ac_phase_power_watts", "AC power of one phase, positive out of the inverter", "power_{phase}"),
    _gauge("sma_ac_phase_voltage_volts", "Voltage of one phase against neutral", "voltage_{phase}"),
    _gauge("sma_ac_current_amperes", "AC current, all phases together", "current_total"),
    _gauge("sma_ac_phase_current_amperes", "AC current of one phase", "current_{phase}"),
    _gauge("sma_ac_frequency_hertz", "Grid frequency at the inverter", "frequency"),
    _gauge("sma_ac_reactive_power_vars", "Reactive power, with the sign that the device gives it", "grid_reactive_power"),
    _gauge("sma_ac_phase_reactive_power_vars", "Reactive power of one phase, with the sign that the device gives it", "grid_reactive_power_{phase}"),
    _gauge("sma_ac_apparent_power_voltamperes", "Apparent power", "grid_apparent_power"),
    _gauge("sma_ac_phase_apparent_power_voltamperes", "Apparent power of one phase", "grid_apparent_power_{phase}"),
    _gauge("sma_ac_power_factor_ratio", "Displacement power factor, unsigned, from 6100_40665B00 where this is 0; the direction is in sma_ac_power_factor_excitation", "grid_power_factor"),
    _states("sma_ac_power_factor_excitation", "Excitation type of the power factor", "grid_power_factor_excitation"),
    # DC side
    _gauge("sma_pv_power_watts", "PV generation power, all DC inputs together", "pv_power"),
    _gauge("sma_pv_string_power_watts", "DC power of one input", "pv_power_{string}"),
    _gauge("sma_pv_string_voltage_volts", "DC voltage of one input", "pv_voltage_{string}"),
    _gauge("sma_pv_string_current_amperes", "DC current of one input", "pv_current_{string}"),
    _gauge("sma_pv_isolation_resistance_ohms", "Insulation resistance of the PV array", "pv_isolation_resistance"),
    _gauge("sma_insulation_residual_current_amperes", "Residual current", "insulation_residual_current"),
    # Yield
    _counter("sma_yield_joules_total", "AC energy delivered by the device since it was installed, battery discharge included", "total_yield"),
    _gauge("sma_daily_yield_joules", "Energy of the day as the device says it; on hybrids with battery discharge", "daily_yield"),
    _counter("sma_pv_generation_joules_total", "Energy from PV alone", "pv_gen_meter"),
    # Grid connection, from the meter
    _gauge("sma_meter_export_power_watts", "Power fed into the grid, positive", "metering_power_supplied"),
    _gauge("sma_meter_import_power_watts", "Power drawn from the grid, positive", "metering_power_absorbed"),
    _counter("sma_meter_export_joules_total", "Energy fed into the grid", "metering_total_yield"),
    _counter("sma_meter_import_joules_total", "Energy drawn from the grid", "metering_total_absorbed"),
    _gauge("sma_meter_phase_export_power_watts", "Power fed into the grid on one phase, positive", "metering_active_power_feed_{phase}"),
    _gauge("sma_meter_phase_import_power_watts", "Power drawn from the grid on one phase, positive", "metering_active_power_draw_{phase}"),
    _gauge("sma_meter_phase_voltage_volts", "Voltage of one phase at the grid connection", "metering_voltage_{phase}"),
    _gauge("sma_meter_phase_current_amperes", "Current of one phase at the grid connection", "metering_current_{phase}"),
    _gauge("sma_meter_frequency_hertz", "Grid frequency at the meter", "metering_frequency"),
    _gauge("sma_consumption_power_watts", "Power consumed in the house, as the device derives it", "metering_current_consumption"),
    _counter("sma_consumption_joules_total", "Energy consumed in the house, as the device derives it", "metering_total_consumption"),
    # Battery
    _gauge("sma_battery_state_of_charge_ratio", "State of charge of all packs together", "battery_soc_total"),
    _gauge("sma_battery_pack_state_of_charge_ratio", "State of charge of one pack", "battery_soc_{pack}"),
    _gauge("sma_battery_state_of_health_ratio", "Capacity left of the nominal one, all packs together", "battery_capacity_total"),
    _gauge("sma_battery_pack_state_of_health_ratio", "Capacity left of the nominal one, one pack", "battery_capacity_{pack}"),
    _gauge("sma_battery_pack_voltage_volts", "Voltage of one pack", "battery_voltage_{pack}"),
    _gauge("sma_battery_pack_end_of_charge_voltage_volts", "Set point of one pack's end-of-charge voltage, not a measurement", "battery_charging_voltage_{pack}"),
    _gauge("sma_battery_pack_current_amperes", "Current of one pack, negative while charging", "battery_current_{pack}"),
    _gauge("sma_battery_pack_temperature_celsius", "Temperature of one pack", "battery_temp_{pack}"),
    _gauge("sma_battery_charge_power_watts", "Power into the battery, positive", "battery_power_charge_total"),
    _gauge("sma_battery_pack_charge_power_watts", "Power into one pack, positive", "battery_power_charge_{pack}"),
    _gauge("sma_battery_discharge_power_watts", "Power out of the battery, positive", "battery_power_discharge_total"),
    _gauge("sma_battery_pack_discharge_power_watts", "Power out of one pack, positive", "battery_power_discharge_{pack}"),
    _counter("sma_battery_charge_joules_total", "Energy into the battery", "battery_charge_total"),
    _counter("sma_battery_pack_charge_joules_total", "Energy into one pack", "battery_charge_{pack}"),
    _counter("sma_battery_discharge_joules_total", "Energy out of the battery", "battery_discharge_total"),
    _counter("sma_battery_pack_discharge_joules_total", "Energy out of one pack", "battery_discharge_{pack}"),
    _states("sma_battery_operating_mode", "What the battery does", "battery_status_operating_mode"),
    # Secure power supply
    _gauge("sma_secure_power_supply_voltage_volts", "Voltage of the emergency power socket", "sps_voltage"),
    _gauge("sma_secure_power_supply_current_amperes", "Current of the emergency power socket", "sps_current"),
    _gauge("sma_secure_power_supply_power_watts", "Power of the emergency power socket", "sps_power"),
    # Optimizers
    _gauge("sma_optimizer_power_watts", "Power of one module's optimizer", "optimizer_power_{optimizer}"),
    _gauge("sma_optimizer_current_amperes", "Current of one module's optimizer", "optimizer_current_{optimizer}"),
    _gauge("sma_optimizer_voltage_volts", "Voltage of one module's optimizer", "optimizer_voltage_{optimizer}"),
    _gauge("sma_optimizer_temperature_celsius", "Temperature of one module's optimizer", "optimizer_temp_{optimizer}"),
    # The device
    _gauge("sma_rated_power_watts", "Rated active power of the inverter, not a limit that was set", "inverter_power_limit"),
    _gauge("sma_inverter_temperature_celsius", "Temperature in the inverter", "inverter_temp"),
    _gauge("sma_transformer_temperature_celsius", "Temperature of the transformer", "transformer_temp"),
    _states("sma_status", "Condition of the device", "status"),
    _states("sma_operating_status_general", "General operating status", "operating_status_general"),
    _states("sma_operating_status", "Operating status", "operating_status"),
    _states("sma_inverter_condition", "Condition of the inverter", "inverter_condition"),
    _states("sma_inverter_system_init", "Whether the system is initialised", "inverter_system_init"),
    _states("sma_grid_connection_status", "Status of the power supply from the grid", "grid_connection_status"),
    _states("sma_grid_relay_status", "Grid relay or contactor", "grid_relay_status"),
)
# fmt: on

METER_INFO = Family(
    "sma_meter_info",
    INFO,
    "1 whenever a meter value is there; the serial number tells which inverters share a meter",
    {"energy_meter_in_use": "", "energy_meter": ""},
)
OPTIMIZER_INFO = Family(
    "sma_optimizer_info",
    INFO,
    "Serial number of one module's optimizer",
    {f"optimizer_serial_{index}": index for index in _PARTS["optimizer"]},
    "optimizer",
)

#: Everything that the table can bring forth, custom sensors aside.
ALL_FAMILIES = (*FAMILIES, METER_INFO, OPTIMIZER_INFO)

_METER_SENSORS = [
    sensor
    for family in FAMILIES
    if family.name.startswith("sma_meter_")
    for sensor in family.sensors
]


class Source(NamedTuple):
    """A device as the table sees it: its name, its readings, its states that no table has."""

    device: str
    readings: Readings
    unknown_states: Mapping[str, tuple[int, ...]]


def families(sources: Sequence[Source]) -> Iterator[Metric]:
    """Yield each family that has samples, once, the devices in the order in which they were given."""
    prepared = [source._replace(readings=_with_power_factor(source.readings)) for source in sources]
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


def _with_power_factor(readings: Readings) -> Readings:
    """Return the readings with a power factor where there is one: hybrids always send 0 for it."""
    if readings.get("grid_power_factor"):
        return readings
    signed = readings.get("grid_power_factor_eei")
    others = {name: value for name, value in readings.items() if name != "grid_power_factor"}
    return (
        others | {"grid_power_factor": abs(signed)} if isinstance(signed, int | float) else others
    )


def _add_numbers(metric: Any, family: Family, source: Source) -> None:
    for sensor, part in family.sensors.items():
        value = source.readings.get(sensor)
        if isinstance(value, int | float):
            metric.add_metric([source.device, part] if family.label else [source.device], value)


def _add_states(metric: Any, family: Family, source: Source) -> None:
    (sensor,) = family.sensors
    active = source.readings.get(sensor)
    if isinstance(active, tuple):
        known = (*STATES[sensor], *source.unknown_states.get(sensor, ()))
        slugs = {slug(tag) for tag in active}
        metric.add_metric([source.device], {slug(tag): slug(tag) in slugs for tag in known})


def _add_info(metric: Any, family: Family, source: Source) -> None:
    if family is METER_INFO:
        if any(name in source.readings for name in _METER_SENSORS):
            found = (source.readings.get(sensor) for sensor in family.sensors)
            serial = next((str(value) for value in found if value), "")
            metric.add_metric([source.device], {"serial": serial})
        return
    for sensor, part in family.sensors.items():
        text = source.readings.get(sensor)
        if isinstance(text, str):
            metric.add_metric([source.device, part], {"serial": clean(text)})


_ADD: Mapping[str, Callable[[Any, Family, Source], None]] = {
    GAUGE: _add_numbers,
    COUNTER: _add_numbers,
    STATE_SET: _add_states,
    INFO: _add_info,
}
