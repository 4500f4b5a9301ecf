"""The values of simulated devices with ennexOS: their shapes, and how they fit together."""

import csv
import math
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import simulated_ennexos
from support.devices import NOON
from support.simulated_ennexos import PLANT, SELF, Meet
from support.simulated_webconnect import SetClock, online

from sma_exporter.simulator import (
    ENNEXOS_MODELS,
    EnnexosSimulator,
    Plant,
    Simulator,
    Switches,
    simulated,
)
from sma_exporter.simulator.plant import KNOWN_CHARGERS, KNOWN_UNITS

meet = simulated_ennexos.meet

NIGHT = NOON + 12 * 3600
HOUR, DAY = 3600, 86_400
TOTAL, PV_TOTAL = "Metering.TotWhOut", "PvGen.PvWh"


def home(*names: str, **options: Any) -> Plant:
    units = tuple(unit for unit in KNOWN_UNITS if unit.name in names)
    chargers = tuple(charger for charger in KNOWN_CHARGERS if charger.name in names)
    return Plant(units=units, chargers=chargers, **options)


# Shapes


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
def test_channels_are_those_that_are_known_of_ennexos(shared: Path, model: str) -> None:
    with (shared / "domain" / "ennexos_channels.csv").open(encoding="utf-8") as file:
        known = {row["channel"] for row in csv.DictReader(file)}
    simulator = EnnexosSimulator(model, switches=Switches(wifi=True))
    components = [SELF, PLANT, *(device["deviceId"] for device in listed(simulator))]
    sent = {each["channelId"] for name in components for each in simulator.channels(str(name))}
    assert sent - known == set()


def listed(simulator: EnnexosSimulator) -> list[dict[str, Any]]:
    with simulator:
        client = simulated_ennexos.EnnexosClient(simulator, SetClock(0), SetClock(0))
        simulator.switches = Switches(plain_http="serve", wifi=True)
        with client.session:
            client.login()
            found: list[dict[str, Any]] = client.request("GET", "plants/Plant:1/devices").json()
    return found


@pytest.mark.parametrize(
    ("model", "itself", "plant"),
    [
        ("stp-x-15", 89, 30),
        ("sb-smart-energy", 89, 32),
        ("data-manager", 4, 34),
        ("evc-22", 28, 24),
    ],
)
def test_how_many_channels_each_model_sends(
    meet: Meet, model: str, itself: int, plant: int
) -> None:
    client = meet(model)
    client.switch(wifi=True)
    assert (len(client.entries(SELF)), len(client.entries(PLANT))) == (itself, plant)


def test_scalars_and_arrays(meet: Meet) -> None:
    client = meet("stp-x-15", now=NOON + 0.375)
    entries = client.entries()
    for name, (entry,) in entries.items():
        assert set(entry) <= {"time", "values" if name.endswith("[]") else "value"}
    assert [len(entries[f"DcMs.{name}[]"][0]["values"]) for name in ("Watt", "Vol", "Amp")] == [
        3
    ] * 3
    assert len(entries["Coolsys.Inverter.TmpVal[]"][0]["values"]) == 3
    hybrid = meet("sb-smart-energy").values()
    assert len(hybrid["DcMs.TotDcEnCntWh[]"]) == 6
    assert hybrid["DcMs.Watt[]"][2] == "NaN"
    assert len(hybrid["Bat.Vol[]"]) == len(hybrid["Coolsys.Inverter.TmpVal[]"]) == 1


def test_integers_and_floats_are_mixed(meet: Meet) -> None:
    values = meet("stp-x-15").values()
    assert isinstance(values["GridMs.TotW"], float)
    assert values["GridMs.TotW"] == math.fsum([values["GridMs.TotW"]])
    assert len(repr(values[TOTAL]).replace(".", "")) >= 15
    assert isinstance(values["Operation.HealthStt.Wrn"], int)
    charger = meet("evc-22")
    text = charger.live({"componentId": PLANT}, {"componentId": SELF}).text
    assert re.search(r'"value":\d+\.\d{13,}', text), "no rounding error in any number"
    assert re.search(r'"value":\d+[,}]', text)


