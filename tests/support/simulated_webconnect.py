"""A client for simulated devices with WebConnect, and their values without HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from sma_exporter.simulator import PASSWORD, Plant, Simulator
from sma_exporter.simulator.http_simulator import INSTALLER_PASSWORD

from .devices import NOON

HOME = Plant(seed=3)
PASSWORDS = {"usr": PASSWORD, "istl": INSTALLER_PASSWORD}


class SetClock:
    """A clock that stands still until `now` is set."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Client:
    """Speaks to one device."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, call: str, body: object = None, sid: str | None = None) -> requests.Response:
        return self.session.post(
            f"{self.simulator.url}/dyn/{call}.json",
            params={} if sid is None else {"sid": sid},
            json={"destDev": []} if body is None else body,
            timeout=10,
        )

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.simulator.url + path, timeout=10, allow_redirects=False)

    def ask(self, call: str, body: object = None, sid: str | None = None) -> Any:
        return self.post(call, body, sid).json()

    def login(self, password: object = PASSWORD, right: str = "usr") -> Any:
        return self.ask("login", {"right": right, "pass": password})

    def sid(self, right: str = "usr") -> str:
        sid = self.login(PASSWORDS[right], right)["result"]["sid"]
        assert isinstance(sid, str)
        return sid

    def result(self, call: str, body: object = None, right: str = "usr") -> Any:
        """What a call says of the device, in a session of its own."""
        sid = self.sid(right)
        (result,) = self.ask(call, body, sid)["result"].values()
        self.ask("logout", sid=sid)
        return result

    def log(self, logger: int, start: float, end: float) -> Any:
        body = {"destDev": [], "key": logger, "tStart": int(start), "tEnd": int(end)}
        return self.result("getLogger", body)


Connect = Callable[..., Client]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Start a device whose clock stands still, with Simulator's arguments; return a client for it."""
    with ExitStack() as running:

        def start(*model: Any, **options: Any) -> Client:
            client = Client(running.enter_context(simulated(*model, **options)))
            running.enter_context(client.session)
            return client

        yield start


def simulated(*model: Any, now: float = NOON, **options: Any) -> Simulator:
    """A device whose clock stands still, with Simulator's arguments."""
    return Simulator(*model, clock=lambda: now, **options)


def online(simulator: Simulator) -> dict[str, list[Any]]:
    """Every online value of an installer as the list of its `val`s."""
    (values,) = simulator.online_values("istl")["result"].values()
    return {key: vals(value) for key, value in values.items()}


def values_of(*model: Any, **options: Any) -> dict[str, list[Any]]:
    """The same of a device that is not started, with Simulator's arguments."""
    return online(simulated(*model, **options))


def vals(value: Any) -> list[Any]:
    """The `val`s of one value in either shape."""
    if isinstance(value, dict) and "val" not in value:
        (value,) = value.values()
    return [member["val"] for member in (value if isinstance(value, list) else [value])]


def one(simulator: Simulator, key: str) -> Any:
    """The only value of a key."""
    (value,) = online(simulator)[key]
    return value
