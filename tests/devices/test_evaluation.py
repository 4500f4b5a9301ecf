"""What a read is worth: who answers, honest totals, unknown states, custom sensors."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from support import devices
from support.devices import (
    NAME,
    NOON,
    POWER,
    RATED,
    SERIAL,
    STATUS,
    TOTAL,
    Clock,
    Connect,
    calls,
    eventually,
    sending,
)

from sma_exporter import config
from sma_exporter.devices.evaluation import Evaluation
from sma_exporter.devices.snapshot import CustomReading
from sma_exporter.metrics.families import DeviceReadings, families
from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.exceptions import SmaIdentityException
from sma_exporter.sma.source import Identity, Measurements, Readings
from sma_exporter.webconnect.source import PARAMETERS_EVERY

clock, sim, connect = devices.clock, devices.sim, devices.connect

READ, PARAMETERS = "getAllOnlValues", "getValues"
TIME, EVENTS = "6400_00462E00", "6400_00618C00"
HOUR = 3600.0
Simulate = Callable[..., Simulator]


# --- which device it is ---


@pytest.mark.parametrize("serial", [{SERIAL: 3001234567}, {SERIAL: None}], ids=["another", "none"])
def test_another_device_than_the_configured_one_gives_no_values(
    connect: Connect, sim: Simulator, serial: dict[str, Any]
) -> None:
    roof = connect(sim, serial=str(sim.serial))
    sim.faults.add(Fault(faults.mutate(sending(serial)), path=PARAMETERS))

    wrong = roof.scrape()
    sim.faults.clear()
    roof.clock.advance(5)
    right = roof.scrape()

    assert wrong.result is not None
    assert wrong.result.reason == "identity"
    assert str(sim.serial) in wrong.result.message
    assert wrong.readings == {}
    assert wrong.state.identity.serial == ""
    assert right.up
    assert right.state.identity.serial == str(sim.serial)
    assert eventually(lambda: sim.sessions == 0)


def test_nothing_is_shown_of_a_device_before_its_configured_serial_number_was_seen(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    sim = simulate("sb-3.6", clock=lambda: NOON, monotonic=clock, session_idle=1e9)
    roof = connect(sim, serial=str(sim.serial), session="keep")
    sim.faults.add(Fault(faults.error(404), path=PARAMETERS))

    unseen = roof.scrape()
    sim.faults.clear()
    roof.clock.advance(5)
    seen = roof.scrape()
    sim.faults.add(Fault(faults.error(404), path=PARAMETERS))
    roof.clock.advance(3601)
    in_the_same_session = roof.scrape()
    sim.expire_sessions()
    roof.clock.advance(61)
    in_another = roof.scrape()

    assert unseen.result is not None
    assert unseen.result.reason == "protocol"
    assert unseen.readings == {}
    assert seen.up
    assert in_the_same_session.up
    assert not in_another.up


# --- whose serial number is believed ---

ROOF, GARAGE = "3001234567", "3011111111"
YIELD = 1.0e12  # J


class Asked:
    """A device as its answers are evaluated: each answer is a read in which it was asked who it is."""

    def __init__(self, **keys: Any) -> None:
        self.evaluation = Evaluation("roof")
        self._settings = config.DeviceSettings(name="roof", url="http://192.0.2.1", **keys)
        self._now = 0.0

    def answers(
        self, serial: object, total: float | None = YIELD, **readings: Any
    ) -> dict[str, Any]:
        """Return what is shown of an answer."""
        return self.says(Identity(serial=str(serial)), total, **readings)

    def says(
        self, identity: Identity | None, total: float | None = YIELD, **readings: Any
    ) -> dict[str, Any]:
        self._now += 15
        found: Readings = {"total_yield": total, **readings} if total is not None else readings
        measurements = Measurements(found, identity)
        shown = self.evaluation.evaluate(
            measurements, self._settings, self._settings.url, self._now
        )
        return dict(shown.readings)

    @property
    def serial(self) -> str:
        return self.evaluation.state.identity.serial


@pytest.mark.parametrize("serial", [0, 1, -5, 10_000_000_000, 12_345_678, "", GARAGE])
def test_one_wrong_serial_number_makes_no_counter_fall(serial: object) -> None:
    roof = Asked()
    roof.answers(ROOF)

    wrong = roof.answers(serial, total=100.0)
    withheld = roof.evaluation.state.withheld
    right = roof.answers(ROOF, total=YIELD + 1)

    assert "total_yield" not in wrong
    assert withheld == 1
    assert right["total_yield"] == YIELD + 1
    assert roof.serial == ROOF


def test_a_serial_number_that_is_told_twice_is_another_device() -> None:
    roof = Asked()
    roof.answers(ROOF, inverter_power_limit=5000)

    roof.answers(GARAGE, total=100.0)
    shown = roof.answers(GARAGE, total=100.0)

    assert shown == {"total_yield": 100.0}
    assert roof.serial == GARAGE


def test_twice_is_two_answers_of_the_device() -> None:
    """A source says who answers with all that a read brings, and until it has asked again."""
    roof, garage = Asked(), Identity(serial=GARAGE)
    roof.answers(ROOF)

    shown = [roof.says(garage, total=100.0) for _ in range(3)]

    assert shown == [{}] * 3
    assert roof.serial == ROOF


@pytest.mark.parametrize("between", [ROOF, "3099999999"], ids=["the-known-one", "yet-another-one"])
def test_twice_is_twice_in_a_row(between: str) -> None:
    roof = Asked()
    roof.answers(ROOF)

    for serial in (GARAGE, between, GARAGE):
        assert "total_yield" not in roof.answers(serial, total=100.0)

    assert roof.serial == ROOF


@pytest.mark.parametrize("serial", [0, None], ids=["impossible", "not-asked"])
def test_an_answer_without_a_serial_number_counts_for_neither(serial: object) -> None:
    roof = Asked()
    roof.answers(ROOF)
    roof.answers(GARAGE, total=100.0)
    roof.says(None if serial is None else Identity(serial=str(serial)), total=100.0)

    assert roof.answers(GARAGE, total=100.0) == {"total_yield": 100.0}


def test_a_first_serial_number_is_believed_at_once_and_an_impossible_one_never() -> None:
    roof = Asked()

    first = [roof.answers(0), roof.serial]
    second = [roof.answers(ROOF), roof.serial]

    assert first == [{"total_yield": YIELD}, ""]
    assert second == [{"total_yield": YIELD}, ROOF]


def test_the_rest_of_an_identity_may_change_at_any_time() -> None:
    roof = Asked()
    for version in ("1.0.0.R", "2.0.0.R"):
        roof.says(Identity(serial=ROOF, sw_version=version))

    assert roof.evaluation.state.identity.sw_version == "2.0.0.R"


@pytest.mark.parametrize("serial", [0, -5, 10_000_000_000, GARAGE])
def test_where_a_serial_number_is_configured_another_one_is_refused_and_nothing_forgotten(
    serial: object,
) -> None:
    roof = Asked(serial=ROOF)
    roof.answers(ROOF, inverter_power_limit=5000)

    for _ in range(3):
        with pytest.raises(SmaIdentityException, match=f"configured is {ROOF}"):
            roof.answers(serial, total=100.0)

    assert roof.serial == ROOF
    assert roof.answers(ROOF, total=100.0) == {"inverter_power_limit": 5000}
    assert roof.answers(ROOF)["total_yield"] == YIELD


# --- texts and tags ---


def test_texts_and_tags_are_cut_before_they_are_kept() -> None:
    roof = Asked()
    endless = "x" * 1_000_000

    shown = roof.says(
        Identity(serial=ROOF, name=endless),
        device_name=endless,
        country_standard=tuple(range(100_000)),
        status=tuple(range(100_000)),
    )

    assert shown["device_name"] == roof.evaluation.state.identity.name == "x" * 128
    assert shown["country_standard"] == shown["status"] == tuple(range(16))
    assert roof.evaluation.state.kept["device_name"] == "x" * 128


# --- honest totals ---


class Calendar:
    """A device's own clock: its totals grow with it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def test_a_total_that_falls_is_withheld_and_logged_once_until_it_is_back(
    connect: Connect, sim: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    roof = connect(sim)
    before = roof.scrape()
    fallen = Fault(faults.mutate(sending({TOTAL: 17})), path=READ, times=3)

    sim.faults.add(fallen)
    shown = [roof.device.last()]
    for _ in range(4):
        roof.clock.advance(5)
        shown.append(roof.scrape())

    assert [s.state.withheld for s in shown] == [0, 1, 1, 1, 0]
    assert ["total_yield" in s.readings for s in shown] == [True, False, False, False, True]
    assert all(s.up for s in shown)
    assert shown[-1].readings["total_yield"] == before.readings["total_yield"]
    told = [record for record in caplog.records if record.name == "sma_exporter.devices.evaluation"]
    assert [record.levelname for record in told] == ["WARNING", "INFO"]
    assert {vars(record)["sensor"] for record in told} == {"total_yield"}
    assert vars(told[0])["value"] == 17 * 3600


