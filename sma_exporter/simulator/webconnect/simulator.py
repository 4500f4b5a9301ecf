"""A simulated device with WebConnect, to start and stop: a model at a site, its sessions, its faults."""

import time
from collections.abc import Callable, Mapping
from typing import Literal

from ..certificates import CertificateFiles
from ..http_simulator import INSTALLER_PASSWORD, PASSWORD, HttpSimulator
from ..plant import Plant
from ..quantities import place
from .device import WebConnectDevice
from .models import MODELS
from .profiles import Profile, Values, WebConnectSite
from .sessions import INSTALLER, USER, SessionLimits, Sessions

# How firmware versions refuse a password.
REFUSALS: Mapping[str, Mapping[str, object]] = {
    "sid": {"result": {"sid": None}},
    "err": {"err": 401},
}


def named(model: str) -> Profile:
    """Return the model of that name."""
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r} (there are: {', '.join(MODELS)})")
    return MODELS[model]


class Simulator(HttpSimulator):
    """One simulated device; it listens between `start` and `stop`, or in a `with` statement.

    `model`: a name in `MODELS`, or a profile. `plant`: where it stands; without one it gets its own.
    `clock`: Unix time for its values; `monotonic`: seconds for its sessions. `tls`: True to generate
    a certificate, or the files of one. `masked`: its uid hides part of the serial number.
    `night_gaps`: its loggers have no entries at night. `refusal`: how it refuses a password.
    Raises ValueError for a model, or a plant, that does not fit.
    """

    protocol = "webconnect"

    def __init__(
        self,
        model: str | Profile = "sb-3.6",
        *,
        plant: Plant | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        password: str = PASSWORD,
        installer_password: str = INSTALLER_PASSWORD,
        serial: int | None = None,
        name: str | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        max_sessions: int = 4,
        session_idle: float = 300.0,
        lockout_after: int = 10,
        lockout_seconds: float = 900.0,
        tls: Literal[True] | CertificateFiles | None = None,
        masked: bool = True,
        latency: float = 0.0,
        battery: bool = True,
        meter: bool = True,
        night_gaps: bool = False,
        refusal: Literal["sid", "err"] = "sid",
    ) -> None:
        profile = named(model) if isinstance(model, str) else model
        where, unit = place(profile.unit, plant, battery=battery)
        serial = profile.serial if serial is None else serial
        name = f"{profile.product} {serial % 1000:03d}" if name is None else name
        site = WebConnectSite(
            where, unit, serial, name, meter, masked=masked, night_gaps=night_gaps
        )
        limits = SessionLimits(max_sessions, session_idle, lockout_after, lockout_seconds)
        self._password = password
        passwords = {USER: password, INSTALLER: installer_password}
        self._sessions = Sessions(passwords, limits, monotonic)
        self._device = WebConnectDevice(profile, site, self._sessions, clock, REFUSALS[refusal])
        super().__init__(
            self._device, host=host, port=port, tls=tls, latency=latency, monotonic=monotonic
        )

    def start(self) -> None:
        """Listen. After a stop, on the same port again."""
        self.online_values()  # computing the year of the plant would delay the first reply
        super().start()

    @property
    def credentials(self) -> Mapping[str, str]:
        """The password of a user."""
        return {"password": self._password}

    @property
    def serial(self) -> int:
        """The device's serial number."""
        return self._device.site.serial

    @property
    def name(self) -> str:
        """The device's own name."""
        return self._device.site.name

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return self._sessions.open()

    @property
    def unclaimed_sessions(self) -> int:
        """How many of them no request has used: the reply to their login may be lost."""
        return self._sessions.unclaimed()

    @property
    def most_sessions_in_use(self) -> int:
        """The most sessions that were open, and known to a client, at one time."""
        return self._sessions.most_in_use

    @property
    def session_ids(self) -> list[str]:
        """Every session id that was given out."""
        return list(self._sessions.issued)

    @property
    def logins(self) -> int:
        """How many logins were accepted."""
        return self._sessions.logins

    @property
    def logouts(self) -> int:
        """How many sessions were ended by a logout."""
        return self._sessions.logouts

    @property
    def login_attempts(self) -> int:
        """How many logins were requested, with those that were refused or met a fault."""
        return sum(self._device.endpoint(path) == "login" for _, path in self.requests)

    def reset_counts(self) -> None:
        """Set the counts of requests, logins, logouts and sessions to 0; open sessions stay."""
        super().reset_counts()
        self._sessions.reset_counts()

    def expire_sessions(self) -> None:
        """Forget all sessions, as a restart of the device does."""
        self._sessions.expire()

    def online_values(self, group: str = USER) -> dict[str, dict[str, Values]]:
        """Return the whole reply of getAllOnlValues as of now."""
        return {"result": {self._device.uid: self._device.online_values(group)}}
