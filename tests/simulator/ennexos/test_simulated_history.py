"""The history of simulated devices with ennexOS, over real HTTP."""

import math
from datetime import datetime

import pytest
from support import simulated_ennexos
from support.devices import NOON
from support.simulated_ennexos import PLANT, Meet
from support.simulated_webconnect import SetClock, vals

from sma_exporter.simulator import Plant, Simulator
from sma_exporter.simulator.plant import KNOWN_UNITS

meet = simulated_ennexos.meet

TODAY = ("2025-06-13T22:00:00Z", "2025-06-14T22:00:00Z")  # in Berlin
TOTAL = "Metering.TotWhOut"


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("resolution", "step"), [("FiveMinutes", 300), ("FifteenMinutes", 900), ("OneHour", 3600)]
)
def test_times_are_the_ends_of_intervals_and_none_is_in_the_future(
    meet: Meet, resolution: str, step: int
) -> None:
    client = meet("stp-x-15", now=NOON + 200)
    (found,) = client.history(TOTAL, resolution, *TODAY).json()
    times = [unix(each["time"]) for each in found["values"]]
    assert times[0] == unix(TODAY[0]) + step
    assert times == [times[0] + step * n for n in range(len(times))]
    assert times[-1] == (NOON + 200) // step * step
    assert found["values"][0]["time"].endswith("00Z")
    assert found["channelId"] == f"Measurement.{TOTAL}"
    numbers = [each["value"] for each in found["values"]]
    assert (found["min"], found["max"]) == (min(numbers), max(numbers))


def test_the_running_day_bears_its_end_which_is_in_the_future(meet: Meet) -> None:
    client = meet("stp-x-15")
    (found,) = client.history(TOTAL, "OneDay", "2025-06-11T22:00:00Z", TODAY[1]).json()
    times = [each["time"] for each in found["values"]]
    assert times == [f"2025-06-{day}T22:00:00Z" for day in (12, 13, 14)]
    (quarters,) = client.history(TOTAL, "FifteenMinutes", *TODAY).json()
    so_far = sum(each["value"] for each in quarters["values"])
    assert found["values"][-1]["value"] == pytest.approx(so_far)
    assert client.values()["Metering.DyWhOut"] == pytest.approx(so_far)


def test_a_local_day_ends_where_the_time_zone_says(meet: Meet) -> None:
    client = meet("stp-x-15")
    (found,) = client.history(TOTAL, "OneDay", "2025-03-28T23:00:00Z", "2025-04-01T00:00Z").json()
    assert [each["time"][5:13] for each in found["values"]] == ["03-29T23", "03-30T22", "03-31T22"]


@pytest.mark.parametrize("channel", [TOTAL, "PvGen.PvWh", "Metering.TotWhOut.Pv"])
@pytest.mark.parametrize("resolution", ["FifteenMinutes", "OneHour", "OneDay"])
def test_differences_add_up_to_what_the_counter_rose(
    meet: Meet, channel: str, resolution: str
) -> None:
    begin, end = "2025-06-09T22:00:00Z", "2025-06-12T22:00:00Z"
    client = meet("stp-x-15")
    (found,) = client.history(channel, resolution, begin, end).json()
    counts = []
    for text in (begin, end):
        client.clock.now = unix(text)
        counts.append(client.values()[channel])
    rise = math.fsum(each["value"] for each in found["values"])
    assert rise == pytest.approx(counts[1] - counts[0], abs=0.01)
    assert rise > 30_000


@pytest.mark.parametrize("component", [PLANT])
def test_whole_counters_add_up_exactly(meet: Meet, component: str) -> None:
    begin, end = "2025-06-09T22:00:00Z", "2025-06-12T22:00:00Z"
    client = meet("evc-22")
    for channel in ("Metering.PCCMs.PlntCsmpWh", "Metering.GridMs.TotWhIn.ChaSta"):
        client.clock.now = NOON
        reply = client.history(channel, "FifteenMinutes", begin, end, component=component)
        counts = []
        for text in (begin, end):
            client.clock.now = unix(text)
            counts.append(client.values(component)[channel])
        assert sum(each["value"] for each in reply.json()[0]["values"]) == counts[1] - counts[0]