def test_tags_are_numbers_and_no_information_is_a_float(meet: Meet) -> None:
    client = meet("stp-x-15")
    values = client.values()
    assert (values["Operation.Health"], values["Operation.Evt.Msg"]) == (307, 302)
    assert '"value":16777213.0' in client.live().text
    assert values["Operation.RstrLokStt"] == 16_777_213


def test_the_times_of_states_are_older_than_those_of_measurements(meet: Meet) -> None:
    client = meet("stp-x-15", now=NOON + 0.375)
    times = {name: entry["time"] for name, (entry,) in client.entries().items()}
    assert times["GridMs.TotW"] == times["DcMs.Amp[]"] == "2025-06-14T11:00:00.375Z"
    now = datetime.fromisoformat(times["GridMs.TotW"])
    assert now - datetime.fromisoformat(times["Operation.Health"]) > timedelta(days=2)
    morning = datetime.fromisoformat(times["Setpoint.PlantControl.Inverter.HzLimRed"])
    assert timedelta(hours=6) < now - morning < timedelta(hours=12)
    client.clock.now += 1
    later = {name: entry["time"] for name, (entry,) in client.entries().items()}
    assert later["Operation.Health"] == times["Operation.Health"]
    assert later["GridMs.TotW"] == "2025-06-14T11:00:01.375Z"


def test_some_devices_send_times_without_milliseconds_or_a_little_apart(meet: Meet) -> None:
    hybrid = meet("sb-smart-energy", now=NOON + 0.375).entries()
    assert hybrid["GridMs.TotW"][0]["time"] == "2025-06-14T11:00:00Z"
    charger = meet("evc-22").entries()
    times = {charger[f"GridMs.PhV.phs{phase}"][0]["time"] for phase in "ABC"}
    assert len(times) == 3
    assert min(times) > "2025-06-14T10:59:55"


def test_entries_without_a_value(meet: Meet) -> None:
    charger = meet("evc-22").entries()
    assert charger["Operation.WMaxLimNom"] == [{"time": "1970-01-01T00:00:00.973Z"}]
    setpoints = [
        members
        for name, members in meet("stp-x-15").entries().items()
        if name.startswith("Setpoint.PlantControl.Inverter.")
    ]
    assert len(setpoints) > 5
    assert all(set(entry) == {"time"} for (entry,) in setpoints)
    assert meet("data-manager").entries(PLANT)["GridMs.TotW.Pv"] == []


# States of a device


def test_at_night_new_firmware_sends_nan(meet: Meet) -> None:
    client = meet("stp-x-15")
    day = client.values()
    client.clock.now = NIGHT
    night = client.values()
    assert set(night) == set(day)
    assert night["DcMs.Amp[]"] == night["Coolsys.Inverter.TmpVal[]"] == ["NaN"] * 3
    assert night["Isolation.FltA"] == "NaN"
    assert night["GridMs.TotW"] == 0
    assert night["Operation.GriSwStt"] == 311
    assert night["DcMs.TotDcEnCntWh[]"] > day["DcMs.TotDcEnCntWh[]"]


def test_at_night_old_firmware_sends_less(meet: Meet) -> None:
    client = meet("stp-x-15")
    client.switch(firmware="old")
    day = client.entries()
    client.clock.now = NIGHT
    night = client.entries()
    assert "NaN" not in client.live().text
    gone = set(day) - set(night)
    assert {"GridMs.TotW", "DcMs.Watt[]", "DcMs.Amp[]", "Coolsys.Inverter.TmpVal[]"} <= gone
    assert set(night["Isolation.FltA"][0]) == {"time"}
    assert {TOTAL, PV_TOTAL, "DcMs.TotDcEnCntWh[]", "Operation.Health"} <= set(night)


def test_a_hybrid_does_not_sleep(meet: Meet) -> None:
    for firmware in ("old", "new"):
        client = meet("sb-smart-energy", now=NIGHT)
        client.switch(firmware=firmware)
        values = client.values()
        assert values["Operation.OpStt"] == 569
        assert values["GridMs.TotW"] != 0
        assert ("NaN" in values["DcMs.Amp[]"]) is (firmware == "new")


