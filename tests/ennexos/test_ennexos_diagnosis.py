"""What `sensors` is told of a device with ennexOS: step by step, and all that it answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.ennexos_fakes import PASSWORD, PLANT, SELF, SERIAL, USER, EnnexosFake, parameter, row
from support.raw_devices import reply

from sma_exporter.ennexos.diagnosis import diagnose
from sma_exporter.ennexos.source import EnnexOSSettings
from sma_exporter.simulator import EnnexosSimulator
from sma_exporter.sma.diagnosis import Diagnosis
from sma_exporter.sma.exceptions import SmaAuthenticationException, SmaTlsException
from sma_exporter.sma.source import Address


@pytest.fixture
def fake() -> Iterator[EnnexosFake]:
    with EnnexosFake(row("GridMs.TotW", 1200)) as device:
        device.devices[SELF] |= {"product": "Sunny Tripower X 15", "vendor": "SMA"}
        device.parameters[SELF] = [parameter("Inverter.WLim", "15000")]
        yield device


def diagnosed(
    device: Any, component: str = SELF, password: str = PASSWORD, **tls: Any
) -> Diagnosis:
    return diagnose(
        EnnexOSSettings(
            name="roof",
            url=device.url,
            username=USER,
            component=component,
            password=lambda: password,
            timeout=2.0,
            **tls,
        )
    )


def values(found: Diagnosis) -> dict[str, tuple[object, str, bool]]:
    """Each value by its sensor: the number or words, the unit, whether it counts."""
    return {each.sensor: (each.value, each.unit, bool(each.reading)) for each in found.values}


def test_every_step_to_a_healthy_device(fake: EnnexosFake) -> None:
    found = diagnosed(fake)
    assert found.failure is None
    assert [step.name for step in found.steps] == [
        *("reached", "protocol", "certificate", "login", "device")
    ]
    assert SERIAL in found.steps[-1].found
    assert found.own_keys == {"username": USER}
    assert fake.logouts == 1


def test_every_value_stands_beside_its_own_sensor_in_the_devices_unit(fake: EnnexosFake) -> None:
    fake.rows += [
        row("DcMs.Watt", ["NaN", 5, 6.5]),
        row("Metering.TotWhOut", 13435693.85904506),
        row("Bat.ChaStt", 55),
        row("Bat.TmpValMax", [20, 25]),
        row("Operation.Health", 307),
        row("Metering.PCCMs.PlntW.phsA", -5.5, PLANT),
        row("PvGen.PvW", 7),
        row("GridMs.TotW.Pv", 8),
    ]
    found = values(diagnosed(fake))
    assert found == {
        "grid_power": (1200, "W", True),
        "pv_power_b": (5, "W", True),
        "pv_power_c": (6.5, "W", True),
        "total_yield": (13435693.859, "Wh", True),
        "battery_soc_total": (55, "%", True),
        "battery_temp_highest": (25, "°C", True),
        "status": ("Ok", "", True),
        "metering_active_power_feed_l1": (0, "W", True),
        "metering_active_power_draw_l1": (5.5, "W", True),
        "pv_power": (8, "W", False),
        "inverter_power_limit": (15000, "W", True),
    }


def test_what_no_table_knows_is_named_with_an_address(fake: EnnexosFake) -> None:
    fake.rows += [row("New.Channel", ["NaN", 5]), row("New.Text", "x"), row("New.Nothing", "NaN")]
    found = {each.key: each for each in diagnosed(fake).unknown}
    number, text = found["Measurement.New.Channel"], found["Measurement.New.Text"]
    assert number.number == Address("Measurement.New.Channel", 1)
    assert text.is_text
    assert text.number is None


def test_devices_behind_a_manager_are_named_with_their_component(fake: EnnexosFake) -> None:
    fake.devices |= {
        "SD2P:1": {"deviceId": "SD2P:1", "product": "STP 10", "serial": "3010000009"},
        PLANT: {"deviceId": PLANT},
    }
    (other,) = diagnosed(fake).others
    assert other.own_keys == {"component": "SD2P:1"}
    assert other.identity.model == "STP 10"


def test_a_component_has_its_own_key(fake: EnnexosFake) -> None:
    fake.rows.append(row("GridMs.TotW", 5, "SD2P:1"))
    fake.devices["SD2P:1"] = {"deviceId": "SD2P:1", "serial": "3010000009"}
    found = diagnosed(fake, "SD2P:1")
    assert found.own_keys == {"username": USER, "component": "SD2P:1"}
    assert values(found) == {"grid_power": (5, "W", True)}
    assert found.others == []


def test_a_wrong_password_ends_it_at_the_login(fake: EnnexosFake) -> None:
    found = diagnosed(fake, password="Wrong-1234")
    assert isinstance(found.failure, SmaAuthenticationException)
    assert [step.name for step in found.steps] == ["reached", "protocol", "certificate"]
    assert fake.count("login") == 1


def test_parameters_that_a_user_may_not_see_are_told_and_cost_no_values(fake: EnnexosFake) -> None:
    fake.answers["parameters/search"] = lambda _: reply(b"", 403)
    found = diagnosed(fake)
    assert "403" in str(found.failure)
    assert values(found) == {"grid_power": (1200, "W", True)}


def test_a_certificate_that_nobody_vouches_for_is_offered() -> None:
    with EnnexosSimulator(tls=True) as simulator:
        found = diagnosed(simulator)
        assert isinstance(found.failure, SmaTlsException)
        assert found.fingerprint == simulator.fingerprint
        assert found.steps == []
        trusting = diagnosed(simulator, verify=False)
        assert trusting.failure is None
        assert trusting.fingerprint == simulator.fingerprint
