"""Every sensor: PySMA's, each under its name, and those beyond; and what is to be known of them.

Data, no logic. Keys, units and factors agree with SMA's own object metadata; where PySMA's names
mislead (`grid_power` is the inverter's AC power, `inverter_power_limit` its rated power,
`battery_capacity_*` a state of health) they stay, because PySMA's users know them. `enabled` is
PySMA's choice of what it reads by default.
"""

from collections.abc import Mapping
from types import MappingProxyType

from .beyond_pysma import BEYOND_PYSMA
from .sensor import Sensor

# Status, Operation
status = Sensor("6180_08214800", "status", l10n_translate=True)
operating_status_general = Sensor(
    "6180_08412800", "operating_status_general", enabled=False, l10n_translate=True
)
operating_status = Sensor("6180_08412B00", "operating_status", enabled=False, l10n_translate=True)

# Status, Operation, Inverter
inverter_condition = Sensor(
    "6180_08414C00", "inverter_condition", enabled=False, l10n_translate=True
)

# Status, System
inverter_system_init = Sensor(
    "6800_08811F00", "inverter_system_init", enabled=False, l10n_translate=True
)

# AC side, Operation
grid_connection_status = Sensor(
    "6180_0846A700", "grid_connection_status", enabled=False, l10n_translate=True
)

# Status, Operation
grid_relay_status = Sensor("6180_08416400", "grid_relay_status", enabled=False, l10n_translate=True)

# DC side, DC measurements
pv_power_a = Sensor("6380_40251E00_0", "pv_power_a", unit="W")
pv_power_b = Sensor("6380_40251E00_1", "pv_power_b", unit="W")
pv_power_c = Sensor("6380_40251E00_2", "pv_power_c", unit="W", enabled=False)
pv_voltage_a = Sensor("6380_40451F00_0", "pv_voltage_a", unit="V", factor=100, enabled=False)
pv_voltage_b = Sensor("6380_40451F00_1", "pv_voltage_b", unit="V", factor=100, enabled=False)
pv_voltage_c = Sensor("6380_40451F00_2", "pv_voltage_c", unit="V", factor=100, enabled=False)
pv_current_a = Sensor("6380_40452100_0", "pv_current_a", unit="A", factor=1000)
pv_current_b = Sensor("6380_40452100_1", "pv_current_b", unit="A", factor=1000)
pv_current_c = Sensor("6380_40452100_2", "pv_current_c", unit="A", factor=1000, enabled=False)

# DC side, Insulation monitoring
pv_isolation_resistance = Sensor(
    "6102_00254F00", "pv_isolation_resistance", unit="kOhm", factor=1000, enabled=False
)
insulation_residual_current = Sensor(
    "6102_40254E00", "insulation_residual_current", unit="mA", enabled=False
)

# AC side, PV generation
pv_power = Sensor("6100_0046C200", "pv_power", unit="W", enabled=False)

# AC side, Grid measurements
grid_power = Sensor("6100_40263F00", "grid_power", unit="W")
frequency = Sensor("6100_00465700", "frequency", unit="Hz", factor=100, enabled=False)

# AC side, Grid measurements, Active power
power_l1 = Sensor("6100_40464000", "power_l1", unit="W", enabled=False)
power_l2 = Sensor("6100_40464100", "power_l2", unit="W", enabled=False)
power_l3 = Sensor("6100_40464200", "power_l3", unit="W", enabled=False)

# AC side, Grid measurements
grid_reactive_power = Sensor("6100_40265F00", "grid_reactive_power", unit="var", enabled=False)

# AC side, Grid measurements, Reactive power
grid_reactive_power_l1 = Sensor(
    "6100_40666000", "grid_reactive_power_l1", unit="var", enabled=False
)
grid_reactive_power_l2 = Sensor(
    "6100_40666100", "grid_reactive_power_l2", unit="var", enabled=False
)
grid_reactive_power_l3 = Sensor(
    "6100_40666200", "grid_reactive_power_l3", unit="var", enabled=False
)

# AC side, Grid measurements
grid_apparent_power = Sensor("6100_40666700", "grid_apparent_power", unit="VA", enabled=False)

# AC side, Grid measurements, Apparent power
grid_apparent_power_l1 = Sensor("6100_40666800", "grid_apparent_power_l1", unit="VA", enabled=False)
grid_apparent_power_l2 = Sensor("6100_40666900", "grid_apparent_power_l2", unit="VA", enabled=False)
grid_apparent_power_l3 = Sensor("6100_40666A00", "grid_apparent_power_l3", unit="VA", enabled=False)

