"""An exporter in front of three simulated devices, one of which falls ill: real HTTP from end to end.

Simulated devices, configured devices, application, server, and a scrape with Prometheus' header. All of
them tell time by one clock that can be put forward; the simulated sun stands still at noon.
"""

import gc
import http.client
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from other_servers import Certificates, HttpsFront, OtherServer, Speech, certificates
from support.devices import NOON, Clock, eventually
from support.programs import values

from sma_exporter import config
from sma_exporter.devices.fleet import Fleet
from sma_exporter.ennexos.client import SELF
from sma_exporter.metrics.collector import SCRAPE_FAMILIES
from sma_exporter.server import ListenAddress, Server
from sma_exporter.simulator import ENNEXOS_MODELS, MODELS, simulated
from sma_exporter.simulator.protocols import AnySimulator
from sma_exporter.sma.exceptions import Reason
from sma_exporter.web.app import App
from sma_exporter.webconnect import SMA

SICK, OTHERS = "roof", ("garage", "cellar")
PASSWORDS = {SICK: "Roof-47110", "garage": "Garage-0815", "cellar": "Cellar-2342"}

#: What Prometheus would wait, and what one request to the sick device may take.
SCRAPE_SECONDS = 3.0
REQUEST_SECONDS = 0.4

#: More than any read takes: a login is awaited for 30 s.
PATIENCE_SECONDS = 40.0

#: The longest pause is 15 minutes; all of them are multiples of the step.
PAUSE_STEP = 10.0
LONGEST_PAUSE = 1000.0

_DEVICE = re.compile(r'device="([^"]*)"')
_ABOUT_SCRAPES = {family.name for family in SCRAPE_FAMILIES} - {"sma_up", "sma_device_info"}

Values = Mapping[str, float]


def family(series: str) -> str:
    """The family of a series."""
    return series.partition("{")[0]


def by_device(samples: Values) -> dict[str, Values]:
    """What is shown of each device, without what the exporter says of its own work."""
    found: dict[str, dict[str, float]] = {}
    for series, value in samples.items():
        match = _DEVICE.search(series)
        if match and family(series) not in _ABOUT_SCRAPES:
            found.setdefault(match[1], {})[series] = value
    return {**found}


@dataclass(frozen=True)
class Answer:
    """What a scrape got, and after how many seconds."""

    status: int
    seconds: float
    text: str

    @cached_property
    def samples(self) -> Values:
        return values(self.text)

    @cached_property
    def _by_device(self) -> Mapping[str, Values]:
        return by_device(self.samples)

    def of(self, device: str) -> Values:
        """What is shown of a device."""
        return self._by_device.get(device, {})

    def up(self, device: str) -> bool:
        return self.samples[f'sma_up{{device="{device}"}}'] == 1

    def reason(self, device: str) -> str | None:
        """The one reason why a device fails."""
        told = self.by_reason("sma_scrape_failing", device)
        assert set(told.values()) <= {0, 1}
        failing = [reason for reason, value in told.items() if value]
        assert len(failing) <= 1
        assert self.up(device) == (not failing)
        return failing[0] if failing else None

    def errors(self, device: str) -> Values:
        return self.by_reason("sma_scrape_errors_total", device)

    def by_reason(self, name: str, device: str) -> Values:
        return {
            reason: self.samples[f'{name}{{device="{device}",reason="{reason}"}}']
            for reason in Reason
        }


def fetch(port: int, path: str, seconds: float = SCRAPE_SECONDS) -> Answer:
    """Scrape as Prometheus does."""
    begin = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request(
            "GET", path, headers={"X-Prometheus-Scrape-Timeout-Seconds": str(seconds)}
        )
        response = connection.getresponse()
        text = response.read().decode()
    finally:
        connection.close()
    return Answer(response.status, time.monotonic() - begin, text)