GARBAGE = 8_092_788_451_938_808_000 * 3600.0


def test_a_first_total_that_cannot_be_is_withheld_and_what_follows_shown_at_once() -> None:
    roof = Asked()

    first = roof.answers(ROOF, GARBAGE, inverter_power_limit=7000)
    second = roof.answers(ROOF, 1234 * 3600.0)

    assert "total_yield" not in first
    assert second["total_yield"] == 1234 * 3600


def test_a_first_total_that_only_the_rated_power_shows_to_be_impossible_is_no_measure() -> None:
    """The rated power comes with the parameters, after the values of the first read."""
    roof = Asked()
    impossible = 1.0e13  # possible in the life of 1 MW, not of 7000 W

    before = roof.says(None, impossible)
    after = roof.answers(ROOF, impossible, inverter_power_limit=7000)
    later = roof.answers(ROOF, 1234 * 3600.0)

    assert before["total_yield"] == impossible
    assert "total_yield" not in after
    assert later["total_yield"] == 1234 * 3600


@pytest.mark.parametrize(
    ("sensor", "most_a_second"),
    [
        ("metering_total_absorbed", 1e6),
        ("operating_time", 1),
        ("events_user", 1 / 60),
        ("battery_cycles", 1 / 3600),
        ("battery_charge_amount", 1000),
        ("total_yield", 7000),
        ("pv_energy_b", 7000),
    ],
)
def test_each_first_total_is_bounded_by_its_own_rate_for_thirty_years(
    sensor: str, most_a_second: float
) -> None:
    most = most_a_second * 30 * 365.25 * 86_400

    for value, is_shown in ((most * 1.001, False), (most * 0.999, True)):
        shown = Asked().answers(ROOF, None, inverter_power_limit=7000, **{sensor: value})
        assert (sensor in shown) is is_shown


