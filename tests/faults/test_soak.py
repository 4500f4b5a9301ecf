"""Two thousand scrapes of devices that fall ill at random: nothing adds up, falls, leaks or is late.

`SOAK_SEED` and `SOAK_SCRAPES` set what happens and for how long; the seed is printed.
"""

import gc
import os
import random
import re
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from fault_bench import Values, family, fetch
from fault_case import PARAMETER_READ, READ
from support.devices import NOON, POWER, STATUS, TOTAL, Clock, eventually, reader_threads, sending
from support.needs import require_path

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.ennexos import PLANT, SELF, EnnexOS
from sma_exporter.ennexos.component import Description, Taken, channels, readings
from sma_exporter.metrics import families as metrics
from sma_exporter.metrics.families import COUNTER, DeviceReadings
from sma_exporter.server import ListenAddress, Server
from sma_exporter.simulator import (
    ENNEXOS_MODELS,
    PASSWORD,
    EnnexosSimulator,
    Plant,
    Simulator,
    Switches,
    faults,
)
from sma_exporter.simulator.ennexos.simulator import USER_NAME
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.simulator.plant import KNOWN_UNITS
from sma_exporter.sma.source import Readings
from sma_exporter.web.app import App
from sma_exporter.webconnect import SMA, SmaException, make_session
from sma_exporter.webconnect.decode import decode

