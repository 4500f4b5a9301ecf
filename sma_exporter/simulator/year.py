"""The year of a plant: sun, clouds, house, charging station, battery and grid meter.

All powers (W) are computed once, at the 35,040 quarter hours (the knots) of a year of 365 days; they
are linear in between. The year repeats for ever. So a power is an interpolation, a total is a number
of whole years and a running sum, and both cost the same at any time. The totals are the exact
integral of the powers. (The seasons move by a day in four years. Without the repetition, each value
would need a calculation from the beginning, as a battery depends on all that was before.)
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, chain, pairwise, repeat
from random import Random
from typing import TypeVar

T = TypeVar("T")

QUARTER = 900
DAY = 86_400
DAYS = 365
KNOTS_PER_DAY = DAY // QUARTER
YEAR = DAYS * DAY
STEP = QUARTER / 3600  # hours

EFFICIENCY = 0.97  # AC out of DC
STANDBY = 10.0  # W that an inverter with a battery consumes at all times
CHARGE_EFFICIENCY = 0.94  # the share of the charged energy that can be discharged
FOLLOW = 0.98  # of a surplus or deficit: a real controller is late, so the meter is seldom at 0
TAPER = 0.5  # hours: a nearly full or empty battery reduces its power to need this long

BASE_LOAD = 260.0
# W above the base load, for each hour. 0 at midnight, so that the days join without a step.
ACTIVITY = (0, 0, 0, 0, 0, 30, 180, 380, 300, 160, 140, 220, 460,
            300, 160, 160, 260, 480, 820, 900, 640, 400, 240, 80, 0)  # fmt: skip
APPLIANCE = 1800.0  # W, for about a quarter of an hour

PHASES = 3


@dataclass(frozen=True)
class String:
    """PV modules on one DC input: peak power (W); `east` from -1 (west) over 0 (south) to 1 (east)."""

    peak: float
    east: float = 0.0


@dataclass(frozen=True)
class Battery:
    """Usable capacity (Wh) and the highest power in either direction (W)."""

    usable: float
    power: float


@dataclass(frozen=True)
class Unit:
    """One inverter: rated AC power (W), number of AC phases, and what is connected to its DC side.

    `optimizers`: how many modules of the last string have one.
    """

    name: str
    rated: float
    phases: int = 1
    strings: tuple[String, ...] = ()
    battery: Battery | None = None
    optimizers: int = 0

    @cached_property
    def peak(self) -> float:
        """W of all strings together."""
        return sum(string.peak for string in self.strings)

    @cached_property
    def lean(self) -> float:
        """The east part of that power, less the west part (W)."""
        return sum(string.peak * string.east for string in self.strings)

    @property
    def standby(self) -> float:
        """Own consumption of the unit (W)."""
        return STANDBY if self.battery else 0.0

    def generated(self, sun: float, slant: float) -> float:
        """Return the AC output of the strings: a power from powers, an energy from their sums."""
        return EFFICIENCY * (self.peak * sun + self.lean * slant)


@dataclass(frozen=True)
class Charger:
    """A charging station for a vehicle: the power (W) it charges with, and its number of AC phases."""

    name: str
    power: float
    phases: int = PHASES


@dataclass(frozen=True)
class Visit:
    """A vehicle at a charging station, for one day: knots at which something changes."""

    plugged: int
    start: int
    end: int
    unplugged: int


@dataclass(frozen=True)
class Curve:
    """A power over the year (W), and the energy so far in the positive and negative direction (Wh)."""

    power: "array[float]"
    forward: "array[float]"
    backward: "array[float]"


@dataclass(frozen=True)
class Year:
    """All powers of a plant. A string has the power peak * (sun + east * slant)."""

    sun: Curve
    slant: Curve
    load: Curve  # of the house and of what charges at it
    battery: Curve  # positive while charging, all batteries together
    grid: Curve  # positive while feeding in
    units: Mapping[str, Curve]  # AC power of the units with a battery
    chargers: Mapping[str, Curve]
    stored: "array[float]"  # Wh in all batteries together
    daylight: "array[float]"  # s with sun since the year began


def area(start: float, end: float, hours: float) -> float:
    """Return the energy (Wh) above 0 under the straight line between two powers (W)."""
    if start >= 0 and end >= 0:
        return (start + end) / 2 * hours
    if start <= 0 and end <= 0:
        return 0.0
    above = max(start, end)
    return above * above / (abs(start) + abs(end)) / 2 * hours


def curve(power: Sequence[float]) -> Curve:
    """Return the curve of the powers at all knots; the last is the first one of the next year."""
    forward = accumulate((area(a, b, STEP) for a, b in pairwise(power)), initial=0.0)
    backward: Iterable[float] = repeat(0.0, len(power))
    if min(power) < 0:
        backward = accumulate((area(-a, -b, STEP) for a, b in pairwise(power)), initial=0.0)
    return Curve(array("d", power), array("d", forward), array("d", backward))


def random_numbers(seed: int, topic: str, day: int) -> Random:
    """Return the random numbers of one day, which are the same on every machine."""
    return Random(f"{seed}/{topic}/{day}")  # noqa: S311 - weather, not a secret


def season(day: int) -> float:
    """1 at midsummer, -1 at midwinter."""
    return math.cos(2 * math.pi * (day - 172) / DAYS)


def quarters(hourly: Sequence[float]) -> Iterator[float]:
    """Return 96 values at the quarter hours from 25 at the full hours, linear in between."""
    return (a + (b - a) * quarter / 4 for a, b in pairwise(hourly) for quarter in range(4))


def clear_sky(random: Random) -> list[float]:
    """Return the share (0.05..1) of the sunlight that passes the clouds, at the knots of one day."""
    clarity = 0.1 + 0.9 * random.random() ** 0.8
    spread = 1.4 * min(clarity, 1 - clarity)  # constant if clear or dull, variable in between
    hourly = [clarity + spread * (random.random() - 0.5) for _ in range(25)]
    flicker = [0.1 * spread * (random.random() - 0.5) for _ in range(KNOTS_PER_DAY)]
    return [
        min(1.0, max(0.05, share + more))
        for share, more in zip(quarters(hourly), flicker, strict=True)
    ]


def sunlight(seed: int, day: int) -> list[tuple[float, float]]:
    """Return (sun, slant) at the knots of one day: for a south roof, and the difference of an east roof."""
    height = 0.62 + 0.30 * season(day)
    hours = 12.2 + 4.2 * season(day)
    knots = []
    for knot, clear in enumerate(clear_sky(random_numbers(seed, "sky", day))):
        angle = (knot * STEP - (12 - hours / 2)) / hours * math.pi
        sun = height * math.sin(angle) * clear if 0 < angle < math.pi else 0.0
        knots.append((sun, sun * math.cos(angle)))
    return knots


def house(seed: int, day: int) -> list[float]:
    """Return the consumption of the house (W) at the knots of a day; a heat pump adds to it in winter."""
    random = random_numbers(seed, "house", day)
    winter = 2 - 1.2 * season(day)
    return [
        BASE_LOAD
        + activity * winter * (0.5 + random.random())
        + (APPLIANCE if activity and random.random() < 0.05 else 0.0)
        for activity in quarters(ACTIVITY)
    ]


def visit(seed: int, charger: str, day: int) -> Visit:
    """Return when a vehicle comes in the morning of a day, charges, is full, and leaves."""
    random = random_numbers(seed, f"charger/{charger}", day % DAYS)
    plugged = random.randrange(33, 41)
    start = plugged + random.randrange(1, 7)
    return Visit(plugged, start, start + random.randrange(5, 17), random.randrange(66, 77))


def charging(seed: int, charger: Charger, day: int) -> list[float]:
    """Return the power of a charging station (W) at the knots of a day."""
    times = visit(seed, charger.name, day)
    return [charger.power if times.start < k < times.end else 0.0 for k in range(KNOTS_PER_DAY)]


def closed(days: Iterator[list[T]]) -> list[T]:
    """Return the knots of all days in a row, and the first knot again."""
    knots = list(chain.from_iterable(days))
    return [*knots, knots[0]]


def follow(
    surplus: Sequence[float], usable: float, limit: float
) -> tuple[list[float], list[float]]:
    """Return power (W, positive while charging) and content (Wh) of a battery for a surplus (W).

    The content half a step ahead limits the power, so it is always within 0..usable. The battery
    is empty two weeks before the year begins; at its begin that makes no difference any more.
    """
    powers: list[float] = []
    contents: list[float] = []
    power = content = 0.0
    run_up = 14 * KNOTS_PER_DAY
    for excess in chain(surplus[-run_up - 1 : -1], surplus):
        before = power
        room = usable - content - max(before, 0.0) * STEP / 2
        supply = content + min(before, 0.0) * STEP / 2
        power = max(min(FOLLOW * excess, limit, room / TAPER), -limit, -supply / TAPER)
        content += CHARGE_EFFICIENCY * area(before, power, STEP) - area(-before, -power, STEP)
        powers.append(power)
        contents.append(content)
    return powers[run_up:], contents[run_up:]


@lru_cache(maxsize=8)
def year_of(seed: int, units: tuple[Unit, ...], chargers: tuple[Charger, ...] = ()) -> Year:
    """Return the year of a plant: it takes a quarter of a second and 4 MB; the last few are cached."""
    sky = closed(sunlight(seed, day) for day in range(DAYS))
    load = closed(house(seed, day) for day in range(DAYS))
    charged = {
        each.name: closed(charging(seed, each, day) for day in range(DAYS)) for each in chargers
    }
    for powers in charged.values():
        load = [use + power for use, power in zip(load, powers, strict=True)]
    idle = [sum(unit.generated(*light) - unit.standby for unit in units) for light in sky]
    batteries = [unit.battery for unit in units if unit.battery]
    usable = sum(battery.usable for battery in batteries)
    limit = sum(battery.power for battery in batteries)
    surplus = [power - use for power, use in zip(idle, load, strict=True)]
    charge, stored = follow(surplus, usable, limit)
    lit = (QUARTER if a[0] or b[0] else 0 for a, b in pairwise(sky))
    return Year(
        sun=curve([sun for sun, _ in sky]),
        slant=curve([slant for _, slant in sky]),
        load=curve(load),
        battery=curve(charge),
        grid=curve([excess - power for excess, power in zip(surplus, charge, strict=True)]),
        units={
            unit.name: curve(
                [
                    unit.generated(*light) - unit.standby - power * unit.battery.usable / usable
                    for light, power in zip(sky, charge, strict=True)
                ]
            )
            for unit in units
            if unit.battery
        },
        chargers={name: curve(powers) for name, powers in charged.items()},
        stored=array("d", stored),
        daylight=array("d", accumulate(lit, initial=0.0)),
    )