def test_newer_firmware_adds_channels(meet: Meet) -> None:
    client = meet("stp-x-15")
    new = set(client.entries())
    client.switch(firmware="old")
    old = set(client.entries())
    assert new - old == {"Metering.DyWhOut", "Portal.EnnexOS.ConnStt"}
    assert old < new


def test_channels_of_the_wifi_come_and_go(meet: Meet) -> None:
    client = meet("evc-22")
    off = client.values()
    assert (off["Wl.ConnStt"], off["Wl.SigPwr"]) == (303, 0)
    client.switch(wifi=True)
    on = client.values()
    assert set(on) - set(off) == {"Wl.SoftAcsConnStt", "Wl.AcqStt"}
    assert (on["Wl.ConnStt"], on["Wl.SigPwr"], on["Wl.SoftAcsConnStt"]) == (307, 74, 308)


def test_a_battery_and_a_meter_add_channels(meet: Meet) -> None:
    full = set(meet("sb-smart-energy").entries())
    no_battery = set(meet("sb-smart-energy", battery=False).entries())
    assert {name.split(".")[0] for name in full - no_battery} == {
        *("Bat", "BatChrg", "BatDsch", "Metering", "Operation", "Setpoint")
    }
    no_meter = meet("sb-smart-energy", meter=False)
    assert full - set(no_meter.entries()) == {
        *("Metering.GridMs.TotWIn", "Metering.GridMs.TotWhIn")
    }
    assert not [name for name in no_meter.entries(PLANT) if "PCCMs" in name]


def test_counters_can_begin_anew(meet: Meet) -> None:
    client = meet("stp-x-15")
    before = client.values()
    client.simulator.reset_counters()
    anew = client.values()
    assert (anew[TOTAL], anew["DcMs.TotDcEnCntWh[]"]) == (0, [0, 0, 0])
    assert anew["GridMs.TotW"] == before["GridMs.TotW"]
    client.clock.now += HOUR
    assert 1000 < client.values()[TOTAL] < 15_000


def test_two_counters_of_one_energy_have_different_starts(meet: Meet) -> None:
    client = meet("stp-x-15")
    before = client.values()
    assert before[PV_TOTAL] > before["Metering.TotWhOut.Pv"] > sum(before["DcMs.TotDcEnCntWh[]"])
    client.clock.now += HOUR
    after = client.values()
    assert after[PV_TOTAL] - before[PV_TOTAL] == pytest.approx(after[TOTAL] - before[TOTAL])


@pytest.mark.parametrize("night", [True, False])
def test_an_old_inverter_behind_a_manager_goes_offline(meet: Meet, night: bool) -> None:
    client = meet("data-manager")
    old = client.request("GET", "plants/Plant:1/devices").json()[3]["deviceId"]
    day = client.entries(old)
    if night:
        client.clock.now = NIGHT
    else:
        client.switch(offline_since=NOON)
        client.clock.now += HOUR
    assert client.entries(old) == {}
    client.switch(offline="without value")
    silent = client.entries(old)
    assert set(silent) == set(day)
    assert all(set(entry) == {"time"} for (entry,) in silent.values())
    client.switch(offline="stale")
    stale = client.entries(old)
    if not night:
        assert stale == day
    client.clock.now += 600
    assert client.entries(old) == stale


# How they fit together


