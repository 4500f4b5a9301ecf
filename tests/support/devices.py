"""Configured devices in front of simulated ones, with a clock that a test can put forward.

Time runs as always, so that time-outs over real HTTP work; `Clock.advance` skips what a test would wait for.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, Protocol

import pytest

from sma_exporter import config
from sma_exporter.devices.device import Device
from sma_exporter.devices.snapshot import ReadResult, Snapshot
from sma_exporter.simulator import Simulator
from sma_exporter.sma.deadline import Deadline
from sma_exporter.webconnect import SMA, make_session

NOON = datetime(2025, 6, 14, 11, tzinfo=UTC).timestamp()
NIGHT = datetime(2025, 6, 14, 23, tzinfo=UTC).timestamp()

PASSWORD = "Sunny-1234"

STATUS, POWER, TOTAL = "6180_08214800", "6100_40263F00", "6400_00260100"
SERIAL, NAME, RATED = "6800_00A21E00", "6800_10821E00", "6800_00832A00"


class Clock:
    """A monotonic clock that can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


class Scraped:
    """A device as scrapes see it."""

    def __init__(self, settings: config.DeviceSettings, clock: Clock) -> None:
        self.clock = clock
        self.device = Device(settings, clock=lambda: NOON, monotonic=clock)

    def scrape(self, within: float = 5.0) -> Snapshot:
        """Scrape once; a read that is still fresh is shown again."""
        shown = self.device.finish(self.device.begin(), self.within(within))
        # A logout under way has a deadline by the clock that a test puts forward next.
        eventually(lambda: f"read {self.device.name}" not in reader_threads(), within=0.2)
        return shown

    def within(self, seconds: float) -> Deadline:
        """A deadline by the clock of the test."""
        return Deadline.after(seconds, self.clock)

    def read(self, within: float = 5.0) -> ReadResult:
        """Scrape, and return what the read that the scrape shows brought."""
        result = self.scrape(within).result
        assert result is not None
        return result

    def read_later(self, seconds: float, within: float = 5.0) -> ReadResult:
        """Scrape when so much time has gone by."""
        self.clock.advance(seconds)
        return self.read(within)

    def scrape_for(self, seconds: float, every: float = 5.0) -> None:
        """Scrape at an interval, as Prometheus does."""
        for _ in range(round(seconds / every)):
            self.scrape()
            self.clock.advance(every)

    def close(self, within: float = 5.0) -> None:
        """Stop, as at the end of the process."""
        self.device.close(self.within(within))


class Answering(Protocol):
    """A simulated device, or a fake one."""

    @property
    def url(self) -> str: ...


class Connect(Protocol):
    """Makes a device of a simulated or a fake one, with keys of the configuration."""

    def __call__(self, simulator: Answering, **keys: Any) -> Scraped: ...


@pytest.fixture
def clock() -> Clock:
    """The clock of everything in one test."""
    return Clock()


@pytest.fixture
def sim(simulate: Callable[..., Simulator], clock: Clock) -> Simulator:
    """A running Sunny Boy at noon, whose values stand still."""
    return simulate("sb-3.6", clock=lambda: NOON, monotonic=clock)


@pytest.fixture
def connect(simulate: Callable[..., Simulator], clock: Clock) -> Iterator[Connect]:
    """Configure devices; they are closed, before the simulated ones stop, and leave no thread."""
    made: list[Scraped] = []

    def start(simulator: Answering, **keys: Any) -> Scraped:
        made.append(Scraped(settings(simulator, **keys), clock))
        return made[-1]

    yield start
    for scraped in made:
        scraped.close()
    assert eventually(lambda: not reader_threads())


def settings(simulator: Answering, **keys: Any) -> config.DeviceSettings:
    """Return the configuration of a simulated device."""
    given = {"name": "roof", "url": simulator.url} | keys
    if not given.keys() & {"password", "password_file"}:
        given["password"] = PASSWORD
    if given.get("password") is not None:
        given["password"] = config.Secret(given["password"])
    return config.DeviceSettings(**given)


def eventually(condition: Callable[[], bool], within: float = 5.0) -> bool:
    """Wait until something is so; tell whether it came to that."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def reader_threads() -> list[str]:
    """Name the threads that read devices."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("read ")]


def calls(simulator: Simulator) -> list[str]:
    """Name what a simulated device was asked, in order."""
    return [PurePosixPath(path).stem for _, path in simulator.requests]


def count(simulator: Simulator) -> Counter[str]:
    """Count what a simulated device was asked."""
    return Counter(calls(simulator))


def pauses(simulator: Simulator, call: str = "login") -> list[float]:
    """Return the seconds between two calls, by the simulated device's clock."""
    times = [when for when, path in simulator.requests if PurePosixPath(path).stem == call]
    return [later - sooner for sooner, later in pairwise(times)]


def visitor(simulator: Simulator) -> SMA:
    """Log somebody else in, who takes one of the sessions."""
    client = SMA(make_session(), simulator.url, PASSWORD)
    client.new_session()
    return client


def sending(values: dict[str, Any]) -> Callable[[Any], Any]:
    """Return what puts values, by key, into a reply: for `faults.mutate`."""

    def change(reply: Any) -> Any:
        for result in reply["result"].values():
            result.update({key: {"1": [{"val": val}]} for key, val in values.items()})
        return reply

    return change
