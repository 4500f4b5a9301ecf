"""A plant: inverters, house, battery and charging station behind one meter, as a function of time."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from .year import (
    CHARGE_EFFICIENCY,
    QUARTER,
    STEP,
    YEAR,
    Battery,
    Charger,
    Curve,
    String,
    Unit,
    Year,
    area,
    year_of,
)

COMMISSIONED = 1_388_534_400  # 2014-01-01 00:00 UTC, when every counter stood at 0

# The units of a plant for which no others are named.
UNITS = (
    Unit("sb-1.5", 1500, strings=(String(1600),)),
    Unit("sb-3.6", 3680, strings=(String(2600, 0.2), String(1250, -0.7))),
    Unit("stp-10", 10_000, 3, (String(6200, 0.5), String(4300, -0.6)), optimizers=12),
    Unit("stp-10-se", 10_000, 3, (String(5800, -0.2), String(4400, 0.3)), Battery(9700, 8000)),
    Unit("sbs-3.7", 3700, battery=Battery(9300, 3700)),
)
# The unit of each inverter model, and the charging stations, under the model's name.
KNOWN_UNITS = (
    *UNITS,
    Unit("stp-x-15", 15_000, 3, (String(6400, 0.3), String(4900, -0.4), String(4100, -0.5))),
    Unit(
        "sb-smart-energy",
        5000,
        strings=(String(2900, 0.4), String(2500)),
        battery=Battery(9800, 5000),
    ),
)
KNOWN_CHARGERS = (Charger("evc-22", 11_000),)


Member = TypeVar("Member", Unit, Charger)


def named(members: Sequence[Member], name: str, missing: str) -> Member:
    """Return the member of that name; raise ValueError, which begins with `missing`."""
    for member in members:
        if member.name == name:
            return member
    names = ", ".join(member.name for member in members) or "none"
    raise ValueError(f"{missing} {name!r} (it has: {names})")


@dataclass(frozen=True)
class State:
    """A plant at one time: after `turns` whole years, `fraction` (0..1) of the way from `knot` on."""

    year: Year
    turns: int
    knot: int
    fraction: float

    def power(self, flow: Curve) -> float:
        """W."""
        start = flow.power[self.knot]
        return start + (flow.power[self.knot + 1] - start) * self.fraction

    def forward(self, flow: Curve) -> float:
        """Wh in the positive direction since commissioning."""
        part = area(flow.power[self.knot], self.power(flow), self.fraction * STEP)
        return self.turns * flow.forward[-1] + flow.forward[self.knot] + part

    def backward(self, flow: Curve) -> float:
        """Wh in the negative direction since commissioning."""
        part = area(-flow.power[self.knot], -self.power(flow), self.fraction * STEP)
        return self.turns * flow.backward[-1] + flow.backward[self.knot] + part

    def sun(self) -> tuple[float, float]:
        """Return the powers of sun and slant, for `Unit.generated`."""
        return self.power(self.year.sun), self.power(self.year.slant)

    def sunshine(self) -> tuple[float, float]:
        """Return their sums since commissioning, for `Unit.generated`."""
        slant = self.forward(self.year.slant) - self.backward(self.year.slant)
        return self.forward(self.year.sun), slant

    def ac_power(self, unit: Unit) -> float:
        """W out of a unit, negative into it."""
        flow = self.year.units.get(unit.name)
        return unit.generated(*self.sun()) if flow is None else self.power(flow)

    def delivered(self, unit: Unit) -> float:
        """Wh out of a unit since commissioning."""
        flow = self.year.units.get(unit.name)
        return unit.generated(*self.sunshine()) if flow is None else self.forward(flow)

    def absorbed(self, unit: Unit) -> float:
        """Wh into a unit since commissioning."""
        flow = self.year.units.get(unit.name)
        return 0.0 if flow is None else self.backward(flow)

    def stored(self) -> float:
        """Wh in all batteries together."""
        flow, start = self.year.battery, self.year.battery.power[self.knot]
        end, hours = self.power(flow), self.fraction * STEP
        change = CHARGE_EFFICIENCY * area(start, end, hours) - area(-start, -end, hours)
        return self.year.stored[self.knot] + change

    def daylight(self) -> float:
        """Seconds with sun since commissioning."""
        start, end = self.year.daylight[self.knot], self.year.daylight[self.knot + 1]
        return self.turns * self.year.daylight[-1] + start + (end - start) * self.fraction


@dataclass(frozen=True)
class Plant:
    """Units behind one grid meter. `solar_offset`: seconds that the sun's time is ahead of UTC."""

    seed: int = 0
    solar_offset: float = 3600.0
    units: tuple[Unit, ...] = UNITS
    chargers: tuple[Charger, ...] = ()

    def at(self, time: float) -> State:
        """Return the plant at a Unix time; before it was commissioned, as at that time."""
        seconds = max(0.0, time + self.solar_offset - COMMISSIONED)
        turns, rest = divmod(seconds, YEAR)
        knot = int(rest // QUARTER)
        return State(
            year_of(self.seed, self.units, self.chargers), int(turns), knot, rest / QUARTER - knot
        )

    def unit(self, name: str) -> Unit:
        """Return the unit of that name."""
        return named(self.units, name, "the plant has no unit")

    def charger(self, name: str) -> Charger:
        """Return the charging station of that name."""
        return named(self.chargers, name, "the plant has no charging station")

    @property
    def meter_serial(self) -> int:
        """The serial number of its energy meter."""
        return 1_900_000_000 + zlib.crc32(f"meter/{self.seed}".encode()) % 100_000_000
