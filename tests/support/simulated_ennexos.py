"""A client for simulated devices with ennexOS."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
import requests

from sma_exporter.simulator import PASSWORD, EnnexosSimulator, Switches
from sma_exporter.simulator.ennexos.simulator import ADMINISTRATOR_PASSWORD
from sma_exporter.simulator.http_simulator import INSTALLER_PASSWORD

from .devices import NOON
from .simulated_webconnect import SetClock

SELF, PLANT = "IGULD:SELF", "Plant:1"
ACCOUNTS = {
    "owner": PASSWORD,
    "installer": INSTALLER_PASSWORD,
    "administrator": ADMINISTRATOR_PASSWORD,
}


class EnnexosClient:
    """Speaks to one device."""

    def __init__(self, simulator: EnnexosSimulator, clock: SetClock, monotonic: SetClock) -> None:
        self.simulator = simulator
        self.clock = clock
        self.monotonic = monotonic
        self.session = requests.Session()
        self.session.trust_env = False
        self.access: str | None = None
        self.refresh_token: str | None = None

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.access}"} if self.access else {}
        return self.session.request(
            method,
            f"{self.simulator.url}/api/v1/{path}",
            **{"headers": headers, "timeout": 10, "allow_redirects": False, **options},
        )

    def token(self, **form: str) -> requests.Response:
        """POST token, with nothing but the form."""
        return requests.post(self.simulator.url + "/api/v1/token", data=form, timeout=10)

    def login(self, name: str = "owner", password: str | None = None) -> Any:
        secret = ACCOUNTS[name] if password is None else password
        return self.keep(self.token(grant_type="password", username=name, password=secret))

    def refresh(self) -> Any:
        token = str(self.refresh_token)
        return self.keep(self.token(grant_type="refresh_token", refresh_token=token))

    def keep(self, response: requests.Response) -> Any:
        assert response.status_code == 200
        content = response.json()
        self.access, self.refresh_token = content["access_token"], content["refresh_token"]
        return content

    def log_out(self) -> requests.Response:
        return self.request("DELETE", "refreshtoken", params={"refreshToken": self.refresh_token})

    def live(self, *items: Any) -> Any:
        return self.request("POST", "measurements/live", json=items or [{"componentId": SELF}])

    def entries(self, component: str = SELF) -> dict[str, list[Any]]:
        """Each channel's `values`."""
        reply = self.live({"componentId": component}).json()
        return {each["channelId"].removeprefix("Measurement."): each["values"] for each in reply}

    def values(self, component: str = SELF) -> dict[str, Any]:
        """Each channel's value, or values."""
        return {
            name: members[0].get("value", members[0].get("values"))
            for name, members in self.entries(component).items()
            if members
        }

    def parameters(self, component: str = SELF) -> dict[str, Any]:
        body = {"queryItems": [{"componentId": component}]}
        (group,) = self.request("POST", "parameters/search", json=body).json()
        assert group["componentId"] == component
        return {each["channelId"].removeprefix("Parameter."): each for each in group["values"]}

    def history(
        self,
        channel: str,
        resolution: str,
        begin: str,
        end: str,
        *,
        aggregate: str = "Dif",
        component: str = SELF,
    ) -> Any:
        item = {
            "componentId": component,
            "channelId": f"Measurement.{channel}",
            "resolution": resolution,
            "timezone": "Europe/Berlin",
            "aggregate": aggregate,
            "multiAggregate": "Sum",
        }
        body = {"queryItems": [item], "dateTimeBegin": begin, "dateTimeEnd": end}
        return self.request("POST", "measurements/search", json=body)

    def switch(self, **switches: Any) -> None:
        """Change some switches of the device."""
        self.simulator.switches = replace(self.simulator.switches, **switches)


Meet = Callable[..., EnnexosClient]


@pytest.fixture
def meet() -> Iterator[Meet]:
    """Start a device whose clocks stand still and that serves http; return a client that has logged in.

    Takes EnnexosSimulator's arguments, who logs in (`user`) and the Unix time (`now`).
    """
    with ExitStack() as running:

        def start(
            *model: Any,
            user: str | None = "administrator",
            now: float = NOON,
            switches: Switches | None = None,
            **options: Any,
        ) -> EnnexosClient:
            clock, monotonic = SetClock(now), SetClock(1000.0)
            simulator = EnnexosSimulator(
                *model,
                clock=clock,
                monotonic=monotonic,
                switches=switches or Switches(plain_http="serve"),
                **options,
            )
            client = EnnexosClient(running.enter_context(simulator), clock, monotonic)
            running.enter_context(client.session)
            if user:
                client.login(user)
            return client

        yield start
