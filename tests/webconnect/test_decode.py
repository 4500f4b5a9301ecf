"""A whole reply into readings in base units."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from raw_values import KEYS, RESULTS, entries, state

from sma_exporter.sma.exceptions import SmaReadException
from sma_exporter.sma.limits import ELEMENTS
from sma_exporter.sma.objects import OBJECTS, Object, keys_of
from sma_exporter.sma.sensors import SENSORS, Kind
from sma_exporter.sma.source import Address, Identity
from sma_exporter.webconnect import decode
from sma_exporter.webconnect.decode import (
    ONLINE_KEYS,
    PARAMETER_KEYS,
    has_value,
    identity_of,
    left_out,
    numbers_at,
    require_value,
    sensors_of,
)

# A hybrid's battery keys.
MODE, CONDITION = "6180_08495E00", "6180_08414D00"
MODE_NAME = "battery_status_operating_mode"
SOC, VOLTAGE, CURRENT, CHARGE = "6100_00295A00", "6100_00495C00", "6100_40495D00", "6400_00496700"


@pytest.mark.parametrize(
    ("key", "raw", "expected"),
    [
        ("6100_40263F00", 2567, {"grid_power": 2567}),
        ("6100_40263F00", 0, {"grid_power": 0}),
        ("6100_40263F00", -10, {"grid_power": -10}),
        ("6100_00465700", 4999, {"frequency": 49.99}),
        ("6100_00464800", 24_206, {"voltage_l1": 242.06}),
        ("6100_00664F00", 10_605, {"current_total": 10.605}),
        ("6102_40254E00", 7, {"insulation_residual_current": 0.007}),
        ("6102_00254F00", 3_000_000, {"pv_isolation_resistance": 3_000_000}),
        ("6100_40265F00", -81, {"grid_reactive_power": -81}),
        ("6100_00665900", 999, {"grid_power_factor": 0.999}),
        ("6100_40665B00", -998, {"grid_power_factor_eei": -0.998, "grid_power_factor": 0.998}),
        ("6102_40633E00", 431, {"inverter_temp": 43.1}),
        ("6400_00260100", 12_992_158, {"total_yield": 12_992_158 * 3600}),
        ("6400_00262200", 8831, {"daily_yield": 8831 * 3600}),
        ("6400_00462E00", 71_636_106, {"operating_time": 71_636_106}),
        ("6400_00492600", 12, {"battery_charge_amount": 12 * 3600, MODE_NAME: (2291,)}),
        ("6100_00464B00", 42_190, {"line_voltage_l1_l2": 421.9}),
        ("6180_00522900", 9500, {"power_factor_setpoint": 0.95}),
        (SOC, 55, {"battery_soc_total": 0.55, MODE_NAME: (2291,)}),
        ("6100_00696E00", 97, {"battery_capacity_total": 0.97, MODE_NAME: (2291,)}),
        ("6100_004AB600", 81, {"wifi_signal_strength": 0.81}),
        ("6100_002F7A00", 315, {"wind_speed": 3.15}),
        ("6800_10821E00", "SB3.6-1AV-41 981", {"device_name": "SB3.6-1AV-41 981"}),
        ("6800_00A21E00", 3_006_894_981, {"serial_number": 3_006_894_981}),
    ],
)
def test_values_are_in_base_units(key: str, raw: object, expected: dict[str, object]) -> None:
    battery = {MODE: state(2291)} if MODE_NAME in expected else {}

    assert decode({key: {"1": [{"val": raw}]}} | battery) == expected
    assert decode({key: {"val": raw}} | battery) == expected


def test_totals_stay_whole_numbers_of_joules() -> None:
    (value,) = decode({"6400_00260100": entries(12_992_158)}).values()

    assert isinstance(value, int)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(None, id="null"),
        pytest.param({"9": []}, id="no channel"),
        pytest.param([], id="empty list"),
        pytest.param({}, id="empty object"),
        pytest.param({"val": None}, id="null val"),
        pytest.param(entries(None), id="null val by class"),
        pytest.param(entries(0xFFFF_FFFF), id="U32 sentinel"),
        pytest.param(entries(-0x8000_0000), id="S32 sentinel"),
        pytest.param(entries("12"), id="text instead of a number"),
        pytest.param(state(307), id="state instead of a number"),
    ],
)
def test_what_the_device_does_not_have_is_absent(raw: object) -> None:
    assert decode({"6100_40263F00": raw}) == {}


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        pytest.param("6180_08214800", state(), id="no tag"),
        pytest.param("6180_08214800", state(16_777_213), id="information not available"),
        pytest.param("6180_08214800", entries(307), id="number instead of a state"),
        pytest.param("6800_10821E00", entries(""), id="empty text"),
        pytest.param("6800_10821E00", entries("\x07 \x00"), id="text of control characters"),
        pytest.param("6800_10821E00", entries(0), id="number instead of a text"),
        pytest.param("6800_10821E00", entries(True), id="true instead of a text"),
    ],
)
def test_states_and_texts_that_say_nothing_are_absent(key: str, raw: object) -> None:
    assert decode({key: raw}) == {}


def test_a_state_is_all_its_active_tags() -> None:
    assert decode({"6180_08214800": state(455, 16_777_213, 35)}) == {"status": (455, 35)}


def test_keys_that_no_sensor_has_are_passed_over() -> None:
    assert decode({"6800_10841E00": {"0": [{"val": "x"}]}, "nonsense": 5, "": None}) == {}


def test_inputs_go_on_beyond_the_three_that_are_defined() -> None:
    readings = decode({"6380_40251E00": entries(10, None, 30, 40, 50)})

    assert readings == {"pv_power_a": 10, "pv_power_c": 30, "pv_power_d": 40, "pv_power_e": 50}


def test_no_more_inputs_than_letters() -> None:
    readings = decode({"6380_40251E00": entries(*range(1, 40))})

    assert len(readings) == 26
    assert readings["pv_power_z"] == 26


def test_optimizers_are_numbered() -> None:
    readings = decode(
        {"6100_40652A00": entries(301, None, 299), "6800_10852600": entries("04C0", "", "04C2")}
    )

    assert readings == {
        "optimizer_power_0": 301,
        "optimizer_power_2": 299,
        "optimizer_serial_0": "04C0",
        "optimizer_serial_2": "04C2",
    }


def test_one_reply_may_mix_device_classes() -> None:
    readings = decode(
        {"6380_40251E00": {"1": [{"val": 854}, {"val": 2733}]}, "6100_40263F00": entries(3396)}
    )

    assert readings == {"pv_power_a": 854, "pv_power_b": 2733, "grid_power": 3396}


@pytest.mark.parametrize("unavailable", [[], None, [{"val": None}], [{"val": 0xFFFF_FFFF}]])
@pytest.mark.parametrize("classes", [("1", "9"), ("9", "1"), ("7", "232")])
@pytest.mark.parametrize(
    ("key", "val", "expected"),
    [
        ("6100_40263F00", 1840, {"grid_power": 1840}),
        ("6100_40263F00", 0, {"grid_power": 0}),
        ("6800_00A21E00", 3_006_894_981, {"serial_number": 3_006_894_981}),
        ("6800_10821E00", "Roof", {"device_name": "Roof"}),
        ("6180_08214800", [{"tag": 307}], {"status": (307,)}),
        ("6400_00260100", 12_992_158, {"total_yield": 12_992_158 * 3600}),
    ],
)
def test_of_two_device_classes_the_one_with_a_value_counts(
    key: str, val: object, expected: dict[str, object], classes: tuple[str, str], unavailable: Any
) -> None:
    """Home Assistant core 56347."""
    for order in (classes, classes[::-1]):
        both = {classes[0]: unavailable, classes[1]: [{"val": val}]}
        body = {key: {name: both[name] for name in order}}

        assert decode(body) == expected
        assert has_value(body)
        if not isinstance(val, str | list):
            assert numbers_at(body, [Address(key)]) == {Address(key): float(val)}  # type: ignore[arg-type]


def test_a_class_with_states_that_say_nothing_has_no_value() -> None:
    nothing, ok = [{"val": [{"tag": 16_777_213}]}], [{"val": [{"tag": 307}]}]

    assert decode({"6180_08214800": {"1": nothing, "9": ok}}) == {"status": (307,)}
    assert decode({"6180_08214800": {"1": [{"val": []}], "9": ok}}) == {"status": (307,)}


def test_the_dc_inputs_of_a_class_stay_together() -> None:
    raw = {"1": [{"val": None}, {"val": None}], "9": [{"val": None}, {"val": 1840}]}

    assert decode({"6380_40251E00": raw}) == {"pv_power_b": 1840}


@pytest.mark.parametrize(
    ("key", "val", "expected"),
    [
        ("6800_00A21E00", 3_007_401_854.0, {"serial_number": 3_007_401_854}),
        ("6800_00823400", 50_466_052.0, {"device_sw_version": 50_466_052}),
        ("6800_08822000", [{"tag": 9402.0}], {"device_type": (9402,)}),
        ("6180_08214800", [{"tag": 307.0}, {"tag": 35}], {"status": (307, 35)}),
        ("6180_08214800", [{"tag": 16_777_213.0}], {}),
        ("6800_008AA200", 1_901_472_733.0, {"energy_meter_in_use": 1_901_472_733}),
        ("6800_10852600", 3_007_401_854.0, {"optimizer_serial_0": "3007401854"}),
        ("6800_10852600", 3_007_401_854, {"optimizer_serial_0": "3007401854"}),
        ("6400_00260100", 1234.0, {"total_yield": 1234 * 3600}),
        ("6100_40263F00", 4_294_967_295.0, {}),
        ("6100_40263F00", 0.5, {"grid_power": 0.5}),
    ],
)
def test_a_whole_number_is_an_integer_however_it_is_written(
    key: str, val: object, expected: dict[str, object]
) -> None:
    found = decode({key: entries(val)})

    assert found == expected
    assert {*map(type, found.values())} == {*map(type, expected.values())}


def test_a_device_that_writes_its_numbers_as_floats_is_known_by_the_same_identity() -> None:
    body = {
        "6800_00A21E00": entries(3_007_401_854.0),
        "6800_00823400": entries(50_466_052.0),
        "6800_08822000": entries([{"tag": 9402.0}]),
        "6800_008AA200": entries(1_901_472_733.0),
        "6100_40463600": entries(5.0),
    }

    readings = decode(body)

    assert identity_of(readings) == Identity(
        serial="3007401854", model="Sunny Boy 3.6", sw_version="3.2.13.R"
    )
    assert readings["meter_serial"] == "1901472733"


# A hybrid without a battery


NOTHING = {SOC: entries(0), VOLTAGE: entries(0), CURRENT: entries(0), CHARGE: entries(0)}
OFF = {"battery_status_operating_mode": (303,), "battery_condition_a": (303,)}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param({MODE: state(303), CONDITION: state(303)}, OFF, id="both off"),
        pytest.param({MODE: state(303)}, {"battery_status_operating_mode": (303,)}, id="mode off"),
        pytest.param({CONDITION: state(303)}, {"battery_condition_a": (303,)}, id="condition off"),
        pytest.param({MODE: state(16_777_213)}, {}, id="not available"),
        pytest.param({}, {}, id="neither told"),
    ],
)
def test_zeros_of_a_battery_that_is_not_there_are_absent(
    states: dict[str, Any], expected: dict[str, object]
) -> None:
    readings = decode({**NOTHING, **states, "6100_40263F00": entries(0)})

    assert readings == {"grid_power": 0, **expected}


@pytest.mark.parametrize(
    "present",
    [
        pytest.param({MODE: state(2291), CONDITION: state(303)}, id="mode"),
        pytest.param({MODE: state(303), CONDITION: state(307)}, id="condition"),
        pytest.param(
            {CONDITION: {"9": [{"val": [{"tag": 303}]}, {"val": [{"tag": 307}]}]}},
            id="condition of another pack",
        ),
        pytest.param({MODE: state(303), VOLTAGE: entries(0, 0, 4800)}, id="voltage of any pack"),
    ],
)
def test_zeros_of_a_battery_that_is_there_are_measurements(present: dict[str, Any]) -> None:
    readings = decode({**NOTHING, **present})

    assert readings["battery_soc_total"] == 0
    assert readings["battery_charge_total"] == 0
    assert readings["battery_current_a"] == 0


ASLEEP = {
    MODE: state(303),
    CONDITION: state(303),
    SOC: entries(None),
    VOLTAGE: entries(0),
    CURRENT: entries(0),
}
DISCHARGE = "6400_00496800"


def test_a_battery_that_sleeps_is_there() -> None:
    """SMA-EM 54: mode and condition are off and there is no voltage, but the totals prove it."""
    asleep = {**ASLEEP, CHARGE: entries(2_702_000), DISCHARGE: entries(2_410_000)}
    by_class = {key: {"7": raw["9"]} for key, raw in asleep.items()}

    assert decode(asleep) == decode(by_class)
    assert decode(by_class) == {
        **OFF,
        "battery_voltage_a": 0,
        "battery_current_a": 0,
        "battery_charge_total": 2_702_000 * 3600,
        "battery_discharge_total": 2_410_000 * 3600,
    }


@pytest.mark.parametrize("key", [CHARGE, "6400_00499500", "6400_00497E00", "6400_00492600"])
def test_any_total_of_charging_proves_a_battery(key: str) -> None:
    assert decode({**ASLEEP, key: entries(1)})["battery_voltage_a"] == 0


def test_what_was_discharged_without_being_charged_proves_no_battery() -> None:
    """As a recorded hybrid without a battery says it."""
    assert decode({**ASLEEP, CHARGE: entries(0), DISCHARGE: entries(100)}) == OFF


# Two objects for one quantity


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(5, 7, 5, id="the first one counts"),
        pytest.param(None, 7, 7, id="the other stands in"),
        pytest.param(0, 7, 0, id="zero is a value"),
        pytest.param(5, None, 5, id="only the first"),
    ],
)
@pytest.mark.parametrize("other", [each for each in OBJECTS if each.name], ids=lambda o: o.name)
def test_one_of_two_objects_counts(
    other: Object, first: int | None, second: int | None, expected: int
) -> None:
    keys = keys_of(other.sensor)
    if SENSORS[other.sensor].kind is Kind.STATES:
        raw = [state() if tag is None else state(tag) for tag in (first, second)]
        wanted: object = (expected,)
    else:
        raw = [entries(first), entries(second)]
        wanted = expected * 3600 if other.unit == "kWh" else expected

    for both in (zip(keys, raw, strict=True), zip(reversed(keys), reversed(raw), strict=True)):
        assert decode(dict(both))[other.sensor] == wanted


# Tags that stand for numbers


@pytest.mark.parametrize(
    ("key", "tag", "expected"),
    [
        ("6180_084A9700", 1721, {"speedwire_a_speed": 12_500_000}),
        ("6180_084A9700", 302, {}),
        ("6180_084A9700", 9999, {}),
        ("6180_08521E00", 2246, {"digital_inputs": 0}),
        ("6180_08521E00", 2251, {"digital_inputs": 0b0101}),
        ("6180_08521E00", 2261, {"digital_inputs": 0b1111}),
    ],
)
def test_a_tag_may_be_a_number(key: str, tag: int, expected: dict[str, int]) -> None:
    assert decode({key: state(tag)}) == expected


# Keys, names and addresses


def test_every_key_is_either_a_parameter_or_read_online() -> None:
    assert sorted((*ONLINE_KEYS, *PARAMETER_KEYS)) == sorted(KEYS)
    assert {key[:2] for key in PARAMETER_KEYS} == {"68", "63"}
    assert "6380_40251E00" in ONLINE_KEYS
    assert "6800_00A21E00" in PARAMETER_KEYS


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("6100_40263F00", ("grid_power",)),
        ("6100_40665F00", ("grid_reactive_power_pv",)),
        ("6380_40251E00", ("pv_power_a", "pv_power_b", "pv_power_c", "pv_power_d")),
        ("6100_40652A00", ("optimizer_power_0", "optimizer_power_1")),
        ("6180_08652600", ("gateway_condition_0", "gateway_condition_1")),
        ("6100_00653100", ("optimizers_found",)),
        ("nonsense", ()),
    ],
)
def test_the_sensors_of_a_key(key: str, expected: tuple[str, ...]) -> None:
    assert sensors_of(key)[: len(expected)] == expected
    assert bool(sensors_of(key)) == bool(expected)


def test_numbers_at_addresses_are_raw() -> None:
    body = {"k": entries(5, None, -7), SOC: entries(55), MODE: state(303), "text": entries("5")}
    addresses = [Address("k"), Address("k", 1), Address("k", 2), Address("k", 3), Address(SOC)]

    found = numbers_at(body, [*addresses, Address(MODE), Address("text"), Address("not there")])

    assert found == {Address("k"): 5.0, Address("k", 2): -7.0, Address(SOC): 55.0}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param({}, False, id="empty"),
        pytest.param({"6100_40263F00": entries(None)}, False, id="null"),
        pytest.param({"6100_40263F00": {"9": []}}, False, id="no channel"),
        pytest.param({"6180_08412800": state(16_777_213)}, False, id="not available"),
        pytest.param({"6100_40263F00": entries(None, 0)}, True, id="zero"),
        pytest.param({"6180_08214800": state(307)}, True, id="state"),
        pytest.param({"6800_10821E00": {"val": "SN"}}, True, id="text"),
        pytest.param({"6100_40263F00": entries("230")}, False, id="text for a number"),
        pytest.param({"9999_00000000": entries(1)}, True, id="unknown key"),
    ],
)
def test_has_value(body: dict[str, Any], expected: bool) -> None:
    assert has_value(body) is expected


def test_values_are_required() -> None:
    require_value({"6100_40263F00": entries(0)})
    with pytest.raises(SmaReadException, match="without any value"):
        require_value({"6100_40263F00": entries(None)})


@pytest.mark.parametrize("form", ["list", "class", "two classes", "str"])
def test_more_parts_than_are_read_are_told(form: str) -> None:
    vals: list[dict[str, object]] = [{"val": 300}] * (ELEMENTS + 30)
    raw: object = {
        "list": vals,
        "class": {"1": vals},
        "two classes": {"1": [{"val": None}], "9": vals},
        "str": [{"str": index + 1, "val": 300} for index in range(ELEMENTS + 30)],
    }[form]
    body = {"6100_40652A00": raw, "6380_40251E00": entries(*range(5))}

    assert left_out(body) == [
        f"6100_40652A00 has {ELEMENTS + 30} elements, of which the first {ELEMENTS} are read"
    ]
    assert len(decode({"6100_40652A00": raw})) == ELEMENTS


def test_all_parts_of_a_large_plant_are_read() -> None:
    body = {"6100_40652A00": entries(*[300] * 130), "6800_10852600": entries(*["04C0"] * 130)}

    assert left_out(body) == []
    assert len(decode(body)) == 2 * 130


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"6100_40652A00": entries(*[300] * ELEMENTS, None, None)}, id="empty slots"),
        pytest.param({"6800_008AA300": entries(1, 2, 3)}, id="usable meters"),
        pytest.param({"9999_00000000": entries(*[1] * 500)}, id="unknown"),
        pytest.param({"6380_40251E00": 5}, id="no elements"),
    ],
)
def test_nothing_is_left_out(body: dict[str, Any]) -> None:
    assert left_out(body) == []


@settings(deadline=None)
@given(body=RESULTS)
def test_nothing_that_json_can_say_crashes_the_decoder(body: dict[str, Any]) -> None:
    readings = decode(body)

    for value in readings.values():
        if isinstance(value, tuple):
            assert value
            assert all(isinstance(tag, int) for tag in value)
        else:
            assert isinstance(value, str) or math.isfinite(value)
    assert not readings or has_value(body)
    assert all(key in body for key in (sentence.split()[0] for sentence in left_out(body)))


def test_a_lifetime_total_below_0_is_no_reading() -> None:
    totals = ("6400_00260100", "6400_00469100", "6400_00462E00")

    found = decode({key: entries(-17) for key in (*totals, "6100_40263F00")})

    assert found == {"grid_power": -17}
