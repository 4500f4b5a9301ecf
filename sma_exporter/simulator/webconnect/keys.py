"""The online values of the models: which key holds which quantity, in blocks.

A `Computed` value names a quantity (`inverter.…`, `meter.…`, `storage.…`, `label.…`, see
`Quantities`), and how many raw steps its unit has, which is the inverse of SMA's scale. A `Fixed`
value never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..measurement import NOT_AVAILABLE, OFF, OK, Tags

Range = tuple[float, float | None]
Value = float | str | Tags | None


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a parameter may be: a range, or a choice of tags. `asleep`: a state while it sleeps."""

    limits: Range | None = None
    valid: tuple[int, ...] = ()
    asleep: Tags | None = None


@dataclass(frozen=True)
class Computed(Allowed):
    """A quantity, one element of it (`index`), or an array whose other `slots` are `empty`."""

    quantity: str
    per_unit: float = 1
    index: int | None = None
    slots: int = 0
    empty: Value = None


@dataclass(frozen=True)
class Fixed(Allowed):
    """A value, or an array of them: a plain tuple, empty where there is no channel."""

    value: Value | tuple[Value, ...]


Row = Computed | Fixed
Table = Mapping[str, Row]


def each_phase(quantity: str, per_unit: float, *keys: str) -> dict[str, Row]:
    """Rows for keys in the order L1, L2, L3."""
    return {key: Computed(quantity, per_unit, index) for index, key in enumerate(keys)}


def fixed(values: Mapping[str, Value | tuple[Value, ...]]) -> dict[str, Row]:
    """Rows of values that never change."""
    return {key: Fixed(value) for key, value in values.items()}


ON = Tags((308,))
NONE = Tags((302,))
NO_CONNECTION = Tags((1725,))
RELAY_OPEN = Tags((311,))
FULL_DUPLEX = Tags((1727,))
NO_CHANNEL: tuple[Value, ...] = ()

AC: Table = {
    "6100_40263F00": Computed("inverter.ac_power"),
    **each_phase("inverter.phase_powers", 1, "6100_40464000", "6100_40464100", "6100_40464200"),
    **each_phase("inverter.phase_voltages", 100, "6100_00464800", "6100_00464900", "6100_00464A00"),
    **each_phase("inverter.line_voltages", 100, "6100_00464B00", "6100_00464C00", "6100_00464D00"),
    **each_phase(
        "inverter.phase_currents", 1000, "6100_40465300", "6100_40465400", "6100_40465500"
    ),
    "6100_00465700": Computed("inverter.frequency", 100),
    **each_phase(
        "inverter.phase_reactive_powers", 1, "6100_40666000", "6100_40666100", "6100_40666200"
    ),
    "6100_40666700": Computed("inverter.apparent_power"),
    **each_phase(
        "inverter.phase_apparent_powers", 1, "6100_40666800", "6100_40666900", "6100_40666A00"
    ),
}
# Not on the oldest firmware.
AC_MORE: Table = {
    "6100_00664F00": Computed("inverter.current", 1000),
    "6100_40665B00": Computed("inverter.signed_power_factor", 1000),
}
POWER_FACTOR: Table = {"6100_00665900": Computed("inverter.power_factor", 1000)}
REACTIVE_OF_PV: Table = {"6100_40665F00": Computed("inverter.reactive_power")}
REACTIVE_OF_STORAGE: Table = {"6100_40265F00": Computed("inverter.reactive_power")}

PV: Table = {
    "6100_0046C200": Computed("inverter.pv_power"),
    "6380_40251E00": Computed("inverter.string_powers"),
    "6380_40451F00": Computed("inverter.string_voltages", 100),
    "6380_40452100": Computed("inverter.string_currents", 1000),
    "6400_0046C300": Computed("inverter.pv_total"),
}
INSULATION: Table = {
    "6102_40254E00": Computed("inverter.residual_current", 1000),
    "6102_00254F00": Computed("inverter.insulation_resistance"),
}
TEMPERATURE: Table = {"6102_40633E00": Computed("inverter.temperature", 10)}
YIELD: Table = {
    "6400_00260100": Computed("inverter.total_yield"),
    "6400_00262200": Computed("inverter.daily_yield"),
}
TIMES: Table = {
    "6400_00462E00": Computed("inverter.operating_time"),
    "6400_00462F00": Computed("inverter.feed_in_time"),
}

