"""Which key answers what: the online values, in blocks that the models are put together from.

A `Reading` is computed: it names a quantity (`inverter.…`, `meter.…`, `storage.…`, `identity.…`,
see `sources`), and how many raw steps its unit has, which is the inverse of SMA's scale. A `Fixed`
value never changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from .measurement import NOT_AVAILABLE, OFF, OK, Tags

Limits = tuple[float, float | None]
Value = float | str | Tags | None


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a parameter may be: a range, or a choice of tags. And what a status is `asleep`."""

    limits: Limits | None = None
    valid: tuple[int, ...] = ()
    asleep: Tags | None = None


@dataclass(frozen=True)
class Reading(Allowed):
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


Source = Reading | Fixed
Table = Mapping[str, Source]


def each_phase(quantity: str, per_unit: float, *keys: str) -> dict[str, Source]:
    """Keys in the order L1, L2, L3."""
    return {key: Reading(quantity, per_unit, index) for index, key in enumerate(keys)}


def fixed(values: Mapping[str, Value | tuple[Value, ...]]) -> dict[str, Source]:
    """Values that never change."""
    return {key: Fixed(value) for key, value in values.items()}


ON = Tags((308,))
NONE = Tags((302,))
NO_CONNECTION = Tags((1725,))
RELAY_OPEN = Tags((311,))
FULL_DUPLEX = Tags((1727,))
NO_CHANNEL: tuple[Value, ...] = ()

AC: Table = {
    "6100_40263F00": Reading("inverter.ac_power"),
    **each_phase("inverter.phase_powers", 1, "6100_40464000", "6100_40464100", "6100_40464200"),
    **each_phase("inverter.phase_voltages", 100, "6100_00464800", "6100_00464900", "6100_00464A00"),
    **each_phase("inverter.line_voltages", 100, "6100_00464B00", "6100_00464C00", "6100_00464D00"),
    **each_phase(
        "inverter.phase_currents", 1000, "6100_40465300", "6100_40465400", "6100_40465500"
    ),
    "6100_00465700": Reading("inverter.frequency", 100),
    **each_phase(
        "inverter.phase_reactive_powers", 1, "6100_40666000", "6100_40666100", "6100_40666200"
    ),
    "6100_40666700": Reading("inverter.apparent_power"),
    **each_phase(
        "inverter.phase_apparent_powers", 1, "6100_40666800", "6100_40666900", "6100_40666A00"
    ),
}
# Not on the oldest firmware.
AC_MORE: Table = {
    "6100_00664F00": Reading("inverter.current", 1000),
    "6100_40665B00": Reading("inverter.signed_power_factor", 1000),
}
POWER_FACTOR: Table = {"6100_00665900": Reading("inverter.power_factor", 1000)}
REACTIVE_OF_PV: Table = {"6100_40665F00": Reading("inverter.reactive_power")}
REACTIVE_OF_STORAGE: Table = {"6100_40265F00": Reading("inverter.reactive_power")}

PV: Table = {
    "6100_0046C200": Reading("inverter.pv_power"),
    "6380_40251E00": Reading("inverter.string_powers"),
    "6380_40451F00": Reading("inverter.string_voltages", 100),
    "6380_40452100": Reading("inverter.string_currents", 1000),
    "6400_0046C300": Reading("inverter.pv_total"),
}
INSULATION: Table = {
    "6102_40254E00": Reading("inverter.residual_current", 1000),
    "6102_00254F00": Reading("inverter.insulation_resistance"),
}
TEMPERATURE: Table = {"6102_40633E00": Reading("inverter.temperature", 10)}
YIELD: Table = {
    "6400_00260100": Reading("inverter.total_yield"),
    "6400_00262200": Reading("inverter.daily_yield"),
}
TIMES: Table = {
    "6400_00462E00": Reading("inverter.operating_time"),
    "6400_00462F00": Reading("inverter.feed_in_time"),
}