@pytest.mark.parametrize("time", [NOON, NOON + 5 * HOUR, NIGHT])
def test_one_home_adds_up_across_protocols(meet: Meet, time: float) -> None:
    """A Tripower X and a charging station beside a Sunny Boy, behind one meter."""
    plant = home("stp-x-15", "sb-3.6", "evc-22")
    x = meet("stp-x-15", plant=plant, now=time)
    charger = meet("evc-22", plant=plant, now=time).values()
    boy, meter = (
        online(Simulator(model, plant=plant, clock=lambda: time))
        for model in ("sb-3.6", "emeter-20")
    )
    state = plant.at(time)
    point = x.values(PLANT)
    itself = x.values()

    generated = itself["GridMs.TotW"] + (boy["6100_40263F00"][0] or 0)
    exchange = point["Metering.PCCMs.PlntW"] - point["Metering.PCCMs.PlntCsmpW"]
    assert generated - exchange == pytest.approx(state.power(state.year.load), abs=1)
    assert itself["GridMs.TotW"] == pytest.approx(point["GridMs.TotW"], abs=1)
    assert exchange == pytest.approx(meter["6100_40463600"][0] - meter["6100_40463700"][0], abs=1)
    phases = [point[f"Metering.PCCMs.PlntW.phs{phase}"] for phase in "ABC"]
    assert sum(phases) == pytest.approx(exchange, abs=1)
    for phase, power in zip("ABC", phases, strict=True):
        assert math.copysign(1, point[f"Metering.PCCMs.PlntA.phs{phase}"]) == math.copysign(
            1, power
        )
    assert 0 in (point["Metering.PCCMs.PlntW"], point["Metering.PCCMs.PlntCsmpW"])
    assert "Metering.GridMs.TotWIn.ChaSta" not in point  # the X knows nothing of the station
    house = state.power(state.year.load) - charger["Metering.GridMs.TotWIn"]
    assert 200 < house < 10_000

    assert point["Metering.PCCMs.PlntWh"] == pytest.approx(meter["6400_00462400"][0], abs=1)
    assert point["Metering.PCCMs.PlntCsmpWh"] == pytest.approx(meter["6400_00462500"][0], abs=1)
    assert sum(itself[f"GridMs.W.phs{phase}"] for phase in "ABC") == pytest.approx(
        itself["GridMs.TotW"], abs=0.01
    )


def test_a_device_sums_up_nothing_but_itself_and_what_is_behind_it(meet: Meet) -> None:
    """Its own plant is not all that is behind the meter: others may be there that it does not know."""
    client = meet("stp-x-15", plant=home("stp-x-15", "stp-10-se", "evc-22"))
    point, itself = client.values(PLANT), client.values()

    assert point["Metering.TotWhOut.Pv"] == pytest.approx(itself["PvGen.PvWh"], rel=0.001)
    assert not [name for name in point if name.endswith((".Bat", ".ChaSta"))]
    assert client.parameters(PLANT)["Plnt.WRtg"]["value"] == "15000"


def test_the_devices_behind_a_manager_are_those_of_the_plant(meet: Meet) -> None:
    client = meet("data-manager")
    _, first, meter, old = (
        each["deviceId"] for each in client.request("GET", "plants/Plant:1/devices").json()
    )
    point, measured = client.values(PLANT), client.values(meter)
    assert measured["Metering.GridMs.TotWOut"] == point["Metering.PCCMs.PlntW"]
    assert measured["Metering.GridMs.W.phsB"] == point["Metering.PCCMs.PlntW.phsB"]
    powers = [client.values(name)["GridMs.TotW"] for name in (first, old)]
    assert sum(powers) == pytest.approx(point["GridMs.TotW"], abs=2)
    assert client.values(PLANT)["Operation.NbrRunStt"] == 2


def test_a_battery_is_charged_by_its_inverter(meet: Meet) -> None:
    client = meet("sb-smart-energy", now=NOON - 4 * HOUR)
    values = client.values()
    battery = values["BatChrg.CurBatCha"] - values["BatDsch.CurBatDsch"]
    assert values["PvGen.PvW"] - 10 - battery == pytest.approx(values["GridMs.TotW"], abs=1)
    assert values["Bat.Vol[]"][0] * values["Bat.Amp[]"][0] == pytest.approx(-battery, abs=1)


def test_a_plant_without_the_device_is_refused() -> None:
    with pytest.raises(ValueError, match="no unit 'stp-x-15'"):
        EnnexosSimulator("stp-x-15", plant=home("sb-3.6"))
    with pytest.raises(ValueError, match="no charging station 'evc-22'"):
        EnnexosSimulator("evc-22", plant=home("sb-3.6"))
    with pytest.raises(ValueError, match="there is no model 'sb-9'"):
        EnnexosSimulator("sb-9")


def test_a_model_names_its_simulator() -> None:
    assert isinstance(simulated("sb-3.6"), Simulator)
    assert isinstance(simulated("evc-22"), EnnexosSimulator)
    assert simulated("sb-3.6").credentials == {"password": "Sunny-1234"}


# Charging


