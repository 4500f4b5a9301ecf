"""What the exporter makes of a device's values: fake devices, read over sockets as scrapes do."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from raw_values import entries, state
from support.devices import Clock, Scraped
from support.raw_devices import WebConnectFake

from sma_exporter import config
from sma_exporter.sma.limits import ELEMENTS

Read = Callable[..., Scraped]

SERIAL, POWER, SUPPLIED = "6800_00A21E00", "6100_40263F00", "6100_40463600"
MODE, CONDITION, SOC, VOLTAGE = "6180_08495E00", "6180_08414D00", "6100_00295A00", "6100_00495C00"
CHARGE, DISCHARGE = "6400_00496700", "6400_00496800"
OPTIMIZER_POWER = "6100_40652A00"

ASLEEP: dict[str, Any] = {
    SERIAL: entries(1_930_023_194),
    MODE: state(303),
    CONDITION: state(303),
    VOLTAGE: entries(0),
    SOC: entries(None),
    CHARGE: entries(2_702_000),
    DISCHARGE: entries(2_410_000),
}


@pytest.fixture
def read() -> Iterator[Read]:
    """Configure a device for a fake one; it is closed at the end."""
    with ExitStack() as running:

        def start(fake: WebConnectFake, **keys: Any) -> Scraped:
            running.enter_context(fake)
            settings = config.DeviceSettings(
                name="roof", url=fake.url, password=config.Secret(fake.password), **keys
            )
            scraped = Scraped(settings, Clock())
            running.callback(scraped.close)
            return scraped

        yield start


def test_the_totals_of_a_battery_that_sleeps_are_shown(read: Read) -> None:
    readings = read(WebConnectFake(ASLEEP)).read().readings

    assert readings["battery_charge_total"] == pytest.approx(9.7272e9)
    assert readings["battery_discharge_total"] == pytest.approx(8.676e9)


def test_a_battery_that_sleeps_stays_while_its_totals_are_null(read: Read) -> None:
    fake = WebConnectFake(ASLEEP)
    roof = read(fake)
    before = roof.read()

    fake.values |= {CHARGE: entries(None), DISCHARGE: entries(None)}
    without_totals = roof.read_later(10)
    roof.clock.advance(3600)
    after_parameters = roof.read_later(10)

    for result in (before, without_totals, after_parameters):
        assert result.readings["battery_voltage_a"] == 0
    assert "battery_charge_total" not in without_totals.readings


def test_another_device_at_the_address_has_no_battery_of_the_one_before(read: Read) -> None:
    fake = WebConnectFake(ASLEEP)
    roof = read(fake)
    roof.read()

    fake.values |= {SERIAL: entries(1_930_023_195), CHARGE: entries(0), DISCHARGE: entries(0)}
    roof.clock.advance(3600)
    roof.read_later(10)

    assert "battery_voltage_a" not in roof.read_later(10).readings


def test_a_device_that_writes_floats_is_the_configured_one(read: Read) -> None:
    fake = WebConnectFake({SERIAL: entries(3_007_401_854.0), POWER: entries(5.0)})

    scraped = read(fake, serial="3007401854").scrape()

    assert scraped.up
    assert scraped.state.identity.serial == "3007401854"


@pytest.mark.parametrize("control", ["\t", "\n", "\x07", "\x00", "\u2028"])
def test_a_control_character_in_a_name_is_no_part_of_the_label(read: Read, control: str) -> None:
    fake = WebConnectFake(
        {
            POWER: entries(5),
            "6800_10821E00": entries(f"{control}My{control}Home"),
            "6800_10852600": entries(f"04C0{control}", control),
        }
    )

    scraped = read(fake).scrape()

    assert scraped.state.identity.name == "MyHome"
    assert scraped.readings["optimizer_serial_0"] == "04C0"
    assert "optimizer_serial_1" not in scraped.readings


def test_values_of_two_device_classes_are_read(read: Read) -> None:
    fake = WebConnectFake({POWER: {"1": [{"val": None}], "9": [{"val": 1840}]}})

    assert read(fake).read().readings["grid_power"] == 1840


@pytest.mark.parametrize("garbage", [-2.2e12, 2.1e9, -2_147_483_647])
def test_a_power_that_cannot_be_is_left_out_and_logged_once(
    read: Read, garbage: float, caplog: pytest.LogCaptureFixture
) -> None:
    """openHAB addons 12142."""
    caplog.set_level(logging.WARNING)
    fake = WebConnectFake({POWER: entries(1840), SUPPLIED: entries(garbage)})
    roof = read(fake)

    found = [roof.read_later(10).readings for _ in range(3)]
    fake.values[SUPPLIED] = entries(500)
    mended = roof.read_later(10).readings

    assert [readings.get("metering_power_supplied") for readings in found] == [None] * 3
    assert [readings["grid_power"] for readings in found] == [1840] * 3
    assert mended["metering_power_supplied"] == 500
    (record,) = (r for r in caplog.records if "cannot be" in r.getMessage())
    assert (record.device, record.sensor, record.value) == (  # type: ignore[attr-defined]
        "roof",
        "metering_power_supplied",
        garbage,
    )


def test_a_rated_power_that_cannot_be_is_not_kept(read: Read) -> None:
    fake = WebConnectFake({POWER: entries(5), "6800_00832A00": entries(4_294_967_294)})
    roof = read(fake)

    roof.read()

    assert "inverter_power_limit" not in roof.read_later(10).readings
    assert "inverter_power_limit" not in roof.scrape().state.kept


def test_more_optimizers_than_are_read_are_logged_once(
    read: Read, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    roof = read(WebConnectFake({OPTIMIZER_POWER: entries(*[300] * (ELEMENTS + 30))}))

    readings = [roof.read_later(4000).readings for _ in range(3)][-1]

    assert f"optimizer_power_{ELEMENTS - 1}" in readings
    assert f"optimizer_power_{ELEMENTS}" not in readings
    (record,) = (r for r in caplog.records if "more parts" in r.getMessage())
    assert "report it" in record.getMessage()
    assert f"{ELEMENTS + 30} elements" in record.left_out  # type: ignore[attr-defined]


def test_130_optimizers_are_all_there(read: Read) -> None:
    readings = read(WebConnectFake({OPTIMIZER_POWER: entries(*range(130))})).read().readings

    assert [readings[f"optimizer_power_{index}"] for index in range(130)] == [*range(130)]