SEED = int(os.environ.get("SOAK_SEED", "20250614"))
SCRAPES = int(os.environ.get("SOAK_SCRAPES", "2000"))
WARM_UP = min(100, SCRAPES // 4)

#: What Prometheus waits, and one request to a device.
SCRAPE_SECONDS = 2.0
REQUEST_SECONDS = 0.25

#: By the clock: from a hasty scrape to a night in which nobody asks.
INTERVALS = (5.0, 15.0, 15.0, 30.0, 60.0, 60.0, 300.0, 4 * 3600.0)

#: How long a device remembers sessions that nobody closes.
SESSION_IDLE = 1800.0

#: How likely one device falls ill before a scrape.
ILLNESS = 0.12

#: More than all scrapes after the first hundred may leave behind, the simulated devices' memories included.
MEMORY_BYTES = 3_000_000

MODELS = {
    "roof": "sb-3.6",
    "garage": "stp-10",
    "hybrid": "stp-10-se",
    "cellar": "sb-1.5",
    "barn": "stp-x-15",
}
KEPT = {"garage", "hybrid", "barn"}
COUNTERS = {row.name for row in metrics.ALL_FAMILIES if row.kind == COUNTER}

#: What is sure to have happened.
Reason = {"connection", "timeout", "protocol", "authentication", "session_limit", "unsupported"}

HOME = Plant(units=tuple(unit for unit in KNOWN_UNITS if unit.name in MODELS.values()))
_HTML = faults.body(b"<!DOCTYPE html><html></html>", "text/html")

#: At which call which faults may strike.
FAULTS: Mapping[str | None, tuple[Action, ...]] = {
    READ: (
        *(faults.hang(), faults.drop(), faults.drop_after(), faults.reset(), faults.truncate(0.5)),
        *(faults.wrong_content_length(), faults.withhold(), faults.drip(0.01), faults.delay(0.1)),
        *(faults.error(number) for number in (404, 503, 999)),
        *(faults.body(content) for content in (b"", b"[]", b"{", b'{"result":{}}')),
        *(faults.status(500), _HTML, faults.redirect("https://192.0.2.1/")),
    ),
    "login": (
        *(faults.drop(), faults.drop_after(), faults.error(401), faults.error(404), faults.full()),
        *(faults.delay(0.1), faults.delay(0.6), faults.status(500), _HTML, faults.body(b"")),
    ),
    "logout": (faults.drop(), faults.drop_after(), faults.status(500), faults.delay(0.1)),
    PARAMETER_READ: (faults.drop(), faults.error(404), faults.status(500), faults.hang()),
    None: (faults.drop(), faults.delay(0.05), _HTML),
}

#: The same for ennexOS.
LIVE = "measurements/live"
ENNEXOS_FAULTS: Mapping[str | None, tuple[Action, ...]] = {
    LIVE: (
        *(faults.hang(), faults.drop(), faults.drop_after(), faults.reset(), faults.truncate(0.5)),
        *(faults.wrong_content_length(), faults.withhold(), faults.drip(0.01), faults.delay(0.1)),
        *(faults.status(number) for number in (401, 403, 404, 500, 503)),
        *(faults.body(content) for content in (b"", b"[]", b"{", b'{"a":1}')),
        *(_HTML, faults.redirect("https://192.0.2.1/")),
    ),
    "token": (
        *(faults.drop(), faults.drop_after(), faults.status(400), faults.status(404), _HTML),
        *(faults.delay(0.1), faults.delay(0.6), faults.status(500), faults.body(b"")),
    ),
    "refreshtoken": (faults.drop(), faults.drop_after(), faults.status(500), faults.delay(0.1)),
    "parameters/search": (faults.drop(), faults.status(403), faults.status(500), faults.hang()),
    f"plants/{PLANT}/devices/{SELF}": (faults.drop(), faults.status(404), faults.hang()),
    None: (faults.drop(), faults.delay(0.05), _HTML),
}

LOGOUTS = {"logout", "refreshtoken"}

Browser = SMA | EnnexOS


class Patient:
    """A simulated device that falls ill, and the browser of its owner."""

    faults = FAULTS

    def __init__(self, name: str, clock: Clock, dice: random.Random) -> None:
        start = clock()
        self.name = name
        self.sessions = 1 if name in KEPT else 0  # while nobody reads
        self._dice = dice
        self._browser: Browser | None = None
        self._off_for = 0
        self.simulator = self._simulated(lambda: NOON + clock() - start, clock)

    def _simulated(self, clock: Callable[[], float], monotonic: Clock) -> Any:
        return Simulator(
            MODELS[self.name],
            plant=HOME,
            clock=clock,
            monotonic=monotonic,
            max_sessions=2 if self.name == "cellar" else 4,
            session_idle=SESSION_IDLE,
        )

    def settings(self) -> dict[str, Any]:
        """What its configuration says of its protocol."""
        return {"protocol": "webconnect", "session": "keep" if self.name in KEPT else "scrape"}

    def live(self) -> None:
        """Let something happen to it, or end."""
        if self._off_for:
            self._off_for -= 1
            if not self._off_for:
                self.simulator.start()
        elif self._dice.random() < ILLNESS:
            often = (self._misbehave,) * 5 + (self._lie,) * 2
            self._dice.choice((*often, self._off, self._forget, self._browse))()
        elif self._dice.random() < ILLNESS:
            self.simulator.faults.clear()

    def _misbehave(self) -> None:
        call = self._dice.choice([*self.faults])
        # After two lost logouts in a row a session is given up: it may be there beside the next one.
        times = 1 if call in LOGOUTS else self._dice.randint(1, 3)
        self.simulator.faults.add(Fault(self._dice.choice(self.faults[call]), call, times))

    def _lie(self) -> None:
        """Send one total that is not so. No two leaps are alike: one that holds is believed in the end."""
        leap = self._dice.randrange(10**14, 10**17)
        self._tell(self._dice.choice((0, None, 1, -5, "x", leap)))

    def _tell(self, total: object) -> None:
        values = {TOTAL: total, POWER: "?", STATUS: [{"tag": self._dice.randint(1, 30_000)}]}
        lie = sending(values)
        truth_or_lie = faults.mutate(lambda reply: lie(reply) if "result" in reply else reply)
        self.simulator.faults.add(Fault(truth_or_lie, READ, times=1))

    def _off(self) -> None:
        self.simulator.stop()
        self._off_for = self._dice.randint(1, 5)
        if self._dice.random() < 0.5:
            self._forget()

    def _forget(self) -> None:
        self.simulator.expire_sessions()

    def _browse(self) -> None:
        """Log in and stay, or log out."""
        browser, self._browser = self._browser, None
        with suppress(SmaException):
            if browser is not None:
                browser.close_session()
            else:
                browser = self._new_browser()
                browser.new_session()
                self._browser = browser

    def _new_browser(self) -> Browser:
        return SMA(make_session(), self.simulator.url, PASSWORD)

    def recover(self) -> None:
        self.simulator.faults.clear()
        if self._off_for:
            self.simulator.start()
        if self._browser is not None:
            self._browse()

    def totals(self) -> Values:
        """What its counters say now, by series."""
        made = metrics.families([DeviceReadings(self.name, self._readings(), {})])
        samples = (sample for metric in made for sample in metric.samples)
        return {_series(s.name, s.labels): s.value for s in samples if s.name in COUNTERS}

    def _readings(self) -> Readings:
        (values,) = self.simulator.online_values()["result"].values()
        return decode(values)


class EnnexosPatient(Patient):
    """The same with ennexOS."""

    faults = ENNEXOS_FAULTS

    def _simulated(self, clock: Callable[[], float], monotonic: Clock) -> Any:
        return EnnexosSimulator(
            MODELS[self.name],
            plant=HOME,
            clock=clock,
            monotonic=monotonic,
            expires_in=round(SESSION_IDLE),
            refresh_expires_in=SESSION_IDLE,
            switches=Switches(plain_http="serve"),
        )

    def settings(self) -> dict[str, Any]:
        username = self.simulator.credentials["username"]
        return {"protocol": "ennexos", "session": "keep", "options": {"username": username}}

    def _tell(self, total: object) -> None:
        def change(rows: Any) -> Any:
            for row in rows:
                if row["channelId"] == "Measurement.Metering.TotWhOut":
                    row["values"][-1]["value"] = total
            return rows

        self.simulator.faults.add(Fault(faults.mutate(change), LIVE, times=1))

    def _new_browser(self) -> Browser:
        return EnnexOS(make_session(), self.simulator.url, USER_NAME, PASSWORD)

    def _readings(self) -> Readings:
        rows = [row for part in (SELF, PLANT) for row in self.simulator.channels(part, "user")]
        return readings(channels(rows, SELF), Description(has_sums=True), Taken())


def _series(name: str, labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{key}="{value}"' for key, value in sorted(labels.items()))
    return f"{name}{{{pairs}}}"


class Soak:
    """The exporter, its devices, and what must never happen."""

    def __init__(self, stack: ExitStack, seed: int) -> None:
        self.clock = Clock()
        self._dice = random.Random(seed)
        self.patients = [
            (EnnexosPatient if model in ENNEXOS_MODELS else Patient)(name, self.clock, self._dice)
            for name, model in MODELS.items()
        ]
        for patient in self.patients:
            stack.enter_context(patient.simulator)
        wanted = config.Config(tuple(map(self._configured, self.patients)))
        self._fleet = Fleet(wanted, monotonic=self.clock)
        server = Server(App(self._fleet), [ListenAddress("127.0.0.1", 0)])
        server.start()
        stack.callback(server.stop)
        self._port = server.addresses[0].port
        self._last: dict[str, float] = {}

    def _configured(self, patient: Patient) -> config.DeviceSettings:
        return config.DeviceSettings(
            name=patient.name,
            url=patient.simulator.url,
            password=config.Secret(PASSWORD),
            **patient.settings(),
            timeout=REQUEST_SECONDS,
            min_interval=0.0,
        )

    def scrape(self) -> Values:
        """Scrape once, and judge what came."""
        least = self._totals()
        answer = fetch(self._port, "/metrics", SCRAPE_SECONDS)
        most = self._totals()
        assert answer.status == 200
        assert answer.seconds <= SCRAPE_SECONDS
        for series, value in answer.samples.items():
            if family(series) in COUNTERS:
                assert least[series] <= value <= most[series], series
            if family(series).endswith("_total") and series.startswith("sma_"):
                assert value >= self._last.get(series, 0.0), series
                self._last[series] = value
        self.settle()
        return answer.samples

    def settle(self) -> None:
        """Wait until nobody reads. Then there is the session that is kept, and those that nobody knows."""
        assert eventually(lambda: not reader_threads(), 40.0)
        for patient in self.patients:
            known = patient.simulator.sessions - patient.simulator.unclaimed_sessions
            assert known <= 1, patient.name
            assert patient.simulator.most_sessions_in_use <= 2, patient.name  # one is its browser's
            patient.simulator.reset_counts()

    def live(self) -> None:
        """Let time go by, and happen what may."""
        self.clock.advance(self._dice.choice(INTERVALS))
        for patient in self.patients:
            patient.live()

    def recover(self) -> None:
        """Let all be well, and every pause and every lost session be over."""
        for patient in self.patients:
            patient.recover()
        self.clock.advance(SESSION_IDLE)

    def _totals(self) -> dict[str, float]:
        return {s: v for patient in self.patients for s, v in patient.totals().items()}

    def close(self) -> None:
        self._fleet.close(seconds=5.0)


def memory() -> int:
    """Bytes of memory that this process has now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def of_devices(samples: Values, name: str) -> Counter[tuple[str, str]]:
    """What a family shows of the devices, by device and reason, which most have not."""
    pattern = re.compile(rf'{name}{{device="(\w+)"(?:,reason="(\w+)")?}}')
    matches = ((pattern.fullmatch(series), value) for series, value in samples.items())
    return Counter({(m[1], m[2] or ""): round(value) for m, value in matches if m})


@pytest.mark.long
def test_two_thousand_scrapes() -> None:
    sys.stdout.write(f"SOAK_SEED={SEED} SOAK_SCRAPES={SCRAPES}\n")
    require_path(Path("/proc/self/statm"), "Linux' /proc")
    up, withheld = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    with ExitStack() as stack:
        soak = Soak(stack, SEED)
        for _ in range(2):  # before that there is nothing to judge a lie by
            soak.scrape()
        for number in range(SCRAPES):
            soak.live()
            samples = soak.scrape()
            up += of_devices(samples, "sma_up")
            withheld += of_devices(samples, "sma_counters_withheld")
            if number == WARM_UP:
                threads, bytes_then = threading.active_count(), memory()
        bytes_now = memory()
        soak.recover()
        samples = soak.scrape()
        soak.close()

        assert of_devices(samples, "sma_up").total() == len(MODELS)
        assert [patient.simulator.sessions for patient in soak.patients] == [0] * len(MODELS)
        assert eventually(lambda: threading.active_count() <= threads)
        assert bytes_now - bytes_then < MEMORY_BYTES

    # It was no walk in the park, and no battlefield either.
    errors = of_devices(samples, "sma_scrape_errors_total")
    assert {reason for (_, reason), number in errors.items() if number} >= Reason
    assert all(0.7 * SCRAPES < number < SCRAPES for number in up.values())
    assert len(withheld) == len(MODELS)