# AC side, Grid measurements
grid_power_factor = Sensor("6100_00665900", "grid_power_factor", factor=1000, enabled=False)
grid_power_factor_excitation = Sensor(
    "6180_08465A00", "grid_power_factor_excitation", enabled=False, l10n_translate=True
)

# AC side, Grid measurements, Phase currents
current_l1 = Sensor("6100_40465300", "current_l1", unit="A", factor=1000, enabled=False)
current_l2 = Sensor("6100_40465400", "current_l2", unit="A", factor=1000, enabled=False)
current_l3 = Sensor("6100_40465500", "current_l3", unit="A", factor=1000, enabled=False)

# AC side, Grid measurements
current_total = Sensor("6100_00664F00", "current_total", unit="A", factor=1000)

# AC side, Grid measurements, Phase voltage
voltage_l1 = Sensor("6100_00464800", "voltage_l1", unit="V", factor=100, enabled=False)
voltage_l2 = Sensor("6100_00464900", "voltage_l2", unit="V", factor=100, enabled=False)
voltage_l3 = Sensor("6100_00464A00", "voltage_l3", unit="V", factor=100, enabled=False)

# AC side, Measured values
total_yield = Sensor("6400_00260100", "total_yield", unit="kWh", factor=1000)
daily_yield = Sensor("6400_00262200", "daily_yield", unit="Wh")

# AC side, Measured values, Grid measurements
metering_power_supplied = Sensor("6100_40463600", "metering_power_supplied", unit="W")
metering_power_absorbed = Sensor("6100_40463700", "metering_power_absorbed", unit="W")
metering_frequency = Sensor("6100_00468100", "metering_frequency", unit="Hz", factor=100)
metering_total_yield = Sensor("6400_00462400", "metering_total_yield", unit="kWh", factor=1000)
metering_total_absorbed = Sensor(
    "6400_00462500", "metering_total_absorbed", unit="kWh", factor=1000
)

# AC side, Measured values, Grid measurements, Phase currents
metering_current_l1 = Sensor("6100_40466500", "metering_current_l1", unit="A", factor=1000)
metering_current_l2 = Sensor("6100_40466600", "metering_current_l2", unit="A", factor=1000)
metering_current_l3 = Sensor("6100_40466B00", "metering_current_l3", unit="A", factor=1000)

# AC side, Measured values, Grid measurements, Phase voltage
metering_voltage_l1 = Sensor(
    "6100_0046E500", "metering_voltage_l1", unit="V", factor=100, enabled=False
)
metering_voltage_l2 = Sensor(
    "6100_0046E600", "metering_voltage_l2", unit="V", factor=100, enabled=False
)
metering_voltage_l3 = Sensor(
    "6100_0046E700", "metering_voltage_l3", unit="V", factor=100, enabled=False
)

# AC side, Measured values, Grid measurements, Active power
metering_active_power_feed_l1 = Sensor("6100_0046E800", "metering_active_power_feed_l1", unit="W")
metering_active_power_feed_l2 = Sensor("6100_0046E900", "metering_active_power_feed_l2", unit="W")
metering_active_power_feed_l3 = Sensor("6100_0046EA00", "metering_active_power_feed_l3", unit="W")

# AC side, Measured values, Grid measurements, Active power consumed
metering_active_power_draw_l1 = Sensor("6100_0046EB00", "metering_active_power_draw_l1", unit="W")
metering_active_power_draw_l2 = Sensor("6100_0046EC00", "metering_active_power_draw_l2", unit="W")
metering_active_power_draw_l3 = Sensor("6100_0046ED00", "metering_active_power_draw_l3", unit="W")

# Energy management, Realtime values
metering_current_consumption = Sensor(
    "6100_00543100", "metering_current_consumption", unit="W", enabled=False
)

# Energy management, Total values
metering_total_consumption = Sensor(
    "6400_00543A00", "metering_total_consumption", unit="kWh", factor=1000, enabled=False
)

# AC side, PV generation
pv_gen_meter = Sensor("6400_0046C300", "pv_gen_meter", unit="kWh", factor=1000)

# AC side, Emergency power measurements
sps_voltage = Sensor("6100_0046C600", "sps_voltage", unit="V", factor=100, enabled=False)
sps_current = Sensor("6100_0046C700", "sps_current", unit="A", factor=1000, enabled=False)
sps_power = Sensor("6100_0046C800", "sps_power", unit="W", enabled=False)

