"""What of a whole reply counts: the second step of decoding."""

import pytest

from sma_exporter.sma.source import Value
from sma_exporter.webconnect.decode import concluded


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ({"grid_power_factor": 0.98, "grid_power_factor_eei": -0.5}, 0.98),
        ({"grid_power_factor": 0.0, "grid_power_factor_eei": -0.977}, 0.977),
        ({"grid_power_factor_eei": 0.5}, 0.5),
        ({"grid_power_factor": 0.0}, None),
        ({}, None),
    ],
    ids=["given", "zero on a hybrid", "only the signed one", "zero alone", "none"],
)
def test_the_power_factor_of_hybrids(readings: dict[str, Value], expected: float | None) -> None:
    found = concluded(readings).get("grid_power_factor")

    assert found == expected


@pytest.mark.parametrize(
    ("readings", "shown"),
    [
        pytest.param({"optimizer_condition_3": (303,)}, False, id="an empty slot"),
        pytest.param({"optimizer_condition_3": (307,)}, True, id="an optimizer"),
        pytest.param(
            {"optimizer_condition_3": (303,), "optimizer_serial_3": "04C0"},
            True,
            id="an optimizer that is off",
        ),
        pytest.param({"gateway_condition_1": (303,)}, False, id="no gateway"),
        pytest.param({"gateway_condition_1": (35,)}, True, id="a gateway with a fault"),
    ],
)
def test_slots_that_are_empty_are_no_parts(readings: dict[str, Value], shown: bool) -> None:
    assert any("_condition_" in name for name in concluded(readings)) is shown


@pytest.mark.parametrize(
    ("readings", "serial"),
    [
        ({"energy_meter_in_use": 1900000012, "energy_meter": 1900000034}, "1900000012"),
        ({"energy_meter_in_use": 0, "energy_meter": 1900000034}, "1900000034"),
        ({"energy_meter_in_use": -5, "energy_meter": 1900000034}, "1900000034"),
        ({"energy_meter": 1900000034}, "1900000034"),
        ({"energy_meter": 10_000_000_000}, ""),
        ({"device_type": (9327,), "serial_number": 1900000056}, "1900000056"),
        ({"device_type": (9338,), "serial_number": 1900000056}, ""),
        ({}, ""),
    ],
    ids=[
        *("in use", "none in use", "impossible in use", "usable", "impossible"),
        *("itself", "an inverter", "unknown"),
    ],
)
def test_the_meter_is_named_whenever_it_has_a_value(
    readings: dict[str, Value], serial: str
) -> None:
    assert concluded({"metering_power_supplied": 0} | readings)["meter_serial"] == serial


def test_a_meter_without_values_is_not_there() -> None:
    assert "meter_serial" not in concluded({"energy_meter_in_use": 1901444353})