METER: Table = {
    "6100_40463600": Reading("meter.feed_in_power"),
    "6100_40463700": Reading("meter.draw_power"),
    "6400_00462400": Reading("meter.feed_in_total"),
    "6400_00462500": Reading("meter.draw_total"),
}
METER_MORE: Table = {
    "6100_00464E00": Reading("meter.power_factor", 100),
    **each_phase("meter.phase_currents", 1000, "6100_40466500", "6100_40466600", "6100_40466B00"),
    **each_phase(
        "meter.phase_apparent_powers", 1, "6100_40466C00", "6100_40466D00", "6100_40466E00"
    ),
    "6100_00468100": Reading("meter.frequency", 100),
    "6100_40468F00": Reading("meter.apparent_power"),
    "6100_40469900": Reading("meter.signed_power_factor", 1000),
    **each_phase("meter.phase_voltages", 100, "6100_0046E500", "6100_0046E600", "6100_0046E700"),
    **each_phase("meter.phase_feed_in", 1, "6100_0046E800", "6100_0046E900", "6100_0046EA00"),
    **each_phase("meter.phase_draw", 1, "6100_0046EB00", "6100_0046EC00", "6100_0046ED00"),
    **each_phase(
        "meter.phase_reactive_powers", 1, "6100_4046EE00", "6100_4046EF00", "6100_4046F000"
    ),
    "6100_4046F100": Reading("meter.reactive_power"),
    "6400_00469100": Reading("meter.feed_in_total"),
    "6400_00469200": Reading("meter.draw_total"),
}
# Line voltages of the meter: listed by every new model, measured by none.
METER_LINES: Table = fixed(dict.fromkeys(("6100_00467700", "6100_00467800", "6100_00467900")))
METER_STATES: Table = {
    "6180_084A2C00": Reading("identity.meter_types"),
    "6180_084A2E00": Fixed(NONE),
    "6180_084AAA00": Reading("identity.meter_condition"),
}

STORAGE: Table = {
    "6100_00295A00": Reading("storage.state_of_charge"),
    "6100_00696E00": Reading("storage.state_of_health"),
    "6100_00496900": Reading("storage.charge_power"),
    "6100_00496A00": Reading("storage.discharge_power"),
    "6400_00496700": Reading("storage.charge_total"),
    "6400_00496800": Reading("storage.discharge_total"),
    "6180_08495E00": Reading("storage.mode"),
}
STORAGE_OF_HYBRID: Table = {
    **STORAGE,
    "6100_40495B00": Reading("storage.temperature", 10),
    "6100_00495C00": Reading("storage.voltage", 100),
    "6100_40495D00": Reading("storage.current", 1000),
    "6180_08414D00": Reading("storage.condition"),
    "6180_08414E00": Reading("storage.condition"),
    "6400_00496D00": Reading("storage.discharge_total"),
    "6400_00497E00": Reading("storage.charge_total"),
}
PACKS: Table = {
    "6100_40495B00": Reading("storage.temperature", 10, slots=3),
    "6100_00495C00": Reading("storage.voltage", 100, slots=3),
    "6100_40495D00": Reading("storage.current", 1000, slots=3),
    "6100_00498F00": Reading("storage.state_of_charge", slots=3),
    "6100_00499100": Reading("storage.state_of_health", slots=3),
    "6100_00499300": Reading("storage.charge_power", slots=3),
    "6100_00499400": Reading("storage.discharge_power", slots=3),
    "6102_00493500": Reading("storage.end_of_charge_voltage", 100, slots=3),
    "6180_08414D00": Reading("storage.condition", slots=3, empty=NOT_AVAILABLE),
    "6180_08414E00": Reading("storage.condition", slots=3, empty=NOT_AVAILABLE),
    "6182_08495600": Fixed((Tags((1129,)), NOT_AVAILABLE, NOT_AVAILABLE)),
    "6182_08497F00": Fixed((Tags((388,)), NOT_AVAILABLE, NOT_AVAILABLE)),
    "6400_00499500": Reading("storage.charge_total", slots=3),
    "6400_00499600": Reading("storage.discharge_total", slots=3),
}
# What a hybrid tells the installer about itself and its battery.
HYBRID_FOR_INSTALLER: Table = {
    "6102_00493700": Reading("storage.current_limit", 1000),
    "6102_00493800": Reading("storage.current_limit", 1000),
    "6182_08412B00": Fixed(Tags((235,))),
    "6182_08495600": Fixed(Tags((1129,))),
    "6182_08497600": Reading("storage.application_area"),
    "6182_08498A00": Reading("storage.command"),
    "6182_08636900": Fixed(RELAY_OPEN),
    "6402_00618D00": Reading("inverter.events_for_installer"),
}
BACKUP_POWER: Table = fixed({"6100_0046C600": 0, "6100_0046C700": 0, "6100_0046C800": 0})

