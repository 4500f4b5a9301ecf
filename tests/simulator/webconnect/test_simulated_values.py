"""The values of simulated devices: their shapes, and how they fit together."""

import math
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support import simulated_webconnect
from support.devices import NOON
from support.simulated_webconnect import HOME, Connect, one, online, simulated, vals, values_of

from sma_exporter.simulator import MODELS, Plant, Simulator
from sma_exporter.simulator.plant import COMMISSIONED, UNITS
from sma_exporter.simulator.year import DAY, YEAR

connect = simulated_webconnect.connect

NIGHT = NOON + 10.5 * 3600
PV_MODELS = ("sb-1.5", "sb-3.6", "stp-10")
OK, OFF, NOT_AVAILABLE = ([{"tag": tag}] for tag in (307, 303, 16777213))


# Devices


@pytest.mark.parametrize(
    ("model", "uid", "classes", "keys", "parameters"),
    [
        ("sb-1.5", "012F", {None}, 89, 100),
        ("sb-3.6", "0199", {"1"}, 122, 110),
        ("stp-10", "017A", {"1"}, 123, 110),
        ("stp-10-se", "01B8", {"9", "1"}, 133, 105),
        ("sbs-3.7", "0156", {"7"}, 131, 99),
        ("emeter-20", "015D", {"65"}, 40, 63),
    ],
)
def test_the_shape_of_each_model(
    connect: Connect, model: str, uid: str, classes: set[str], keys: int, parameters: int
) -> None:
    client = connect(model, serial=3_001_234_567)
    ((found, values),) = client.ask("getAllOnlValues", sid=client.sid("istl"))["result"].items()
    assert found == f"{uid}-xxxxx{3_001_234_567 % 4096:03X}"
    shapes = {None if "val" in v or isinstance(v, list) else next(iter(v)) for v in values.values()}
    assert shapes == classes
    assert len(values) == keys
    told = client.result("getAllParamValues", right="istl")
    assert len(told) == parameters
    assert vals(told["6800_00A21E00"]) == [3_001_234_567]
    assert vals(told["6800_10821E00"]) == [client.simulator.name]
    assert vals(told["6800_08822B00"]) == [[{"tag": 461}]]
    assert vals(told["6800_08838D00"]) == [[{"tag": 9578}]]
    assert told["6800_10841E00"] in ({"0": [{"val": ""}]}, {"val": ""})


def test_old_and_new_shape_side_by_side() -> None:
    old: Any
    new: Any
    old, new = (
        next(iter(simulated(model).online_values()["result"].values()))
        for model in ("sb-1.5", "sb-3.6")
    )
    assert set(old["6100_40263F00"]) == {"val"}
    assert [set(string) for string in old["6380_40251E00"]] == [{"str", "val"}]
    assert old["6180_00522700"] == {"val": None, "min": 0, "max": 11000}
    assert new["6180_00522700"] == {"1": [{"low": 0, "high": 11000, "val": None}]}
    assert old["6180_08214800"] == {"val": OK}
    assert new["6180_08214800"] == {"1": [{"val": OK}]}


def test_the_uid_is_masked_or_not() -> None:
    own_model = replace(MODELS["sb-3.6"], susyid=0x019D, device_class=9)
    for device, uid in (
        (Simulator(serial=0xB2DBD245), "0199-xxxxx245"),
        (Simulator(serial=0xB2DBD245, masked=False), "0199-B2DBD245"),
        (Simulator(own_model, serial=0xABC), "019D-xxxxxABC"),
    ):
        assert list(device.online_values()["result"]) == [uid]


def test_type_and_firmware_parameters(connect: Connect) -> None:
    parameters = connect("stp-10-se").result("getAllParamValues")
    assert parameters["6800_08822000"] == {
        "9": [{"validVals": [19048, 19049, 19050, 19051], "val": [{"tag": 19051}]}]
    }
    assert vals(parameters["6800_00823400"]) == [0x03051D04]  # 3.5.29.R
    assert parameters["6800_000EA900"] == {"188": []}
    assert vals(parameters["6800_008AA200"]) == [Plant().meter_serial]


def test_devices_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="there is no model 'sb-99'"):
        Simulator("sb-99")
    with pytest.raises(ValueError, match="the plant has no unit 'stp-10'"):
        Simulator("stp-10", plant=Plant(units=(UNITS[0],)))
    with pytest.raises(ValueError, match="has a battery"):
        Simulator("stp-10-se", plant=HOME, battery=False)


@pytest.mark.parametrize("model", list(MODELS))
def test_same_model_seed_and_time_give_the_same(model: str) -> None:
    first, second, other = (simulated(model, plant=Plant(seed=seed)) for seed in (3, 3, 4))
    assert first.online_values("istl") == second.online_values("istl")
    assert first.online_values("istl") != other.online_values("istl")


# Inverters