METER: Table = {
    "6100_40463600": Computed("meter.feed_in_power"),
    "6100_40463700": Computed("meter.draw_power"),
    "6400_00462400": Computed("meter.feed_in_total"),
    "6400_00462500": Computed("meter.draw_total"),
}
METER_MORE: Table = {
    "6100_00464E00": Computed("meter.power_factor", 100),
    **each_phase("meter.phase_currents", 1000, "6100_40466500", "6100_40466600", "6100_40466B00"),
    **each_phase(
        "meter.phase_apparent_powers", 1, "6100_40466C00", "6100_40466D00", "6100_40466E00"
    ),
    "6100_00468100": Computed("meter.frequency", 100),
    "6100_40468F00": Computed("meter.apparent_power"),
    "6100_40469900": Computed("meter.signed_power_factor", 1000),
    **each_phase("meter.phase_voltages", 100, "6100_0046E500", "6100_0046E600", "6100_0046E700"),
    **each_phase("meter.phase_feed_in", 1, "6100_0046E800", "6100_0046E900", "6100_0046EA00"),
    **each_phase("meter.phase_draw", 1, "6100_0046EB00", "6100_0046EC00", "6100_0046ED00"),
    **each_phase(
        "meter.phase_reactive_powers", 1, "6100_4046EE00", "6100_4046EF00", "6100_4046F000"
    ),
    "6100_4046F100": Computed("meter.reactive_power"),
    "6400_00469100": Computed("meter.feed_in_total"),
    "6400_00469200": Computed("meter.draw_total"),
}
# Line voltages of the meter: newer models have the keys, but no values.
METER_LINES: Table = fixed(dict.fromkeys(("6100_00467700", "6100_00467800", "6100_00467900")))
METER_STATES: Table = {
    "6180_084A2C00": Computed("label.meter_types"),
    "6180_084A2E00": Fixed(NONE),
    "6180_084AAA00": Computed("label.meter_condition"),
}

STORAGE: Table = {
    "6100_00295A00": Computed("storage.state_of_charge"),
    "6100_00696E00": Computed("storage.state_of_health"),
    "6100_00496900": Computed("storage.charge_power"),
    "6100_00496A00": Computed("storage.discharge_power"),
    "6400_00496700": Computed("storage.charge_total"),
    "6400_00496800": Computed("storage.discharge_total"),
    "6180_08495E00": Computed("storage.mode"),
}
STORAGE_OF_HYBRID: Table = {
    **STORAGE,
    "6100_40495B00": Computed("storage.temperature", 10),
    "6100_00495C00": Computed("storage.voltage", 100),
    "6100_40495D00": Computed("storage.current", 1000),
    "6180_08414D00": Computed("storage.condition"),
    "6180_08414E00": Computed("storage.condition"),
    "6400_00496D00": Computed("storage.discharge_total"),
    "6400_00497E00": Computed("storage.charge_total"),
}
PACKS: Table = {
    "6100_40495B00": Computed("storage.temperature", 10, slots=3),
    "6100_00495C00": Computed("storage.voltage", 100, slots=3),
    "6100_40495D00": Computed("storage.current", 1000, slots=3),
    "6100_00498F00": Computed("storage.state_of_charge", slots=3),
    "6100_00499100": Computed("storage.state_of_health", slots=3),
    "6100_00499300": Computed("storage.charge_power", slots=3),
    "6100_00499400": Computed("storage.discharge_power", slots=3),
    "6102_00493500": Computed("storage.end_of_charge_voltage", 100, slots=3),
    "6180_08414D00": Computed("storage.condition", slots=3, empty=NOT_AVAILABLE),
    "6180_08414E00": Computed("storage.condition", slots=3, empty=NOT_AVAILABLE),
    "6182_08495600": Fixed((Tags((1129,)), NOT_AVAILABLE, NOT_AVAILABLE)),
    "6182_08497F00": Fixed((Tags((388,)), NOT_AVAILABLE, NOT_AVAILABLE)),
    "6400_00499500": Computed("storage.charge_total", slots=3),
    "6400_00499600": Computed("storage.discharge_total", slots=3),
}
# What only an installer sees of a hybrid and its battery.
HYBRID_FOR_INSTALLER: Table = {
    "6102_00493700": Computed("storage.current_limit", 1000),
    "6102_00493800": Computed("storage.current_limit", 1000),
    "6182_08412B00": Fixed(Tags((235,))),
    "6182_08495600": Fixed(Tags((1129,))),
    "6182_08497600": Computed("storage.application_area"),
    "6182_08498A00": Computed("storage.command"),
    "6182_08636900": Fixed(RELAY_OPEN),
    "6402_00618D00": Computed("inverter.events_for_installer"),
}
BACKUP_POWER: Table = fixed({"6100_0046C600": 0, "6100_0046C700": 0, "6100_0046C800": 0})