OPTIMIZER_SLOTS = 16
GATEWAY_SLOTS = 4
OPTIMIZERS: Table = {
    "6100_40652800": Reading("inverter.optimizer_voltages", 100, slots=OPTIMIZER_SLOTS),
    "6100_40652900": Reading("inverter.optimizer_currents", 1000, slots=OPTIMIZER_SLOTS),
    "6100_40652A00": Reading("inverter.optimizer_powers", slots=OPTIMIZER_SLOTS),
    "6100_40652B00": Reading("inverter.optimizer_temperatures", 10, slots=OPTIMIZER_SLOTS),
    "6100_00652C00": Reading("inverter.optimizer_signal_strengths", slots=OPTIMIZER_SLOTS),
    "6100_00653100": Reading("identity.optimizers_found"),
    "6100_00653200": Reading("identity.gateways_found"),
    "6180_08652400": Reading("inverter.optimizer_conditions", slots=OPTIMIZER_SLOTS, empty=OFF),
    "6180_08652500": Reading("inverter.module_control_condition"),
    "6180_08652600": Reading("inverter.gateway_conditions", slots=GATEWAY_SLOTS, empty=OFF),
    "6180_08653A00": Reading("inverter.module_control_commissioning"),
}

# Consumption, which only the oldest models work out. Shares and self-consumption they leave out.
CONSUMPTION: Table = {
    "6100_00543100": Reading("meter.consumption"),
    "6100_00543200": Fixed(None),
    "6100_00543300": Fixed(None),
    "6100_00543400": Fixed(None),
    "6100_00543600": Fixed(None),
    "6100_00543800": Fixed(None),
    "6100_00543E00": Fixed(None),
    "6400_00543A00": Reading("meter.consumption_total"),
    **fixed({"6400_00543B00": 0, "6400_00543C00": 0, "6400_00543D00": 0}),
}

OPERATION: Table = {
    "6100_00411E00": Reading("identity.rated_power"),
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
    "6400_00618C00": Reading("inverter.events_for_user"),
}
INVERTER_CONDITION: Table = {"6180_08414C00": Fixed(OK)}
# Derating and the set points of a PV inverter.
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
# The same, told by a plant control what to do: no more than rated power, no reactive power.
CONTROLLED: Table = {
    "6180_08413300": Fixed(ON),
    "6180_00522700": Reading("identity.rated_power", limits=(0, 11_000)),
    "6180_40522800": Fixed(0, limits=(0, 6000)),
    "6180_00522900": Fixed(10_000, limits=(0, 10_000)),
    "6180_08522A00": Fixed(Tags((1041,))),
}
OPERATION_OF_PV: Table = {
    "6180_08412800": Fixed(Tags((295,)), asleep=NOT_AVAILABLE),
    "6180_08436800": Fixed(Tags((1440,))),
    "6180_08465A00": Reading("inverter.excitation", asleep=NOT_AVAILABLE),
    "6100_40571F00": Fixed(None),
}
OPERATION_OF_STORAGE: Table = {
    "6180_08412800": Reading("inverter.operation"),
    "6180_08412B00": Fixed(Tags((235,))),
    "6180_08412500": Fixed(RELAY_OPEN),
    "6180_08416900": Fixed(NOT_AVAILABLE),
    "6180_08521E00": Fixed(Tags((2246,))),
}
EVENTS_FOR_INSTALLER: Table = {
    "6402_00618D00": Reading("inverter.events_for_installer"),
    "6402_00666F00": Reading("inverter.grid_connections"),
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
