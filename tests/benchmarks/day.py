"""Many scrapes of one process, the time between them left out: its memory must not grow.

`python -m tests.benchmarks.day SCRAPES` runs the exporter's own objects, server included, in front of
simulated devices on a clock that jumps from scrape to scrape, so that what happens hourly or daily happens.
It prints JSON: megabytes after every AN_HOUR scrapes.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Sequence

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.server import ListenAddress, Server
from sma_exporter.simulator import PASSWORD
from sma_exporter.web.app import App

from .processes import status_bytes
from .rows import KEEP, SCRAPE
from .scrapes import Farm, WrongAnswerError, farm, scraped

EVERY_SECONDS = 5.0
AN_HOUR = round(3600 / EVERY_SECONDS)
A_DAY = 24 * AN_HOUR

_SESSIONS = (SCRAPE, SCRAPE, KEEP)


class Clock:
    """Monotonic time that can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put it forward."""
        self._ahead += seconds


def _devices(urls: Sequence[str]) -> tuple[config.DeviceSettings, ...]:
    return tuple(
        config.DeviceSettings(
            name=f"device-{i}", url=url, session=session, password=config.Secret(PASSWORD)
        )
        for i, (url, session) in enumerate(zip(urls, _SESSIONS, strict=True))
    )


def _idle(devices: Farm) -> None:
    """Wait until whoever logs out has done so: no device sees the clock jump."""
    while (counts := devices.counts())["pending"] or counts["sessions"] != _SESSIONS.count(KEEP):
        time.sleep(0.001)


def megabytes(scrapes: int) -> list[float]:
    """Scrape so many times; return the memory of this process after each hour."""
    clock, found = Clock(), []
    with farm(len(_SESSIONS), latency=0.0) as devices:
        fleet = Fleet(config.Config(_devices(devices.urls)), monotonic=clock)
        server = Server(App(fleet), [ListenAddress("127.0.0.1", 0)])
        server.start()
        url = f"http://{server.addresses[0]}/metrics"
        for number in range(1, scrapes + 1):
            scraped(url, len(_SESSIONS))
            _idle(devices)
            clock.advance(EVERY_SECONDS)
            if number % AN_HOUR == 0 or number == scrapes:
                gc.collect()
                found.append(status_bytes(os.getpid(), "VmRSS") / 1e6)
        read = devices.counts()["reads"]
        server.stop()
        fleet.close()
    if read < scrapes * len(_SESSIONS):
        raise WrongAnswerError(f"{read} reads in {scrapes} scrapes")
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(megabytes(int(sys.argv[1]))) + "\n")
