"""From a reply to readings: units, shapes of "no value", substitutes, signs, old times, charging stations."""

import json
import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw_replies import JSON, LEAVES, OBJECTS, REPLIES
from support.ennexos_fakes import PLANT, SELF, parameter, row

from sma_exporter.ennexos import component, dump
from sma_exporter.ennexos.channels import BY_NAME, CHANNELS
from sma_exporter.ennexos.component import Description, Taken
from sma_exporter.ennexos.decode import (
    class_of,
    decoded,
    identity_of,
    live_of,
    numbers_at,
    parameters_of,
    rated_power_of,
    unknown,
)
from sma_exporter.ennexos.exceptions import SmaComponentException
from sma_exporter.ennexos.replies import is_product, rows, tokens
from sma_exporter.ennexos.values import number, reported, tag, unix_seconds
from sma_exporter.sma.exceptions import SmaException, SmaReadException
from sma_exporter.sma.http import HttpReply
from sma_exporter.sma.sensors import SENSORS, Kind, expanded
from sma_exporter.sma.source import Address, Identity, Readings

EARLIER = "2025-06-14T10:00:00.000Z"


def read(*entries: Any, taken: Taken | None = None, **about: Any) -> Readings:
    """The readings of the device that answers, which is alone in its plant."""
    description = Description(about, has_sums=True)
    found = component.readings(component.channels(entries, SELF), description, taken or Taken())
    return {name: value for name, value in found.items() if name != "meter_serial"}


def raw_row(channel: str, *entries: Any) -> dict[str, Any]:
    return {"channelId": f"Measurement.{channel}", "componentId": SELF, "values": [*entries]}


ALIVE = row("Operation.Health", 307)  # so that a reply says something

# --- anything at any place ---


def is_of_its_kind(name: str, value: object) -> bool:
    kind = SENSORS[name].kind
    if kind is Kind.TEXT:
        return isinstance(value, str)
    if kind in {Kind.STATES, Kind.CHOICE}:
        return isinstance(value, tuple) and all(type(each) is int and each >= 0 for each in value)
    is_number = type(value) in {int, float} and math.isfinite(float(value))  # type: ignore[arg-type]
    return is_number and not (kind is Kind.TOTAL and float(value) < 0)  # type: ignore[arg-type]


@given(reply=REPLIES, about=OBJECTS, parameters=st.lists(OBJECTS, max_size=3), more=REPLIES)
def test_whatever_a_device_says_the_readings_are_of_their_kinds(
    reply: Any, about: Any, parameters: Any, more: Any
) -> None:
    groups = [{"componentId": SELF, "values": [*parameters, *more]}, *more]
    description = Description(about, parameters_of(groups, SELF), has_sums=True)
    taken = Taken()
    for each in (reply, more):
        try:
            found = component.readings(component.channels(each, SELF), description, taken)
        except SmaException:
            continue
        assert [n for n, value in found.items() if not is_of_its_kind(n, value)] == []
    identity = description.identity
    assert all(isinstance(getattr(identity, name), str) for name in identity.__slots__)
    assert all(math.isfinite(v) for v in numbers_at(live_of(reply, SELF), ADDRESSES).values())
    json.dumps(dump.redacted({"measurements/live": reply, "devices": about}), allow_nan=False)


ADDRESSES = [Address(each.id, 0) for each in CHANNELS[:20]] + [Address("", 5)]


@given(JSON)
def test_no_json_is_too_strange_for_a_value(anything: Any) -> None:
    assert number(anything) is None or math.isfinite(float(number(anything) or 0))
    assert tag(anything) is None or type(tag(anything)) is int
    unix_seconds(anything)
    is_product(anything)
    reported(anything if isinstance(anything, dict) else {"values": anything})
    identity_of({"serial": anything, "productTagId": anything}, {})
    rated_power_of({"generatorPower": anything})
    class_of({"productGroupTagId": anything}, {})


@given(JSON)
def test_no_json_is_too_strange_for_a_reply(anything: Any) -> None:
    try:
        body = json.dumps(anything).encode()
    except ValueError:  # a number with more digits than are written
        return
    reply = HttpReply(200, "", body)
    tokens(reply)
    try:
        assert all(isinstance(each, dict) for each in rows(reply, "here"))
    except SmaReadException:
        assert not isinstance(anything, list)


def test_a_hundred_thousand_channels_are_read_within_seconds() -> None:
    reply = [row(f"GridMs.X{n}", n) for n in range(100_000)] + [row("GridMs.TotW", 5)]
    begun = time.process_time()
    assert read(*reply)["grid_power"] == 5
    assert time.process_time() - begun < 20


