"""Every sensor: what it is, whatever the protocol. Where it stands is each protocol's own table.

Data. Names are PySMA's where it has one, and follow its style elsewhere; some of PySMA's mislead
(`grid_power` is the inverter's AC power, `inverter_power_limit` its rated power,
`battery_capacity_total` a state of health) and stay, because PySMA's users know them. A braced word
stands for the elements of an array, or for phases: `pv_power_{string}` is `pv_power_a`,
`pv_power_b`, and so on.
"""

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from . import limits

#: Letters of DC inputs and battery packs: devices have more of them than PySMA's three.
LETTERS = tuple(string.ascii_lowercase)

_COUNTED = tuple(map(str, range(limits.ELEMENTS)))

#: What a braced word in a sensor's name stands for.
PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "phase": ("l1", "l2", "l3"),
        "lines": ("l1_l2", "l2_l3", "l3_l1"),
        "string": LETTERS,
        "pack": LETTERS,
        "optimizer": _COUNTED,
        "gateway": _COUNTED,
        "zone": LETTERS,
        "fan": LETTERS,
        "sender": LETTERS,
    }
)


class Kind(Enum):
    """What kind of value a sensor has."""

    GAUGE = "gauge"
    """A number that goes up and down."""
    TOTAL = "total"
    """A number that only ever grows: a lifetime total."""
    STATES = "states"
    """The tags of the states that are active, of a few that are known."""
    CHOICE = "choice"
    """The tag of one of very many choices, such as device models."""
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorDefinition:
    """What a sensor is.

    `unit`: the base unit as it ends a metric's name, "" for none. `max_rate`: how much a total can
    gain in a second at the most, in its unit; None: as much as the rated power of the inverter
    allows. `bounds`: the least and the most that a gauge can be, in its unit, far beyond what any
    device measures; None: any number. `states`: the tags that are known, in the order of
    exposition. `tag_numbers`: what the device says as a tag, as a number in the base unit. `bits`:
    how many bits of the number, from the lowest, are inputs or outputs. `kept`: it describes the
    device, so the last value holds while the device sleeps. `made_of`: the sensors that a protocol
    makes this one of.
    """

    template: str
    kind: Kind
    unit: str = ""
    max_rate: float | None = None
    bounds: tuple[float, float] | None = None
    states: tuple[int, ...] = ()
    tag_numbers: Mapping[int, int] | None = None
    bits: int = 0
    kept: bool = False
    made_of: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the elements, in their order; of a sensor without elements its name."""
        return expanded(self.template)


def expanded(template: str) -> tuple[str, ...]:
    """Return the names that a template stands for: `power_{phase}` is power_l1, power_l2, power_l3."""
    if match := re.search(r"\{(\w+)\}", template):
        return tuple(template.replace(match[0], part) for part in PARTS[match[1]])
    return (template,)


#: What a gauge can be, by its unit: many times what the largest devices measure, but less than the
#: rubbish that firmware sends now and then, which is near the ends of 16 or 32 bits, or beyond them.
_BOUNDS: Mapping[str, tuple[float, float] | None] = MappingProxyType(
    {
        "": None,  # serial numbers and counts
        "watts": (-1e7, 1e7),  # the largest inverters have 0.1 to 5 MW
        "vars": (-1e7, 1e7),
        "voltamperes": (-1e7, 1e7),
        "volts": (-1e5, 1e5),  # DC up to 1.5 kV, AC up to a medium-voltage grid
        "amperes": (-1e5, 1e5),
        "hertz": (0, 1e3),
        "celsius": (-273.15, 1e3),
        "ohms": (0, 1e10),  # an array that is insulated well has many megohms
        "ratio": (-10, 10),  # a state of health may exceed 1, and so may a limit
        "joules": (-1e12, 1e12),  # of a day, or in a battery: 280 MWh
        "seconds": (-1e9, 1e9),  # 30 years
        "watts_per_square_meter": (-1e4, 1e4),
        "meters_per_second": (-1e3, 1e3),
        "bytes_per_second": None,  # by the tag
    }
)
#: Behind a meter stands a whole site.
_METERED_WATTS = (-1e9, 1e9)


def _gauge(
    template: str,
    unit: str = "",
    *,
    bounds: tuple[float, float] | None = None,
    tag_numbers: Mapping[int, int] | None = None,
    kept: bool = False,
) -> SensorDefinition:
    return SensorDefinition(
        template=template,
        kind=Kind.GAUGE,
        unit=unit,
        bounds=bounds or _BOUNDS[unit],
        tag_numbers=tag_numbers,
        kept=kept,
    )


def _bits(
    template: str, bits: int, *, tag_numbers: Mapping[int, int] | None = None
) -> SensorDefinition:
    return SensorDefinition(template=template, kind=Kind.GAUGE, bits=bits, tag_numbers=tag_numbers)


def _metered(template: str, unit: str = "watts") -> SensorDefinition:
    return _gauge(template, unit, bounds=_METERED_WATTS)


def _total(template: str, unit: str, max_rate: float | None = None) -> SensorDefinition:
    return SensorDefinition(template=template, kind=Kind.TOTAL, unit=unit, max_rate=max_rate)


def _states(template: str, *states: int) -> SensorDefinition:
    return SensorDefinition(template=template, kind=Kind.STATES, states=states)


def _choice(template: str, *, kept: bool = False) -> SensorDefinition:
    return SensorDefinition(template=template, kind=Kind.CHOICE, kept=kept)


def _text(template: str, *, kept: bool = False, made_of: tuple[str, ...] = ()) -> SensorDefinition:
    return SensorDefinition(template=template, kind=Kind.TEXT, kept=kept, made_of=made_of)


#: The sensors that tell who a device is.
IDENTITY = (
    "serial_number",
    "device_name",
    "device_type",
    "device_manufacturer",
    "device_sw_version",
)

# What bounds a total that the inverter's rated power does not bound, in its unit per second.
_GRID = 1_000_000.0  # W: a house, whatever stands behind its meter
_CLOCK = 1.0  # a second a second
_EVENTS = 1 / 60  # one a minute
_CYCLES = 1 / 3600  # one an hour
_BATTERY_AMPERES = 1000.0

_CONDITION = (35, 303, 307, 455)
_MODULE = (35, 303, 307)
_LINK = (307, 455, 35, 303, 1719, 1725, 2130)
_DUPLEX = (1726, 1727)
_LIMIT_SOURCES = (302, 2608, 5177, 5178, 5179, 5180)

_SPEEDS = MappingProxyType({1720: 1_250_000, 1721: 12_500_000})  # 10 and 100 Mbit/s
_INPUTS = MappingProxyType({2246 + bits: bits for bits in range(16)})  # the lowest bit is D1

# fmt: off
#: By subject. The states are those of SMA's published lists and of recorded replies; firmware may
#: bring more.
DEFINITIONS: tuple[SensorDefinition, ...] = (
    # AC side
    _gauge("grid_power", "watts"),
    _gauge("power_{phase}", "watts"),
    _gauge("voltage_{phase}", "volts"),
    _gauge("line_voltage_{lines}", "volts"),
    _gauge("current_total", "amperes"),
    _gauge("current_{phase}", "amperes"),
    _gauge("frequency", "hertz"),
    _gauge("grid_reactive_power", "vars"),
    _gauge("grid_reactive_power_{phase}", "vars"),
    _gauge("grid_apparent_power", "voltamperes"),
    _gauge("grid_apparent_power_{phase}", "voltamperes"),
    _gauge("grid_power_factor", "ratio"),
    _gauge("grid_power_factor_eei", "ratio"),
    _states("grid_power_factor_excitation", 1041, 1042),
    # DC side
    _gauge("pv_power", "watts"),
    _gauge("pv_power_{string}", "watts"),
    _gauge("pv_voltage_{string}", "volts"),
    _gauge("pv_current_{string}", "amperes"),
    _total("pv_energy_{string}", "joules"),
    _gauge("pv_start_voltage_{string}", "volts", kept=True),
    _gauge("pv_start_delay_{string}", "seconds", kept=True),
    _gauge("pv_voltage_setpoint_{string}", "volts", kept=True),
    _gauge("pv_isolation_resistance", "ohms"),
    _gauge("insulation_residual_current", "amperes"),
    # Yield
    _total("total_yield", "joules"),
    _gauge("daily_yield", "joules"),
    _total("pv_gen_meter", "joules"),
    _total("total_absorbed", "joules"),
    # Grid connection, from the meter
    _metered("metering_power_supplied"),
    _metered("metering_power_absorbed"),
    _total("metering_total_yield", "joules", _GRID),
    _total("metering_total_absorbed", "joules", _GRID),
    _metered("metering_active_power_feed_{phase}"),
    _metered("metering_active_power_draw_{phase}"),
    _gauge("metering_voltage_{phase}", "volts"),
    _gauge("metering_line_voltage_{lines}", "volts"),
    _gauge("metering_current_{phase}", "amperes"),
    _gauge("metering_frequency", "hertz"),
    _metered("metering_reactive_power", "vars"),
    _metered("metering_reactive_power_{phase}", "vars"),
    _metered("metering_apparent_power", "voltamperes"),
    _metered("metering_apparent_power_{phase}", "voltamperes"),
    _gauge("metering_power_factor", "ratio"),
    _gauge("metering_power_factor_eei", "ratio"),
    # The serial number of the meter in use (0 for none), and the first of the usable ones
    _gauge("energy_meter_in_use", kept=True),
    _gauge("energy_meter", kept=True),
    # The serial number of the meter that the other values come from; "" where it is not told
    _text("meter_serial", made_of=("energy_meter_in_use", "energy_meter")),
    _choice("energy_meter_model"),
    # House, as the device derives it
    _metered("metering_current_consumption"),
    _total("metering_total_consumption", "joules", _GRID),
    _metered("self_consumption_power"),
    _total("self_consumption_total", "joules", _GRID),
    _gauge("self_consumption_ratio", "ratio"),
    _metered("direct_consumption_power"),
    _total("direct_consumption_total", "joules", _GRID),
    _gauge("direct_consumption_ratio", "ratio"),
    _metered("self_supply_power"),
    _total("self_supply_total", "joules", _GRID),
    _gauge("autarky_ratio", "ratio"),
    # Battery
    _gauge("battery_soc_total", "ratio"),
    _gauge("battery_soc_{pack}", "ratio"),
    _gauge("battery_capacity_total", "ratio"),
    _gauge("battery_capacity_{pack}", "ratio"),
    _gauge("battery_voltage_{pack}", "volts"),
    _gauge("battery_charging_voltage_{pack}", "volts"),
    _gauge("battery_discharging_voltage_{pack}", "volts"),
    _gauge("battery_current_{pack}", "amperes"),
    _gauge("battery_charge_current_limit_{pack}", "amperes"),
    _gauge("battery_discharge_current_limit_{pack}", "amperes"),
    _gauge("battery_temp_{pack}", "celsius"),
    _gauge("battery_temp_lowest", "celsius"),
    _gauge("battery_temp_highest", "celsius"),
    _gauge("battery_ambient_temp", "celsius"),
    _gauge("battery_cell_voltage_lowest", "volts"),
    _gauge("battery_cell_voltage_highest", "volts"),
    _gauge("battery_cell_voltage_sum_{pack}", "volts"),
    _gauge("battery_power_charge_total", "watts"),
    _gauge("battery_power_charge_{pack}", "watts"),
    _gauge("battery_charge_power_available", "watts"),
    _gauge("battery_power_discharge_total", "watts"),
    _gauge("battery_power_discharge_{pack}", "watts"),
    _gauge("battery_discharge_power_available", "watts"),
    _total("battery_charge_total", "joules"),
    _total("battery_charge_{pack}", "joules"),
    _total("battery_charge_installed", "joules"),
    _total("battery_charge_installed_{pack}", "joules"),
    _total("battery_discharge_total", "joules"),
    _total("battery_discharge_{pack}", "joules"),
    _total("battery_discharge_installed", "joules"),
    _total("battery_discharge_installed_{pack}", "joules"),
    _total("battery_charge_amount", "coulombs", _BATTERY_AMPERES),
    _total("battery_discharge_amount", "coulombs", _BATTERY_AMPERES),
    _gauge("battery_nominal_capacity", "joules", kept=True),
    _gauge("battery_energy", "joules"),
    _gauge("battery_energy_available", "joules"),
    _gauge("battery_energy_free", "joules"),
    _total("battery_cycles", "", _CYCLES),
    _total("battery_full_charges", "", _CYCLES),
    _total("battery_operating_time", "seconds", _CLOCK),
    _total("battery_overvoltage_errors", "", _EVENTS),
    _total("battery_high_voltage_warnings", "", _EVENTS),
    _total("battery_low_charge_warnings", "", _EVENTS),
    _states("battery_status_operating_mode", 303, 308, 2291, 2292, 2293, 2289, 2290, 2294, 2424, 3664),
    _states("battery_application_area", 2614, 2615, 2616, 2617, 2618),
    _states("battery_condition_{pack}", *_CONDITION),
    _states("battery_temp_condition_{pack}", *_CONDITION),
    _states("battery_management_status_{pack}", 388, 303, 71, 1295, 2291),
    _states("battery_management_command_{pack}", 303, 2289, 2290, 2291),
    _states("battery_charge_control_available_{pack}", 1129, 1130),
    # Backup and secure power supply
    _gauge("backup_voltage_{phase}", "volts"),
    _gauge("backup_current_{phase}", "amperes"),
    _gauge("backup_power_{phase}", "watts"),
    _states("backup_mode_status", 1440, 1441),
    _states("backup_relay_status", 51, 311),
    _gauge("sps_voltage", "volts"),
    _gauge("sps_current", "amperes"),
    _gauge("sps_power", "watts"),
    _total("sps_energy", "joules"),
    # Optimizers
    _gauge("optimizer_power_{optimizer}", "watts"),
    _gauge("optimizer_current_{optimizer}", "amperes"),
    _gauge("optimizer_voltage_{optimizer}", "volts"),
    _gauge("optimizer_temp_{optimizer}", "celsius"),
    _gauge("optimizer_signal_strength_{optimizer}", "ratio"),
    _states("optimizer_condition_{optimizer}", *_MODULE),
    _text("optimizer_serial_{optimizer}", kept=True),
    _gauge("optimizers_found"),
    _gauge("gateways_found"),
    _states("gateway_condition_{gateway}", *_MODULE),
    _states("module_control_condition", *_MODULE),
    _states("module_control_commissioning", *_MODULE),
    # Limits and set points
    _gauge("inverter_power_limit", "watts", kept=True),
    _states("active_power_limitation", 303, 308),
    _gauge("active_power_limit", "watts"),
    _gauge("active_power_setpoint", "watts"),
    _states("reactive_power_limitation", 303, 308),
    _gauge("reactive_power_setpoint", "vars"),
    _gauge("power_factor_setpoint", "ratio"),
    _states("power_factor_setpoint_excitation", 1041, 1042),
    _gauge("active_power_limit_set", "watts", kept=True),
    _gauge("active_power_limit_manual", "watts", kept=True),
    _gauge("active_power_limit_manual_ratio", "ratio", kept=True),
    _gauge("grid_connection_power_limit", "watts", bounds=_METERED_WATTS, kept=True),
    _gauge("grid_connection_power_limit_ratio", "ratio", kept=True),
    _states("device_control_status", 303, 308),
    _states("plant_control_status", 303, 308),
    _gauge("active_power_limit_ratio", "ratio"),
    _gauge("active_power_lower_limit_ratio", "ratio"),
    _states("active_power_limit_source", *_LIMIT_SOURCES),
    _states("active_power_lower_limit_source", *_LIMIT_SOURCES),
    _gauge("absorbed_power_limit_ratio", "ratio"),
    _gauge("absorbed_power_lower_limit_ratio", "ratio"),
    _gauge("active_power_setpoint_ratio", "ratio"),
    _gauge("digital_input_power_limit_ratio", "ratio"),
    _gauge("available_power", "watts"),
    _gauge("available_reactive_power_overexcited", "vars"),
    _gauge("available_reactive_power_underexcited", "vars"),
    _gauge("available_reactive_power_ratio_overexcited", "ratio"),
    _gauge("available_reactive_power_ratio_underexcited", "ratio"),
    _gauge("reactive_power_limit_ratio", "ratio"),
    _gauge("reactive_power_lower_limit_ratio", "ratio"),
    _states("reactive_power_mode", 303, 1069, 1070, 1071, 1072, 1073, 1074, 1075, 1076, 4562),
    _states("reactive_power_range", 4396, 4397, 4398),
    _bits("digital_inputs", 4, tag_numbers=_INPUTS),
    _bits("digital_input_group", 8),
    _bits("digital_output_group", 8),
    # Plant
    _gauge("plant_power_rated", "watts", kept=True),
    _gauge("plant_dc_power_rated", "watts", kept=True),
    _gauge("plant_availability", "ratio"),
    _gauge("plant_inverters_running"),
    _gauge("plant_inverters_waiting"),
    _gauge("plant_inverters_stopped"),
    _gauge("plant_inverters_reactive_power_on_demand"),
    # Charging stations
    _gauge("charging_power", "watts"),
    _total("charging_total", "joules", _GRID),
    _gauge("charging_session_energy", "joules"),  # of each session from 0
    _states("charging_session_status", 200111, 200112, 200113, 200114, 200115, 5169),
    _states("vehicle_condition", *_CONDITION),
    _states("charging_mode_switch", 4718, 4950),
    _states("charging_mode", 4718, 4719, 4720, 4721),
    _states("charging_lock", 5171, 5172),
    _gauge("charging_current_limit", "amperes", kept=True),
    _gauge("charging_power_rated", "watts", kept=True),
    _gauge("charging_stations_active"),
    # External grid
    _gauge("external_grid_power", "watts"),
    _gauge("external_grid_power_{phase}", "watts"),
    _gauge("external_grid_voltage_{phase}", "volts"),
    _gauge("external_grid_current", "amperes"),
    _gauge("external_grid_current_{phase}", "amperes"),
    _gauge("external_grid_frequency", "hertz"),
    _gauge("external_grid_reactive_power", "vars"),
    _gauge("external_grid_reactive_power_{phase}", "vars"),
    _total("external_grid_total_export", "joules", _GRID),
    _total("external_grid_total_import", "joules", _GRID),
    # Temperatures and weather
    _gauge("inverter_temp", "celsius"),
    _gauge("inverter_zone_temp_{zone}", "celsius"),
    _gauge("fan_duty_cycle_{fan}", "ratio"),
    _gauge("transformer_temp", "celsius"),
    _gauge("device_temp", "celsius"),
    _gauge("internal_temp", "celsius"),
    _gauge("external_temp", "celsius"),
    _gauge("ambient_temp", "celsius"),
    _gauge("module_temp", "celsius"),
    _gauge("irradiation", "watts_per_square_meter"),
    _gauge("wind_speed", "meters_per_second"),
    # Operation
    _states("status", *_CONDITION, 308, 55),
    _states(
        "operating_status_general",
        295, 569, 1295, 303, 1393, 1394, 1480, 1467, 1469, 381, 2119, 1392, 443, 235, 1428, 1795, 1855,
        3128,
    ),
    _states(
        "operating_status",
        235, 295, 303, 381, 443, 569, 1295, 1392, 1393, 1428, 1463, 1467, 1469, 1480, 1855, 2119, 3128,
    ),
    _states("inverter_condition", *_CONDITION),
    _gauge("nominal_power_ok", "watts"),
    _gauge("nominal_power_warning", "watts"),
    _gauge("nominal_power_fault", "watts"),
    _states("inverter_system_init", 1129, 1130),
    _states(
        "derating_reason",
        884, 557, 1704, 1705, 1706, 2196, 2197, 3520, 3552, 3553, 3554, 3555, 3556, 3557,
    ),
    _states("block_status", 2386, 2387, 2388, 2389, 2390),
    _states("grid_connection_status", 303, 1394, 1461, 1466, 1787, 2183, 2184, 2185, 2186),
    _states("grid_relay_status", 51, 311),
    _states("multifunction_relay_status", 51, 311, 303),
    _states("plant_mains_connection", 1779, 1780, 1781),
    _choice("country_standard"),
    _choice("grid_type"),
    _total("operating_time", "seconds", _CLOCK),
    _total("feed_in_time", "seconds", _CLOCK),
    _gauge("feed_in_wait_time", "seconds"),
    _total("grid_connections", "", _EVENTS),
    _total("dc_disconnects", "", _EVENTS),
    _total("arc_faults", "", _EVENTS),
    _total("events_user", "", _EVENTS),
    _total("events_installer", "", _EVENTS),
    _gauge("event_number"),
    _gauge("error_code"),
    _states("event_message", 886),  # and hundreds of texts, which appear by their number
    _states("event_recommended_action", 887, 336, 337, 338),
    _states("event_correction_measure", 885),  # likewise
    _states("firmware_update_status", 3584, 3179, 3180, 3181, 3182),
    # Communication
    _states("speedwire_a_status", *_LINK),
    _states("speedwire_b_status", *_LINK),
    _states("wifi_status", *_LINK, 3325, 3426),
    _states("wifi_access_point_status", *_LINK, 308),
    _states("webconnect_status", *_LINK),
    _states("portal_status", *_LINK),
    _states("energy_meter_speedwire_status", *_LINK),
    _states("energy_meter_modbus_status", *_LINK),
    _gauge("speedwire_a_speed", "bytes_per_second", tag_numbers=_SPEEDS),
    _gauge("speedwire_b_speed", "bytes_per_second", tag_numbers=_SPEEDS),
    _states("speedwire_a_duplex", *_DUPLEX),
    _states("speedwire_b_duplex", *_DUPLEX),
    _gauge("wifi_signal_strength", "ratio"),
    _states("wifi_scan_status", 3366, 3367, 3368, 3369),
    _states("wifi_antenna", 3326, 3327),
    _states("sunspec_signal_status_{sender}", 1129, 1130),
    # What the device says of itself
    _gauge("serial_number", kept=True),
    _text("device_name", kept=True),
    _choice("device_type", kept=True),
    _choice("device_manufacturer", kept=True),
    _gauge("device_sw_version", kept=True),
)
# fmt: on


def _by_name() -> Iterator[tuple[str, SensorDefinition]]:
    for definition in DEFINITIONS:
        for name in definition.names:
            yield name, definition


#: The definition of each sensor, by its name; the elements of an array share one.
SENSORS: Mapping[str, SensorDefinition] = MappingProxyType(dict(_by_name()))


#: Of each sensor that has bounds; a plain dict, because every reading of every read is looked up.
_BOUNDS_OF = {name: sensor.bounds for name, sensor in SENSORS.items() if sensor.bounds is not None}


def out_of_bounds(readings: Mapping[str, Any]) -> Mapping[str, float]:
    """Return the readings (sensor -> value in its base unit) that no device can measure: garbage."""
    bounds_of = _BOUNDS_OF
    return {
        name: value
        for name, value in readings.items()
        if name in bounds_of and not bounds_of[name][0] <= value <= bounds_of[name][1]
    }
