"""Who a WebConnect device is, by its parameters."""

from typing import Any

import pytest

from sma_exporter.sma.source import Identity
from sma_exporter.webconnect.decode import identity_of, version_int_to_string


@pytest.mark.parametrize(
    ("parameters", "identity"),
    [
        ({}, Identity()),
        ({"serial_number": 3001234567}, Identity(serial="3001234567")),
        ({"serial_number": "3001234567"}, Identity(serial="3001234567")),
        ({"device_name": "Roof"}, Identity(name="Roof")),
        ({"device_type": (9402,)}, Identity(model="Sunny Boy 3.6")),
        ({"device_type": (99_999_999,)}, Identity(model="99999999")),
        ({"device_manufacturer": (461,)}, Identity(manufacturer="SMA")),
        ({"device_sw_version": 51_389_444}, Identity(sw_version="3.10.36.R")),
        ({"device_sw_version": "unknown"}, Identity()),
    ],
    ids=str,
)
def test_the_identity_in_a_devices_parameters(
    parameters: dict[str, Any], identity: Identity
) -> None:
    assert identity_of(parameters) == identity


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (51_389_444, "3.10.36.R"),
        (50_332_164, "3.0.2.R"),
        (33_686_020, "2.2.2.R"),
        (33_751_296, "2.3.1.N"),
        (0x1234_C803, "12.34.200.B"),
        (0x0100_0005, "1.0.0.S"),
        (0x0100_0006, "1.0.0.6"),
        (0xFFFF_FFFF, "ff.ff.255.255"),
        (0, ""),
        (None, ""),
        (-1, ""),
        (1 << 32, ""),
    ],
)
def test_a_firmware_version(number: int | None, expected: str) -> None:
    assert version_int_to_string(number) == expected