def test_an_array_is_cut_at_what_a_sensor_has_and_no_device_sends_more() -> None:
    found = read(row("DcMs.PanLevMdul.Watt", [5.0] * 100_000), row("DcMs.Watt", [1] * 100_000))
    assert len(found) == len(expanded("optimizer_power_{optimizer}")) + len(
        expanded("pv_power_{string}")
    )


# --- no value ---


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"time": "1970-01-01T00:00:00.973Z"}],
        [{"time": EARLIER, "value": "NaN"}],
        [{"time": EARLIER, "value": None}],
        [{"time": EARLIER, "values": []}],
        [{"time": EARLIER, "values": ["NaN"]}],
        [{"value": float("inf")}],
        [{"value": 10**400}],
        [{"value": True}],
        [{"value": {"value": 5}}],
        [None],
        ["NaN"],
    ],
    ids=str,
)
@pytest.mark.parametrize("channel", ["GridMs.TotW", "Metering.TotWhOut", "DcMs.Watt"])
def test_a_shape_of_no_value_is_no_reading(channel: str, entries: list[Any]) -> None:
    assert read(raw_row(channel, *entries), ALIVE) == {"status": (307,)}


@pytest.mark.parametrize("nothing", [16777213, 16777213.0, 302, 973, 937, "NaN", 1.5, -1, "307a"])
def test_a_tag_that_says_nothing_is_no_state(nothing: object) -> None:
    assert read(row("Operation.Health", nothing), row("GridMs.TotW", 5)) == {"grid_power": 5}


@pytest.mark.parametrize("value", [307, 307.0, "307"])
def test_a_tag_comes_as_integer_as_float_or_as_text(value: object) -> None:
    assert read(row("Operation.Health", value)) == {"status": (307,)}


def test_an_unknown_tag_is_kept_as_it_is() -> None:
    assert read(row("Operation.Health", 200_999)) == {"status": (200_999,)}


@pytest.mark.parametrize("channel", [each for each in CHANNELS if each.none is not None])
def test_302_is_a_state_only_where_it_is_one(channel: Any) -> None:
    assert read(row(channel.name, 302.0)) == {channel.sensor: (channel.none,)}


def test_a_device_without_any_value_is_starting() -> None:
    with pytest.raises(SmaReadException, match="without any value"):
        read(row("GridMs.TotW", "NaN"), row("Operation.RstrLokStt", 16777213.0))


def test_a_component_of_which_nothing_is_said_is_off() -> None:
    with pytest.raises(SmaComponentException, match="SD2P:1"):
        component.channels([row("GridMs.TotW", 5)], "SD2P:1")


# --- arrays, units, several entries ---


@pytest.mark.parametrize("as_array", [False, True], ids=["scalar", "array"])
@pytest.mark.parametrize("channel", CHANNELS, ids=lambda each: f"{each.name} {each.sensor}")
def test_every_channel_is_read_as_one_value_and_as_an_array(channel: Any, as_array: bool) -> None:
    sensor = SENSORS[expanded(channel.sensor)[0]]
    value: object = 2 if sensor.kind in {Kind.GAUGE, Kind.TOTAL} else 307
    if sensor.tag_numbers:
        value = next(iter(sensor.tag_numbers))
    live = {channel.name: reported(row("x", [value] if as_array else value))}
    found = decoded(live, {}, charger=channel.charger is True)
    assert expanded(channel.sensor)[0] in found


def test_of_several_entries_the_last_one_counts() -> None:
    old, new = {"time": EARLIER, "value": 1}, {"time": EARLIER, "value": 2}
    assert read(raw_row("GridMs.TotW", old, new)) == {"grid_power": 2}


def test_of_two_rows_of_one_channel_one_counts() -> None:
    assert read(row("GridMs.TotW", 1), row("GridMs.TotW", 2)) == {"grid_power": 2}


def test_elements_without_a_value_leave_the_others_in_their_places() -> None:
    found = read(row("DcMs.Watt", [5, "NaN", 7]))
    assert found == {"pv_power_a": 5, "pv_power_c": 7}


@pytest.mark.parametrize(
    ("channel", "raw", "sensor", "value"),
    [
        ("Metering.TotWhOut", 13435693.5, "total_yield", 13435693.5 * 3600),
        ("Bat.Diag.TotAhIn", 2, "battery_charge_amount", 7200),
        ("Bat.ChaStt", 55, "battery_soc_total", 0.55),
        ("Isolation.FltA", 0.0108, "insulation_residual_current", 0.0108),
        ("Isolation.LeakRis", 747785, "pv_isolation_resistance", 747785),
        ("GridMs.TotPFPrc", 0.9999995, "grid_power_factor", 0.9999995),
        ("InOut.GI1", 48.0, "digital_input_group", 48),
    ],
)
def test_a_number_in_its_base_unit(channel: str, raw: float, sensor: str, value: float) -> None:
    assert read(row(channel, raw)) == {sensor: pytest.approx(value)}


