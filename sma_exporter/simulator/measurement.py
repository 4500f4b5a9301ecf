"""What one inverter measures at one time: quantities by name, in base units.

The tables of a protocol say where each of them stands in its replies. Powers are whole watts and
energies are whole watt-hours here already, so that phases and totals add up in the replies too,
unless a protocol wants them `exact`.
`None` stands for what is not connected.
"""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property

from .localtime import local_day, midnight
from .plant import COMMISSIONED, Plant, State
from .year import DAY, PHASES, Unit

Numbers = list[float | None]


class Tags(tuple[int, ...]):
    """A state: SMA's numbers of texts. Empty if none is set."""

    __slots__ = ()


OK = Tags((307,))
OFF = Tags((303,))
NOT_AVAILABLE = Tags((16_777_213,))

REACTIVE_SHARE = 0.033  # var for each W
STRING_VOLTAGE = 390.0
DAWN = 5 / 24  # of the day: an inverter without a battery connects to the grid


def wave(time: float, period: float) -> float:
    """-1..1: makes a value change a little from one second to the next."""
    return math.sin(2 * math.pi * time / period)


def split(total: float, parts: int) -> list[float]:
    """Return almost equal numbers that add up to the total: whole ones if it is."""
    if isinstance(total, float):
        return [total / parts] * parts
    return [(total + part) // parts for part in range(parts)]


def on_phases(values: Sequence[float]) -> Numbers:
    """Return a value for each of the three phases, `None` for those not connected."""
    return [*values, *[None] * (PHASES - len(values))]


def grid_voltages(time: float) -> list[float]:
    """V of the three phases at the house."""
    return [
        231 + 1.6 * wave(time, 907 + 61 * phase) + 0.9 * wave(time, 131 + 17 * phase)
        for phase in range(PHASES)
    ]


def grid_frequency(time: float) -> float:
    """Hz."""
    return 50 + 0.025 * wave(time, 347) + 0.01 * wave(time, 41)


@dataclass(frozen=True)
class Resolution:
    """Whole watts and watt-hours; with `exact` all digits there are."""

    _: KW_ONLY
    exact: bool = False

    def watts(self, power: float) -> float:
        """Return a power in that resolution."""
        return power if self.exact else round(power)

    def watt_hours(self, energy: float) -> float:
        """Return an energy in that resolution."""
        return energy if self.exact else math.floor(energy)


@dataclass(frozen=True)
class Measurement(Resolution):
    """The AC side, the DC side and the counters of a unit."""

    plant: Plant
    unit: Unit
    time: float

    @cached_property
    def state(self) -> State:
        """The plant now."""
        return self.plant.at(self.time)

    @cached_property
    def at_midnight(self) -> "Measurement":
        """The same unit when the local day began."""
        return replace(self, time=midnight(local_day(self.time)))

    # AC side

    @cached_property
    def ac_power(self) -> float:
        """W, positive out of the device."""
        return self.watts(self.state.ac_power(self.unit))

    @cached_property
    def reactive_power(self) -> float:
        """In var: one for every thirty W."""
        return self.watts(REACTIVE_SHARE * self.ac_power)

    @property
    def apparent_power(self) -> float:
        """VA."""
        return math.hypot(self.ac_power, self.reactive_power)

    @property
    def phase_powers(self) -> Numbers:
        """W."""
        return on_phases(split(self.ac_power, self.unit.phases))

    @property
    def phase_reactive_powers(self) -> Numbers:
        """In var."""
        return on_phases(split(self.reactive_power, self.unit.phases))

    @property
    def phase_apparent_powers(self) -> Numbers:
        """VA."""
        return on_phases([self.apparent_power / self.unit.phases] * self.unit.phases)

    @property
    def phase_voltages(self) -> Numbers:
        """V."""
        return on_phases(grid_voltages(self.time)[: self.unit.phases])

    @property
    def line_voltages(self) -> Numbers:
        """V between L1-L2, L2-L3, L3-L1."""
        if self.unit.phases < PHASES:
            return on_phases([])
        first, second, third = grid_voltages(self.time)
        pairs = ((first, second), (second, third), (third, first))
        return [math.sqrt(a * a + b * b + a * b) for a, b in pairs]

    @property
    def phase_currents(self) -> Numbers:
        """A."""
        each = self.apparent_power / self.unit.phases
        return on_phases([each / volts for volts in grid_voltages(self.time)[: self.unit.phases]])

    @property
    def current(self) -> float:
        """A of all phases together."""
        return sum(amperes or 0.0 for amperes in self.phase_currents)

    @property
    def frequency(self) -> float:
        """Hz."""
        return grid_frequency(self.time)

    @property
    def power_factor(self) -> float:
        """0..1."""
        return abs(self.ac_power) / self.apparent_power if self.apparent_power else 1.0

    @property
    def signed_power_factor(self) -> float:
        """In the EEI convention: negative while feeding in."""
        return -self.power_factor

    # DC side

    @cached_property
    def string_powers(self) -> list[float]:
        """W of each DC input."""
        return [self.watts(power) for power in self._on_strings(*self.state.sun())]

    def _on_strings(self, sun: float, slant: float) -> list[float]:
        return [string.peak * (sun + string.east * slant) for string in self.unit.strings]

    @cached_property
    def string_voltages(self) -> list[float]:
        """V of each DC input: warm modules in the sun have a lower voltage."""
        sun, _ = self.state.sun()
        return [
            STRING_VOLTAGE - 45 * sun + 4 * wave(self.time, 223 + 19 * index)
            for index in range(len(self.unit.strings))
        ]

    @property
    def string_currents(self) -> list[float]:
        """A of each DC input."""
        pairs = zip(self.string_powers, self.string_voltages, strict=True)
        return [watts / volts for watts, volts in pairs]

    @property
    def pv_power(self) -> float:
        """W of all strings, after conversion to AC."""
        return self.watts(self.unit.generated(*self.state.sun()))

    @cached_property
    def optimizer_powers(self) -> list[float]:
        """W of each module with an optimizer."""
        modules = self.unit.optimizers
        mean = self.string_powers[-1] / modules if modules else 0.0
        return [mean * (1 + 0.04 * wave(module, 7)) for module in range(modules)]

    @property
    def optimizer_voltages(self) -> list[float]:
        """V."""
        return [38 + wave(self.time + 60 * module, 887) for module in range(self.unit.optimizers)]

    @property
    def optimizer_currents(self) -> list[float]:
        """A."""
        pairs = zip(self.optimizer_powers, self.optimizer_voltages, strict=True)
        return [watts / volts for watts, volts in pairs]

    @property
    def optimizer_temperatures(self) -> list[float]:
        """°C."""
        return [18 + watts / 10 for watts in self.optimizer_powers]

    @property
    def optimizer_conditions(self) -> list[Tags]:
        """State of each optimizer."""
        return [OK] * self.unit.optimizers

    @property
    def optimizer_signal_strengths(self) -> list[float]:
        """% of full signal strength: lower for modules far from the gateway."""
        return [
            91 - 2.5 * module + 2 * wave(self.time + 40 * module, 641)
            for module in range(self.unit.optimizers)
        ]

    @property
    def gateway_conditions(self) -> list[Tags]:
        """State of the gateway, if there are optimizers."""
        return [OK] if self.unit.optimizers else []

    @property
    def module_control_condition(self) -> Tags:
        """State of the control of the optimizers."""
        return OK if self.unit.optimizers else OFF

    @property
    def module_control_commissioning(self) -> Tags:
        """Whether the optimizers were commissioned; "none" without optimizers."""
        return OK if self.unit.optimizers else Tags((302,))

    @property
    def insulation_resistance(self) -> list[float]:
        """Ohm."""
        return [2_400_000 + 300_000 * wave(self.time, 5003)]

    @property
    def residual_current(self) -> float:
        """A."""
        return 0.006 + 0.003 * wave(self.time, 71)

    @property
    def temperature(self) -> float:
        """°C inside the device."""
        return 24 + 30 * abs(self.ac_power) / self.unit.rated + 2 * wave(self.time, 1801)

    @property
    def zone_temperatures(self) -> list[float]:
        """°C at three places inside the device."""
        return [self.temperature + more for more in (0.4, 1.1, -0.7)]

    # Counters

    @property
    def string_totals(self) -> list[float]:
        """Wh of each DC input since commissioning."""
        return [self.watt_hours(energy) for energy in self._on_strings(*self.state.sunshine())]

    @property
    def total_yield(self) -> float:
        """Wh of AC energy delivered since commissioning, from a battery too."""
        return self.watt_hours(self.state.delivered(self.unit))

    @property
    def absorbed_total(self) -> float:
        """Wh of AC energy consumed since commissioning."""
        return self.watt_hours(self.state.absorbed(self.unit))

    @property
    def daily_yield(self) -> float:
        """Wh since local midnight."""
        return self.total_yield - self.at_midnight.total_yield

    @property
    def pv_total(self) -> float:
        """Wh of the strings since commissioning, after conversion to AC."""
        return self.watt_hours(self.unit.generated(*self.state.sunshine()))

    @property
    def operating_time(self) -> int:
        """Seconds in operation since commissioning; a PV inverter sleeps at night."""
        if self.unit.strings:
            return math.floor(self.state.daylight())
        return math.floor(max(0.0, self.time - COMMISSIONED))

    @property
    def feed_in_time(self) -> int:
        """Seconds connected to the grid since commissioning: a little less, because of the starts."""
        return math.floor(0.97 * self.operating_time)

    @property
    def age(self) -> float:
        """Days since commissioning."""
        return max(0.0, self.time - COMMISSIONED) / DAY

    @property
    def events_for_user(self) -> int:
        """How many events: one in six days."""
        return math.floor(self.age / 6)

    @property
    def events_for_installer(self) -> int:
        """How many events: those for the user, and one more in forty days."""
        return self.events_for_user + math.floor(self.age / 40)

    @property
    def grid_connections(self) -> int:
        """How many: one every morning for an inverter without a battery, else one in three weeks."""
        if self.unit.strings and not self.unit.battery:
            return math.floor(max(0.0, self.age - DAWN) + 1)
        return math.floor(self.age / 21)

    # States

    @property
    def excitation(self) -> Tags:
        """State: overexcited or underexcited."""
        return Tags((1041,)) if self.reactive_power >= 0 else Tags((1042,))

    @property
    def operation(self) -> Tags:
        """State of a device with a battery: activated, or standby while its power is 0."""
        idle = abs(round(self.ac_power)) <= round(self.unit.standby)
        return Tags((1295,)) if idle else Tags((569,))
