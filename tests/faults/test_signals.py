"""SIGHUP and SIGTERM at random moments of a life under scrape: none is lost, and no session is left.

Real processes, from the moment of their start, in front of twenty simulated devices that count sessions.
"""

import random
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import requests
from support.devices import PASSWORD, eventually
from support.programs import PATIENCE_SECONDS, Running, command, get, signal_mask, started

from sma_exporter.simulator import Simulator

DEVICES = 20
PLANT = re.compile(r'^sma_device_info\{device="device-0",.*\bplant="(\d+)"', re.MULTILINE)


class Life:
    """One process, from its start to its end; `plant` in its configuration says which version it has read."""

    def __init__(self, simulators: Sequence[Simulator], folder: Path) -> None:
        self.signals = 0
        self.version = 0
        self._urls = [simulator.url for simulator in simulators]
        self._file = folder / "sma.yml"
        self._done = threading.Event()
        self._write()

    def _write(self) -> None:
        """Write the configuration anew, with the next version."""
        self.version += 1
        lines = [
            f"  - {{name: device-{index}, url: '{url}', session: {('keep', 'scrape')[index % 2]}}}"
            for index, url in enumerate(self._urls)
        ]
        text = f"defaults: {{plant: '{self.version}', password: {PASSWORD}, min_interval: 0s}}\ndevices:"
        new = self._file.with_suffix(".new")
        new.write_text("\n".join([text, *lines]), encoding="utf-8")
        new.replace(self._file)

    @contextmanager
    def started(self) -> Iterator[Running]:
        """Start the process, with SIGHUP ignored until Python holds it: as README has supervisors do it."""
        line = command(f"--config.file={self._file}", "--web.listen-address=127.0.0.1:0")
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which the process inherits
        try:
            with started(line) as program:
                signal.signal(signal.SIGHUP, before)
                yield program
        finally:
            signal.signal(signal.SIGHUP, before)

    def hang_up(self, program: Running) -> None:
        """Change the configuration and send SIGHUP."""
        self._write()
        self.signals += 1
        program.process.send_signal(signal.SIGHUP)

    def scrape_on(self, url: str) -> None:
        """Scrape until the process ends or is to be left alone."""
        while not self._done.is_set():
            with suppress(requests.RequestException):
                get(f"{url}/metrics")

    def shown(self, url: str) -> int:
        """Which version of the configuration the exporter shows."""
        found = PLANT.search(get(f"{url}/metrics").text)
        return int(found[1]) if found else 0

    def over(self) -> None:
        self._done.set()


def holds(program: Running, number: signal.Signals) -> bool:
    """Whether a process has begun to hold a signal."""
    return number in signal_mask(program.process.pid, "SigBlk")


def reloads(program: Running) -> int:
    return sum("configuration reloaded" in line for line in program.lines)


def reloads_since(program: Running, before: int) -> bool:
    return reloads(program) > before


def live(life: Life, at: random.Random, hang_ups: int) -> int:
    """Start a process, send it signals at random moments, the last of them SIGTERM; return its exit code."""
    with life.started() as program, ExitStack() as stack:
        for _ in range(3):  # while it starts
            time.sleep(at.uniform(0, 0.15))
            is_held = holds(program, signal.SIGHUP)
            life.hang_up(program)
        if is_held:
            assert eventually(lambda: reloads(program) > 0, PATIENCE_SECONDS)
        port = program.find(r"msg=listening address=127\.0\.0\.1:(\d+)")[1]
        url = f"http://127.0.0.1:{port}"
        scrapers = [threading.Thread(target=life.scrape_on, args=(url,)) for _ in range(2)]
        for scraper in scrapers:
            scraper.start()
            stack.callback(scraper.join)
        stack.callback(life.over)
        for _ in range(hang_ups):
            time.sleep(at.uniform(0, 0.03))
            before = reloads(program)
            life.hang_up(program)
            if at.random() < 0.7:  # else the next one may come during the reload
                assert eventually(partial(reloads_since, program, before), PATIENCE_SECONDS)
        assert eventually(lambda: life.shown(url) == life.version, PATIENCE_SECONDS)
        time.sleep(at.uniform(0, 0.2))
        life.signals += 1
        return program.stop()


def die_early(life: Life, at: random.Random) -> tuple[int, bool]:
    """Start a process and send it SIGTERM at once or soon: the exit code, and whether it held signals."""
    with life.started() as program:
        time.sleep(at.uniform(0, 0.8))
        is_held = holds(program, signal.SIGTERM)
        life.signals += 1
        return program.stop(), is_held


def sessions(simulators: Sequence[Simulator]) -> int:
    return sum(simulator.sessions for simulator in simulators)


@pytest.fixture(scope="module")
def simulators() -> Iterator[Sequence[Simulator]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Simulator("sb-1.5")) for _ in range(DEVICES)]


@pytest.mark.long
def test_no_signal_is_lost_and_no_session_left(
    simulators: Sequence[Simulator], tmp_path: Path
) -> None:
    at, sent = random.Random(500), 0
    while sent < 500:
        life = Life(simulators, tmp_path)
        assert live(life, at, hang_ups=21) == 0
        assert sessions(simulators) == 0
        sent += life.signals


@pytest.mark.long
def test_a_stop_during_the_start_is_not_lost(
    simulators: Sequence[Simulator], tmp_path: Path
) -> None:
    at = random.Random(50)
    for _ in range(50):
        code, is_held = die_early(Life(simulators, tmp_path), at)
        # Before Python runs nothing can be held: then there is nothing to log out of either.
        assert code == 0 or (code == -signal.SIGTERM and not is_held)
        assert sessions(simulators) == 0
