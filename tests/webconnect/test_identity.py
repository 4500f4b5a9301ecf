"""Who a WebConnect device is, by its parameters."""

from typing import Any

import pytest

from sma_exporter.sma.source import Identity
from sma_exporter.webconnect.decode import identity_of


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
    ids=[
        "nothing",
        "serial",
        "serial-as-text",
        "name",
        "model",
        "unknown-model",
        "manufacturer",
        "version",
        "odd-version",
    ],
)
def test_the_identity_in_a_devices_parameters(
    parameters: dict[str, Any], identity: Identity
) -> None:
    assert identity_of(parameters) == identity