def test_a_vehicle_comes_charges_is_full_and_leaves(meet: Meet) -> None:
    client = meet("evc-22", now=NOON - 11 * HOUR)
    states: list[int] = []
    energy: dict[int, list[float]] = {}
    for _ in range(96):
        client.clock.now += 900
        values = client.values()
        status = values["Operation.EVeh.ChaStt"]
        if not states or states[-1] != status:
            states.append(status)
        energy.setdefault(status, []).append(values["ChaSess.WhIn"])
        power = values["Metering.GridMs.TotWIn.ChaSta"]
        assert power == values["Metering.GridMs.TotWIn"]
        assert (power > 0) <= (status == 200_113)
        assert values["GridMs.A.phsA"] <= 0
        assert values["Setpoint.PlantControl.PCC.ChrgActCnt"] == int(status != 200_111)
    assert states == [200_111, 200_112, 200_113, 200_114, 200_111]
    assert set(energy[200_112]) == {0}
    assert energy[200_113] == sorted(energy[200_113])
    assert len(set(energy[200_114])) == 1
    assert energy[200_111][0] > 10_000, (
        "the session of the day before is kept until a vehicle comes"
    )
    assert energy[200_111][-1] == energy[200_114][0] > 10_000


def test_a_session_that_is_over_bears_its_end(meet: Meet) -> None:
    client = meet("evc-22", now=NOON + 10 * HOUR)
    entries = client.entries()
    (over,) = entries["ChaSess.WhIn"]
    assert "2025-06-14T14" < over["time"] < "2025-06-14T19"
    client.clock.now += HOUR
    assert client.entries()["ChaSess.WhIn"] == [over]


def test_what_was_charged_is_in_the_counter(meet: Meet) -> None:
    client = meet("evc-22", now=NOON - 9 * HOUR)
    before = client.values()["Metering.GridMs.TotWhIn"]
    client.clock.now += 20 * HOUR
    after = client.values()
    charged = after["Metering.GridMs.TotWhIn.ChaSta"] - before
    assert charged == pytest.approx(after["ChaSess.WhIn"], abs=1)


# Parameters


@pytest.mark.parametrize("model", ENNEXOS_MODELS)
def test_parameters_are_texts_in_no_order(meet: Meet, model: str) -> None:
    client = meet(model, serial=3_020_001_234, name="Barn")
    found = client.parameters()
    assert list(found) != sorted(found)
    for each in found.values():
        assert {"channelId", "editable", "state", "timestamp"} <= set(each)
        for text in (each.get("value"), *each.get("values", []), *each.get("possibleValues", [])):
            assert text is None or isinstance(text, str)
    assert found["Nameplate.SerNum"]["value"] == "3020001234"
    assert found["Nameplate.Location"]["value"] == "Barn"
    assert found["Nameplate.Model"]["value"].isdecimal()


def test_parameters_that_are_odd_or_private(meet: Meet) -> None:
    found = meet("stp-x-15").parameters()
    assert found["Inverter.WLim"]["value"] == "15000"
    assert found["Wl.Sec.Psk"]["value"] == found["Acs.PwdUsr"]["value"] == "****"
    assert not {"value", "values"} & set(found["GridGuard.CntrySet"])
    assert found["FTPPush.RemStoLcn"]["value"] == ""
    assert "" in found["Wl.ExsNetw[]"]["values"]
    assert found["Inverter.AfciIsOn"]["possibleValues"] == ["1129", "1130"]
    assert found["Metering.TotkWhOutSet"]["max"] == 4_000_000
    hybrid = meet("sb-smart-energy").parameters()
    assert hybrid["Bat.CapacRtgWh"]["value"] == "9800"
    plant = meet("stp-x-15").parameters(PLANT)
    assert (plant["Plnt.WRtg"]["value"], plant["Plnt.DcWRtg"]["value"]) == ("15000", "15400")


def test_parameters_are_those_that_are_known_of_ennexos(shared: Path) -> None:
    known = set()
    for name, column in (("ennexos_parameters", "channel"), ("ennexos_channels", "channel")):
        with (shared / "domain" / f"{name}.csv").open(encoding="utf-8") as file:
            known |= {row[column] for row in csv.DictReader(file)}
    for model in ENNEXOS_MODELS.values():
        for kind in (model.itself, model.whole, *model.behind):
            assert set(kind.parameters) - known == set()
