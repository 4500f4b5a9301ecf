"""The sensors that PySMA's documentation does not have: the rest of what real devices answer.

Data, no logic. Keys, units and factors are those of SMA's own object metadata, names follow PySMA's
style: power in W, lifetime energies in kWh, phases `_l1`, DC inputs and battery packs `_a`. All are
disabled: `SMA.read` asks for what PySMA asks for, unless somebody enables more. `decode` knows them all.

What is left out on purpose: texts (addresses, names), objects without a published meaning, and what no
device has been seen to answer, unless it completes a quantity that one has.
"""

from collections.abc import Iterable

from .sensor import Sensor


def _number(key: str, name: str, unit: str | None = None, factor: int | None = None) -> Sensor:
    return Sensor(key, name, unit=unit, factor=factor, enabled=False)


def _state(key: str, name: str) -> Sensor:
    return Sensor(key, name, enabled=False, l10n_translate=True)


def _each(sensor: Sensor) -> Iterable[Sensor]:
    """Yield the elements a, b, c of an array: DC inputs or battery packs."""
    for index, letter in enumerate("abc"):
        yield Sensor(
            f"{sensor.key}_{index}",
            f"{sensor.name}_{letter}",
            unit=sensor.unit,
            factor=sensor.factor,
            enabled=False,
            l10n_translate=sensor.l10n_translate,
        )


