"""What ennexOS has stored: counters added up back from now, against what the simulated device said then."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.backfills import Pauses, at, samples, wanted
from support.devices import NOON
from support.ennexos_fakes import PASSWORD, PLANT, SELF, USER, EnnexosFake, row
from support.raw_devices import Call, reply
from support.simulated_webconnect import SetClock

from sma_exporter import backfill, config
from sma_exporter.ennexos import EnnexOS, make_session
from sma_exporter.ennexos.history import EnnexOSHistory
from sma_exporter.simulator import EnnexosSimulator, Switches, faults
from sma_exporter.simulator.faults import Fault
from sma_exporter.sma.exceptions import SmaConnectionException, SmaReadException
from sma_exporter.sma.history import DAY, FIVE_MINUTES, HistoryError, HistorySeries, Stopped

SEARCH = "measurements/search"
NAMES = {DAY: "OneDay", FIVE_MINUTES: "FiveMinutes"}


@dataclass
class Kept:
    """The history of a simulated device, and what it counted at any time."""

    simulator: EnnexosSimulator
    history: EnnexOSHistory
    clock: SetClock
    component: str

    def series(self, sensor: str, every: int) -> HistorySeries:
        """The series of a sensor that the device keeps."""
        (found,) = (
            each
            for each in self.history.series
            if (each.sensor, each.every) == (sensor, every)
            if not self.history.probe(each, self.clock.now).why_not
        )
        return found

    def truth(self, key: str, moment: float) -> float:
        """What the counter of a series said at a time, in its base unit."""
        now, self.clock.now = self.clock.now, moment
        channel = key.split(" ", maxsplit=1)[0]
        rows = [*self.simulator.channels(self.component), *self.simulator.channels(PLANT)]
        self.clock.now = now
        entries: Any = next(each["values"] for each in rows if each["channelId"] == channel)
        return float(entries[0]["value"]) * 3600


Open = Callable[..., Kept]


@pytest.fixture
def kept() -> Iterator[Open]:
    """Start a device and describe its history."""
    opened: list[Any] = []

    def start(
        model: str = "stp-x-15", component: str = SELF, now: float = NOON, **options: Any
    ) -> Kept:
        clock = SetClock(now)
        given = {"switches": Switches(plain_http="serve")} | options
        simulator = EnnexosSimulator(model, clock=clock, **given)
        simulator.start()
        session = make_session()
        opened.extend((session, simulator))
        client = EnnexOS(session, simulator.url, USER, PASSWORD)
        zone = "Europe/Berlin"
        history = EnnexOSHistory(client, component, "roof", zone, Pauses(), clock)
        history.describe()
        return Kept(simulator, history, clock, component)

    yield start
    for session, simulator in zip(opened[::2], opened[1::2], strict=True):
        session.close()
        simulator.stop()


@pytest.mark.parametrize(("every", "tolerance"), [(DAY, 10), (FIVE_MINUTES, 200)])
def test_the_readings_of_the_past_are_what_the_counter_said_then(
    kept: Open, every: int, tolerance: float
) -> None:
    """But for a few Wh: each gain is rounded."""
    device = kept(now=NOON + 130)
    series = device.series("total_yield", every)
    start = at("2025-06-12T00:00")
    end = at("2025-06-14T00:00") if every == DAY else at("2025-06-12T13:00")

    entries = device.history.entries(series, start, end)

    assert len(entries) == (2 if every == DAY else 156)
    assert [stamp % 300 for stamp, _ in entries] == [0] * len(entries)
    for stamp, value in entries:
        assert value == pytest.approx(device.truth(series.key, stamp), abs=tolerance)


@pytest.mark.parametrize("every", [DAY, FIVE_MINUTES])
@pytest.mark.parametrize("seconds", [0, 1, 150, 299])
def test_a_series_ends_below_the_live_one(kept: Open, every: int, seconds: int) -> None:
    """A fall, however small, would be taken for a counter that began anew."""
    device = kept(now=NOON + seconds)
    series = device.series("total_yield", every)
    start = at("2025-06-13T00:00") if every == DAY else at("2025-06-14T08:00")
    end = int(device.clock.now)

    stamp, value = device.history.entries(series, start, end)[-1]

    now = device.truth(series.key, device.clock.now)
    assert value <= device.truth(series.key, stamp) + 1
    assert now - value < 15_000 * 3600 * (0.5 if every == FIVE_MINUTES else 9)


def test_the_running_day_is_no_entry(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", DAY)
    entries = device.history.entries(series, at("2025-06-11T00:00"), int(NOON))
    assert [stamp for stamp, _ in entries] == [at(f"2025-06-{day}T00:00") for day in (12, 13, 14)]


@pytest.mark.parametrize(
    ("first", "days"),
    [("2025-03-29", (30, 31)), ("2024-10-26", (27, 28))],
    ids=["spring", "autumn"],
)
def test_days_end_at_local_midnight_when_clocks_change(
    kept: Open, first: str, days: tuple[int, int]
) -> None:
    device = kept()
    series = device.series("total_yield", DAY)
    month = first[:8]
    start = at(f"{first}T00:00")

    entries = device.history.entries(series, start - 3600, at(f"{month}{days[1]}T00:00"))

    assert [stamp for stamp, _ in entries] == [start, *(at(f"{month}{day}T00:00") for day in days)]
    for stamp, value in entries:
        assert value == pytest.approx(device.truth(series.key, stamp), abs=10)


def test_pieces_add_up_and_only_the_first_looks_at_what_came_since(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", FIVE_MINUTES)
    start, middle, end = (at(f"2025-06-13T{hour}:00") for hour in ("09", "11", "13"))
    device.history.entries(series, start, middle)
    device.simulator.reset_counts()

    entries = device.history.entries(series, middle, end)

    assert [path for _, path in device.simulator.requests] == [f"/api/v1/{SEARCH}"] * 2
    assert entries[0][0] == middle + 300
    for stamp, value in entries:
        assert value == pytest.approx(device.truth(series.key, stamp), abs=200)


@pytest.mark.parametrize("sensor", ["total_yield", "metering_total_absorbed"])
def test_what_came_in_a_gap_stands_at_the_end_of_its_day(kept: Open, sensor: str) -> None:
    device = kept(switches=Switches(plain_http="serve", night_gaps=True))
    series = device.series(sensor, FIVE_MINUTES)
    noon: list[float] = []
    for day in (11, 12, 13):
        start, end = at(f"2025-06-{day}T00:00"), at(f"2025-06-{day + 1}T00:00")
        entries = device.history.entries(series, start, end)
        assert 100 < len(entries) < 288
        values = [value for _, value in entries]
        assert values == sorted(values)
        assert not noon or values[0] >= noon[-1]
        noon.append(dict(entries)[start + DAY // 2])
        morning = device.truth(series.key, entries[0][0] - 300) - device.truth(series.key, start)
        truth = device.truth(series.key, start + DAY // 2) - morning
        assert noon[-1] == pytest.approx(truth, abs=200)


def test_a_counter_that_began_anew_is_below_zero_before(kept: Open) -> None:
    """Then `backfill` leaves it out."""
    reset = float(at("2025-06-13T00:00"))
    device = kept(switches=Switches(plain_http="serve", counters_from=reset))
    series = device.series("total_yield", DAY)
    entries = device.history.entries(series, at("2025-06-11T00:00"), int(NOON))
    for stamp, value in entries[1:]:
        assert value == pytest.approx(device.truth(series.key, stamp), abs=10)


@pytest.mark.parametrize(
    ("model", "component", "sensors"),
    [
        ("stp-x-15", SELF, {"total_yield", "pv_gen_meter"}),
        ("evc-22", SELF, {"charging_total", "metering_total_absorbed", "metering_total_yield"}),
        ("data-manager", "meter", {"metering_total_absorbed", "metering_total_yield"}),
    ],
)
def test_what_has_a_history(kept: Open, model: str, component: str, sensors: set[str]) -> None:
    if component == "meter":
        simulator = EnnexosSimulator(model)
        listed = simulator._device.profile.devices(simulator._device.view()) or []
        component = str(listed[2]["deviceId"])
    device = kept(model, component)
    found = [
        each
        for each in device.history.series
        if each.every == DAY and not device.history.probe(each, NOON).why_not
    ]
    assert sensors <= {each.sensor for each in found}
    assert len({each.sensor for each in found}) == len(found)  # one channel for each


def test_every_series_has_a_key_of_its_own() -> None:
    keys = [each.key for each in EnnexOSHistory.series]
    assert len(set(keys)) == len(keys)
    assert {each.sensor for each in EnnexOSHistory.series} >= {"charging_total", "total_absorbed"}
    grid = [each for each in EnnexOSHistory.series if "Metering.GridMs.TotWhIn " in each.key]
    assert {each.sensor for each in grid} == {"metering_total_absorbed", "charging_total"}


def test_what_the_device_does_not_keep_is_said(kept: Open) -> None:
    device = kept()
    battery = next(each for each in device.history.series if each.sensor == "battery_charge_total")
    assert "no such channel" in device.history.probe(battery, NOON).why_not
    device.simulator.faults.add(Fault(faults.status(404), path=SEARCH))
    total = next(each for each in device.history.series if each.sensor == "total_yield")
    assert device.history.probe(total, NOON).why_not == "not kept"


def test_the_newest_entry_and_the_interval_of_a_series(kept: Open) -> None:
    device = kept(now=NOON + 100)
    five, day = (device.series("total_yield", every) for every in (FIVE_MINUTES, DAY))
    assert device.history.probe(five, NOON + 100).last == NOON
    assert device.history.probe(day, NOON + 100).last == at("2025-06-14T00:00")
    assert device.history.probe(day, NOON + 100).every == DAY


# --- failures ---


def test_a_request_that_fails_is_repeated(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", DAY)
    device.simulator.faults.add(Fault(faults.status(500), path=SEARCH, times=3))
    entries = device.history.entries(series, at("2025-06-12T00:00"), int(NOON))
    assert len(entries) == 2
    pauses = device.history._wait
    assert isinstance(pauses, Pauses)
    assert pauses.seconds == [5.0, 10.0, 20.0]


def test_in_the_end_a_failure_is_one(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", DAY)
    device.simulator.faults.add(Fault(faults.status(500), path=SEARCH))
    with pytest.raises(SmaReadException):
        device.history.entries(series, at("2025-06-12T00:00"), int(NOON))


def test_the_user_may_stop_between_two_requests(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", FIVE_MINUTES)
    device.history._wait = Pauses(calls=2)
    with pytest.raises(Stopped):
        device.history.entries(series, at("2025-06-01T00:00"), int(NOON))


@pytest.fixture
def fake() -> Iterator[EnnexosFake]:
    with EnnexosFake(row("Metering.TotWhOut", 1000)) as device:
        yield device


def of_fake(fake: EnnexosFake) -> tuple[EnnexOSHistory, HistorySeries]:
    client = EnnexOS(make_session(), fake.url, USER, PASSWORD)
    history = EnnexOSHistory(client, SELF, "roof", "Europe/Berlin", Pauses(), lambda: NOON)
    history.describe()
    return history, next(each for each in history.series if each.sensor == "total_yield")


def gains(*values: tuple[object, object]) -> Callable[[Call], bytes]:
    entries = [{"time": time, "value": value} for time, value in values]
    return lambda _: reply([{"channelId": "x", "componentId": SELF, "values": entries}])


def test_each_request_begins_and_ends_with_an_interval(fake: EnnexosFake) -> None:
    """For a device counts the intervals from where a request begins."""
    fake.answers[SEARCH] = gains()
    history, day = of_fake(fake)
    five = next(s for s in history.series if s.key == day.key.replace("OneDay", "FiveMinutes"))
    history.probe(day, NOON + 7)
    history.probe(five, NOON + 7)
    history.entries(day, at("2025-06-11T23:00"), at("2025-06-13T01:00"))
    history.entries(five, at("2025-06-12T10:01"), at("2025-06-12T10:58"))
    spans = {
        item["queryItems"][0]["resolution"]: set()  # type: ignore[var-annotated]
        for item in fake.bodies(SEARCH)
    }
    for body in fake.bodies(SEARCH):
        (item,) = body["queryItems"]
        assert item["aggregate"] == "Dif"
        assert item["timezone"] == "Europe/Berlin"
        assert item["channelId"] == "Measurement.Metering.TotWhOut"
        spans[item["resolution"]] |= {body["dateTimeBegin"], body["dateTimeEnd"]}
    assert {each[10:] for each in spans["OneDay"]} == {"T22:00:00.000Z"}
    assert {int(each[14:16]) % 5 for each in spans["FiveMinutes"]} == {0}


def test_odd_entries_are_left_out(fake: EnnexosFake) -> None:
    fake.answers[SEARCH] = gains(
        ("2025-06-10T22:00:00Z", 3),
        ("2025-06-12T22:00:00Z", 5),
        ("2025-06-12T22:00:00Z", 7),
        ("2025-06-13T22:00:00Z", "NaN"),
        ("soon", 5),
        (None, 5),
        ("2025-06-13T22:00:00.000Z", 10**400),
        ("2025-06-11T22:00:00Z", 1),
        ("9999-12-31T22:00:00Z", 1),
    )
    history, series = of_fake(fake)
    entries = history.entries(series, at("2025-06-11T00:00"), int(NOON))
    assert [stamp for stamp, _ in entries] == [at("2025-06-12T00:00"), at("2025-06-13T00:00")]
    assert entries[1][1] - entries[0][1] == 7 * 3600


@pytest.mark.parametrize("body", [[], [{}], [{"values": 5}], [{"values": [5, None, []]}]], ids=str)
def test_a_reply_without_entries_is_an_empty_history(fake: EnnexosFake, body: Any) -> None:
    fake.answers[SEARCH] = lambda _: reply(body)
    history, series = of_fake(fake)
    assert history.entries(series, at("2025-06-11T00:00"), int(NOON)) == []


def test_five_minutes_without_days_are_no_readings(fake: EnnexosFake) -> None:
    """What came since cannot be taken off the present reading."""
    given = gains(("2025-06-12T10:05:00Z", 5))
    fake.answers[SEARCH] = lambda call: given(call) if b"FiveMinutes" in call.body else reply([])
    history, day = of_fake(fake)
    five = next(s for s in history.series if s.key == day.key.replace("OneDay", "FiveMinutes"))
    with pytest.raises(HistoryError, match="keeps no days"):
        history.entries(five, at("2025-06-12T00:00"), at("2025-06-13T00:00"))


def test_gains_that_are_rounded_up_make_no_fall_at_midnight(fake: EnnexosFake) -> None:
    days = gains(("2025-06-11T22:00:00Z", 5), ("2025-06-12T22:00:00Z", 5))
    pieces = {
        "2025-06-10T22": gains(("2025-06-11T10:00:00Z", 7)),
        "2025-06-11T22": gains(("2025-06-12T01:00:00Z", 0), ("2025-06-12T10:00:00Z", 1)),
    }

    def answer(call: Call) -> bytes:
        is_day = b"OneDay" in call.body
        return days(call) if is_day else pieces[call.payload["dateTimeBegin"][:13]](call)

    fake.answers[SEARCH] = answer
    history, day = of_fake(fake)
    five = next(s for s in history.series if s.key == day.key.replace("OneDay", "FiveMinutes"))
    values = [
        value / 3600
        for first in (11, 12)
        for _, value in history.entries(
            five, at(f"2025-06-{first}T00:00"), at(f"2025-06-{first + 1}T00:00")
        )
    ]
    assert values == [997, 997, 998]


def test_a_counter_that_says_nothing_any_more_ends_the_history(fake: EnnexosFake) -> None:
    fake.answers[SEARCH] = gains(("2025-06-12T22:00:00Z", 5))
    history, series = of_fake(fake)
    fake.rows = [row("Metering.TotWhOut", "NaN")]
    with pytest.raises(HistoryError, match=r"Metering\.TotWhOut"):
        history.entries(series, at("2025-06-11T00:00"), int(NOON))


def test_a_user_who_may_not_see_the_parameters_has_a_history(fake: EnnexosFake) -> None:
    fake.answers["parameters/search"] = lambda _: reply(b"", 403)
    fake.answers[SEARCH] = gains(("2025-06-12T22:00:00Z", 5))
    history, series = of_fake(fake)
    assert history.describe().rated is None
    assert history.probe(series, NOON).last == at("2025-06-13T00:00")


# --- the command ---


def test_a_backfill_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    def copied(path: Path, last: str, *, resume: bool = False) -> str:
        order = wanted("2025-06-01", last, "1d", "Europe/Berlin")
        with closing(backfill.output(path, resume=resume)) as output, make_session() as session:
            client = EnnexOS(session, simulator.url, USER, PASSWORD)
            source = EnnexOSHistory(
                client, SELF, "roof", "Europe/Berlin", stop[0], clock=lambda: NOON
            )
            settings = config.DeviceSettings(name="roof", url=simulator.url)
            backfill.backfill(source, settings, order, output, now=NOON)
        return path.read_text("utf-8")

    switches = Switches(plain_http="serve")
    with EnnexosSimulator("stp-x-15", clock=lambda: NOON, switches=switches) as simulator:
        stop = [Pauses()]
        whole = copied(tmp_path / "whole.om", "2025-06-12")
        stop[0] = Pauses(calls=12)
        with pytest.raises(Stopped):
            copied(tmp_path / "parts.om", "2025-06-12")
        stop[0] = Pauses()
        resumed = copied(tmp_path / "parts.om", "2025-06-12", resume=True)

    found, expected = samples(resumed), samples(whole)
    assert [(each.series, each.stamp) for each in found] == [
        (each.series, each.stamp) for each in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.value == pytest.approx(other.value, abs=100)
    assert {each.series.partition("{")[0] for each in found} == {
        "sma_yield_joules_total",
        "sma_pv_generation_joules_total",
        "sma_meter_export_joules_total",
        "sma_meter_import_joules_total",
    }
    values = [each.value for each in samples(whole, "sma_yield_joules_total")]
    assert len(values) == 13
    assert values == sorted(values)


def test_a_device_that_is_gone_is_a_failure(kept: Open) -> None:
    device = kept()
    series = device.series("total_yield", DAY)
    device.simulator.stop()
    with pytest.raises(SmaConnectionException):
        device.history.entries(series, at("2025-06-12T00:00"), int(NOON))