OPTIMIZER_SLOTS = 16
GATEWAY_SLOTS = 4
OPTIMIZERS: Table = {
    "6100_40652800": Computed("inverter.optimizer_voltages", 100, slots=OPTIMIZER_SLOTS),
    "6100_40652900": Computed("inverter.optimizer_currents", 1000, slots=OPTIMIZER_SLOTS),
    "6100_40652A00": Computed("inverter.optimizer_powers", slots=OPTIMIZER_SLOTS),
    "6100_40652B00": Computed("inverter.optimizer_temperatures", 10, slots=OPTIMIZER_SLOTS),
    "6100_00652C00": Computed("inverter.optimizer_signal_strengths", slots=OPTIMIZER_SLOTS),
    "6100_00653100": Computed("label.optimizers_found"),
    "6100_00653200": Computed("label.gateways_found"),
    "6180_08652400": Computed("inverter.optimizer_conditions", slots=OPTIMIZER_SLOTS, empty=OFF),
    "6180_08652500": Computed("inverter.module_control_condition"),
    "6180_08652600": Computed("inverter.gateway_conditions", slots=GATEWAY_SLOTS, empty=OFF),
    "6180_08653A00": Computed("inverter.module_control_commissioning"),
}

# Consumption: only the oldest models have values, and none for shares and self-consumption.
CONSUMPTION: Table = {
    "6100_00543100": Computed("meter.consumption"),
    "6100_00543200": Fixed(None),
    "6100_00543300": Fixed(None),
    "6100_00543400": Fixed(None),
    "6100_00543600": Fixed(None),
    "6100_00543800": Fixed(None),
    "6100_00543E00": Fixed(None),
    "6400_00543A00": Computed("meter.consumption_total"),
    **fixed({"6400_00543B00": 0, "6400_00543C00": 0, "6400_00543D00": 0}),
}

