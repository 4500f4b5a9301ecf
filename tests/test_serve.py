"""The exporter as a process: the demonstration, and the end."""

import time
from collections.abc import Callable
from contextlib import ExitStack

import attrs
from programs import values
from prometheus_client import generate_latest

from sma_exporter import config
from sma_exporter.collector import DeviceCollector, registry_of
from sma_exporter.device import Device
from sma_exporter.serve import close_all, started_demo
from sma_exporter.simulator import PASSWORD, Simulator, demo_devices


def scrape(devices: list[Device]) -> dict[str, float]:
    collector = DeviceCollector(devices, time.monotonic() + 20)
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
        devices = [Device(attrs.evolve(settings, min_interval=0.0)) for settings in loaded.devices]
        before = scrape(devices)
        wait_for(lambda: demo[1].simulator.sessions == 0)  # its logout comes after the values
        demo[1].simulator.stop()
        stopped = scrape(devices)
        demo[1].simulator.start()
        after = scrape(devices)
        close_all(devices)

        up = [
            [found[f'sma_up{{device="{d.name}"}}'] for d in demo]
            for found in (before, stopped, after)
        ]
        assert up == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
        assert [device.simulator.sessions for device in demo] == [0, 0, 0]


def test_closing_takes_all_devices_side_by_side() -> None:
    with ExitStack() as stack:
        simulators = [stack.enter_context(Simulator(latency=0.3)) for _ in range(8)]
        devices = [
            Device(
                config.Device(
                    name=f"roof {index}",
                    url=simulator.url,
                    password=config.Secret(PASSWORD),
                    session="keep",
                )
            )
            for index, simulator in enumerate(simulators)
        ]
        scrape(devices)
        assert [simulator.sessions for simulator in simulators] == [1] * 8

        close_all(devices, seconds=8)

        assert [simulator.sessions for simulator in simulators] == [0] * 8