class _Ear(logging.Handler):
    """Everything that is logged, of the libraries too, with all that is in a record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{self.format(record)} {vars(record)}")


@contextmanager
def listening_to_logs() -> Iterator[list[str]]:
    ear, root = _Ear(), logging.getLogger()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        yield ear.lines
    finally:
        root.setLevel(level)
        root.removeHandler(ear)


def beside_one(model: str) -> Sequence[str]:
    """The models of the devices beside one of this model: one with WebConnect, and one with ennexOS."""
    names = [*MODELS]
    webconnect = names[(names.index(model) + 1) % len(names)] if model in names else "stp-10"
    return webconnect, "evc-22" if model == "stp-x-15" else "stp-x-15"


class Bench:
    """Three devices and their exporter.

    `options` are the sick one's, of `Simulator`, and `keys` its configuration's; where one of them is a
    function, it gets the bench. `beside` another bench, the sick device is the same.
    """

    def __init__(
        self,
        model: str = "sb-3.6",
        *,
        options: Mapping[str, Any] | None = None,
        beside: "Bench | None" = None,
        **keys: Any,
    ) -> None:
        self._stack = ExitStack()
        self.clock: Clock = beside.clock if beside else Clock()
        self.now = NOON  # by the sun
        self.wall = NOON  # by the exporter's machine
        self.folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.simulators: list[AnySimulator] = []
        self.other_servers: list[OtherServer] = []
        self.browsers: list[SMA] = []
        self.healing = self._stack.enter_context(ExitStack())
        self.models = {SICK: model, **dict(zip(OTHERS, beside_one(model), strict=True))}
        self.sick: AnySimulator = (
            beside.sick
            if beside
            else self.simulate(model, PASSWORDS[SICK], **self.asked(options or {}))
        )
        self._keys = keys
        self._sims = {SICK: self.sick} | {
            name: self.simulate(self.models[name], PASSWORDS[name]) for name in OTHERS
        }

    def simulate(self, model: str, password: str, **options: Any) -> AnySimulator:
        """Start one more simulated device; all stop at the end."""
        simulator = simulated(
            model,
            password=password,
            clock=lambda: self.now,
            monotonic=self.clock,
            **options,
        )
        self._stack.enter_context(simulator)
        self.simulators.append(simulator)
        return simulator

    def until_healed(self, change: AbstractContextManager[object]) -> None:
        """Change something outside all devices until `healing` is closed."""
        self.healing.enter_context(change)

    def other_server(self, speech: Speech = tuple, port: int = 0) -> OtherServer:
        """Start a listener; it is closed at the end."""
        self.other_servers.append(self._stack.enter_context(OtherServer(speech, port)))
        return self.other_servers[-1]

    def https_front(self) -> HttpsFront:
        """Start a port in front of the sick device, which is closed at the end."""
        return self._stack.enter_context(HttpsFront(self.sick.port))

    def __enter__(self) -> Self:
        self._stack.__enter__()
        self.log = self._stack.enter_context(listening_to_logs())
        wanted = config.Config(tuple(map(self._configured, self._sims)))
        self.fleet = Fleet(wanted, clock=lambda: self.wall, monotonic=self.clock)
        self.app = App(self.fleet)
        server = Server(self.app, [ListenAddress("127.0.0.1", 0)])
        server.start()
        self._stack.callback(server.stop)
        self.port = server.addresses[0].port
        self._stack.callback(self.close)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def asked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in what depends on the bench."""
        return {key: value(self) if callable(value) else value for key, value in given.items()}

    @cached_property
    def certificates(self) -> Certificates:
        """Certificates for the sick device, good ones and others."""
        return certificates(self.folder)

    def _configured(self, name: str) -> config.DeviceSettings:
        given: dict[str, Any] = {"name": name, "url": self._sims[name].url, "min_interval": 0.0}
        own = {}
        if self.models[name] in ENNEXOS_MODELS:
            own = {"username": self._sims[name].credentials["username"]}
            given |= {"protocol": "ennexos", "options": own}
        if name == SICK:
            given |= {"timeout": REQUEST_SECONDS}
            given |= self.asked(self._keys)
            if "component" in given:
                given["options"] = own | {"component": given.pop("component")}
        if "password_file" not in given:
            given["password"] = config.Secret(PASSWORDS[name])
        return config.DeviceSettings(**given)

    def scrape(
        self,
        path: str = "/metrics",
        seconds: float = SCRAPE_SECONDS,
        during: Callable[[], object] | None = None,
    ) -> Answer:
        """Scrape, and do something meanwhile."""
        if during is None:
            return fetch(self.port, path, seconds)
        answers: list[Answer] = []
        scraping = threading.Thread(target=lambda: answers.append(fetch(self.port, path, seconds)))
        scraping.start()
        during()
        scraping.join()
        return answers[0]

    def settle(self) -> None:
        """Wait until nobody reads a device any more."""
        names = {f"read {name}" for name in self._sims}
        assert eventually(
            lambda: not names & {thread.name for thread in threading.enumerate()}, PATIENCE_SECONDS
        )

    def recover(self) -> tuple[float, Answer]:
        """Scrape until the sick device is up; return the seconds that went by, and what shows it.

        Until then it is left in peace: a pause is one without a login.
        """
        waited, attempts = 0.0, self.login_attempts
        while not (answer := self.scrape()).up(SICK):
            self.settle()
            assert self.login_attempts == attempts, "a login during the pause"
            assert waited < LONGEST_PAUSE, "it does not come back"
            self.clock.advance(PAUSE_STEP)
            waited += PAUSE_STEP
        return waited, answer

    @property
    def login_attempts(self) -> int:
        """How many logins were tried at whatever answers as the sick device."""
        beside = [self._sims[name] for name in OTHERS]
        return sum(s.login_attempts for s in self.simulators if s not in beside)

    def close(self) -> None:
        """Log out everywhere, as at the end of the process."""
        self.fleet.close(seconds=5.0)
        self.settle()

    def forget(self) -> None:
        """Begin a new chapter: what was said and counted before is over."""
        self.log.clear()
        for simulator in self.simulators:
            simulator.reset_counts()

    def secrets(self) -> set[str]:
        """Passwords, and the session ids that were given out."""
        issued = {sid for simulator in self.simulators for sid in simulator.session_ids}
        return {*PASSWORDS.values(), *issued}

    def told(self) -> dict[str, str]:
        """All that a person or a program can see of the exporter, beside its log and what scrapes got."""
        return {
            "page": fetch(self.port, "/").text,
            "metrics of the exporter": fetch(self.port, "/metrics/exporter").text,
            "repr": "\n".join(map(repr, _objects_of(self.app))),
        }


def _objects_of(root: object) -> list[object]:
    """Every object of the exporter that another one holds, from one on."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        thing = waiting.pop()
        is_ours = type(thing).__module__.startswith("sma_exporter")
        if id(thing) in found or not (is_ours or isinstance(thing, dict | list | tuple | set)):
            continue
        found[id(thing)] = thing
        waiting += gc.get_referents(thing)
    return [thing for thing in found.values() if type(thing).__module__.startswith("sma_exporter")]


@cache
def undisturbed(model: str, component: str = SELF) -> Mapping[str, Values]:
    """What scrapes show of the devices beside and of a sick one of this model while all are well."""
    keys = {} if component == SELF else {"component": component}
    with Bench(model, options=None, beside=None, **keys) as bench:
        answer = bench.scrape()
        return {name: answer.of(name) for name in bench.models}