def test_averages_of_power_make_the_energy(meet: Meet) -> None:
    client = meet("stp-x-15")
    options = {"begin": "2025-06-11T22:00:00Z", "end": "2025-06-12T22:00:00Z"}
    (energy,) = client.history(TOTAL, "OneDay", **options).json()
    for resolution, hours in (("FiveMinutes", 1 / 12), ("OneHour", 1), ("OneDay", 24)):
        (power,) = client.history("GridMs.TotW", resolution, aggregate="Avg", **options).json()
        made = sum(each["value"] for each in power["values"]) * hours
        assert made == pytest.approx(energy["values"][0]["value"], rel=0.002)


def test_the_history_is_that_of_a_device_with_webconnect_in_the_same_plant(meet: Meet) -> None:
    """The meter is one, whoever reads it."""
    units = tuple(unit for unit in KNOWN_UNITS if unit.name in ("stp-x-15", "sb-3.6"))
    plant = Plant(units=units)
    client = meet("stp-x-15", plant=plant)
    begin, end = "2025-06-09T22:00:00Z", "2025-06-12T22:00:00Z"
    (found,) = client.history("Metering.PCCMs.PlntWh", "OneDay", begin, end, component=PLANT).json()
    totals = []
    clock = SetClock(0)
    boy = Simulator("sb-3.6", plant=plant, clock=clock)
    for text in (begin, end):
        clock.now = unix(text)
        ((_, values),) = boy.online_values()["result"].items()
        totals += vals(values["6400_00462400"])
    assert sum(each["value"] for each in found["values"]) == pytest.approx(
        totals[1] - totals[0], abs=2
    )


def test_values_may_be_missing_at_night(meet: Meet) -> None:
    client = meet("stp-x-15")
    client.switch(night_gaps=True)
    (found,) = client.history("GridMs.TotW", "OneHour", *TODAY, aggregate="Avg").json()
    without = [each for each in found["values"] if "value" not in each]
    assert 3 <= len(without) < len(found["values"])
    assert all(set(each) == {"time"} for each in without)


def test_a_channel_without_history_is_missing(meet: Meet) -> None:
    client = meet("stp-x-15")
    for channel in ("No.Such", "Operation.Health", "GridMs.TotPFExt", "DcMs.Watt[]"):
        assert client.history(channel, "OneDay", *TODAY).json() == []
    client.login("owner")
    assert client.history("Operation.EvtCntIstl", "OneDay", *TODAY).json() == []


def test_nothing_is_kept_from_before_the_commissioning_or_from_the_future(meet: Meet) -> None:
    client = meet("stp-x-15")
    (old,) = client.history(TOTAL, "OneDay", "2013-12-01T23:00:00Z", "2014-01-04T23:00:00Z").json()
    assert [each["time"][:10] for each in old["values"]] == [
        "2014-01-02",
        "2014-01-03",
        "2014-01-04",
    ]
    (none,) = client.history(TOTAL, "OneDay", "2026-01-01T23:00:00Z", "2026-01-04T23:00:00Z").json()
    assert none["values"] == []


@pytest.mark.parametrize(
    ("resolution", "begin", "aggregate"),
    [
        ("OneCentury", TODAY[0], "Dif"),
        ("OneDay", "yesterday", "Dif"),
        ("OneDay", "2025-06-13T22:00:00", "Dif"),
        ("OneDay", TODAY[0], "Most"),
    ],
)
def test_a_query_that_cannot_be_answered_is_400(
    meet: Meet, resolution: str, begin: str, aggregate: str
) -> None:
    client = meet("stp-x-15")
    reply = client.history(TOTAL, resolution, begin, TODAY[1], aggregate=aggregate)
    assert reply.status_code == 400


def test_time_zones_that_nobody_knows_are_taken_for_the_devices(meet: Meet) -> None:
    client = meet("stp-x-15")
    item = {"componentId": "IGULD:SELF", "channelId": f"Measurement.{TOTAL}"}
    for zone, hour in (("Nowhere/At all", "T22"), ("UTC", "T00")):
        query = {**item, "resolution": "OneDay", "timezone": zone, "aggregate": "Dif"}
        body = {
            "queryItems": [query],
            "dateTimeBegin": "2025-06-10T22:00:00Z",
            "dateTimeEnd": "2025-06-12T22:00:00Z",
        }
        (found,) = client.request("POST", "measurements/search", json=body).json()
        assert {each["time"][10:13] for each in found["values"]} == {hour}