OPERATION: Table = {
    "6100_00411E00": Computed("label.rated_power"),
    "6100_00411F00": Fixed(0),
    "6100_00412000": Fixed(0),
    "6100_00416600": Fixed(None),
    "6100_00418000": Fixed(None),
    "6180_08214800": Fixed(OK),
    "6180_08412900": Fixed(NONE),
    "6180_08414900": Fixed(Tags((886,))),
    "6180_08414A00": Fixed(Tags((887,))),
    "6180_08414B00": Fixed(Tags((885,))),
    "6180_08416400": Fixed(Tags((51,)), asleep=RELAY_OPEN),
    "6180_0846A600": Fixed(Tags((1780,))),
    "6180_08671E00": Fixed(Tags((7533,))),
    "6400_00618C00": Computed("inverter.events_for_user"),
}
INVERTER_CONDITION: Table = {"6180_08414C00": Fixed(OK)}
# Derating and set points of a PV inverter.
CONTROL: Table = {
    "6180_08413200": Fixed(ON),
    "6180_08413300": Fixed(OFF),
    "6180_08416500": Fixed(Tags((884,))),
    "6180_00522700": Fixed(None, limits=(0, 11_000)),
    "6180_40522800": Fixed(None, limits=(0, 6000)),
    "6180_00522900": Fixed(None, limits=(0, 10_000)),
    "6180_08522A00": Fixed(NOT_AVAILABLE),
    "6180_08522F00": Fixed(ON),
}
# The same under a plant control, which allows the rated power and no reactive power.
CONTROLLED: Table = {
    "6180_08413300": Fixed(ON),
    "6180_00522700": Computed("label.rated_power", limits=(0, 11_000)),
    "6180_40522800": Fixed(0, limits=(0, 6000)),
    "6180_00522900": Fixed(10_000, limits=(0, 10_000)),
    "6180_08522A00": Fixed(Tags((1041,))),
}
OPERATION_OF_PV: Table = {
    "6180_08412800": Fixed(Tags((295,)), asleep=NOT_AVAILABLE),
    "6180_08436800": Fixed(Tags((1440,))),
    "6180_08465A00": Computed("inverter.excitation", asleep=NOT_AVAILABLE),
    "6100_40571F00": Fixed(None),
}
OPERATION_OF_STORAGE: Table = {
    "6180_08412800": Computed("inverter.operation"),
    "6180_08412B00": Fixed(Tags((235,))),
    "6180_08412500": Fixed(RELAY_OPEN),
    "6180_08416900": Fixed(NOT_AVAILABLE),
    "6180_08521E00": Fixed(Tags((2246,))),
}
EVENTS_FOR_INSTALLER: Table = {
    "6402_00618D00": Computed("inverter.events_for_installer"),
    "6402_00666F00": Computed("inverter.grid_connections"),
}

ETHERNET: Table = fixed(
    {
        "6180_084A9600": OK,
        "6180_084A9700": Tags((1721,)),
        "6180_104A9A00": "192.0.2.10",
        "6180_104A9B00": "255.255.255.0",
        "6180_104A9C00": "192.0.2.1",
        "6180_104A9D00": "192.0.2.1",
    }
)
SECOND_PORT: Table = fixed({"6180_084A9800": NO_CONNECTION, "6180_084A9900": NONE})
DUPLEX: Table = fixed({"6182_084A9E00": FULL_DUPLEX, "6182_084A9F00": NONE})
NO_ETHERNET: Table = fixed(
    {
        "6180_084A9600": NO_CONNECTION,
        "6180_084A9700": NONE,
        "6180_104A9A00": "",
        "6180_104A9B00": "",
        "6180_104A9C00": "",
        "6180_104A9D00": "",
    }
)
WIFI: Table = fixed(
    {
        "6100_004AB600": 74,
        "6180_104AB700": "192.0.2.20",
        "6180_104AB800": "255.255.255.0",
        "6180_104AB900": "192.0.2.1",
        "6180_104ABA00": "192.0.2.1",
        "6180_084ABB00": Tags((3369,)),
        "6180_084ABC00": OK,
    }
)
NO_WIFI: Table = fixed(
    {
        "6100_004AB600": 0,
        "6180_104AB700": "",
        "6180_104AB800": "",
        "6180_104AB900": "",
        "6180_104ABA00": "",
        "6180_084ABB00": Tags((3366,)),
        "6180_084ABC00": OFF,
    }
)
SOFT_ACCESS_POINT: Table = fixed({"6180_084A6400": OFF})
WEBCONNECT: Table = fixed({"6180_084B1E00": OK})
