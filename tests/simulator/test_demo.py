"""The demonstration: one home, where it is always morning."""

import pytest
from support.devices import NOON
from support.simulated_webconnect import one, online

from sma_exporter.simulator import EnnexosSimulator, Simulator, demo_devices


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_the_demonstration_is_in_the_morning(hour: int) -> None:
    every = {d.name: d.simulator for d in demo_devices(lambda: NOON + hour * 3600)}
    devices = {name: each for name, each in every.items() if isinstance(each, Simulator)}
    assert list(devices) == ["hybrid", "roof", "garage"]
    for simulator in devices.values():
        assert sum(online(simulator)["6380_40251E00"]) > 100
    assert one(devices["hybrid"], "6400_00462500") == one(devices["roof"], "6400_00462500")
    assert online(devices["hybrid"])["6180_08414D00"] == [[{"tag": 307}]]
    assert len({simulator.serial for simulator in devices.values()}) == 3


def test_devices_of_another_protocol_can_stand_in_the_home() -> None:
    models = {"barn": "stp-x-15", "garage": "sb-3.6", "car": "evc-22"}
    barn, garage, car = (each.simulator for each in demo_devices(lambda: NOON, models))
    assert isinstance(barn, EnnexosSimulator)
    assert isinstance(car, EnnexosSimulator)
    assert isinstance(garage, Simulator)
    assert [each.protocol for each in (barn, garage)] == ["ennexos", "webconnect"]
    points = [
        {each["channelId"]: each["values"] for each in device.channels("Plant:1")}
        for device in (barn, car)
    ]
    assert points[0]["Measurement.Metering.PCCMs.PlntWh"][0]["value"] > 0  # type: ignore[index]
    for name in ("PlntWh", "PlntCsmpW", "PlntW.phsA"):
        first, second = (
            point[f"Measurement.Metering.PCCMs.{name}"][0]["value"]  # type: ignore[index]
            for point in points
        )
        assert first == second