@pytest.mark.parametrize("model", [*PV_MODELS, "stp-10-se"])
def test_the_sums_of_an_inverter(model: str) -> None:
    values = values_of(model, plant=HOME)
    first = {key: value[0] for key, value in values.items() if value}
    ac, dc = first["6100_40263F00"], sum(values["6380_40251E00"])
    assert first["6100_0046C200"] == pytest.approx(0.97 * dc, abs=2)
    phases = [first[f"6100_4046{n}00"] for n in ("40", "41", "42")]
    assert sum(power for power in phases if power is not None) == ac
    for power, volts, amperes in zip(
        values["6380_40251E00"], values["6380_40451F00"], values["6380_40452100"], strict=True
    ):
        assert power == pytest.approx(volts / 100 * amperes / 1000, abs=3)
    var = first["6100_40265F00" if model == "stp-10-se" else "6100_40665F00"]
    assert first["6100_40666700"] == pytest.approx(math.hypot(ac, var), abs=1)
    volts, amperes = first["6100_00464800"], first["6100_40465300"]
    assert volts / 100 * amperes / 1000 == pytest.approx(first["6100_40666800"], abs=2)
    assert 22_000 < volts < 24_000
    assert 4_990 < first["6100_00465700"] < 5_010
    if model == "stp-10-se":
        battery = first["6100_00496900"] - first["6100_00496A00"]
        assert ac == pytest.approx(0.97 * dc - battery - 10, abs=3)
        assert first["6100_00665900"] == 0
    else:
        assert ac == pytest.approx(0.97 * dc, abs=2)
        assert 900 < first["6100_00665900"] <= 1000


def test_line_voltages_go_with_the_phase_voltages() -> None:
    values = values_of("stp-10", plant=HOME)
    phases = [values[f"6100_0046{n}00"][0] for n in ("48", "49", "4A")]
    for n in ("4B", "4C", "4D"):
        line = values[f"6100_0046{n}00"][0]
        assert line == pytest.approx(math.sqrt(3) * sum(phases) / 3, rel=0.01)


@pytest.mark.parametrize("model", PV_MODELS)
def test_a_pv_inverter_at_night(model: str) -> None:
    day, night = (values_of(model, plant=HOME, now=now) for now in (NOON, NIGHT))
    assert set(night) == set(day)
    for key, values in night.items():
        if key[:4] in {"6100", "6380", "6102"}:
            assert set(values) == {None}
        if key.startswith("6400"):
            assert all(value >= before for value, before in zip(values, day[key], strict=True))
    assert night["6180_08214800"] == [OK]
    if model != "sb-1.5":
        assert day["6180_08412800"] == [[{"tag": 295}]]
        assert night["6180_08412800"] == [NOT_AVAILABLE]