def test_the_rated_power_bounds_what_a_total_can_leap(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["total_yield"]
    assert isinstance(shown, int)
    most = 2 * 3680 * 24  # Wh a day
    leaps = [shown // 3600 + most + 1000, shown // 3600 + most - 1000]

    found = []
    for leap in leaps:
        sim.faults.add(Fault(faults.mutate(sending({TOTAL: leap})), path=READ, times=1))
        roof.clock.advance(5)
        found.append(roof.scrape().readings.get("total_yield"))

    assert found == [None, leaps[1] * 3600]


def test_a_meter_is_not_bounded_by_the_inverters_rated_power(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim)
    drawn = roof.scrape().readings["metering_total_absorbed"]
    assert isinstance(drawn, int)
    leap = drawn // 3600 + 2 * 3680 * 24 * 10
    sim.faults.add(Fault(faults.mutate(sending({"6400_00462500": leap})), path=READ, times=1))

    roof.clock.advance(5)

    assert roof.scrape().readings["metering_total_absorbed"] == leap * 3600


def test_time_bounds_what_a_time_can_leap(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["operating_time"]
    assert isinstance(shown, int)
    leaps = [shown + 49 * 3600, shown + 47 * 3600]

    found = []
    for leap in leaps:
        sim.faults.add(Fault(faults.mutate(sending({TIME: leap})), path=READ, times=1))
        roof.clock.advance(5)
        found.append(roof.scrape().readings.get("operating_time"))

    assert found == [None, leaps[1]]


def test_events_do_not_come_by_the_thousand(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    shown = roof.scrape().readings["events_user"]
    assert isinstance(shown, int)
    sim.faults.add(Fault(faults.mutate(sending({EVENTS: shown + 5000})), path=READ, times=1))

    roof.clock.advance(5)

    assert "events_user" not in roof.scrape().readings


def test_a_meter_reading_that_stands_in_is_the_same_total(connect: Connect, sim: Simulator) -> None:
    """When the first object falls silent the counter goes on, and never back."""
    roof = connect(sim)
    first = roof.scrape().readings["metering_total_yield"]
    lower = {"6400_00462400": None, "6400_00469100": 17}
    sim.faults.add(Fault(faults.mutate(sending({"6400_00462400": None})), path=READ, times=1))
    roof.clock.advance(5)
    second = roof.scrape()
    sim.faults.add(Fault(faults.mutate(sending(lower)), path=READ, times=1))
    roof.clock.advance(5)
    third = roof.scrape()

    assert second.readings["metering_total_yield"] >= first  # type: ignore[operator]
    assert second.state.withheld == 0
    assert "metering_total_yield" not in third.readings
    assert third.state.withheld == 1


def swapped(
    connect: Connect, simulate: Simulate, clock: Clock, serial: int
) -> tuple[Any, Any, Simulator]:
    """What is shown before and after a device makes place for one that has produced less."""
    calendar = Calendar()
    old = simulate(clock=calendar, monotonic=clock)
    roof = connect(old)
    before = roof.scrape()
    old.stop()
    clock.advance(5)
    roof.scrape()
    calendar.now -= 100 * 24 * HOUR
    new = simulate(clock=calendar, monotonic=clock, serial=serial or old.serial, port=old.port)
    clock.advance(5)
    roof.scrape()
    clock.advance(PARAMETERS_EVERY + 1)  # it is asked anew who it is
    return before, roof.scrape(), new


def test_another_serial_number_starts_the_totals_anew(
    connect: Connect, simulate: Simulate, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    before, after, new = swapped(connect, simulate, clock, serial=3_011_111_111)

    assert after.readings["total_yield"] < before.readings["total_yield"]
    assert after.state.withheld == 0
    assert after.state.identity.serial == str(new.serial)
    assert "another device answers at this address" in caplog.text


@pytest.mark.parametrize("serial", [None, "configured"])
def test_another_device_is_noticed_without_a_failed_read_between(
    connect: Connect, sim: Simulator, simulate: Simulate, serial: str | None
) -> None:
    roof = connect(sim, serial=serial and str(sim.serial))
    roof.scrape()
    assert eventually(lambda: sim.sessions == 0)
    sim.stop()
    simulate(clock=lambda: NOON, port=sim.port, serial=3_001_234_567)

    shown = []
    for seconds in (5, PARAMETERS_EVERY + 1):
        roof.clock.advance(seconds)
        shown.append(roof.scrape())

    assert [each.result and each.result.reason for each in shown] == [serial and "identity"] * 2
    told = [each.state.identity.serial for each in shown]
    assert told == [str(sim.serial), str(sim.serial) if serial else "3001234567"]


def test_nothing_of_the_device_before_is_told_of_another(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    before = roof.scrape()

    def nameless(reply: Any) -> Any:
        return sending({SERIAL: 3_011_111_111, NAME: "", RATED: None})(reply)

    sim.faults.add(Fault(faults.mutate(nameless), path=PARAMETERS))
    for _ in range(2):
        roof.clock.advance(PARAMETERS_EVERY + 1)
        after = roof.scrape()

    assert before.state.identity.name == sim.name
    assert after.state.identity.serial == "3011111111"
    assert after.state.identity.name == ""
    assert "inverter_power_limit" in before.readings
    assert "inverter_power_limit" not in after.readings


def test_the_same_serial_number_with_less_is_not_believed(
    connect: Connect, simulate: Simulate, clock: Clock
) -> None:
    _, after, _ = swapped(connect, simulate, clock, serial=0)

    assert after.up
    assert "total_yield" not in after.readings
    assert after.state.withheld > 0


def test_the_delay_of_a_reset_comes_from_the_configuration(
    connect: Connect, sim: Simulator
) -> None:
    roof = connect(sim, counter_reset_delay=HOUR)
    roof.scrape()
    meter = iter(range(1000, 2000))

    def reset(reply: Any) -> Any:
        return sending({TOTAL: next(meter)})(reply)

    sim.faults.add(Fault(faults.mutate(reset), path=READ))
    shown = ["total_yield" in roof.scrape().readings]
    for minutes in (5, 54, 7):
        roof.clock.advance(minutes * 60)
        shown.append("total_yield" in roof.scrape().readings)

    assert shown == [True, False, False, True]


# --- states that no table has ---


def tags(*numbers: int) -> list[dict[str, int]]:
    return [{"tag": number} for number in numbers]


def test_an_unknown_state_is_remembered(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim)
    sim.faults.add(Fault(faults.mutate(sending({STATUS: tags(307, 99_999)})), path=READ, times=1))

    seen = roof.scrape()
    roof.clock.advance(5)
    gone = roof.scrape()

    assert seen.readings["status"] == (307, 99_999)
    assert gone.readings["status"] == (307,)
    assert gone.state.unknown_states["status"] == (99_999,)


@pytest.mark.parametrize("states", [20, 40])
def test_of_ever_new_states_the_present_one_is_shown_and_the_oldest_makes_room(states: int) -> None:
    roof = Asked()
    numbers = [90_000 + n for n in range(states)]

    for latest, number in enumerate(numbers):
        readings = roof.answers(ROOF, None, status=(number,))
        unknown = roof.evaluation.state.unknown_states
        (family,) = families([DeviceReadings("roof", readings, unknown)])
        shown = {sample.labels["sma_status"]: sample.value for sample in family.samples}

        assert {state for state, value in shown.items() if value} == {f"tag_{number}"}
        remembered = {state for state in shown if state.startswith("tag_")}
        assert remembered == {f"tag_{n}" for n in numbers[max(latest - 15, 0) : latest + 1]}


def test_a_state_that_comes_again_is_not_the_oldest_any_more() -> None:
    roof = Asked()
    for number in (*range(90_000, 90_016), 90_000, 90_016):
        roof.answers(ROOF, status=(number,))

    remembered = roof.evaluation.state.unknown_states["status"]
    assert remembered == (*range(90_002, 90_016), 90_000, 90_016)


def test_no_more_than_sixteen_are_shown_at_a_time() -> None:
    roof = Asked()
    roof.answers(ROOF, status=(307, 99_999))

    readings = roof.answers(ROOF, status=(*range(90_000, 90_100), 307))

    remembered = roof.evaluation.state.unknown_states["status"]
    assert readings["status"] == remembered == tuple(range(90_000, 90_016))


# --- custom sensors ---


def sensor(**keys: Any) -> config.CustomSensor:
    given = {
        "key": TOTAL,
        "metric": "sma_custom_energy_joules_total",
        "unit": "Wh",
        "type": "counter",
        "help": "Energy.",
        "labels": {"side": "ac"},
    }
    return config.CustomSensor(**given | keys)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        ({}, 1500 * 3600.0),
        ({"scale": 0.1}, 150 * 3600.0),
        ({"key": POWER, "unit": "kW", "type": "gauge"}, -2000.0),
        ({"key": "6380_40251E00", "unit": "W", "index": 1}, 20.0),
    ],
    ids=["unit", "scale", "negative", "index"],
)
def test_a_custom_sensor_is_read_in_its_base_unit(
    connect: Connect, sim: Simulator, keys: dict[str, Any], value: float
) -> None:
    def change(reply: Any) -> Any:
        inputs = {"6380_40251E00": {"1": [{"val": 10}, {"val": 20}]}}
        for result in sending({TOTAL: 1500, POWER: -2})(reply)["result"].values():
            result.update(inputs)
        return reply

    roof = connect(sim, sensors=(sensor(**keys),))
    sim.faults.add(Fault(faults.mutate(change), path=READ))

    assert roof.read().custom == (
        CustomReading(
            "sma_custom_energy_joules_total",
            keys.get("type", "counter"),
            "Energy.",
            {"side": "ac"},
            value,
        ),
    )


def test_a_custom_counter_never_falls(connect: Connect, sim: Simulator) -> None:
    roof = connect(sim, sensors=(sensor(),))
    shown = []
    for raw in (1500, 0, 1400, 1501):
        sim.faults.clear()
        sim.faults.add(Fault(faults.mutate(sending({TOTAL: raw})), path=READ))
        shown.append([row.value for row in roof.read_later(5).custom])

    assert shown == [[1500 * 3600.0], [], [], [1501 * 3600.0]]


def test_a_custom_parameter_is_read_with_the_others_and_kept(
    connect: Connect, sim: Simulator
) -> None:
    row = sensor(key="6800_00832A00", metric="sma_custom_rated_watts", unit="W", type="gauge")
    roof = connect(sim, sensors=(row,))

    shown = [[found.value for found in roof.read_later(5).custom] for _ in range(3)]

    assert shown == [[3680.0]] * 3
    assert calls(sim).count("getValues") == 1


@pytest.mark.parametrize(
    "keys",
    [{"key": "6400_0FFFFF00"}, {"index": 7}, {"key": STATUS}, {"key": POWER}],
    ids=["unknown-key", "index-beyond", "no-number", "null"],
)
def test_a_custom_sensor_without_a_value_gives_none(
    connect: Connect, sim: Simulator, keys: dict[str, Any]
) -> None:
    sim.faults.add(Fault(faults.mutate(sending({POWER: None})), path=READ))
    roof = connect(sim, sensors=(sensor(**keys),))

    outcome = roof.read()

    assert outcome.reason is None
    assert outcome.custom == ()