BEYOND_PYSMA: tuple[Sensor, ...] = (
    # Status, Operation
    _number("6100_00411E00", "nominal_power_ok", "W"),
    _number("6100_00411F00", "nominal_power_warning", "W"),
    _number("6100_00412000", "nominal_power_fault", "W"),
    _number("6100_00416600", "feed_in_wait_time", "s"),
    _number("6100_00418000", "event_number"),
    _state("6180_08414900", "event_message"),
    _state("6180_08414A00", "event_recommended_action"),
    _state("6180_08414B00", "event_correction_measure"),
    _number("6400_00618C00", "events_user"),
    _number("6402_00618D00", "events_installer"),
    # Deprecated, says SMA: the installer's view of operating_status, on some hybrids the only one
    _state("6182_08412B00", "operating_status_installer"),
    _state("6180_08416500", "derating_reason"),
    _state("6180_08416900", "block_status"),
    _state("6180_08412500", "backup_relay_status"),
    _state("6180_08413200", "device_control_status"),
    _state("6180_08413300", "plant_control_status"),
    # Status, Update
    _state("6180_08412900", "firmware_update_status"),
    # Device
    _state("6180_08436800", "backup_mode_status"),
    _state("6182_08636900", "multifunction_relay_status"),
    # Grid monitoring
    _state("6180_08671E00", "country_standard"),
    # AC side, Operation
    _state("6180_0846A600", "plant_mains_connection"),
    _number("6402_00666F00", "grid_connections"),
    # AC side, Measured values
    _number("6400_00462E00", "operating_time", "s"),
    _number("6400_00462F00", "feed_in_time", "s"),
    _number("6400_00461F00", "total_absorbed", "kWh", 1000),
    # AC side, Grid measurements
    _number("6100_00464B00", "line_voltage_l1_l2", "V", 100),
    _number("6100_00464C00", "line_voltage_l2_l3", "V", 100),
    _number("6100_00464D00", "line_voltage_l3_l1", "V", 100),
    # What PV inverters have in the place of grid_reactive_power
    _number("6100_40665F00", "grid_reactive_power_pv", "var"),
    # Signed by the EEI convention; hybrids fill only this one
    _number("6100_40665B00", "grid_power_factor_eei", factor=1000),
    # PV power as it arrives on the AC side
    _number("6100_40571F00", "pv_power_ac", "W"),
    # AC side, Measured values, Grid measurements
    _number("6400_00469100", "metering_total_yield_absolute", "kWh", 1000),
    _number("6400_00469200", "metering_total_absorbed_absolute", "kWh", 1000),
    _number("6100_4046F100", "metering_reactive_power", "var"),
    _number("6100_4046EE00", "metering_reactive_power_l1", "var"),
    _number("6100_4046EF00", "metering_reactive_power_l2", "var"),
    _number("6100_4046F000", "metering_reactive_power_l3", "var"),
    _number("6100_40468F00", "metering_apparent_power", "VA"),
    _number("6100_40466C00", "metering_apparent_power_l1", "VA"),
    _number("6100_40466D00", "metering_apparent_power_l2", "VA"),
    _number("6100_40466E00", "metering_apparent_power_l3", "VA"),
    _number("6100_00464E00", "metering_power_factor", factor=100),
    _number("6100_40469900", "metering_power_factor_eei", factor=1000),
    _number("6100_00467800", "metering_line_voltage_l1_l2", "V", 100),
    _number("6100_00467900", "metering_line_voltage_l2_l3", "V", 100),
    _number("6100_00467700", "metering_line_voltage_l3_l1", "V", 100),
    # System communication, Measured values
    # Serial number of the meter in use, 0 for none; energy_meter lists the usable ones
    _number("6800_008AA200", "energy_meter_in_use"),
    _state("6180_084A2C00", "energy_meter_model"),
    _state("6180_084A2E00", "energy_meter_modbus_status"),
    _state("6180_084AAA00", "energy_meter_speedwire_status"),
    # Energy management
    _number("6100_00543200", "self_consumption_power", "W"),
    _number("6100_00543300", "direct_consumption_power", "W"),
    _number("6100_00543E00", "self_supply_power", "W"),
    _number("6100_00543400", "self_consumption_ratio", "%"),
    _number("6100_00543800", "direct_consumption_ratio", "%"),
    _number("6100_00543600", "autarky_ratio", "%"),
    _number("6400_00543B00", "self_consumption_total", "kWh", 1000),
    _number("6400_00543C00", "direct_consumption_total", "kWh", 1000),
    _number("6400_00543D00", "self_supply_total", "kWh", 1000),
    # AC side, Backup; Emergency power measurements
    _number("6100_00574300", "backup_voltage_l1", "V", 100),
    _number("6100_00574400", "backup_voltage_l2", "V", 100),
    _number("6100_00574500", "backup_voltage_l3", "V", 100),
    _number("6100_40574600", "backup_current_l1", "A", 1000),
    _number("6100_40574700", "backup_current_l2", "A", 1000),
    _number("6100_40574800", "backup_current_l3", "A", 1000),
    _number("6100_40574900", "backup_power_l1", "W"),
    _number("6100_40574A00", "backup_power_l2", "W"),
    _number("6100_40574B00", "backup_power_l3", "W"),
    _number("6400_0046C900", "sps_energy", "kWh", 1000),
    # System and device control: limits and set points in force
    _state("6180_08522F00", "active_power_limitation"),
    _number("6180_00522700", "active_power_limit", "W"),
    _number("6180_00522600", "active_power_setpoint", "W"),
    _state("6180_08523000", "reactive_power_limitation"),
    _number("6180_40522800", "reactive_power_setpoint", "var"),
    _number("6180_00522900", "power_factor_setpoint", factor=10_000),
    _state("6180_08522A00", "power_factor_setpoint_excitation"),
    _state("6180_08521E00", "digital_inputs"),
    # Parameters: limits that somebody set
    _number("6802_00832B00", "active_power_limit_set", "W"),
    _number("6802_00924200", "active_power_limit_manual", "W"),
    _number("6802_00924300", "active_power_limit_manual_ratio", "%"),
    _number("6800_0092D700", "grid_connection_power_limit", "W"),
    _number("6800_0092D800", "grid_connection_power_limit_ratio", "%"),
    # DC side
    _number("6400_00456B00", "pv_energy_a", "kWh", 1000),
    _number("6400_00456C00", "pv_energy_b", "kWh", 1000),
    _number("6400_00456D00", "pv_energy_c", "kWh", 1000),
    _number("6400_00456E00", "pv_energy_d", "kWh", 1000),
    _number("6400_00456F00", "pv_energy_e", "kWh", 1000),
    _number("6400_00457000", "pv_energy_f", "kWh", 1000),
    *_each(_number("6322_00851E00", "pv_start_voltage", "V", 100)),
    *_each(_number("6322_00851F00", "pv_start_delay", "s")),
    *_each(_number("6322_00854D00", "pv_voltage_setpoint", "V", 100)),
    # DC side, PV module electronics; optimizers and their gateways are counted from 0
    _number("6100_00652C00", "optimizer_signal_strength", "%"),
    _state("6180_08652400", "optimizer_condition"),
    _state("6180_08652600", "gateway_condition"),
    _state("6180_08652500", "module_control_condition"),
    _state("6180_08653A00", "module_control_commissioning"),
    _number("6100_00653100", "optimizers_found"),
    _number("6100_00653200", "gateways_found"),
    # Battery. Off or absent in all packs, with no voltage, means that there is none
    *_each(_state("6180_08414D00", "battery_condition")),
    *_each(_state("6180_08414E00", "battery_temp_condition")),
    *_each(_state("6182_08497F00", "battery_management_status")),
    *_each(_state("6182_08498A00", "battery_management_command")),
    *_each(_state("6182_08495600", "battery_charge_control_available")),
    _state("6182_08497600", "battery_application_area"),
    *_each(_number("6102_00493600", "battery_discharging_voltage", "V", 100)),
    *_each(_number("6102_00493700", "battery_charge_current_limit", "A", 1000)),
    *_each(_number("6102_00493800", "battery_discharge_current_limit", "A", 1000)),
    _number("6102_00498100", "battery_charge_power_available", "W"),
    _number("6102_00498200", "battery_discharge_power_available", "W"),
    _number("6102_00493A00", "battery_cell_voltage_lowest", "V", 1000),
    _number("6102_00493B00", "battery_cell_voltage_highest", "V", 1000),
    _number("6100_40492300", "battery_temp_lowest", "°C", 10),
    _number("6100_40492200", "battery_temp_highest", "°C", 10),
    _number("6100_40498300", "battery_ambient_temp", "°C", 10),
    _number("6100_00492400", "battery_energy", "kWh", 100),
    _number("6100_00495300", "battery_energy_available", "kWh", 1000),
    _number("6100_00495200", "battery_energy_free", "kWh", 1000),
    _number("6800_00894800", "battery_nominal_capacity", "kWh", 1000),
    _number("6400_00497E00", "battery_charge_installed", "kWh", 1000),
    _number("6400_00496D00", "battery_discharge_installed", "kWh", 1000),
    _number("6400_00492600", "battery_charge_amount", "Ah"),
    _number("6400_00492700", "battery_discharge_amount", "Ah"),
    _number("6100_40491E00", "battery_cycles"),
    _number("6402_00497900", "battery_full_charges"),
    _number("6402_00496600", "battery_operating_time", "s"),
    # Temperatures, and a weather station where there is one
    _number("6100_00432800", "device_temp", "°C", 10),
    _number("6102_40633000", "internal_temp", "°C", 10),
    _number("6102_40433600", "external_temp", "°C", 10),
    _number("6100_402F1E00", "ambient_temp", "°C", 10),
    _number("6100_402F2000", "module_temp", "°C", 10),
    _number("6100_004F4E00", "irradiation", "W/m²"),
    _number("6100_002F7A00", "wind_speed", "m/s", 100),
    # Communication
    _state("6180_084A9600", "speedwire_a_status"),
    _state("6180_084A9700", "speedwire_a_speed"),
    _state("6182_084A9E00", "speedwire_a_duplex"),
    _state("6180_084A9800", "speedwire_b_status"),
    _state("6180_084A9900", "speedwire_b_speed"),
    _state("6182_084A9F00", "speedwire_b_duplex"),
    _state("6180_084ABC00", "wifi_status"),
    _number("6100_004AB600", "wifi_signal_strength", "%"),
    _state("6180_084ABB00", "wifi_scan_status"),
    _state("6180_084ABD00", "wifi_antenna"),
    _state("6180_084A6400", "wifi_access_point_status"),
    _state("6180_084B1E00", "webconnect_status"),
)
