"""The exporter as a process: the demonstration."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import attrs
from prometheus_client import generate_latest
from support.programs import values

from sma_exporter import config
from sma_exporter.cli.serve import started_demo
from sma_exporter.devices.fleet import Fleet
from sma_exporter.metrics.collector import DeviceCollector
from sma_exporter.metrics.exposition import registry_of
from sma_exporter.simulator import demo_devices
from sma_exporter.sma.deadline import Deadline


def scrape(fleet: Fleet) -> dict[str, float]:
    collector = DeviceCollector(fleet.devices, Deadline.after(20))
    return values(generate_latest(registry_of(collector)).decode())


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stopped_device_of_the_demonstration_is_down_and_comes_back() -> None:
    demo = demo_devices()
    with ExitStack() as stack:
        loaded = started_demo(demo, stack)
        impatient = [attrs.evolve(settings, min_interval=0.0) for settings in loaded.devices]
        fleet = Fleet(config.Config(tuple(impatient)))
        before = scrape(fleet)
        wait_for(lambda: demo[1].simulator.sessions == 0)  # its logout comes after the values
        demo[1].simulator.stop()
        stopped = scrape(fleet)
        demo[1].simulator.start()
        after = scrape(fleet)
        fleet.close()

        up = [
            [found[f'sma_up{{device="{d.name}"}}'] for d in demo]
            for found in (before, stopped, after)
        ]
        assert up == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
        assert [device.simulator.sessions for device in demo] == [0, 0, 0]
