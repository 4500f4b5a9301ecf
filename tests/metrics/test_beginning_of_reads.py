"""Devices that cannot even be begun to be read in time cost the answer nothing, and come first next time."""

import pytest

from sma_exporter.devices.device import Read
from sma_exporter.devices.snapshot import DeviceState, Snapshot
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.sma.deadline import Deadline


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowToBegin:
    """Stands for a device whose thread needs a second to start."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.clock = clock
        self.last = -1.0
        self.begun: list[float] = []

    def read_at(self) -> float:
        return self.last

    def begin(self) -> Read:
        self.last = self.clock.now
        self.clock.now += 1
        self.begun.append(self.last)
        return Read(self.last)

    def not_begun(self) -> Read:
        return Read(self.clock.now)

    def finish(self, _: Read, __: Deadline) -> Snapshot:
        return Snapshot(self.name, "", None, DeviceState(), {}, 0, None)


@pytest.fixture
def devices() -> list[SlowToBegin]:
    clock = Clock()
    return [SlowToBegin(f"d{number}", clock) for number in range(10)]


def test_the_deadline_holds_and_each_device_has_its_turn(devices: list[SlowToBegin]) -> None:
    clock = devices[0].clock
    for _ in range(5):
        begin = clock.now
        collector = DeviceCollector(devices, Deadline.after(4, clock))  # type: ignore[arg-type]
        (up,) = (family for family in collector.collect() if family.name == "sma_up")
        assert clock.now - begin == 4
        assert [sample.labels["device"] for sample in up.samples] == [d.name for d in devices]

    assert [len(device.begun) for device in devices] == [2] * 10