# DC side, DC settings, PV module electronics
optimizer_serial = Sensor("6800_10852600", "optimizer_serial")

# DC side, DC measurements, PV module electronics
optimizer_power = Sensor("6100_40652A00", "optimizer_power", unit="W")
optimizer_current = Sensor(
    "6100_40652900", "optimizer_current", unit="A", factor=1000, enabled=False
)
optimizer_voltage = Sensor(
    "6100_40652800", "optimizer_voltage", unit="V", factor=100, enabled=False
)
optimizer_temp = Sensor("6100_40652B00", "optimizer_temp", unit="°C", factor=10, enabled=False)

# Battery, Battery
battery_soc_total = Sensor("6100_00295A00", "battery_soc_total", unit="%")
battery_soc_a = Sensor("6100_00498F00_0", "battery_soc_a", unit="%", enabled=False)
battery_soc_b = Sensor("6100_00498F00_1", "battery_soc_b", unit="%", enabled=False)
battery_soc_c = Sensor("6100_00498F00_2", "battery_soc_c", unit="%", enabled=False)
battery_voltage_a = Sensor(
    "6100_00495C00_0", "battery_voltage_a", unit="V", factor=100, enabled=False
)
battery_voltage_b = Sensor(
    "6100_00495C00_1", "battery_voltage_b", unit="V", factor=100, enabled=False
)
battery_voltage_c = Sensor(
    "6100_00495C00_2", "battery_voltage_c", unit="V", factor=100, enabled=False
)
battery_current_a = Sensor("6100_40495D00_0", "battery_current_a", unit="A", factor=1000)
battery_current_b = Sensor("6100_40495D00_1", "battery_current_b", unit="A", factor=1000)
battery_current_c = Sensor("6100_40495D00_2", "battery_current_c", unit="A", factor=1000)
battery_temp_a = Sensor("6100_40495B00_0", "battery_temp_a", unit="°C", factor=10)
battery_temp_b = Sensor("6100_40495B00_1", "battery_temp_b", unit="°C", factor=10)
battery_temp_c = Sensor("6100_40495B00_2", "battery_temp_c", unit="°C", factor=10)
battery_status_operating_mode = Sensor(
    "6180_08495E00", "battery_status_operating_mode", l10n_translate=True
)

# Battery, Battery, Diagnosis
battery_capacity_total = Sensor("6100_00696E00", "battery_capacity_total", unit="%")
battery_capacity_a = Sensor("6100_00499100_0", "battery_capacity_a", unit="%", enabled=False)
battery_capacity_b = Sensor("6100_00499100_1", "battery_capacity_b", unit="%", enabled=False)
battery_capacity_c = Sensor("6100_00499100_2", "battery_capacity_c", unit="%", enabled=False)

# Battery, Battery
battery_charging_voltage_a = Sensor(
    "6102_00493500_0", "battery_charging_voltage_a", unit="V", factor=100, enabled=False
)
battery_charging_voltage_b = Sensor(
    "6102_00493500_1", "battery_charging_voltage_b", unit="V", factor=100, enabled=False
)
battery_charging_voltage_c = Sensor(
    "6102_00493500_2", "battery_charging_voltage_c", unit="V", factor=100, enabled=False
)

# Battery, Battery charge
battery_power_charge_total = Sensor("6100_00496900", "battery_power_charge_total", unit="W")
battery_power_charge_a = Sensor(
    "6100_00499300_0", "battery_power_charge_a", unit="W", enabled=False
)
battery_power_charge_b = Sensor(
    "6100_00499300_1", "battery_power_charge_b", unit="W", enabled=False
)
battery_power_charge_c = Sensor(
    "6100_00499300_2", "battery_power_charge_c", unit="W", enabled=False
)
battery_charge_total = Sensor("6400_00496700", "battery_charge_total", unit="kWh", factor=1000)
battery_charge_a = Sensor(
    "6400_00499500_0", "battery_charge_a", unit="kWh", factor=1000, enabled=False
)
battery_charge_b = Sensor(
    "6400_00499500_1", "battery_charge_b", unit="kWh", factor=1000, enabled=False
)
battery_charge_c = Sensor(
    "6400_00499500_2", "battery_charge_c", unit="kWh", factor=1000, enabled=False
)

