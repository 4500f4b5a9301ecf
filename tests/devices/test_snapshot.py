"""What is known of a device at one moment."""

from typing import Any

import pytest

from sma_exporter.devices.snapshot import REASONS, Identity, Known, Outcome, Snapshot


def snapshot(outcome: Outcome | None, **known: Any) -> Snapshot:
    return Snapshot("roof", "home", outcome, Known(**known), dict.fromkeys(REASONS, 0), None)


def test_the_reasons_are_those_of_the_contract() -> None:
    assert REASONS == (
        "connection", "timeout", "tls", "certificate_pin", "authentication", "session_limit",
        "identity", "protocol", "unsupported", "internal",
    )  # fmt: skip


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
    assert Identity.of(parameters) == identity


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
    ("outcome", "up"),
    [
        (None, False),
        (Outcome(0.0, reason="connection"), False),
        (Outcome(0.0, readings={"grid_power": 0}), True),
    ],
    ids=["before-the-first-read", "failed", "good"],
)
def test_up_is_the_good_read_and_nothing_else(outcome: Outcome | None, up: bool) -> None:
    assert snapshot(outcome).up is up


PARAMETERS = {"inverter_power_limit": 3600, "inverter_system_init": (1129,)}


def test_a_good_read_is_shown_with_the_parameters_known_already() -> None:
    outcome = Outcome(0.0, readings={"grid_power": 1200})

    assert snapshot(outcome, parameters=PARAMETERS).readings == PARAMETERS | {"grid_power": 1200}


def test_a_read_with_parameters_shows_those_rather_than_the_known_ones() -> None:
    outcome = Outcome(0.0, readings={"inverter_power_limit": 3000})

    shown = snapshot(outcome, parameters=PARAMETERS).readings

    assert shown == PARAMETERS | {"inverter_power_limit": 3000}


@pytest.mark.parametrize(
    "outcome", [None, Outcome(0.0, reason="timeout", readings={"grid_power": 1})]
)
def test_what_does_not_age_is_shown_while_the_device_sleeps(outcome: Outcome | None) -> None:
    assert snapshot(outcome, parameters=PARAMETERS).readings == {"inverter_power_limit": 3600}