def test_a_total_below_zero_is_none() -> None:
    assert read(row("Metering.TotWhOut", -1), ALIVE) == {"status": (307,)}


def test_one_temperature_and_several_are_different_sensors() -> None:
    assert read(row("Coolsys.Inverter.TmpVal", [40])) == {"inverter_temp": 40}
    assert read(row("Coolsys.Inverter.TmpVal", [40, "NaN", 42])) == {
        "inverter_zone_temp_a": 40,
        "inverter_zone_temp_c": 42,
    }


def test_of_several_packs_the_extreme_counts() -> None:
    assert read(row("Bat.TmpValMax", [20, "NaN", 25, 21])) == {"battery_temp_highest": 25}
    assert read(row("Bat.TmpValMin", [20, "NaN", 25, 21])) == {"battery_temp_lowest": 20}
    assert read(row("Bat.TmpValMin", ["NaN"]), ALIVE) == {"status": (307,)}


@pytest.mark.parametrize(
    ("raw", "feed", "draw"), [(-1675.4, 0, 1675.4), (97.8, 97.8, 0), (0.0, 0, 0), (-0.0, 0, 0)]
)
def test_a_signed_power_is_what_is_fed_in_and_what_is_drawn(
    raw: float, feed: float, draw: float
) -> None:
    found = read(row("Metering.PCCMs.PlntW.phsA", raw, PLANT))
    assert found == {
        "metering_active_power_feed_l1": feed,
        "metering_active_power_draw_l1": draw,
    }
    assert all(math.copysign(1, float(str(value))) == 1 for value in found.values())


def test_an_empty_slot_for_an_optimizer_is_no_reading() -> None:
    found = read(
        row("Operation.PanLevMdul.Health", [303, 303, 307]),
        row("DcMs.PanLevMdul.Vol", ["NaN", 30, 31]),
    )
    assert "optimizer_condition_0" not in found
    assert found["optimizer_condition_1"] == (303,)
    assert found["optimizer_condition_2"] == (307,)


# --- out of date ---


def stale(channel: str, value: object) -> Any:
    return row(channel, value, time=EARLIER)


@pytest.mark.parametrize(
    "channel", [each for each in CHANNELS if each.unit in {"W", "VA", "var", "V", "A", "Hz"}]
)
def test_a_measured_value_is_out_of_date_five_minutes_before_the_newest(channel: Any) -> None:
    """But for nominal powers and set points, which bear the time of their last change."""
    live = {channel.name: reported(stale("x", 5))}
    now = unix_seconds(EARLIER)
    assert now is not None
    charger = channel.charger is True
    assert decoded(live, {}, charger=charger, newest=now + 299)
    keeps = any(word in channel.name for word in ("HealthStt", "Dmd", "Setpoint"))
    assert bool(decoded(live, {}, charger=charger, newest=now + 301)) == keeps


@pytest.mark.parametrize(
    "entry",
    [
        stale("Metering.TotWhOut", 5),
        stale("Operation.Health", 307),
        stale("ChaSess.WhIn", 5),
        stale("Wl.SigPwr", 5),
        stale("Operation.HealthStt.Ok", 15000),
    ],
    ids=lambda each: str(each["channelId"]),
)
def test_totals_states_and_what_changes_seldom_are_never_out_of_date(entry: Any) -> None:
    assert len(read(entry, row("GridMs.Hz", 50))) == 2


def test_a_clock_that_is_wrong_makes_nothing_out_of_date() -> None:
    long_ago = "2010-01-01T00:00:00Z"
    assert len(read(row("GridMs.Hz", 50, time=long_ago), row("GridMs.TotW", 5, time=long_ago))) == 2


def test_a_time_that_is_none_makes_nothing_out_of_date() -> None:
    assert read(raw_row("GridMs.TotW", {"time": "soon", "value": 5}), ALIVE)["grid_power"] == 5


def test_a_time_without_a_zone_is_utc() -> None:
    assert unix_seconds("1970-01-01T01:00:00") == unix_seconds("1970-01-01T01:00:00Z") == 3600


# --- substitutes ---


def test_of_several_channels_the_preferred_one_counts_whatever_their_order() -> None:
    first, second = row("PvGen.PvW", 5), row("GridMs.TotW.Pv", 6)
    assert read(first, second) == read(second, first) == {"pv_power": 5}
    assert read(second) == {"pv_power": 6}


def test_a_power_without_a_value_has_a_substitute_and_a_total_has_none() -> None:
    assert read(row("PvGen.PvW", "NaN"), row("GridMs.TotW.Pv", 6)) == {"pv_power": 6}
    assert "pv_gen_meter" not in read(
        row("PvGen.PvWh", "NaN"), row("Metering.TotWhOut.Pv", 6), ALIVE
    )


