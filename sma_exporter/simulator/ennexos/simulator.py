"""A simulated device with ennexOS, to start and stop: a model at a site, its tokens, its faults."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from ..certificates import CertificateFiles
from ..http_faults import Action, Drop, Faults, Hang, SendReply
from ..http_server import HTML, SimulatedReply
from ..http_simulator import INSTALLER_PASSWORD, PASSWORD, HttpSimulator
from ..plant import Plant
from ..quantities import Site, place
from .components import Json
from .device import EnnexosDevice
from .models import MODELS
from .profiles import PLANT, SELF, Profile
from .switches import Switches
from .tokens import ADMINISTRATOR, INSTALLER, USER, Account, TokenRules, Tokens

USER_NAME, INSTALLER_NAME, ADMINISTRATOR_NAME = "owner", "installer", "administrator"
ADMINISTRATOR_PASSWORD = "Sunny-5678"  # noqa: S105 - of a device that does not exist


class EnnexosFaults(Faults):
    """The faults that are set, and what the device's switches make of a request."""

    def __init__(self, device: EnnexosDevice, *, plain: bool) -> None:
        super().__init__()
        self._device = device
        self._plain = plain

    def take(self, endpoint: str | None) -> Action | None:
        """See Faults."""
        return super().take(endpoint) or self._always(endpoint)

    def _always(self, endpoint: str | None) -> Action | None:
        switches = self._device.switches
        if self._plain and self._device.profile.https_only and switches.plain_http != "serve":
            not_found = SendReply(SimulatedReply(404, b"<html></html>", HTML))
            return Drop() if switches.plain_http == "drop" else not_found
        if endpoint == "featuretoggles" and switches.feature_toggles == "hang":
            return Hang()
        return None


def named(model: str) -> Profile:
    """Return the model of that name."""
    if model not in MODELS:
        raise ValueError(f"there is no model {model!r} (there are: {', '.join(MODELS)})")
    return MODELS[model]


class EnnexosSimulator(HttpSimulator):
    """One simulated device; it listens between `start` and `stop`, or in a `with` statement.

    `model`: a name in `MODELS`, or a profile. `plant`: where it stands; without one it gets its own.
    `clock`: Unix time for its values; `monotonic`: seconds for its tokens. `tls`: True to generate a
    certificate, or the files of one; most models serve nothing without. `expires_in`: seconds for
    which an access token is valid; `refresh_expires_in`: a refresh token; `reusable`: after its use
    too. `switches` may be exchanged at any time. Raises ValueError for a model, or a plant, that does
    not fit.
    """

    protocol = "ennexos"

    def __init__(
        self,
        model: str | Profile = "stp-x-15",
        *,
        plant: Plant | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        username: str = USER_NAME,
        password: str = PASSWORD,
        installer_password: str = INSTALLER_PASSWORD,
        administrator_password: str = ADMINISTRATOR_PASSWORD,
        serial: int | None = None,
        name: str | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        expires_in: int = 3600,
        refresh_expires_in: float = 86_400.0,
        reusable: bool = False,
        tls: Literal[True] | CertificateFiles | None = None,
        latency: float = 0.0,
        battery: bool = True,
        meter: bool = True,
        switches: Switches | None = None,
    ) -> None:
        profile = named(model) if isinstance(model, str) else model
        where, unit = place(profile.unit, plant or profile.home, battery=battery)
        charger = where.charger(profile.charger) if profile.charger else None
        serial = profile.serial if serial is None else serial
        name = f"{profile.product} {serial % 1000:03d}" if name is None else name
        site = Site(where, unit, serial, name, meter, charger, exact=True)
        accounts = {
            INSTALLER_NAME: Account(installer_password, INSTALLER),
            ADMINISTRATOR_NAME: Account(administrator_password, ADMINISTRATOR),
            username: Account(password, USER),
        }
        self._account = (username, password)
        rules = TokenRules(expires_in, refresh_expires_in, reusable)
        self._tokens = Tokens(accounts, rules, monotonic)
        self._device = EnnexosDevice(profile, site, self._tokens, clock, switches or Switches())
        super().__init__(
            self._device, host=host, port=port, tls=tls, latency=latency, monotonic=monotonic
        )
        self.faults = EnnexosFaults(self._device, plain=tls is None)

    def start(self) -> None:
        """Listen. After a stop, on the same port again."""
        self.channels(PLANT)  # computing the year of the plant would delay the first reply
        super().start()

    @property
    def credentials(self) -> Mapping[str, str]:
        """The user name and password of a user."""
        return dict(zip(("username", "password"), self._account, strict=True))

    @property
    def serial(self) -> int:
        """The device's serial number."""
        return self._device.site.serial

    @property
    def name(self) -> str:
        """The device's own name."""
        return self._device.site.name

    @property
    def switches(self) -> Switches:
        """How the device is set."""
        return self._device.switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._device.switches = switches

    def reset_counters(self) -> None:
        """Set the counters of energy and time back to 0, as a new communication board does."""
        self.switches = replace(self.switches, counters_from=self._device.clock())

    @property
    def sessions(self) -> int:
        """How many logins have a valid access token, from them or from a refresh."""
        return self._tokens.open()

    @property
    def unclaimed_sessions(self) -> int:
        """How many of them no request has used: the reply to their login or refresh may be lost."""
        return self._tokens.unclaimed()

    @property
    def most_sessions_in_use(self) -> int:
        """The most sessions that were open, and known to a client, at one time."""
        return self._tokens.most_in_use

    @property
    def session_ids(self) -> list[str]:
        """Every token that was given out."""
        return list(self._tokens.issued)

    @property
    def logins(self) -> int:
        """How many logins were accepted."""
        return self._tokens.logins

    @property
    def login_attempts(self) -> int:
        """How many logins were requested, with those that were refused; without those that met a fault."""
        return self._tokens.logins + self._tokens.refusals

    @property
    def refreshes(self) -> int:
        """How often a refresh token brought new tokens."""
        return self._tokens.refreshes

    @property
    def logouts(self) -> int:
        """How many sessions were ended by a logout."""
        return self._tokens.logouts

    @property
    def token_requests(self) -> int:
        """How many logins and refreshes were requested, with those that failed."""
        return sum(self._device.endpoint(path) == "token" for _, path in self.requests)

    def reset_counts(self) -> None:
        """Set the counts of requests, logins, refreshes, logouts and sessions to 0."""
        super().reset_counts()
        self._tokens.reset_counts()

    def expire_sessions(self) -> None:
        """Forget all tokens, as a restart of the device does."""
        self._tokens.expire()

    def channels(self, component: str = SELF, role: str = ADMINISTRATOR) -> list[Json]:
        """Return all channels of a component as of now, as in a reply of measurements/live."""
        return self._device.profile.live(self._device.view(role), component) or []