def test_daily_yield_is_counted_from_local_midnight() -> None:
    midnight = datetime(2025, 6, 14, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    before, now = (values_of("sb-3.6", plant=HOME, now=time) for time in (midnight, NOON))
    assert before["6400_00262200"] == [0]
    today = now["6400_00260100"][0] - before["6400_00260100"][0]
    assert now["6400_00262200"] == [today]
    assert today > 0


COUNTERS = {
    "sb-1.5": [
        *("6400_00260100", "6400_00462E00", "6400_00462F00", "6400_00543A00"),
        *("6402_00618D00", "6402_00666F00"),
    ],
    "stp-10": ["6400_00260100", "6400_0046C300", "6400_00462E00", "6400_00618C00"],
    "stp-10-se": ["6400_00260100", "6400_0046C300", "6400_00496700", "6400_00496800"],
    "sbs-3.7": [
        *("6400_00260100", "6400_00499500", "6400_00499600", "6400_00462E00", "6402_00666F00")
    ],
    "emeter-20": ["6400_00462400", "6400_00462500"],
}


@pytest.mark.parametrize("model", list(COUNTERS))
def test_counters_only_grow(model: str) -> None:
    before = dict.fromkeys(COUNTERS[model], 0)
    # Minutes around the turn of the plant's year, then ever longer steps.
    wrap = COMMISSIONED - HOME.solar_offset + 2 * YEAR
    times = [wrap + minute * 60 for minute in range(-20, 20)]
    times += [wrap + 1200 + 1.2**step for step in range(100)]
    for time in [COMMISSIONED - DAY, *times]:
        values = values_of(model, plant=HOME, now=time)
        now = {key: values[key][0] for key in COUNTERS[model]}
        assert all(now[key] >= before[key] for key in now)
        before = now


def test_events_are_rare_and_a_roof_connects_every_morning() -> None:
    keys = ("6400_00618C00", "6402_00618D00", "6402_00666F00")
    for model, grown in (("sb-1.5", [20, 23, 120]), ("sbs-3.7", [20, 23, pytest.approx(6, abs=1)])):
        before, after = (values_of(model, plant=HOME, now=NOON + d * DAY) for d in (0, 120))
        assert [after[key][0] - before[key][0] for key in keys] == grown


# Optimizers


def test_optimizers_and_empty_slots(connect: Connect) -> None:
    client = connect("stp-10", plant=HOME)
    fitted, bare = online(client.simulator), values_of("sb-3.6", plant=HOME)
    powers, strengths = fitted["6100_40652A00"], fitted["6100_00652C00"]
    assert [power is None for power in powers] == [False] * 12 + [True] * 4
    assert sum(powers[:12]) == pytest.approx(fitted["6380_40251E00"][1], rel=0.05)
    assert all(40 < strength <= 100 for strength in strengths[:12])
    assert strengths[12:] == [None] * 4
    assert fitted["6180_08652600"] == [OK, OFF, OFF, OFF]
    assert bare["6180_08652600"] == [OFF] * 4
    assert (fitted["6180_08652500"], bare["6180_08652500"]) == ([OK], [OFF])

    serials = vals(client.result("getAllParamValues")["6800_10852600"])
    assert len(set(serials)) == 13
    assert serials[12:] == [""] * 4
    none = connect("sb-3.6").result("getAllParamValues")
    assert vals(none["6800_10852600"]) == [""] * 16


# Batteries


def test_battery_packs_that_are_not_fitted() -> None:
    values = values_of("sbs-3.7")
    for key in ("6100_00498F00", "6100_00495C00", "6400_00499500", "6100_40495D00"):
        assert values[key][0] is not None
        assert values[key][1:] == [None, None]
    assert values["6180_08414D00"] == [OK, NOT_AVAILABLE, NOT_AVAILABLE]


def test_a_battery_inverter_alone_has_a_roof_beside_it() -> None:
    values = values_of("sbs-3.7")
    assert values["6400_00496700"][0] > values["6400_00496800"][0] > 0
    assert values["6400_00260100"][0] > 0


@pytest.mark.parametrize("model", ["stp-10-se", "sbs-3.7"])
def test_a_battery_works_at_night(model: str) -> None:
    values = values_of(model, plant=HOME, now=NIGHT)
    assert values["6180_08495E00"] == [[{"tag": 2293}]]
    assert values["6100_00496900"] == [0]
    for key in ("6100_00496A00", "6100_40495D00", "6100_40263F00"):
        assert values[key][0] > 0
    assert values["6100_00464800"] != [None]


def test_a_hybrid_tells_its_battery_what_to_do() -> None:
    told = {2292: 2289, 2293: 2290}  # charging: charge, discharging: discharge
    seen = set()
    for half_hour in range(48):
        values = values_of("stp-10-se", plant=HOME, now=NOON + half_hour * 1800)
        mode, command = (values[key][0][0]["tag"] for key in ("6180_08495E00", "6182_08498A00"))
        assert command == told.get(mode, 303)
        assert values["6102_00493700"][0] >= abs(values["6100_40495D00"][0])
        seen.add(mode)
    assert seen >= set(told)


def test_a_hybrid_without_a_battery() -> None:
    values = values_of("stp-10-se", now=NIGHT, battery=False)
    for key in (
        *("6100_00295A00", "6100_00495C00", "6100_40495D00", "6100_00496900", "6400_00496700"),
        "6100_40263F00",
    ):
        assert values[key] == [0]
    assert values["6180_08495E00"] == values["6180_08414D00"] == [OFF]
    assert values["6100_00464800"] != [None]


# Meters


@pytest.mark.parametrize("now", [NOON, NIGHT, NOON + 6 * 3600, NOON + 183 * DAY])
def test_the_meter_flows_one_way(now: float) -> None:
    values = values_of("emeter-20", plant=HOME, now=now)
    fed, drawn = values["6100_40463600"][0], values["6100_40463700"][0]
    assert 0 in (fed, drawn)
    feeds = sum(values[f"6100_0046{n}00"][0] for n in ("E8", "E9", "EA"))
    draws = sum(values[f"6100_0046{n}00"][0] for n in ("EB", "EC", "ED"))
    assert feeds - draws == pytest.approx(fed - drawn, abs=3)
    assert values["6400_00462400"] == values["6400_00469100"]


def test_devices_of_a_plant_share_the_meter(connect: Connect) -> None:
    clients = [connect(model, plant=HOME) for model in ("stp-10", "stp-10-se")]
    for key in ("6100_40463600", "6100_40463700", "6400_00462400", "6400_00462500"):
        assert len({one(client.simulator, key) for client in clients}) == 1
    for client in clients:
        serial = client.result("getAllParamValues")["6800_008AA200"]
        assert vals(serial) == [HOME.meter_serial] != [Plant(seed=4).meter_serial]


def test_without_a_meter(connect: Connect) -> None:
    client = connect("sb-3.6", meter=False)
    values = online(client.simulator)
    for key in ("6100_40463600", "6100_40463700", "6400_00462400", "6100_0046E500"):
        assert values[key] == [None]
    assert values["6180_084AAA00"] == [[{"tag": 1719}]]
    assert vals(client.result("getAllParamValues")["6800_008AA300"]) == [None]
