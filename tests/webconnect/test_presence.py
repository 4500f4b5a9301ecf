"""Which sensors a device has, judged by its values."""

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from raw_values import KEYS, RESULTS, entries, state

from sma_exporter.webconnect import definitions
from sma_exporter.webconnect.presence import present

POWER_L1, POWER_L2, POWER_L3 = "6100_40464000", "6100_40464100", "6100_40464200"
PV_POWER, SOC = "6380_40251E00", "6100_00295A00"
FEED_IN, CONSUMPTION = "6100_40463600", "6100_00543100"
OPTIMIZER_POWER, OPTIMIZER_SERIAL = "6100_40652A00", "6800_10852600"
OPTIMIZER_CONDITION, GATEWAY_CONDITION = "6180_08652400", "6180_08652600"
LINE_12, LINE_23, LINE_31 = "6100_00464B00", "6100_00464C00", "6100_00464D00"
OK, OFF = [{"tag": 307}], [{"tag": 303}]

# Sensors whose elements are counted from 0, not lettered.
NUMBERED = ("optimizer_", "gateway_")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({}, [], id="nothing offered"),
        pytest.param({"6100_40263F00": entries(0)}, ["grid_power"], id="zero"),
        pytest.param({"6100_40263F00": entries(None)}, ["grid_power"], id="null, as at night"),
        pytest.param({"6100_40263F00": {"9": []}}, [], id="no channel"),
        pytest.param({"6100_40263F00": None}, [], id="no raw value"),
        pytest.param({"6180_08214800": state(16_777_213)}, ["status"], id="state not available"),
        pytest.param({"9999_00000000": entries(1)}, [], id="unknown key"),
        pytest.param(
            {PV_POWER: entries(10, 20)}, ["pv_power_a", "pv_power_b"], id="as many inputs as sent"
        ),
        pytest.param({PV_POWER: entries(10, None)}, ["pv_power_a"], id="input not fitted"),
        pytest.param(
            {PV_POWER: entries(None, None)}, ["pv_power_a", "pv_power_b"], id="inputs at night"
        ),
        pytest.param(
            {POWER_L1: entries(5), POWER_L2: entries(None), POWER_L3: entries(None)},
            ["power_l1"],
            id="phases not fitted",
        ),
        pytest.param(
            {POWER_L1: entries(None), POWER_L2: entries(None), POWER_L3: entries(None)},
            ["power_l1", "power_l2", "power_l3"],
            id="phases at night",
        ),
        pytest.param(
            {LINE_12: entries(40_000), LINE_23: entries(40_100), LINE_31: entries(None)},
            ["line_voltage_l1_l2", "line_voltage_l2_l3"],
            id="pair of phases not fitted",
        ),
        pytest.param(
            {"6100_40665F00": entries(-7)}, ["grid_reactive_power_pv"], id="under its own key"
        ),
        pytest.param({OPTIMIZER_CONDITION: entries(OFF, OFF)}, [], id="slots, no optimizer"),
        pytest.param(
            {GATEWAY_CONDITION: entries(OFF, OK, OFF)}, ["gateway_condition_1"], id="a gateway"
        ),
        pytest.param(
            {
                "6800_00A21E00": entries(1),
                "6800_10821E00": entries("SN"),
                "6800_00832A00": entries(2),
            },
            ["inverter_power_limit"],
            id="identity is no sensor",
        ),
        pytest.param({FEED_IN: entries(None)}, [], id="meter without a value"),
        pytest.param(
            {FEED_IN: entries(0), "6100_40463700": entries(None)},
            ["metering_power_supplied", "metering_power_absorbed"],
            id="meter with one value",
        ),
        pytest.param(
            {CONSUMPTION: entries(7), FEED_IN: entries(None)},
            ["metering_current_consumption"],
            id="consumption is no sign of a meter",
        ),
        pytest.param({CONSUMPTION: entries(None)}, [], id="consumption without a value"),
        pytest.param({"6800_008AA300": entries(None)}, [], id="no usable meter"),
        pytest.param({"6800_008AA300": entries(1901)}, ["energy_meter"], id="usable meter"),
        pytest.param({SOC: entries(0), "6180_08495E00": state(303)}, [], id="no battery"),
        pytest.param({SOC: entries(None)}, [], id="battery without a value"),
        pytest.param(
            {SOC: entries(40), "6180_08495E00": state(2291), "6100_00495C00": entries(4800, None)},
            ["battery_soc_total", "battery_voltage_a", "battery_status_operating_mode"],
            id="battery with one pack",
        ),
    ],
)
def test_sensors_that_are_present(values: dict[str, Any], expected: list[str]) -> None:
    assert [sensor.name for sensor in present(values)] == expected


def test_sensors_come_in_the_order_of_the_definitions() -> None:
    found = [sensor.name for sensor in present({key: entries(1) for key in reversed(KEYS)})]

    plain = [name for name in found if not name.startswith(NUMBERED)]
    assert plain == [name for name in definitions.SENSORS if name in plain]
    assert len(plain) > 30


def test_an_optimizer_counts_with_a_value_or_a_serial_number() -> None:
    values = {
        OPTIMIZER_POWER: entries(300, None, None),
        OPTIMIZER_SERIAL: entries("A", "", "C"),
        OPTIMIZER_CONDITION: entries(OK, OFF, OFF),
    }

    sensors = present(values)
    for sensor in sensors:
        sensor.extract_value(values)

    assert {sensor.name.rpartition("_")[2] for sensor in sensors} == {"0", "2"}
    assert len(sensors) == 2 * 7
    assert sensors["optimizer_power_0"].value == 300
    assert sensors["optimizer_power_2"].value is None
    assert sensors["optimizer_serial_2"].value == "C"
    assert (sensors["optimizer_temp_2"].unit, sensors["optimizer_temp_2"].factor) == ("°C", 10)


def test_presence_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    present({key: entries("A", "B") for key in KEYS})

    assert caplog.records == []


@settings(deadline=None, max_examples=50)
@given(values=RESULTS)
def test_nothing_that_json_can_say_crashes_presence(values: dict[str, Any]) -> None:
    for sensor in present(values):
        assert sensor.key in values or sensor.name.startswith(NUMBERED)
