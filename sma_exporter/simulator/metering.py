"""What the energy meter at the grid connection measures, and what the house consumes."""

import math
from dataclasses import dataclass
from functools import cached_property

from .measurement import Numbers, Resolution, grid_frequency, grid_voltages, on_phases
from .plant import Plant, State
from .year import PHASES

HOUSE_PHASES = (0.45, 0.33, 0.22)  # how the consumption is divided among L1, L2, L3
PHASE_REACTIVE = (40.0, 110.0, 65.0)  # var


@dataclass(frozen=True)
class Metering(Resolution):
    """The quantities of the plant's meter, and the consumption of the house."""

    plant: Plant
    time: float

    @cached_property
    def state(self) -> State:
        """The plant now."""
        return self.plant.at(self.time)

    @cached_property
    def exchange(self) -> float:
        """W, positive while feeding in."""
        return self.watts(self.state.power(self.state.year.grid))

    @property
    def feed_in_power(self) -> float:
        """W into the grid."""
        return max(0, self.exchange)

    @property
    def draw_power(self) -> float:
        """W out of the grid."""
        return max(0, -self.exchange)

    @property
    def feed_in_total(self) -> float:
        """Wh into the grid since commissioning."""
        return self.watt_hours(self.state.forward(self.state.year.grid))

    @property
    def draw_total(self) -> float:
        """Wh out of the grid since commissioning."""
        return self.watt_hours(self.state.backward(self.state.year.grid))

    @cached_property
    def phase_exchange(self) -> list[float]:
        """W on each phase, positive while feeding in."""
        load = self.state.power(self.state.year.load)
        given = [0.0] * PHASES
        for unit in self.plant.units:
            for phase in range(unit.phases):
                given[phase] += self.state.ac_power(unit) / unit.phases
        for charger in self.plant.chargers:
            power = self.state.power(self.state.year.chargers[charger.name])
            load -= power
            for phase in range(charger.phases):
                given[phase] -= power / charger.phases
        return [power - load * share for power, share in zip(given, HOUSE_PHASES, strict=True)]

    @property
    def phase_feed_in(self) -> Numbers:
        """W into the grid on each phase."""
        return [max(0.0, power) for power in self.phase_exchange]

    @property
    def phase_draw(self) -> Numbers:
        """W out of the grid on each phase."""
        return [max(0.0, -power) for power in self.phase_exchange]

    @property
    def phase_voltages(self) -> Numbers:
        """V of each phase."""
        return on_phases(grid_voltages(self.time))

    @property
    def frequency(self) -> float:
        """Hz."""
        return grid_frequency(self.time)

    @property
    def phase_reactive_powers(self) -> Numbers:
        """In var, of each phase."""
        return on_phases(PHASE_REACTIVE)

    @property
    def reactive_power(self) -> float:
        """In var, of all phases."""
        return sum(PHASE_REACTIVE)

    @cached_property
    def phase_apparent_powers(self) -> list[float]:
        """VA of each phase."""
        return [
            math.hypot(watts, var)
            for watts, var in zip(self.phase_exchange, PHASE_REACTIVE, strict=True)
        ]

    @property
    def apparent_power(self) -> float:
        """VA of all phases."""
        return math.hypot(self.exchange, self.reactive_power)

    @property
    def phase_currents(self) -> Numbers:
        """A of each phase."""
        pairs = zip(self.phase_apparent_powers, grid_voltages(self.time), strict=True)
        return [apparent / volts for apparent, volts in pairs]

    @property
    def signed_phase_currents(self) -> Numbers:
        """A of each phase, negative while drawing."""
        pairs = zip(self.phase_currents, self.phase_exchange, strict=True)
        return [math.copysign(amperes or 0.0, power) for amperes, power in pairs]

    @property
    def power_factor(self) -> float:
        """0..1."""
        return abs(self.exchange) / self.apparent_power

    @property
    def signed_power_factor(self) -> float:
        """In the EEI convention: negative while feeding in."""
        return -self.power_factor if self.exchange > 0 else self.power_factor

    @property
    def consumption(self) -> float:
        """W that the house consumes."""
        return self.watts(self.state.power(self.state.year.load))

    @property
    def consumption_total(self) -> float:
        """Wh that the house consumed since commissioning."""
        return self.watt_hours(self.state.forward(self.state.year.load))
