"""The metric table: the families, each with the sensors that it shows.

Data. Names and labels are the product: users write them into dashboards and alerts, and live with
them. A family's HELP is its sentence here, and where its sensors stand: SMA's keys, ennexOS' channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..devices.protocols import PLACES
from ..sma.sensors import PARTS, SENSORS

GAUGE, COUNTER, STATE_SET, INFO = "gauge", "counter", "stateset", "info"
#: A gauge of 0 or 1 for each bit of a number.
BITS = "bits"


@dataclass(frozen=True)
class Family:
    """A row of the table.

    `sensors` maps the names of readings to the value of `label`, a label beside `device` that tells
    parts of one thing apart; without it there is one sensor, with an empty value. `text`: the label
    that holds what an info says. `installer`: most models show the value to the group installer
    only.
    """

    name: str
    kind: str
    sentence: str
    sensors: Mapping[str, str]
    label: str | None = None
    text: str = ""
    installer: bool = False

    @cached_property
    def places(self) -> Mapping[str, tuple[str, ...]]:
        """Where its sensors stand in each protocol: keys, channels; none in a protocol without it."""
        return {
            protocol: tuple(dict.fromkeys(place for name in self.sensors for place in of(name)))
            for protocol, of in PLACES.items()
        }

    @property
    def meaning(self) -> str:
        """The sentence, and which of several places counts, without naming them."""
        has_substitute = any(
            len(of(name)) > 1 and not SENSORS[name].made_of
            for name in self.sensors
            for of in PLACES.values()
        )
        first = "; from the first key or channel that has a value"
        return self.sentence + (first if has_substitute else "")

    @cached_property
    def help(self) -> str:
        """HELP: one sentence that names the keys and channels."""
        return f"{self.meaning} ({', '.join(sum(self.places.values(), ()))})."


def _row(kind: str, name: str, sentence: str, sensor: str, *, installer: bool = False) -> Family:
    """Return a row; "{string}" in `sensor` and the like stand for the values of that label."""
    for label, values in PARTS.items():
        if f"{{{label}}}" in sensor:
            parts = ((sensor.replace(f"{{{label}}}", value), value) for value in values)
            sensors = {part: value for part, value in parts if part in SENSORS}
            return Family(name, kind, sentence, sensors, label, installer=installer)
    return Family(name, kind, sentence, {sensor: ""}, installer=installer)


def _gauge(name: str, sentence: str, sensor: str, *, installer: bool = False) -> Family:
    return _row(GAUGE, name, sentence, sensor, installer=installer)


def _counter(name: str, sentence: str, sensor: str, *, installer: bool = False) -> Family:
    return _row(COUNTER, name, sentence, sensor, installer=installer)


def _states(name: str, sentence: str, sensor: str, *, installer: bool = False) -> Family:
    return _row(STATE_SET, name, sentence, sensor, installer=installer)


METER_INFO = Family(
    "sma_meter_info", INFO,
    "1 whenever a meter value is there; the serial number, a meter's own too, tells which devices share a meter",
    {"meter_serial": ""}, text="serial",
)  # fmt: skip
OPTIMIZER_INFO = Family(
    "sma_optimizer_info", INFO, "Serial number of one module's optimizer",
    {f"optimizer_serial_{index}": index for index in PARTS["optimizer"]}, "optimizer", text="serial",
)  # fmt: skip

#: What the two sockets, the radio and the services behind them are called.
_LINKS = {
    "speedwire_a_status": "speedwire_a",
    "speedwire_b_status": "speedwire_b",
    "wifi_status": "wifi",
    "wifi_access_point_status": "wifi_access_point",
    "webconnect_status": "webconnect",
    "portal_status": "portal",
    "energy_meter_speedwire_status": "meter_speedwire",
    "energy_meter_modbus_status": "meter_modbus",
}

#: By subject, in the order of exposition.
# fmt: off
SECTIONS: Mapping[str, tuple[Family, ...]] = {
    "AC side": (
        _gauge("sma_ac_power_watts", "AC power of the inverter, positive out of it; not the exchange with the grid", "grid_power"),
        _gauge("sma_ac_phase_power_watts", "AC power of one phase, positive out of the inverter", "power_{phase}"),
        _gauge("sma_ac_phase_voltage_volts", "Voltage of one phase against neutral", "voltage_{phase}"),
        _gauge("sma_ac_line_voltage_volts", "Voltage between two phases", "line_voltage_{lines}"),
        _gauge("sma_ac_current_amperes", "AC current, all phases together", "current_total"),
        _gauge("sma_ac_phase_current_amperes", "AC current of one phase; negative while a charging station charges", "current_{phase}"),
        _gauge("sma_ac_frequency_hertz", "Grid frequency at the inverter", "frequency"),
        _gauge("sma_ac_reactive_power_vars", "Reactive power, with the sign that the device gives it", "grid_reactive_power"),
        _gauge("sma_ac_phase_reactive_power_vars", "Reactive power of one phase, with the sign that the device gives it", "grid_reactive_power_{phase}"),
        _gauge("sma_ac_apparent_power_voltamperes", "Apparent power", "grid_apparent_power"),
        _gauge("sma_ac_phase_apparent_power_voltamperes", "Apparent power of one phase", "grid_apparent_power_{phase}"),
        _gauge("sma_ac_power_factor_ratio", "Displacement power factor, unsigned, from 6100_40665B00 where this is 0; the direction is in sma_ac_power_factor_excitation", "grid_power_factor"),
        _gauge("sma_ac_power_factor_eei_ratio", "Displacement power factor by the EEI convention, with the sign that the device gives it", "grid_power_factor_eei"),
        _states("sma_ac_power_factor_excitation", "Excitation type of the power factor", "grid_power_factor_excitation"),
    ),
    "DC side": (
        _gauge("sma_pv_power_watts", "PV generation power, all DC inputs together", "pv_power"),
        _gauge("sma_pv_string_power_watts", "DC power of one input", "pv_power_{string}"),
        _gauge("sma_pv_string_voltage_volts", "DC voltage of one input", "pv_voltage_{string}"),
        _gauge("sma_pv_string_current_amperes", "DC current of one input", "pv_current_{string}"),
        _counter("sma_pv_string_generation_joules_total", "DC energy of one input", "pv_energy_{string}"),
        _gauge("sma_pv_string_start_voltage_volts", "Set point: voltage from which one input starts to feed in", "pv_start_voltage_{string}", installer=True),
        _gauge("sma_pv_string_start_delay_seconds", "Set point: time that one input waits before it starts to feed in", "pv_start_delay_{string}", installer=True),
        _gauge("sma_pv_string_constant_voltage_volts", "Set point: voltage of one input while it is run at constant voltage instead of MPP", "pv_voltage_setpoint_{string}", installer=True),
        _gauge("sma_pv_isolation_resistance_ohms", "Insulation resistance of the PV array", "pv_isolation_resistance", installer=True),
        _gauge("sma_insulation_residual_current_amperes", "Residual current", "insulation_residual_current", installer=True),
    ),
    "Yield": (
        _counter("sma_yield_joules_total", "AC energy delivered by the device since it was installed, battery discharge included", "total_yield"),
        _gauge("sma_daily_yield_joules", "Energy of the day as the device says it; on hybrids with battery discharge", "daily_yield"),
        _counter("sma_pv_generation_joules_total", "Energy from PV alone", "pv_gen_meter"),
        _counter("sma_absorbed_joules_total", "AC energy taken by the device since it was installed", "total_absorbed"),
    ),
    "Grid connection, from the meter": (
        _gauge("sma_meter_export_power_watts", "Power fed into the grid, positive", "metering_power_supplied"),
        _gauge("sma_meter_import_power_watts", "Power drawn from the grid, positive", "metering_power_absorbed"),
        _counter("sma_meter_export_joules_total", "Energy fed into the grid", "metering_total_yield"),
        _counter("sma_meter_import_joules_total", "Energy drawn from the grid", "metering_total_absorbed"),
        _gauge("sma_meter_phase_export_power_watts", "Power fed into the grid on one phase, positive", "metering_active_power_feed_{phase}"),
        _gauge("sma_meter_phase_import_power_watts", "Power drawn from the grid on one phase, positive", "metering_active_power_draw_{phase}"),
        _gauge("sma_meter_phase_voltage_volts", "Voltage of one phase at the grid connection", "metering_voltage_{phase}"),
        _gauge("sma_meter_line_voltage_volts", "Voltage between two phases at the grid connection", "metering_line_voltage_{lines}"),
        _gauge("sma_meter_phase_current_amperes", "Current of one phase at the grid connection; over ennexOS negative while drawing", "metering_current_{phase}"),
        _gauge("sma_meter_frequency_hertz", "Grid frequency at the meter", "metering_frequency"),
        _gauge("sma_meter_reactive_power_vars", "Reactive power at the grid connection, with the sign that the device gives it", "metering_reactive_power"),
        _gauge("sma_meter_phase_reactive_power_vars", "Reactive power of one phase at the grid connection, with the sign that the device gives it", "metering_reactive_power_{phase}"),
        _gauge("sma_meter_apparent_power_voltamperes", "Apparent power at the grid connection", "metering_apparent_power"),
        _gauge("sma_meter_phase_apparent_power_voltamperes", "Apparent power of one phase at the grid connection", "metering_apparent_power_{phase}"),
        _gauge("sma_meter_power_factor_ratio", "Displacement power factor at the grid connection, unsigned", "metering_power_factor"),
        _gauge("sma_meter_power_factor_eei_ratio", "Displacement power factor at the grid connection by the EEI convention, with the sign that the device gives it", "metering_power_factor_eei"),
        METER_INFO,
        Family("sma_meter_model_info", INFO, "Kind of energy meter that the device is set to use", {"energy_meter_model": ""}, text="model"),
    ),
    "House, as the device derives it": (
        _gauge("sma_consumption_power_watts", "Power consumed in the house, as the device derives it", "metering_current_consumption"),
        _counter("sma_consumption_joules_total", "Energy consumed in the house, as the device derives it", "metering_total_consumption"),
        _gauge("sma_self_consumption_power_watts", "Generated power that is not fed into the grid, as the device derives it", "self_consumption_power"),
        _counter("sma_self_consumption_joules_total", "Generated energy that was not fed into the grid, as the device derives it", "self_consumption_total"),
        _gauge("sma_self_consumption_ratio", "Share of the generated power that is not fed into the grid, as the device derives it", "self_consumption_ratio"),
        _gauge("sma_direct_consumption_power_watts", "Generated power that the house consumes at once, past any battery, as the device derives it", "direct_consumption_power"),
        _counter("sma_direct_consumption_joules_total", "Generated energy that the house consumed at once, past any battery, as the device derives it", "direct_consumption_total"),
        _gauge("sma_direct_consumption_ratio", "Share of the generated power that the house consumes at once, as the device derives it", "direct_consumption_ratio"),
        _gauge("sma_self_supply_power_watts", "Consumed power that is not drawn from the grid, as the device derives it", "self_supply_power"),
        _counter("sma_self_supply_joules_total", "Consumed energy that was not drawn from the grid, as the device derives it", "self_supply_total"),
        _gauge("sma_autarky_ratio", "Share of the consumed power that is not drawn from the grid, as the device derives it", "autarky_ratio"),
    ),
    "Battery": (
        _gauge("sma_battery_state_of_charge_ratio", "State of charge of all packs together", "battery_soc_total"),
        _gauge("sma_battery_pack_state_of_charge_ratio", "State of charge of one pack", "battery_soc_{pack}"),
        _gauge("sma_battery_state_of_health_ratio", "Capacity left of the nominal one, all packs together", "battery_capacity_total"),
        _gauge("sma_battery_pack_state_of_health_ratio", "Capacity left of the nominal one, one pack", "battery_capacity_{pack}"),
        _gauge("sma_battery_pack_voltage_volts", "Voltage of one pack", "battery_voltage_{pack}"),
        _gauge("sma_battery_pack_end_of_charge_voltage_volts", "Set point of one pack's end-of-charge voltage, not a measurement", "battery_charging_voltage_{pack}", installer=True),
        _gauge("sma_battery_pack_end_of_discharge_voltage_volts", "Set point of one pack's end-of-discharge voltage, not a measurement", "battery_discharging_voltage_{pack}", installer=True),
        _gauge("sma_battery_pack_current_amperes", "Current of one pack, negative while charging", "battery_current_{pack}"),
        _gauge("sma_battery_pack_charge_limit_amperes", "Most current that one pack takes now, positive", "battery_charge_current_limit_{pack}", installer=True),
        _gauge("sma_battery_pack_discharge_limit_amperes", "Most current that one pack gives now, positive", "battery_discharge_current_limit_{pack}", installer=True),
        _gauge("sma_battery_pack_temperature_celsius", "Temperature of one pack", "battery_temp_{pack}"),
        _gauge("sma_battery_lowest_temperature_celsius", "Temperature of the battery where it is coldest", "battery_temp_lowest"),
        _gauge("sma_battery_highest_temperature_celsius", "Temperature of the battery where it is hottest", "battery_temp_highest"),
        _gauge("sma_battery_ambient_temperature_celsius", "Temperature around the battery", "battery_ambient_temp"),
        _gauge("sma_battery_lowest_cell_voltage_volts", "Voltage of the cell that has least", "battery_cell_voltage_lowest", installer=True),
        _gauge("sma_battery_highest_cell_voltage_volts", "Voltage of the cell that has most", "battery_cell_voltage_highest", installer=True),
        _gauge("sma_battery_pack_cell_voltage_sum_volts", "Voltages of one pack's cells, added up", "battery_cell_voltage_sum_{pack}"),
        _gauge("sma_battery_charge_power_watts", "Power into the battery, positive", "battery_power_charge_total"),
        _gauge("sma_battery_pack_charge_power_watts", "Power into one pack, positive", "battery_power_charge_{pack}"),
        _gauge("sma_battery_available_charge_power_watts", "Most power that the battery takes now, positive", "battery_charge_power_available", installer=True),
        _gauge("sma_battery_discharge_power_watts", "Power out of the battery, positive", "battery_power_discharge_total"),
        _gauge("sma_battery_pack_discharge_power_watts", "Power out of one pack, positive", "battery_power_discharge_{pack}"),
        _gauge("sma_battery_available_discharge_power_watts", "Most power that the battery gives now, positive", "battery_discharge_power_available", installer=True),
        _counter("sma_battery_charge_joules_total", "Energy into the battery", "battery_charge_total"),
        _counter("sma_battery_pack_charge_joules_total", "Energy into one pack", "battery_charge_{pack}"),
        _counter("sma_battery_installed_charge_joules_total", "Energy into the battery that is installed now, earlier ones left out", "battery_charge_installed"),
        _counter("sma_battery_pack_installed_charge_joules_total", "Energy into one pack that is installed now, earlier ones left out", "battery_charge_installed_{pack}"),
        _counter("sma_battery_discharge_joules_total", "Energy out of the battery", "battery_discharge_total"),
        _counter("sma_battery_pack_discharge_joules_total", "Energy out of one pack", "battery_discharge_{pack}"),
        _counter("sma_battery_installed_discharge_joules_total", "Energy out of the battery that is installed now, earlier ones left out", "battery_discharge_installed"),
        _counter("sma_battery_pack_installed_discharge_joules_total", "Energy out of one pack that is installed now, earlier ones left out", "battery_discharge_installed_{pack}"),
        _counter("sma_battery_charge_coulombs_total", "Charge into the battery", "battery_charge_amount"),
        _counter("sma_battery_discharge_coulombs_total", "Charge out of the battery", "battery_discharge_amount"),
        _gauge("sma_battery_nominal_capacity_joules", "Capacity of the battery when new", "battery_nominal_capacity"),
        _gauge("sma_battery_energy_joules", "Energy that the battery holds now", "battery_energy"),
        _gauge("sma_battery_available_energy_joules", "Energy that can be taken from the battery now", "battery_energy_available"),
        _gauge("sma_battery_free_capacity_joules", "Energy that the battery can still take", "battery_energy_free"),
        _counter("sma_battery_cycles_total", "How often the nominal capacity went through the battery", "battery_cycles"),
        _counter("sma_battery_full_charges_total", "How often the battery was charged full", "battery_full_charges", installer=True),
        _counter("sma_battery_operating_seconds_total", "Time that the battery was in operation", "battery_operating_time", installer=True),
        Family("sma_battery_events_total", COUNTER, "How often the battery had an error or a warning", {"battery_overvoltage_errors": "overvoltage_error", "battery_high_voltage_warnings": "high_voltage_warning", "battery_low_charge_warnings": "low_charge_warning"}, "event"),
        _states("sma_battery_operating_mode", "What the battery does", "battery_status_operating_mode"),
        _states("sma_battery_application_area", "What the present state of charge is kept for", "battery_application_area", installer=True),
        _states("sma_battery_pack_condition", "Condition of one pack", "battery_condition_{pack}"),
        _states("sma_battery_pack_temperature_condition", "Condition of one pack's temperature", "battery_temp_condition_{pack}"),
        _states("sma_battery_pack_management_status", "Operating status of one pack's battery management", "battery_management_status_{pack}", installer=True),
        _states("sma_battery_pack_management_command", "Command to one pack's battery management", "battery_management_command_{pack}", installer=True),
        _states("sma_battery_pack_charge_control_available", "Whether charging of one pack can be controlled over communication", "battery_charge_control_available_{pack}", installer=True),
    ),
    "Backup and secure power supply": (
        _gauge("sma_backup_phase_voltage_volts", "Voltage of one phase of the backup supply", "backup_voltage_{phase}"),
        _gauge("sma_backup_phase_current_amperes", "Current of one phase of the backup supply", "backup_current_{phase}"),
        _gauge("sma_backup_phase_power_watts", "Power of one phase of the backup supply", "backup_power_{phase}"),
        _states("sma_backup_mode_status", "Whether the device runs on the grid or as an island", "backup_mode_status"),
        _states("sma_backup_relay_status", "Relay of the backup supply", "backup_relay_status"),
        _gauge("sma_secure_power_supply_voltage_volts", "Voltage of the emergency power socket", "sps_voltage"),
        _gauge("sma_secure_power_supply_current_amperes", "Current of the emergency power socket", "sps_current"),
        _gauge("sma_secure_power_supply_power_watts", "Power of the emergency power socket", "sps_power"),
        _counter("sma_secure_power_supply_joules_total", "Energy given by the emergency power socket", "sps_energy"),
    ),
    "Optimizers": (
        _gauge("sma_optimizer_power_watts", "Power of one module's optimizer", "optimizer_power_{optimizer}"),
        _gauge("sma_optimizer_current_amperes", "Current of one module's optimizer", "optimizer_current_{optimizer}"),
        _gauge("sma_optimizer_voltage_volts", "Voltage of one module's optimizer", "optimizer_voltage_{optimizer}"),
        _gauge("sma_optimizer_temperature_celsius", "Temperature of one module's optimizer", "optimizer_temp_{optimizer}"),
        _gauge("sma_optimizer_signal_strength_ratio", "Signal strength of one module's optimizer", "optimizer_signal_strength_{optimizer}"),
        _states("sma_optimizer_condition", "Condition of one module's optimizer; slots that are off and have no serial number are left out", "optimizer_condition_{optimizer}"),
        OPTIMIZER_INFO,
        _gauge("sma_optimizers_found", "Optimizers that the device has found", "optimizers_found"),
        _gauge("sma_optimizer_gateways_found", "Gateways to optimizers that the device has found", "gateways_found"),
        _states("sma_optimizer_gateway_condition", "Condition of one gateway to optimizers; slots that are off are left out", "gateway_condition_{gateway}"),
        _states("sma_optimizer_control_condition", "Condition of the control of the optimizers", "module_control_condition"),
        _states("sma_optimizer_commissioning_status", "Commissioning of the optimizers", "module_control_commissioning"),
    ),
    "Limits and set points": (
        _gauge("sma_rated_power_watts", "Rated active power of the inverter, not a limit that was set", "inverter_power_limit"),
        _states("sma_active_power_limitation", "Whether limiting of the active power is switched on", "active_power_limitation"),
        _gauge("sma_active_power_limit_watts", "Limit of the active power that is in force now", "active_power_limit"),
        _gauge("sma_active_power_limit_ratio", "Upper limit of the active power that is in force now, share of the nominal power", "active_power_limit_ratio"),
        _gauge("sma_active_power_lower_limit_ratio", "Lower limit of the active power that is in force now, share of the nominal power", "active_power_lower_limit_ratio"),
        _states("sma_active_power_limit_source", "What sets the upper limit of the active power", "active_power_limit_source"),
        _states("sma_active_power_lower_limit_source", "What sets the lower limit of the active power", "active_power_lower_limit_source"),
        _gauge("sma_absorbed_power_limit_ratio", "Upper limit of the active power that is drawn, in force now, share of the nominal power", "absorbed_power_limit_ratio"),
        _gauge("sma_absorbed_power_lower_limit_ratio", "Lower limit of the active power that is drawn, in force now, share of the nominal power", "absorbed_power_lower_limit_ratio"),
        _gauge("sma_active_power_setpoint_watts", "Active power that the device is asked for now", "active_power_setpoint"),
        _gauge("sma_active_power_setpoint_ratio", "Active power that the plant is asked for now, share of the nominal power", "active_power_setpoint_ratio"),
        _gauge("sma_digital_input_power_limit_ratio", "Limit of the active power that the digital inputs ask for, share of the nominal power", "digital_input_power_limit_ratio"),
        _gauge("sma_available_power_watts", "Active power that could be given now", "available_power"),
        _states("sma_reactive_power_limitation", "Whether limiting of the reactive power is switched on", "reactive_power_limitation"),
        _gauge("sma_reactive_power_setpoint_vars", "Reactive power that the device is asked for now, with the sign that the device gives it", "reactive_power_setpoint"),
        _gauge("sma_reactive_power_limit_ratio", "Upper limit of the reactive power that is in force now, share of the nominal power", "reactive_power_limit_ratio"),
        _gauge("sma_reactive_power_lower_limit_ratio", "Lower limit of the reactive power that is in force now, share of the nominal power", "reactive_power_lower_limit_ratio"),
        _states("sma_reactive_power_mode", "How the reactive power is set now", "reactive_power_mode"),
        _states("sma_reactive_power_range", "Range of the active power, whose mode of reactive power applies now", "reactive_power_range"),
        Family("sma_available_reactive_power_vars", GAUGE, "Reactive power that could be given now", {"available_reactive_power_overexcited": "overexcited", "available_reactive_power_underexcited": "underexcited"}, "excitation"),
        Family("sma_available_reactive_power_ratio", GAUGE, "Reactive power that could be given now, share of the nominal one", {"available_reactive_power_ratio_overexcited": "overexcited", "available_reactive_power_ratio_underexcited": "underexcited"}, "excitation"),
        _gauge("sma_power_factor_setpoint_ratio", "Displacement power factor that the device is asked for now, unsigned; the direction is in sma_power_factor_setpoint_excitation", "power_factor_setpoint"),
        _states("sma_power_factor_setpoint_excitation", "Excitation type that the device is asked for now", "power_factor_setpoint_excitation"),
        _gauge("sma_configured_power_limit_watts", "Parameter: active power limit of the device", "active_power_limit_set", installer=True),
        _gauge("sma_manual_power_limit_watts", "Parameter: active power limit that was set by hand", "active_power_limit_manual", installer=True),
        _gauge("sma_manual_power_limit_ratio", "Parameter: active power limit that was set by hand, share of the device's limit", "active_power_limit_manual_ratio", installer=True),
        _gauge("sma_grid_connection_power_limit_watts", "Parameter: active power limit at the grid connection point", "grid_connection_power_limit"),
        _gauge("sma_grid_connection_power_limit_ratio", "Parameter: active power limit at the grid connection point, share of the plant's nominal power", "grid_connection_power_limit_ratio"),
        _states("sma_device_control_status", "Whether control of the device is switched on", "device_control_status"),
        _states("sma_plant_control_status", "Whether control of the PV system is switched on", "plant_control_status"),
        Family("sma_digital_input_active", BITS, "1 for a digital input that is on; over WebConnect those of the power control module (ripple control receiver)", {"digital_inputs": "", "digital_input_group": ""}, "input"),
        Family("sma_digital_output_active", BITS, "1 for a digital output that is on", {"digital_output_group": ""}, "output"),
    ),
    "Plant": (
        _gauge("sma_plant_rated_power_watts", "Rated active power of the plant", "plant_power_rated"),
        _gauge("sma_plant_rated_dc_power_watts", "Rated DC power of the plant", "plant_dc_power_rated"),
        _gauge("sma_plant_availability_ratio", "Share of the plant that is available now", "plant_availability"),
        Family("sma_plant_inverters", GAUGE, "Inverters of the plant by what they do", {"plant_inverters_running": "running", "plant_inverters_waiting": "waiting", "plant_inverters_stopped": "stopped", "plant_inverters_reactive_power_on_demand": "reactive_power_on_demand"}, "state"),
    ),
    "Charging stations": (
        _gauge("sma_charging_power_watts", "Power with which vehicles are charged, positive; of a plant all charging stations together", "charging_power"),
        _counter("sma_charging_joules_total", "Energy with which vehicles were charged; of a plant all charging stations together", "charging_total"),
        _gauge("sma_charging_session_joules", "Energy of the charging session, the last one while there is none", "charging_session_energy"),
        _states("sma_charging_session_status", "Status of the charging session", "charging_session_status"),
        _states("sma_vehicle_condition", "Condition of the connected vehicle", "vehicle_condition"),
        _states("sma_charging_mode_switch", "Position of the rotary switch on the charging station", "charging_mode_switch"),
        _states("sma_charging_mode", "Parameter: how vehicles are charged", "charging_mode"),
        _states("sma_charging_lock", "Parameter: whether charging is locked", "charging_lock"),
        _gauge("sma_charging_limit_amperes", "Parameter: most current that a charging station takes", "charging_current_limit"),
        _gauge("sma_rated_charging_power_watts", "Rated charging power of the charging station, not a limit that was set", "charging_power_rated"),
        _gauge("sma_charging_stations_active", "Charging stations with a vehicle", "charging_stations_active"),
    ),
    "External grid": (
        _gauge("sma_external_grid_power_watts", "Power at the external grid, with the sign that the device gives it", "external_grid_power"),
        _gauge("sma_external_grid_phase_power_watts", "Power of one phase at the external grid, with the sign that the device gives it", "external_grid_power_{phase}"),
        _gauge("sma_external_grid_phase_voltage_volts", "Voltage of one phase of the external grid", "external_grid_voltage_{phase}"),
        _gauge("sma_external_grid_current_amperes", "Current at the external grid, all phases together", "external_grid_current"),
        _gauge("sma_external_grid_phase_current_amperes", "Current of one phase at the external grid", "external_grid_current_{phase}"),
        _gauge("sma_external_grid_frequency_hertz", "Frequency of the external grid", "external_grid_frequency"),
        _gauge("sma_external_grid_reactive_power_vars", "Reactive power at the external grid, with the sign that the device gives it", "external_grid_reactive_power"),
        _gauge("sma_external_grid_phase_reactive_power_vars", "Reactive power of one phase at the external grid, with the sign that the device gives it", "external_grid_reactive_power_{phase}"),
        _counter("sma_external_grid_export_joules_total", "Energy fed into the external grid", "external_grid_total_export"),
        _counter("sma_external_grid_import_joules_total", "Energy drawn from the external grid", "external_grid_total_import"),
    ),
    "Temperatures and weather": (
        _gauge("sma_inverter_temperature_celsius", "Temperature in the inverter", "inverter_temp", installer=True),
        _gauge("sma_inverter_zone_temperature_celsius", "Temperature in one zone of the inverter, where it has several", "inverter_zone_temp_{zone}"),
        _gauge("sma_fan_duty_cycle_ratio", "Duty cycle of one fan", "fan_duty_cycle_{fan}"),
        _gauge("sma_transformer_temperature_celsius", "Temperature of the transformer", "transformer_temp", installer=True),
        _gauge("sma_device_temperature_celsius", "Temperature of the device", "device_temp"),
        _gauge("sma_internal_temperature_celsius", "Temperature inside the enclosure", "internal_temp", installer=True),
        _gauge("sma_external_temperature_celsius", "Temperature outside the enclosure", "external_temp", installer=True),
        _gauge("sma_ambient_temperature_celsius", "Outdoor temperature, from a weather sensor", "ambient_temp"),
        _gauge("sma_module_temperature_celsius", "Temperature of a PV module, from a sensor on it", "module_temp"),
        _gauge("sma_irradiation_watts_per_square_meter", "Solar irradiation, from an external sensor", "irradiation"),
        _gauge("sma_wind_speed_meters_per_second", "Wind speed, from a weather sensor", "wind_speed"),
    ),
    "Operation": (
        _states("sma_status", "Condition of the device", "status"),
        _states("sma_operating_status_general", "General operating status", "operating_status_general"),
        _states("sma_operating_status", "Operating status", "operating_status"),
        _states("sma_inverter_condition", "Condition of the inverter", "inverter_condition"),
        Family("sma_nominal_power_watts", GAUGE, "Nominal power by the condition that it is in; the sum is the rated power", {"nominal_power_ok": "ok", "nominal_power_warning": "warning", "nominal_power_fault": "fault"}, "condition"),
        _states("sma_inverter_system_init", "Whether the system is initialised", "inverter_system_init"),
        _states("sma_derating_reason", "Why the device gives less than it could", "derating_reason"),
        _states("sma_block_status", "Why the device is blocked", "block_status"),
        _states("sma_grid_connection_status", "Status of the power supply from the grid", "grid_connection_status"),
        _states("sma_grid_relay_status", "Grid relay or contactor", "grid_relay_status"),
        _states("sma_multifunction_relay_status", "Multifunction relay", "multifunction_relay_status", installer=True),
        _states("sma_plant_mains_connection", "What the plant is connected to", "plant_mains_connection"),
        Family("sma_country_standard_info", INFO, "Grid standard that the device is set to", {"country_standard": ""}, text="standard"),
        Family("sma_grid_type_info", INFO, "Type of grid that the device is set to", {"grid_type": ""}, text="type"),
        _counter("sma_operating_seconds_total", "Time that the device was in operation", "operating_time"),
        _counter("sma_feed_in_seconds_total", "Time that the device fed in", "feed_in_time"),
        _gauge("sma_feed_in_wait_seconds", "Time until the device feeds in", "feed_in_wait_time"),
        _counter("sma_grid_connections_total", "How often the device connected to the grid", "grid_connections", installer=True),
        _counter("sma_dc_disconnects_total", "How often the DC side was disconnected", "dc_disconnects"),
        _counter("sma_arc_faults_total", "How often an electric arc was found", "arc_faults"),
        Family("sma_events_total", COUNTER, "Events in the device's log, by the group that they are meant for", {"events_user": "user", "events_installer": "installer"}, "level"),
        _gauge("sma_event_number", "Number of the present event, as the manufacturer counts them; 0 without one, over ennexOS still the last one", "event_number"),
        _gauge("sma_error_code", "Number of the present error", "error_code"),
        _states("sma_event_message", "Text of the present event; its tag's number where it is not none", "event_message"),
        _states("sma_event_recommended_action", "What the device recommends because of the present event", "event_recommended_action"),
        _states("sma_event_correction_measure", "What would correct the present fault; its tag's number where it is not none", "event_correction_measure"),
        _states("sma_firmware_update_status", "Progress of a firmware update", "firmware_update_status"),
    ),
    "Communication": (
        Family("sma_link_status", STATE_SET, "Status of one link: the sockets for Speedwire, the radio, the portal, the meter", _LINKS, "link"),
        Family("sma_link_speed_bytes_per_second", GAUGE, "Speed of a socket for Speedwire", {"speedwire_a_speed": "speedwire_a", "speedwire_b_speed": "speedwire_b"}, "link"),
        Family("sma_link_duplex", STATE_SET, "Whether a socket for Speedwire works in both directions at once", {"speedwire_a_duplex": "speedwire_a", "speedwire_b_duplex": "speedwire_b"}, "link", installer=True),
        _gauge("sma_wifi_signal_strength_ratio", "Signal strength of the chosen network; 0 without one", "wifi_signal_strength"),
        _states("sma_wifi_scan_status", "Search for networks", "wifi_scan_status"),
        _states("sma_wifi_antenna", "Antenna in use", "wifi_antenna"),
        _states("sma_sunspec_signal_status", "Whether one SunSpec sender sends the signal that keeps the modules on (rapid shutdown)", "sunspec_signal_status_{sender}"),
    ),
}
# fmt: on

ALL_FAMILIES: tuple[Family, ...] = tuple(
    family for section in SECTIONS.values() for family in section
)
