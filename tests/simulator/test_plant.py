"""The plant: its powers and totals over the year, whatever protocol tells them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from support.devices import NOON
from support.simulated_webconnect import HOME

from sma_exporter.simulator import Plant
from sma_exporter.simulator.charging import Charging
from sma_exporter.simulator.measurement import Measurement
from sma_exporter.simulator.plant import COMMISSIONED, KNOWN_CHARGERS, KNOWN_UNITS, UNITS
from sma_exporter.simulator.year import DAY, Battery, String, Unit


def test_no_unit_ever_exceeds_its_rating() -> None:
    year = HOME.at(COMMISSIONED).year
    for unit in UNITS:
        powers = year.units[unit.name].power if unit.battery else None
        for knot, light in enumerate(zip(year.sun.power, year.slant.power, strict=True)):
            power = unit.generated(*light) if powers is None else powers[knot]
            assert power <= unit.rated


def test_totals_are_the_integral_of_the_powers() -> None:
    hybrid, roof = HOME.unit("stp-10-se"), HOME.unit("stp-10")
    step = 20
    start = NOON - 4 * 3600
    states = [HOME.at(start + second) for second in range(0, DAY + 1, step)]
    first, last = states[0], states[-1]
    year = first.year
    pairs: list[tuple[Callable[[Any], float], Callable[[Any], float]]] = [
        (lambda s: s.ac_power(roof), lambda s: s.delivered(roof)),
        (lambda s: max(0, s.ac_power(hybrid)), lambda s: s.delivered(hybrid)),
        (lambda s: max(0, -s.ac_power(hybrid)), lambda s: s.absorbed(hybrid)),
        (lambda s: max(0, s.power(year.grid)), lambda s: s.forward(year.grid)),
        (lambda s: max(0, -s.power(year.grid)), lambda s: s.backward(year.grid)),
        (lambda s: max(0, s.power(year.battery)), lambda s: s.forward(year.battery)),
        (lambda s: max(0, -s.power(year.battery)), lambda s: s.backward(year.battery)),
        (lambda s: s.power(year.load), lambda s: s.forward(year.load)),
    ]
    for power, energy in pairs:
        summed = math.fsum(map(power, states)) - (power(first) + power(last)) / 2
        assert energy(last) - energy(first) == pytest.approx(summed * step / 3600, rel=1e-3, abs=1)


def test_the_meter_balances_the_house() -> None:
    for hour in range(0, 24 * 30, 7):
        state = HOME.at(NOON + hour * 3600)
        exchange = sum(map(state.ac_power, HOME.units)) - state.power(state.year.load)
        assert state.power(state.year.grid) == pytest.approx(exchange, abs=1e-6)


def test_the_battery_stays_within_its_limits() -> None:
    small = Plant(units=(Unit("roof", 9000, 3, (String(9000),), Battery(4000, 6000)),))
    year = small.at(0).year
    contents = [small.at(second).stored() for second in range(int(NOON), int(NOON) + 5 * DAY, 97)]

    assert year.stored[0] == pytest.approx(year.stored[-1], abs=1e-6)
    assert 0 <= min(contents) <= max(contents) <= 4000
    assert max(contents) - min(contents) > 3000
    assert 0 <= min(year.stored) <= max(year.stored) <= 4000
    assert max(map(abs, year.battery.power)) <= 6000


def test_the_sun_follows_the_solar_offset() -> None:
    there = Plant(seed=3, solar_offset=HOME.solar_offset + 6 * 3600)
    unit = HOME.unit("sb-3.6")
    assert there.at(NOON - 6 * 3600).ac_power(unit) == HOME.at(NOON).ac_power(unit) > 0
    assert there.at(NOON + 6 * 3600).ac_power(unit) == 0


def test_summers_are_brighter_than_winters() -> None:
    unit = HOME.unit("stp-10")

    def month(start: float) -> float:
        return HOME.at(start + 30 * DAY).delivered(unit) - HOME.at(start).delivered(unit)

    assert month(NOON) > 3 * month(NOON + 183 * DAY)


def test_no_known_unit_gives_more_than_it_is_rated_for() -> None:
    every = Plant(units=KNOWN_UNITS)
    year = every.at(0).year
    for unit in KNOWN_UNITS:
        powers = year.units.get(unit.name)
        for knot, light in enumerate(zip(year.sun.power, year.slant.power, strict=True)):
            power = unit.generated(*light) if powers is None else powers.power[knot]
            assert power <= unit.rated


def test_a_charging_station_is_part_of_the_consumption() -> None:
    (station,) = KNOWN_CHARGERS
    plain, charging = Plant(seed=3), Plant(seed=3, chargers=(station,))
    drawn = set()
    for hour in range(0, 24 * 30, 5):
        before, after = plain.at(NOON + hour * 3600), charging.at(NOON + hour * 3600)
        power = after.power(after.year.chargers[station.name])
        drawn.add(power)
        house = before.power(before.year.load)
        assert after.power(after.year.load) == pytest.approx(house + power)
        exchange = sum(map(after.ac_power, charging.units)) - house - power
        assert after.power(after.year.grid) == pytest.approx(exchange, abs=1e-6)
    assert {0.0, station.power} <= drawn
    assert max(drawn) == station.power


def test_the_quantities_of_a_charging_station_are_whole_or_exact() -> None:
    (station,) = KNOWN_CHARGERS
    plant = Plant(chargers=(station,))
    for time in range(int(NOON), int(NOON) + DAY, 1700):
        whole, exact = (Charging(plant, station, time, exact=each) for each in (False, True))
        assert whole.power == round(exact.power)
        assert whole.total == math.floor(exact.total)
        assert 0 <= whole.session_energy <= 60_000
        assert COMMISSIONED < whole.status_since <= time
        assert sum(watts or 0 for watts in exact.phase_powers) == pytest.approx(exact.power)


def test_before_the_first_vehicle_came_nothing_was_charged() -> None:
    (station,) = KNOWN_CHARGERS
    early = Charging(Plant(chargers=(station,)), station, COMMISSIONED + 60)
    assert (early.total, early.session_energy) == (0, 0)
    assert early.status_since == COMMISSIONED


def test_quantities_are_whole_or_exact() -> None:
    unit = HOME.unit("stp-10-se")
    whole, exact = (Measurement(HOME, unit, NOON, exact=each) for each in (False, True))
    assert isinstance(whole.ac_power, int)
    assert whole.ac_power == round(exact.ac_power)
    assert whole.ac_power != exact.ac_power
    assert whole.total_yield == math.floor(exact.total_yield)
    assert whole.daily_yield == pytest.approx(exact.daily_yield, abs=1)
