"""SMA's objects: which sensor each is, and how its raw number is scaled.

Data. WebConnect calls an object by its key ("6100_40263F00"), Speedwire by the same numbers in
another order (domain/speedwire.md, chapter 9). Keys, units and factors are those of SMA's own
object metadata. Left out on purpose: texts with addresses and names, objects without a published
meaning, and what no device has been seen to answer, unless it completes a quantity that one has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .sensors import SENSORS, expanded


@dataclass(frozen=True, slots=True)
class Object:
    """A row of the table.

    `sensor`: the sensor, or of an array its template. The raw number divided by `factor` is in
    `unit`, as PySMA says it (kWh, %). `name`: what the library calls an object that stands in for
    another one of the same sensor: hybrids and PV inverters differ in which of the two they fill.
    The first in the table that has a value counts.
    """

    key: str
    sensor: str
    unit: str = ""
    factor: int = 1
    name: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """What the library calls the elements, in their order."""
        return expanded(self.name or self.sensor)

    @property
    def is_parameter(self) -> bool:
        """Whether it describes the device or was set on it: getAllOnlValues leaves it out."""
        return is_parameter(self.key)

    @property
    def is_for_installer(self) -> bool:
        """Whether most devices show it to the group installer only: then its group ends in 2."""
        return self.key[3] == "2"


def is_parameter(key: str) -> bool:
    """Tell whether an object is a parameter, known or not."""
    return key.startswith(("68", "6322"))


#: What one of each unit is in the base unit, as a fraction: division keeps 242.06 exact.
UNITS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "": (1, 1),
        "W": (1, 1),
        "var": (1, 1),
        "VA": (1, 1),
        "V": (1, 1),
        "A": (1, 1),
        "mA": (1, 1000),
        "Hz": (1, 1),
        "°C": (1, 1),
        "%": (1, 100),
        "Ohm": (1, 1),
        "kOhm": (1000, 1),
        "Wh": (3600, 1),
        "kWh": (3_600_000, 1),
        "Ah": (3600, 1),
        "s": (1, 1),
        "W/m²": (1, 1),
        "m/s": (1, 1),
    }
)

# fmt: off
#: By subject, as the sensors.
OBJECTS: tuple[Object, ...] = (
    # AC side
    Object("6100_40263F00", "grid_power", "W"),
    Object("6100_40464000", "power_l1", "W"),
    Object("6100_40464100", "power_l2", "W"),
    Object("6100_40464200", "power_l3", "W"),
    Object("6100_00464800", "voltage_l1", "V", 100),
    Object("6100_00464900", "voltage_l2", "V", 100),
    Object("6100_00464A00", "voltage_l3", "V", 100),
    Object("6100_00464B00", "line_voltage_l1_l2", "V", 100),
    Object("6100_00464C00", "line_voltage_l2_l3", "V", 100),
    Object("6100_00464D00", "line_voltage_l3_l1", "V", 100),
    Object("6100_00664F00", "current_total", "A", 1000),
    Object("6100_40465300", "current_l1", "A", 1000),
    Object("6100_40465400", "current_l2", "A", 1000),
    Object("6100_40465500", "current_l3", "A", 1000),
    Object("6100_00465700", "frequency", "Hz", 100),
    Object("6100_40265F00", "grid_reactive_power", "var"),
    Object("6100_40665F00", "grid_reactive_power", "var", name="grid_reactive_power_pv"),
    Object("6100_40666000", "grid_reactive_power_l1", "var"),
    Object("6100_40666100", "grid_reactive_power_l2", "var"),
    Object("6100_40666200", "grid_reactive_power_l3", "var"),
    Object("6100_40666700", "grid_apparent_power", "VA"),
    Object("6100_40666800", "grid_apparent_power_l1", "VA"),
    Object("6100_40666900", "grid_apparent_power_l2", "VA"),
    Object("6100_40666A00", "grid_apparent_power_l3", "VA"),
    Object("6100_00665900", "grid_power_factor", factor=1000),
    Object("6100_40665B00", "grid_power_factor_eei", factor=1000),
    Object("6180_08465A00", "grid_power_factor_excitation"),
    # DC side
    Object("6100_0046C200", "pv_power", "W"),
    Object("6100_40571F00", "pv_power", "W", name="pv_power_ac"),
    Object("6380_40251E00", "pv_power_{string}", "W"),
    Object("6380_40451F00", "pv_voltage_{string}", "V", 100),
    Object("6380_40452100", "pv_current_{string}", "A", 1000),
    Object("6400_00456B00", "pv_energy_a", "kWh", 1000),
    Object("6400_00456C00", "pv_energy_b", "kWh", 1000),
    Object("6400_00456D00", "pv_energy_c", "kWh", 1000),
    Object("6400_00456E00", "pv_energy_d", "kWh", 1000),
    Object("6400_00456F00", "pv_energy_e", "kWh", 1000),
    Object("6400_00457000", "pv_energy_f", "kWh", 1000),
    Object("6322_00851E00", "pv_start_voltage_{string}", "V", 100),
    Object("6322_00851F00", "pv_start_delay_{string}", "s"),
    Object("6322_00854D00", "pv_voltage_setpoint_{string}", "V", 100),
    Object("6102_00254F00", "pv_isolation_resistance", "kOhm", 1000),
    Object("6102_40254E00", "insulation_residual_current", "mA"),
    # Yield
    Object("6400_00260100", "total_yield", "kWh", 1000),
    Object("6400_00262200", "daily_yield", "Wh"),
    Object("6400_0046C300", "pv_gen_meter", "kWh", 1000),
    Object("6400_00461F00", "total_absorbed", "kWh", 1000),
    # Grid connection, from the meter
    Object("6100_40463600", "metering_power_supplied", "W"),
    Object("6100_40463700", "metering_power_absorbed", "W"),
    Object("6400_00462400", "metering_total_yield", "kWh", 1000),
    Object("6400_00469100", "metering_total_yield", "kWh", 1000, name="metering_total_yield_absolute"),
    Object("6400_00462500", "metering_total_absorbed", "kWh", 1000),
    Object("6400_00469200", "metering_total_absorbed", "kWh", 1000, name="metering_total_absorbed_absolute"),
    Object("6100_0046E800", "metering_active_power_feed_l1", "W"),
    Object("6100_0046E900", "metering_active_power_feed_l2", "W"),
    Object("6100_0046EA00", "metering_active_power_feed_l3", "W"),
    Object("6100_0046EB00", "metering_active_power_draw_l1", "W"),
    Object("6100_0046EC00", "metering_active_power_draw_l2", "W"),
    Object("6100_0046ED00", "metering_active_power_draw_l3", "W"),
    Object("6100_0046E500", "metering_voltage_l1", "V", 100),
    Object("6100_0046E600", "metering_voltage_l2", "V", 100),
    Object("6100_0046E700", "metering_voltage_l3", "V", 100),
    Object("6100_00467800", "metering_line_voltage_l1_l2", "V", 100),
    Object("6100_00467900", "metering_line_voltage_l2_l3", "V", 100),
    Object("6100_00467700", "metering_line_voltage_l3_l1", "V", 100),
    Object("6100_40466500", "metering_current_l1", "A", 1000),
    Object("6100_40466600", "metering_current_l2", "A", 1000),
    Object("6100_40466B00", "metering_current_l3", "A", 1000),
    Object("6100_00468100", "metering_frequency", "Hz", 100),
    Object("6100_4046F100", "metering_reactive_power", "var"),
    Object("6100_4046EE00", "metering_reactive_power_l1", "var"),
    Object("6100_4046EF00", "metering_reactive_power_l2", "var"),
    Object("6100_4046F000", "metering_reactive_power_l3", "var"),
    Object("6100_40468F00", "metering_apparent_power", "VA"),
    Object("6100_40466C00", "metering_apparent_power_l1", "VA"),
    Object("6100_40466D00", "metering_apparent_power_l2", "VA"),
    Object("6100_40466E00", "metering_apparent_power_l3", "VA"),
    Object("6100_00464E00", "metering_power_factor", factor=100),
    Object("6100_40469900", "metering_power_factor_eei", factor=1000),
    Object("6800_008AA200", "energy_meter_in_use"),
    Object("6800_008AA300", "energy_meter"),
    Object("6180_084A2C00", "energy_meter_model"),
    # House, as the device derives it
    Object("6100_00543100", "metering_current_consumption", "W"),
    Object("6400_00543A00", "metering_total_consumption", "kWh", 1000),
    Object("6100_00543200", "self_consumption_power", "W"),
    Object("6400_00543B00", "self_consumption_total", "kWh", 1000),
    Object("6100_00543400", "self_consumption_ratio", "%"),
    Object("6100_00543300", "direct_consumption_power", "W"),
    Object("6400_00543C00", "direct_consumption_total", "kWh", 1000),
    Object("6100_00543800", "direct_consumption_ratio", "%"),
    Object("6100_00543E00", "self_supply_power", "W"),
    Object("6400_00543D00", "self_supply_total", "kWh", 1000),
    Object("6100_00543600", "autarky_ratio", "%"),
    # Battery
    Object("6100_00295A00", "battery_soc_total", "%"),
    Object("6100_00498F00", "battery_soc_{pack}", "%"),
    Object("6100_00696E00", "battery_capacity_total", "%"),
    Object("6100_00499100", "battery_capacity_{pack}", "%"),
    Object("6100_00495C00", "battery_voltage_{pack}", "V", 100),
    Object("6102_00493500", "battery_charging_voltage_{pack}", "V", 100),
    Object("6102_00493600", "battery_discharging_voltage_{pack}", "V", 100),
    Object("6100_40495D00", "battery_current_{pack}", "A", 1000),
    Object("6102_00493700", "battery_charge_current_limit_{pack}", "A", 1000),
    Object("6102_00493800", "battery_discharge_current_limit_{pack}", "A", 1000),
    Object("6100_40495B00", "battery_temp_{pack}", "°C", 10),
    Object("6100_40492300", "battery_temp_lowest", "°C", 10),
    Object("6100_40492200", "battery_temp_highest", "°C", 10),
    Object("6100_40498300", "battery_ambient_temp", "°C", 10),
    Object("6102_00493A00", "battery_cell_voltage_lowest", "V", 1000),
    Object("6102_00493B00", "battery_cell_voltage_highest", "V", 1000),
    Object("6100_00496900", "battery_power_charge_total", "W"),
    Object("6100_00499300", "battery_power_charge_{pack}", "W"),
    Object("6102_00498100", "battery_charge_power_available", "W"),
    Object("6100_00496A00", "battery_power_discharge_total", "W"),
    Object("6100_00499400", "battery_power_discharge_{pack}", "W"),
    Object("6102_00498200", "battery_discharge_power_available", "W"),
    Object("6400_00496700", "battery_charge_total", "kWh", 1000),
    Object("6400_00499500", "battery_charge_{pack}", "kWh", 1000),
    Object("6400_00497E00", "battery_charge_installed", "kWh", 1000),
    Object("6400_00496800", "battery_discharge_total", "kWh", 1000),
    Object("6400_00499600", "battery_discharge_{pack}", "kWh", 1000),
    Object("6400_00496D00", "battery_discharge_installed", "kWh", 1000),
    Object("6400_00492600", "battery_charge_amount", "Ah"),
    Object("6400_00492700", "battery_discharge_amount", "Ah"),
    Object("6800_00894800", "battery_nominal_capacity", "kWh", 1000),
    Object("6100_00492400", "battery_energy", "kWh", 100),
    Object("6100_00495300", "battery_energy_available", "kWh", 1000),
    Object("6100_00495200", "battery_energy_free", "kWh", 1000),
    Object("6100_40491E00", "battery_cycles"),
    Object("6402_00497900", "battery_full_charges"),
    Object("6402_00496600", "battery_operating_time", "s"),
    Object("6180_08495E00", "battery_status_operating_mode"),
    Object("6182_08497600", "battery_application_area"),
    Object("6180_08414D00", "battery_condition_{pack}"),
    Object("6180_08414E00", "battery_temp_condition_{pack}"),
    Object("6182_08497F00", "battery_management_status_{pack}"),
    Object("6182_08498A00", "battery_management_command_{pack}"),
    Object("6182_08495600", "battery_charge_control_available_{pack}"),
    # Backup and secure power supply
    Object("6100_00574300", "backup_voltage_l1", "V", 100),
    Object("6100_00574400", "backup_voltage_l2", "V", 100),
    Object("6100_00574500", "backup_voltage_l3", "V", 100),
    Object("6100_40574600", "backup_current_l1", "A", 1000),
    Object("6100_40574700", "backup_current_l2", "A", 1000),
    Object("6100_40574800", "backup_current_l3", "A", 1000),
    Object("6100_40574900", "backup_power_l1", "W"),
    Object("6100_40574A00", "backup_power_l2", "W"),
    Object("6100_40574B00", "backup_power_l3", "W"),
    Object("6180_08436800", "backup_mode_status"),
    Object("6180_08412500", "backup_relay_status"),
    Object("6100_0046C600", "sps_voltage", "V", 100),
    Object("6100_0046C700", "sps_current", "A", 1000),
    Object("6100_0046C800", "sps_power", "W"),
    Object("6400_0046C900", "sps_energy", "kWh", 1000),
    # Optimizers
    Object("6100_40652A00", "optimizer_power_{optimizer}", "W"),
    Object("6100_40652900", "optimizer_current_{optimizer}", "A", 1000),
    Object("6100_40652800", "optimizer_voltage_{optimizer}", "V", 100),
    Object("6100_40652B00", "optimizer_temp_{optimizer}", "°C", 10),
    Object("6100_00652C00", "optimizer_signal_strength_{optimizer}", "%"),
    Object("6180_08652400", "optimizer_condition_{optimizer}"),
    Object("6800_10852600", "optimizer_serial_{optimizer}"),
    Object("6100_00653100", "optimizers_found"),
    Object("6100_00653200", "gateways_found"),
    Object("6180_08652600", "gateway_condition_{gateway}"),
    Object("6180_08652500", "module_control_condition"),
    Object("6180_08653A00", "module_control_commissioning"),
    # Limits and set points
    Object("6800_00832A00", "inverter_power_limit", "W"),
    Object("6180_08522F00", "active_power_limitation"),
    Object("6180_00522700", "active_power_limit", "W"),
    Object("6180_00522600", "active_power_setpoint", "W"),
    Object("6180_08523000", "reactive_power_limitation"),
    Object("6180_40522800", "reactive_power_setpoint", "var"),
    Object("6180_00522900", "power_factor_setpoint", factor=10000),
    Object("6180_08522A00", "power_factor_setpoint_excitation"),
    Object("6802_00832B00", "active_power_limit_set", "W"),
    Object("6802_00924200", "active_power_limit_manual", "W"),
    Object("6802_00924300", "active_power_limit_manual_ratio", "%"),
    Object("6800_0092D700", "grid_connection_power_limit", "W"),
    Object("6800_0092D800", "grid_connection_power_limit_ratio", "%"),
    Object("6180_08413200", "device_control_status"),
    Object("6180_08413300", "plant_control_status"),
    Object("6180_08521E00", "digital_inputs"),
    # Temperatures and weather
    Object("6102_40633E00", "inverter_temp", "°C", 10),
    Object("6102_40633400", "transformer_temp", "°C", 10),
    Object("6100_00432800", "device_temp", "°C", 10),
    Object("6102_40633000", "internal_temp", "°C", 10),
    Object("6102_40433600", "external_temp", "°C", 10),
    Object("6100_402F1E00", "ambient_temp", "°C", 10),
    Object("6100_402F2000", "module_temp", "°C", 10),
    Object("6100_004F4E00", "irradiation", "W/m²"),
    Object("6100_002F7A00", "wind_speed", "m/s", 100),
    # Operation
    Object("6180_08214800", "status"),
    Object("6180_08412800", "operating_status_general"),
    Object("6180_08412B00", "operating_status"),
    Object("6182_08412B00", "operating_status", name="operating_status_installer"),
    Object("6180_08414C00", "inverter_condition"),
    Object("6100_00411E00", "nominal_power_ok", "W"),
    Object("6100_00411F00", "nominal_power_warning", "W"),
    Object("6100_00412000", "nominal_power_fault", "W"),
    Object("6800_08811F00", "inverter_system_init"),
    Object("6180_08416500", "derating_reason"),
    Object("6180_08416900", "block_status"),
    Object("6180_0846A700", "grid_connection_status"),
    Object("6180_08416400", "grid_relay_status"),
    Object("6182_08636900", "multifunction_relay_status"),
    Object("6180_0846A600", "plant_mains_connection"),
    Object("6180_08671E00", "country_standard"),
    Object("6400_00462E00", "operating_time", "s"),
    Object("6400_00462F00", "feed_in_time", "s"),
    Object("6100_00416600", "feed_in_wait_time", "s"),
    Object("6402_00666F00", "grid_connections"),
    Object("6400_00618C00", "events_user"),
    Object("6402_00618D00", "events_installer"),
    Object("6100_00418000", "event_number"),
    Object("6180_08414900", "event_message"),
    Object("6180_08414A00", "event_recommended_action"),
    Object("6180_08414B00", "event_correction_measure"),
    Object("6180_08412900", "firmware_update_status"),
    # Communication
    Object("6180_084A9600", "speedwire_a_status"),
    Object("6180_084A9800", "speedwire_b_status"),
    Object("6180_084ABC00", "wifi_status"),
    Object("6180_084A6400", "wifi_access_point_status"),
    Object("6180_084B1E00", "webconnect_status"),
    Object("6180_084AAA00", "energy_meter_speedwire_status"),
    Object("6180_084A2E00", "energy_meter_modbus_status"),
    Object("6180_084A9700", "speedwire_a_speed"),
    Object("6180_084A9900", "speedwire_b_speed"),
    Object("6182_084A9E00", "speedwire_a_duplex"),
    Object("6182_084A9F00", "speedwire_b_duplex"),
    Object("6100_004AB600", "wifi_signal_strength", "%"),
    Object("6180_084ABB00", "wifi_scan_status"),
    Object("6180_084ABD00", "wifi_antenna"),
    # What the device says of itself
    Object("6800_00A21E00", "serial_number"),
    Object("6800_10821E00", "device_name"),
    Object("6800_08822000", "device_type"),
    Object("6800_08822B00", "device_manufacturer"),
    Object("6800_00823400", "device_sw_version"),
)
# fmt: on

#: The same, by key.
BY_KEY: Mapping[str, Object] = MappingProxyType({each.key: each for each in OBJECTS})


def _keys() -> Iterator[tuple[str, str]]:
    for each in OBJECTS:
        for sensor in expanded(each.sensor):
            yield sensor, each.key


def _keys_by_sensor() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for sensor, key in _keys():
        found[sensor] = (*found.get(sensor, ()), key)
    return found


_KEYS_OF = _keys_by_sensor()


def keys_of(sensor: str) -> tuple[str, ...]:
    """Return the objects behind a sensor, the one that counts first in front; none if there is none."""
    definition = SENSORS.get(sensor)
    parts = definition.made_of if definition and definition.made_of else (sensor,)
    return tuple(key for part in parts for key in _KEYS_OF.get(part, ()))