# Battery, Battery discharge
battery_power_discharge_total = Sensor("6100_00496A00", "battery_power_discharge_total", unit="W")
battery_power_discharge_a = Sensor(
    "6100_00499400_0", "battery_power_discharge_a", unit="W", enabled=False
)
battery_power_discharge_b = Sensor(
    "6100_00499400_1", "battery_power_discharge_b", unit="W", enabled=False
)
battery_power_discharge_c = Sensor(
    "6100_00499400_2", "battery_power_discharge_c", unit="W", enabled=False
)
battery_discharge_total = Sensor(
    "6400_00496800", "battery_discharge_total", unit="kWh", factor=1000
)
battery_discharge_a = Sensor(
    "6400_00499600_0", "battery_discharge_a", unit="kWh", factor=1000, enabled=False
)
battery_discharge_b = Sensor(
    "6400_00499600_1", "battery_discharge_b", unit="kWh", factor=1000, enabled=False
)
battery_discharge_c = Sensor(
    "6400_00499600_2", "battery_discharge_c", unit="kWh", factor=1000, enabled=False
)

# Type Label, Type Label
serial_number = Sensor("6800_00A21E00", "serial_number")
device_name = Sensor("6800_10821E00", "device_name")
device_type = Sensor("6800_08822000", "device_type", l10n_translate=True)
device_manufacturer = Sensor("6800_08822B00", "device_manufacturer", l10n_translate=True)
device_sw_version = Sensor("6800_00823400", "device_sw_version")

# Device, Inverter
inverter_power_limit = Sensor("6800_00832A00", "inverter_power_limit", unit="W")

# System communication, Measured values, Meter on Speedwire
energy_meter = Sensor("6800_008AA300", "energy_meter")

# Device, Cooling system, Inverter
inverter_temp = Sensor("6102_40633E00", "inverter_temp", unit="°C", factor=10)

# Device, Cooling system, Transformer
transformer_temp = Sensor("6102_40633400", "transformer_temp", unit="°C", factor=10)

SENSORS: Mapping[str, Sensor] = MappingProxyType(
    {name: value for name, value in vars().items() if isinstance(value, Sensor)}
    | {sensor.name: sensor for sensor in BEYOND_PYSMA}
)

#: Two objects for one quantity: the sensor, and the one that stands in where the device has no value
#: for the first. Hybrids and PV inverters differ in which of them they fill.
SUBSTITUTES: Mapping[str, str] = MappingProxyType(
    {
        "operating_status": "operating_status_installer",
        "grid_reactive_power": "grid_reactive_power_pv",
        "pv_power": "pv_power_ac",
        "metering_total_yield": "metering_total_yield_absolute",
        "metering_total_absorbed": "metering_total_absorbed_absolute",
    }
)

#: Sensors whose elements are counted from 0 (`optimizer_power_0`), not lettered.
NUMBERED = ("optimizer_", "gateway_")

# What bounds a total that the inverter's rated power does not bound.
_GRID = 1_000_000.0  # W: a house, whatever stands behind its meter
_CLOCK = 1.0  # a second a second
_EVENTS = 1 / 60  # one a minute
_CYCLES = 1 / 3600  # one an hour
_BATTERY_AMPERES = 1000.0

#: Lifetime totals, which only ever grow, and what each can gain in a second at the most, in its base
#: unit: joules, seconds, coulombs or times. None: what the rated power of the inverter allows. Of an
#: array, the first element stands for all.
TOTALS: Mapping[str, float | None] = MappingProxyType(
    {
        "total_yield": None,
        "total_absorbed": None,
        "pv_gen_meter": None,
        **{f"pv_energy_{letter}": None for letter in "abcdef"},
        "sps_energy": None,
        "battery_charge_total": None,
        "battery_charge_a": None,
        "battery_charge_installed": None,
        "battery_discharge_total": None,
        "battery_discharge_a": None,
        "battery_discharge_installed": None,
        "metering_total_yield": _GRID,
        "metering_total_absorbed": _GRID,
        "metering_total_consumption": _GRID,
        "self_consumption_total": _GRID,
        "direct_consumption_total": _GRID,
        "self_supply_total": _GRID,
        "operating_time": _CLOCK,
        "feed_in_time": _CLOCK,
        "battery_operating_time": _CLOCK,
        "events_user": _EVENTS,
        "events_installer": _EVENTS,
        "grid_connections": _EVENTS,
        "battery_cycles": _CYCLES,
        "battery_full_charges": _CYCLES,
        "battery_charge_amount": _BATTERY_AMPERES,
        "battery_discharge_amount": _BATTERY_AMPERES,
    }
)