@pytest.mark.parametrize(
    ("first", "second"), [("PvGen.PvWh", "Metering.TotWhOut.Pv"), ("PvGen.PvW", "GridMs.TotW.Pv")]
)
def test_what_was_chosen_once_is_kept(first: str, second: str) -> None:
    sensor, taken = BY_NAME[first].sensor, Taken()
    assert sensor in read(row(second, 6), taken=taken)
    assert read(row(first, 5), row(second, 6), taken=taken) == read(row(second, 6))
    assert sensor not in read(row(first, 5), ALIVE, taken=taken)


def test_the_device_goes_before_its_plant_and_that_before_its_parameters() -> None:
    parameters = parameters_of(
        [{"componentId": SELF, "values": [parameter("Inverter.WLim", "15000")]}], SELF
    )
    reply = [row("GridMs.TotW", 1), row("GridMs.TotW", 2, PLANT), row("GridMs.Hz", 50, PLANT)]
    found = component.readings(
        component.channels(reply, SELF),
        Description({"generatorPower": 12}, parameters, has_sums=True),
        Taken(),
    )
    assert found == {"grid_power": 1, "frequency": 50, "inverter_power_limit": 15000}


def test_what_another_component_says_is_not_the_devices() -> None:
    assert read(row("GridMs.TotW", 1), row("GridMs.Hz", 50, "SD2P:1")) == {"grid_power": 1}
    rows = [row("GridMs.TotW", 1, "SD2P:1"), row("GridMs.Hz", 50, PLANT)]
    behind = component.readings(
        component.channels(rows, "SD2P:1"), Description(has_sums=True), Taken()
    )
    assert behind == {"grid_power": 1}


# --- charging stations ---


@pytest.mark.parametrize(
    ("about", "more", "sensor"),
    [
        ({"productGroupTagId": 8008}, [], "charging_power"),
        ({"productGroupTagId": 8001}, [row("ChaSess.WhIn", 0)], "metering_power_absorbed"),
        ({}, [row("ChaSess.WhIn", 0)], "charging_power"),
        ({}, [], "metering_power_absorbed"),
        ({"productGroupTagId": "x"}, [row("Chrg.ModSw", 4718)], "charging_power"),
    ],
    ids=["class", "other class", "channels", "neither", "no class"],
)
def test_a_meter_is_the_charging_stations_own_by_its_class_or_else_by_its_channels(
    about: Any, more: Any, sensor: str
) -> None:
    found = read(row("Metering.GridMs.TotWIn", 3600), *more, **about)
    assert found[sensor] == 3600
    assert len({"charging_power", "metering_power_absorbed"} & found.keys()) == 1


# --- who it is ---


def test_an_identity_is_of_the_description_and_else_of_the_parameters() -> None:
    parameters = parameters_of(
        [
            {
                "componentId": SELF,
                "values": [
                    parameter("Nameplate.SerNum", "3010000002"),
                    parameter("Nameplate.Model", "9491"),
                    parameter("Nameplate.Vendor", "461"),
                    parameter("Nameplate.PkgRev", "03.06.15.R"),
                    parameter("Nameplate.Location", " Roof "),
                ],
            }
        ],
        SELF,
    )
    of_parameters = identity_of({}, parameters)
    assert of_parameters.serial == "3010000002"
    assert "Tripower X 15" in of_parameters.model
    assert (of_parameters.manufacturer, of_parameters.name) == ("SMA", "Roof")
    described = identity_of({"serial": "3010000001", "product": "STP X", "vendor": ""}, parameters)
    assert (described.serial, described.model) == ("3010000001", "STP X")
    assert described.manufacturer == "SMA"


@pytest.mark.parametrize("serial", [3010000001, 3010000001.0, "3010000001", " 3010000001 "])
def test_a_serial_number_may_be_a_number(serial: object) -> None:
    assert identity_of({"serial": serial}, {}) == Identity(serial="3010000001")


@pytest.mark.parametrize("power", [0, -5, None, "NaN", [], float("inf")])
def test_a_rated_power_that_is_none(power: object) -> None:
    assert rated_power_of({"generatorPower": power}) == {}


def test_channels_that_no_table_knows_are_named() -> None:
    live = live_of(
        [row("GridMs.TotW", 5), row("New.Channel", [5]), row("Bat.Diag.VolMax", 5)], SELF
    )
    assert unknown(live) == ["New.Channel"]


@given(LEAVES)
def test_a_number_at_an_address_is_one(value: Any) -> None:
    live = live_of([row("New.Channel", [5, value])], SELF)
    found = numbers_at(live, [Address("Measurement.New.Channel", n) for n in range(3)])
    assert found[Address("Measurement.New.Channel", 0)] == 5
    assert all(math.isfinite(each) for each in found.values())
