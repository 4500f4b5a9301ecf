"""What is known of a device at one moment."""

from typing import Any

import pytest

from sma_exporter.devices.snapshot import DeviceState, ReadResult, Snapshot
from sma_exporter.sma.exceptions import Reason
from sma_exporter.sma.source import Identity


def snapshot(result: ReadResult | None, **state: Any) -> Snapshot:
    return Snapshot("roof", "home", result, DeviceState(**state), dict.fromkeys(Reason, 0), 0, None)


def test_the_reasons_are_those_of_the_contract() -> None:
    assert tuple(Reason) == (
        "connection", "timeout", "tls", "certificate_pin", "authentication", "session_limit",
        "identity", "protocol", "unsupported", "internal",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("manufacturer", "model", "title"),
    [
        ("SMA", "Sunny Boy 3.6", "SMA Sunny Boy 3.6"),
        ("SMA", "SMA Energy Meter", "SMA Energy Meter"),
        ("", "Sunny Boy 3.6", "Sunny Boy 3.6"),
        ("SMA", "", "SMA"),
        ("", "", ""),
    ],
    ids=["both", "manufacturer-in-model", "model-only", "manufacturer-only", "unknown"],
)
def test_a_title_names_the_manufacturer_once(manufacturer: str, model: str, title: str) -> None:
    assert Identity(manufacturer=manufacturer, model=model).title == title


@pytest.mark.parametrize(
    ("result", "up"),
    [
        (None, False),
        (ReadResult(0.0, reason=Reason.CONNECTION), False),
        (ReadResult(0.0, readings={"grid_power": 0}), True),
    ],
    ids=["before-the-first-read", "failed", "good"],
)
def test_up_is_the_good_read_and_nothing_else(result: ReadResult | None, up: bool) -> None:
    assert snapshot(result).up is up


def test_a_good_read_is_shown_and_nothing_else() -> None:
    result = ReadResult(0.0, readings={"grid_power": 1200})

    assert snapshot(result, kept={"inverter_power_limit": 3600}).readings == {"grid_power": 1200}


@pytest.mark.parametrize(
    "result", [None, ReadResult(0.0, reason=Reason.TIMEOUT, readings={"grid_power": 1})]
)
def test_what_describes_the_device_is_shown_while_it_sleeps(result: ReadResult | None) -> None:
    assert snapshot(result, kept={"inverter_power_limit": 3600}).readings == {
        "inverter_power_limit": 3600
    }
