"""What a gauge can be: garbage is out of it, and nothing that a device has said."""

import json
from pathlib import Path

import pytest

from sma_exporter.simulator import MODELS, Simulator
from sma_exporter.sma.sensors import SENSORS, Kind, out_of_bounds
from sma_exporter.webconnect import decode

RECORDINGS = ("sb-1.5", "sb-3.6", "stp-10.0-se", "stp-10.0-se-energy-meter")


@pytest.mark.parametrize(
    ("sensor", "value"),
    [
        ("metering_power_supplied", -2.2e12),
        ("grid_power", -(2.0**31) + 1),
        ("grid_power", 2.0**31 - 1),
        ("voltage_l1", (2.0**31 - 1) / 100),
        ("current_total", (2.0**32 - 2) / 1000),
        ("frequency", 65535 * 10.0),
        ("frequency", -1),
        ("inverter_temp", -3276.8),
        ("inverter_temp", 3276.7),
        ("battery_soc_total", (2.0**32 - 2) / 100),
        ("grid_power_factor", 65.535),
        ("daily_yield", (2.0**31) * 3600),
        ("pv_isolation_resistance", -1),
    ],
)
def test_garbage_is_out_of_bounds(sensor: str, value: float) -> None:
    assert out_of_bounds({sensor: value, "pv_power": 5}) == {sensor: value}


@pytest.mark.parametrize(
    ("sensor", "value"),
    [
        ("grid_power", 4.6e6),  # the largest central inverters
        ("grid_power", -4.6e6),
        ("metering_power_absorbed", 9e8),
        ("pv_voltage_a", 1500),
        ("current_total", 6000),
        ("frequency", 0),
        ("frequency", 65.5),
        ("ambient_temp", -45),
        ("inverter_temp", 130),
        ("battery_capacity_total", 1.05),
        ("grid_power_factor_eei", -1),
        ("daily_yield", 110_000 * 15 * 3600),
        ("battery_nominal_capacity", 5_000_000 * 3600),
        ("pv_isolation_resistance", 4_294_967_294),
        ("feed_in_wait_time", 600),
        ("wifi_signal_strength", -0.8),
        ("serial_number", 4_294_967_294),
        ("event_number", 4_294_967_294),
        ("total_yield", 1e30),  # the guard of totals judges it
    ],
)
def test_what_devices_can_measure_is_within_bounds(sensor: str, value: float) -> None:
    assert out_of_bounds({sensor: value}) == {}


def test_states_and_texts_have_no_bounds() -> None:
    assert out_of_bounds({"status": (307,), "device_name": "x", "unknown": 1e99}) == {}


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_recorded_value_is_within_bounds(shared: Path, name: str) -> None:
    document = json.loads((shared / "captures" / f"{name}.json").read_text("utf-8"))
    for call in ("getAllOnlValues", "getAllParamValues"):
        (values,) = document[call]["result"].values()

        assert out_of_bounds(decode(values)) == {}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_every_simulated_value_is_within_bounds(model: str, hour: int) -> None:
    simulator = Simulator(model, clock=lambda: 1750464000.0 + hour * 3600)
    (values,) = simulator.online_values("istl")["result"].values()

    assert out_of_bounds(decode(values)) == {}


def test_every_gauge_of_a_quantity_has_bounds() -> None:
    without = {
        sensor.unit
        for sensor in SENSORS.values()
        if sensor.kind is Kind.GAUGE and sensor.bounds is None
    }

    assert without == {"", "bytes_per_second"}
