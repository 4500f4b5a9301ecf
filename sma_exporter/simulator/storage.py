"""What an inverter reports of its battery; zeros and "off" without one, as the devices do."""

import math
from dataclasses import dataclass
from functools import cached_property

from .measurement import NOT_AVAILABLE, OFF, OK, Resolution, Tags, wave
from .plant import COMMISSIONED, Plant, State
from .year import Unit

RESERVE = 5  # % that a battery does not discharge
CHARGING = Tags((2292,))
DISCHARGING = Tags((2293,))
STANDBY = Tags((2291,))
CHARGE = Tags((2289,))
DISCHARGE = Tags((2290,))
SELF_CONSUMPTION = Tags((2614,))
DEEP_DISCHARGE_PROTECTION = Tags((2617,))
PACKS = 3  # the most of a battery inverter


@dataclass(frozen=True)
class Storage(Resolution):
    """The quantities of one unit's battery."""

    plant: Plant
    unit: Unit
    time: float

    @cached_property
    def state(self) -> State:
        """The plant now."""
        return self.plant.at(self.time)

    @cached_property
    def share(self) -> float:
        """The unit's share (0..1) of the capacity of all batteries of the plant."""
        if self.unit.battery is None:
            return 0.0
        batteries = (unit.battery for unit in self.plant.units if unit.battery)
        return self.unit.battery.usable / sum(battery.usable for battery in batteries)

    @cached_property
    def power(self) -> float:
        """W, positive while charging."""
        return self.watts(self.share * self.state.power(self.state.year.battery))

    @property
    def charge_power(self) -> float:
        """W into the battery."""
        return max(0, self.power)

    @property
    def discharge_power(self) -> float:
        """W out of the battery."""
        return max(0, -self.power)

    @property
    def charge_total(self) -> float:
        """Wh into the battery since commissioning."""
        return self.watt_hours(self.share * self.state.forward(self.state.year.battery))

    @property
    def discharge_total(self) -> float:
        """Wh out of the battery since commissioning."""
        return self.watt_hours(self.share * self.state.backward(self.state.year.battery))

    @property
    def state_of_charge(self) -> float:
        """%."""
        if self.unit.battery is None:
            return 0.0
        full = self.share * self.state.stored() / self.unit.battery.usable
        return RESERVE + (100 - RESERVE) * full

    @property
    def state_of_health(self) -> float:
        """% of the capacity when new: half a point less every year."""
        return 100.0 - min(20, self.state.turns // 2) if self.unit.battery else 0.0

    @property
    def operating_time(self) -> int:
        """Seconds since commissioning."""
        return math.floor(max(0.0, self.time - COMMISSIONED))

    @property
    def voltage(self) -> float:
        """V."""
        if self.unit.battery is None:
            return 0.0
        return 320 + 0.6 * self.state_of_charge + 4 * self.power / self.unit.battery.power

    @property
    def end_of_charge_voltage(self) -> float:
        """V: a set point."""
        return 390.0 if self.unit.battery else 0.0

    @property
    def current(self) -> float:
        """A, negative while charging."""
        return -self.power / self.voltage if self.unit.battery else 0.0

    @property
    def temperature(self) -> float:
        """°C."""
        if self.unit.battery is None:
            return 0.0
        return 21 + 7 * abs(self.power) / self.unit.battery.power + 0.5 * wave(self.time, 2203)

    @property
    def current_limit(self) -> float:
        """The highest current (A) of the battery now, in either direction."""
        return self.unit.battery.power / self.voltage if self.unit.battery else 0.0

    @property
    def condition(self) -> Tags:
        """Ok, or off without a battery."""
        return OK if self.unit.battery else OFF

    @property
    def mode(self) -> Tags:
        """Charging, discharging, standby, or off without a battery."""
        if self.unit.battery is None:
            return OFF
        if round(self.power) == 0:
            return STANDBY
        return CHARGING if self.power > 0 else DISCHARGING

    @property
    def command(self) -> Tags:
        """The command to the battery management: charge, discharge, or off."""
        commands = {CHARGING: CHARGE, DISCHARGING: DISCHARGE}
        return commands.get(self.mode, OFF)

    @property
    def application_area(self) -> Tags:
        """The use of its charge: self-consumption, or at a low charge the protection from deep discharge."""
        if self.unit.battery is None:
            return NOT_AVAILABLE
        return SELF_CONSUMPTION if self.state_of_charge > 2 * RESERVE else DEEP_DISCHARGE_PROTECTION
