"""The table of channels, against what is documented and recorded of them."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from support.documented import Row, ennexos_channels

from sma_exporter.ennexos.channels import (
    BY_NAME,
    BY_NAME_ON_CHARGER,
    CHANNELS,
    KNOWN_WITHOUT_SENSOR,
    Channel,
    channels_of,
    name_of,
)
from sma_exporter.metrics.table import ALL_FAMILIES, BITS, COUNTER, GAUGE, INFO, STATE_SET, Family
from sma_exporter.sma.objects import UNITS
from sma_exporter.sma.sensors import SENSORS, Kind, expanded
from sma_exporter.sma.tags import SAYS_NOTHING

NAMES = {each.name for each in CHANNELS}
FAMILY_OF = {sensor: family for family in ALL_FAMILIES for sensor in family.sensors}

#: What has a proposed name and is no sensor all the same: what it says is not established.
LEFT_OUT = {
    "Acs.AuthRegistStt": "sma_charging_authorisation_status",
    "Inverter.CurWCtlDrkNom": "sma_active_power_setpoint_ratio",
    "Operation.PlntCtl.VArCtlMod": "sma_plant_reactive_power_mode",
    "Operation.PlntCtl.WCtlMod": "sma_plant_active_power_mode",
    "Operation.StandbyStt": "sma_standby_status",
}

BASE_UNITS = {
    "W": "watts",
    "Wh": "joules",
    "Ah": "coulombs",
    "var": "vars",
    "VA": "voltamperes",
    "V": "volts",
    "A": "amperes",
    "Hz": "hertz",
    "Ohm": "ohms",
    "°C": "celsius",
    "s": "seconds",
    "%": "ratio",
}

#: A sensor, and the channels for it, what counts first in front.
SUBSTITUTES = {
    "pv_power": ("PvGen.PvW", "GridMs.TotW.Pv"),
    "pv_gen_meter": ("PvGen.PvWh", "Metering.TotWhOut.Pv"),
    "grid_power_factor": ("GridMs.TotPFPrc", "GridMs.TotPF"),
    "grid_reactive_power": ("GridMs.TotVAr", "GridMs.TotVAr.Pv"),
    "battery_power_charge_total": ("BatChrg.CurBatCha", "Metering.GridMs.TotWIn.Bat"),
    "battery_power_discharge_total": ("BatDsch.CurBatDsch", "Metering.GridMs.TotWOut.Bat"),
    "battery_charge_total": ("BatChrg.BatChrg", "Metering.GridMs.TotWhIn.Bat"),
    "battery_discharge_total": ("BatDsch.BatDsch", "Metering.GridMs.TotWhOut.Bat"),
    "battery_energy_free": ("Bat.AvailBatChrgWh", "Plnt.TotAvalCha"),
    "battery_energy_available": ("Bat.AvailBatDschWh", "Plnt.TotAvalDsch"),
    "battery_nominal_capacity": ("Parameter.Bat.CapacRtgWh", "Parameter.Plnt.CapacRtgWh"),
    "inverter_power_limit": ("Parameter.Inverter.WLim", "Parameter.Inverter.WMaxOutRtg"),
    "event_number": ("Operation.Evt.EvtNo", "Operation.Evt.EvtNoShrt"),
    "digital_output_group": ("InOut.GO1", "Setpoint.PlantControl.InOut.GO1"),
    "charging_power": ("Metering.GridMs.TotWIn.ChaSta", "Metering.GridMs.TotWIn"),
    "charging_total": ("Metering.GridMs.TotWhIn.ChaSta", "Metering.GridMs.TotWhIn"),
}

#: Of the connection point of a plant, and of a meter or an inverter that reads one.
CONNECTION_POINT = {
    "PlntW": "TotWOut",
    "PlntCsmpW": "TotWIn",
    "PlntWh": "TotWhOut",
    "PlntCsmpWh": "TotWhIn",
    "PlntHz": "Hz",
    "PlntPF": "TotPF",
    "PlntVAr": "TotVAr",
    **{
        f"Plnt{quantity}.phs{phase}": f"{quantity}.phs{phase}"
        for quantity in ("W", "A", "PhV", "VAr")
        for phase in "ABC"
    },
}


@pytest.fixture(scope="module")
def documented(shared: Path) -> dict[str, Row]:
    """What is known of each channel, by its name in the table."""
    return {name_of(row["channel"]): row for row in ennexos_channels(shared)}


def is_sensor(row: Row) -> bool:
    """Tell whether a family is documented that is no identity, and not withheld on purpose."""
    family = row["family"]
    return family.startswith("sma_") and not family.startswith("sma_device_info")


def documented_series(row: Row) -> list[tuple[str, str]]:
    """The families of a row with the value of the label that tells parts apart; "" without it."""
    found = re.findall(r"\b(sma_\w+)((?:\{[^}]*\})?)", row["family"].replace("like sma_status", ""))
    return [(name, "".join(re.findall(r'="(\w+)"', labels)[:1])) for name, labels in found]


def series(sensor: str) -> tuple[str, str]:
    family = FAMILY_OF[sensor]
    return family.name, family.sensors[sensor]


# --- the table and the documented channels ---


def test_every_documented_channel_is_a_row_or_known_without_a_sensor(
    documented: dict[str, Row],
) -> None:
    assert len(documented) > 300
    assert documented.keys() == NAMES | KNOWN_WITHOUT_SENSOR
    assert NAMES.isdisjoint(KNOWN_WITHOUT_SENSOR)


def test_what_has_a_family_is_a_sensor_and_nothing_else_is(documented: dict[str, Row]) -> None:
    assert {name for name, row in documented.items() if is_sensor(row)} - NAMES == LEFT_OUT.keys()
    assert {name for name in NAMES if not is_sensor(documented[name])} == set()
    for name, family in LEFT_OUT.items():
        assert documented_series(documented[name])[0][0] == family


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda each: f"{each.name} {each.sensor}")
def test_unit_kind_and_series_of_a_channel_are_the_documented_ones(
    channel: Channel, documented: dict[str, Row]
) -> None:
    row = documented[channel.name]
    sensor, family = SENSORS[channel.sensors[0]], FAMILY_OF[channel.sensors[0]]

    unit = row["unit"].replace("bits", "")
    assert channel.unit == ("" if unit == "1" else unit)
    if row["kind"] == "tag":
        assert channel.unit == ""
        assert family.kind in {STATE_SET, INFO} or sensor.tag_numbers
    else:
        assert Fraction(*UNITS[channel.unit]) == Fraction(row["scale_to_base"] or 1)
        assert (family.kind == BITS) == (row["unit"] == "bits")
        assert family.kind in ({COUNTER} if row["kind"] == "counter" else {GAUGE, BITS})
        assert sensor.unit == BASE_UNITS[channel.unit] if channel.unit else not sensor.tag_numbers

    said = documented_series(row)
    for template in filter(None, (channel.sensor, channel.negative, channel.parts)):
        names = expanded(template)
        assert len({FAMILY_OF[name].name for name in names}) == 1
        name, part = series(names[0])
        if len(names) > 1 or family.kind == BITS:
            assert name in {family for family, _ in said}
        else:
            assert (name, part) in said


def test_all_documented_series_of_a_channel_are_reached(documented: dict[str, Row]) -> None:
    for name, row in documented.items():
        if is_sensor(row) and name not in LEFT_OUT:
            of_rows = {series(s)[0] for each in CHANNELS if each.name == name for s in each.sensors}
            assert of_rows == {family for family, _ in documented_series(row)}, name


def test_an_array_has_elements_or_a_value_that_counts(documented: dict[str, Row]) -> None:
    """Of an array of several packs; a grid standard is the first of two."""
    arrays = {name_of(r["channel"]) for r in documented.values() if r["array"] == "y"}
    single = {
        each.name
        for each in CHANNELS
        if each.name in arrays and len(expanded(each.sensor)) == 1 and not each.parts
    }

    assert {each.name for each in CHANNELS if each.pick} == single - {"GridGuard.Cntry"}
    for each in CHANNELS:
        note = documented[each.name]["note"]
        assert (each.pick is max) == ("packs: the highest" in note), each.name
        assert (each.pick is min) == ("packs: the lowest" in note), each.name


def test_a_signed_power_is_two_positive_ones(documented: dict[str, Row]) -> None:
    signed = {name for name, row in documented.items() if "max(-x,0)" in row["family"]}

    assert {each.name for each in CHANNELS if each.negative} == signed
    for each in CHANNELS:
        if each.negative:
            assert "export" in series(each.sensor)[0]
            assert "import" in series(each.negative)[0]
            assert series(each.sensor)[1] == series(each.negative)[1]


def test_phases_are_told_apart_alike() -> None:
    phases = {"phsA": "l1", "phsB": "l2", "phsC": "l3"}
    lines = {"phsA2B": "l1_l2", "phsB2C": "l2_l3", "phsC2A": "l3_l1"}

    for each in CHANNELS:
        _, _, ending = each.name.rpartition(".")
        if ending in phases | lines:
            assert each.sensor.endswith(f"_{(phases | lines)[ending]}"), each.name
            assert all(series(sensor)[1] == (phases | lines)[ending] for sensor in each.sensors)


def test_302_is_a_state_where_it_is_documented_as_none(documented: dict[str, Row]) -> None:
    none = {each.name: each.none for each in CHANNELS if each.none is not None}

    for name, row in documented.items():
        said = re.search(r"none = 302 \(WebConnect: (\d+)\)", row["note"])
        if said:
            assert none.pop(name) == int(said[1])
    assert none == {"Operation.WMaxLimSrc": 302, "Operation.WMinLimSrc": 302}
    for each in CHANNELS:
        if each.none is not None:
            assert each.none in SENSORS[each.sensor].states


def test_the_states_that_were_seen_are_known(documented: dict[str, Row]) -> None:
    states = 0
    for each in CHANNELS:
        sensor = SENSORS[each.sensors[0]]
        if sensor.kind is Kind.STATES:
            seen = _tags(documented[each.name])
            states += len(seen)
            assert seen - SAYS_NOTHING <= {*sensor.states}, each.name

    assert states > 60


def _tags(row: Row) -> set[int]:
    """The tags that a row names: its samples, and what its note begins with."""
    note = re.sub(r"\(.*?\)|EVC22-\S+|array of \d+|;.*id begins.*|\d+\)", "", row["note"])
    found = {int(number) for number in re.findall(r"\b\d{2,}\b(?!\.)", note)}
    found |= {int(number) for number in re.findall(r"^(\d+) \(", row["sample"])}
    for first, last in re.findall(r"(\d{2,})\u2013(\d{2,})", note):
        found |= {*range(int(first), int(last) + 1)}
    return {number for number in found if number < 16_777_213}


# --- what the rows say together ---


def test_every_sensor_of_a_channel_exists() -> None:
    named = {sensor for each in CHANNELS for sensor in each.sensors}

    assert named <= SENSORS.keys()
    assert named <= FAMILY_OF.keys()


def test_every_family_that_only_ennexos_has_is_reached_by_all_its_sensors() -> None:
    only: list[Family] = [family for family in ALL_FAMILIES if not family.places["WebConnect"]]

    assert len(only) > 40
    for family in only:
        assert all(map(channels_of, family.sensors)), family.name


@pytest.mark.parametrize("charger", [False, True])
def test_no_two_channels_give_one_series_but_substitutes_in_their_order(charger: bool) -> None:
    found: dict[str, list[str]] = {}
    for name, each in (BY_NAME_ON_CHARGER if charger else BY_NAME).items():
        for sensor in each.sensors:
            found.setdefault(sensor, []).append(name)

    several = {sensor: tuple(names) for sensor, names in found.items() if len(names) > 1}
    expected = dict(SUBSTITUTES)
    if not charger:  # a charging station's own meter is no substitute elsewhere
        del expected["charging_power"], expected["charging_total"]
        for of_plant, own in CONNECTION_POINT.items():
            names = (f"Metering.GridMs.{own}", f"Metering.PCCMs.{of_plant}")
            expected |= dict.fromkeys(BY_NAME[names[0]].sensors, names)
    assert several == expected


def test_the_meter_of_a_charging_station_is_its_own() -> None:
    """All but what says in its name whose it is."""
    own = {
        name
        for name in NAMES
        if name.startswith("Metering.GridMs.") and not name.endswith((".Bat", ".ChaSta"))
    }

    assert len(own) > 15
    for name in own:
        assert BY_NAME[name].sensor.startswith("metering_")
        on_charger = BY_NAME_ON_CHARGER.get(name)
        assert on_charger is None or on_charger.sensor.startswith("charging_")
    assert {name for name in own if name in BY_NAME_ON_CHARGER} == {
        "Metering.GridMs.TotWIn",
        "Metering.GridMs.TotWhIn",
    }


def test_a_name_has_one_row_for_a_device() -> None:
    for charger in (False, True):
        names = [each.name for each in CHANNELS if each.charger in {None, charger}]

        assert len(names) == len(set(names))
    assert BY_NAME.keys() | BY_NAME_ON_CHARGER.keys() == NAMES


def test_the_array_of_one_temperature_and_of_several_are_two_families() -> None:
    (channel,) = (each for each in CHANNELS if each.parts)

    assert series(channel.sensor)[0] == "sma_inverter_temperature_celsius"
    assert series(expanded(channel.parts)[2]) == ("sma_inverter_zone_temperature_celsius", "c")


def test_bits_are_inputs_and_outputs() -> None:
    bits = {each.name: SENSORS[each.sensor].bits for each in CHANNELS if SENSORS.get(each.sensor)}

    assert {name: count for name, count in bits.items() if count} == {
        "InOut.GI1": 8,
        "InOut.GO1": 8,
        "Setpoint.PlantControl.InOut.GO1": 8,
    }


# --- names ---


@pytest.mark.parametrize(
    ("channel_id", "name"),
    [
        ("Measurement.GridMs.TotW", "GridMs.TotW"),
        ("Measurement.DcMs.Watt[]", "DcMs.Watt"),
        ("Setpoint.PlantControl.PCC.ChrgActCnt", "Setpoint.PlantControl.PCC.ChrgActCnt"),
        ("Parameter.Inverter.WLim", "Parameter.Inverter.WLim"),
    ],
)
def test_the_name_of_an_id(channel_id: str, name: str) -> None:
    assert name_of(channel_id) == name
    assert BY_NAME[name].id == channel_id.removesuffix("[]")
    assert BY_NAME[name].is_parameter == name.startswith("Parameter.")


@pytest.mark.parametrize(
    ("sensor", "ids"),
    [
        ("grid_power", ("Measurement.GridMs.TotW",)),
        ("pv_power", ("Measurement.PvGen.PvW", "Measurement.GridMs.TotW.Pv")),
        ("pv_power_f", ("Measurement.DcMs.Watt",)),
        (
            "metering_active_power_draw_l2",
            ("Measurement.Metering.GridMs.W.phsB", "Measurement.Metering.PCCMs.PlntW.phsB"),
        ),
        ("inverter_zone_temp_b", ("Measurement.Coolsys.Inverter.TmpVal",)),
        ("charging_lock", ("Parameter.Chrg.ChrgApv",)),
        ("sps_energy", ()),
    ],
)
def test_the_channels_behind_a_sensor(sensor: str, ids: tuple[str, ...]) -> None:
    assert channels_of(sensor) == ids


# --- what was recorded ---


RECORDINGS = (
    "stp-x15-measurements",
    "evc22-measurements-plant-2022-12",
    "evc22-measurements-self-2023-01",
    "evc22-measurements-self-2024-09",
    "evc22-measurements-self-2024-11",
)


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recorded_channel_is_known(recording: str, shared: Path) -> None:
    path = shared / "captures" / "ennexos" / f"{recording}.json"
    reply = json.loads(path.read_text("utf-8"))
    names = {name_of(each["channelId"]) for each in reply}

    assert len(names) > 20
    assert names - NAMES - KNOWN_WITHOUT_SENSOR == set()
    assert len(names & NAMES) > 15
