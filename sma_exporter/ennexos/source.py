"""A component of an ennexOS device as the exporter's source."""

import logging
import time
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, replace

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import SmaException
from ..sma.sharing import Sharing
from ..sma.source import Address, Identity, Measurements
from .client import SELF, EnnexOS
from .component import Channels, Description, Taken, about, channels, readings, surrounded
from .connection import Connection
from .decode import numbers_at, parameters_of

_LOGGER = logging.getLogger(__name__)

#: Seconds between two looks at who answers and at the parameters, and until the next one when that failed.
DETAILS_EVERY = 3600.0
DETAILS_AGAIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnnexOSSettings:
    """How a component is reached.

    `component`: which device behind the address. `password`: what reads it, asked at each login. `timeout`:
    seconds for one request. `fingerprints`, `ca`, `verify`: see `make_session`. `https_only`: never plain
    HTTP.
    """

    name: str
    url: str
    username: str
    component: str = SELF
    password: Callable[[], str]
    timeout: float = 10.0
    fingerprints: tuple[str, ...] = ()
    ca: str | None = None
    verify: bool = True
    https_only: bool = False


def new_client(
    settings: EnnexOSSettings,
    password: Callable[[], str] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> EnnexOS:
    """Return a client, with an HTTP session of its own and no session on the device yet."""
    return EnnexOS(
        make_session(settings.fingerprints, ca=settings.ca, verify=settings.verify),
        settings.url,
        settings.username,
        password or settings.password,
        timeout=settings.timeout,
        https_only=settings.https_only,
        monotonic=monotonic,
    )


class EnnexOSSource:
    """Implements `sma.source.Source`. Components of one address share a `Connection`."""

    usual_session = "keep"

    def __init__(
        self,
        settings: EnnexOSSettings,
        sharing: Sharing | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.component = settings.component
        self.password = settings.password
        self.logins = 0
        self._name = settings.name
        self._monotonic = monotonic
        self._connection = (sharing or Sharing()).get(
            _shared_by(settings),
            lambda: Connection(
                lambda password: new_client(settings, password, monotonic), monotonic
            ),
        )
        self._identified_with = -1  # so many sessions had been opened when it was asked who answers
        self._is_identified = False
        self._details_due = 0.0
        self._is_replaced = False  # whether another serial number than before was told just now
        self._identity = Identity()  # one object until the device has been asked anew
        self._description = Description()
        self._taken = Taken()
        self._connection.add(self)

    @property
    def url(self) -> str:
        """Where the device is, as far as that is known by now."""
        return self._connection.url

    def read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        """Read the values, then what changes seldom if it is due: first of all, and hourly.

        That is not urgent, unless it must first tell who answers.
        """
        before = self.url
        try:
            rows = self._connection.live(self, deadline)
            # Before what changes seldom: one that is off is asked nothing more.
            seen = channels(rows, self.component)
            are_details_due = self._monotonic() >= self._details_due
            is_new_session = self._connection.logins != self._identified_with
            if are_details_due or (identify and is_new_session):
                self._look_up(deadline)
            if are_details_due or (identify and not self._is_identified):
                if self._is_identified or not identify:
                    yield self._measurements(seen, custom)
                self._read_details(deadline, must_tell=identify)
            yield self._measurements(seen, custom)
        except (SmaException, GeneratorExit):  # what comes back may be another device
            self._details_due, self._is_identified = 0.0, False
            raise
        finally:
            self._warn_of_plain_http(before)

    def release(self, deadline: Deadline) -> None:
        """Log out, in one attempt, if no other component of the same address uses the session."""
        self._connection.release(self, deadline)

    def cancel(self) -> None:
        """Make every further request fail, but for the logout."""
        self._connection.cancel(self)

    def _measurements(self, seen: Channels, custom: Collection[Address]) -> Measurements:
        found = self._description
        numbers = {**found.parameters, **seen.of_plant(found), **seen.own} if custom else {}
        return Measurements(
            readings=readings(seen, found, self._taken),
            identity=self._identity if self._is_identified else None,
            custom=numbers_at(numbers, custom),
        )

    # --- what changes seldom ---

    def _look_up(self, deadline: Deadline) -> None:
        """Ask what the device is."""
        with self._connection.client(self, deadline) as client:
            found = about(client, self.component, deadline)
            self._identified_with = client.logins
        before, serial = self._description, found.identity.serial
        self._forget_another(serial)
        if not serial or serial == before.identity.serial:
            found = replace(before, about=found.about)
        self._description, self._identity = found, found.identity
        self._is_identified = bool(serial)

    def _read_details(self, deadline: Deadline, *, must_tell: bool) -> None:
        """Ask what belongs to the device, and for the parameters. A failure costs only them.

        But a login that fails here fails the read: its values would be shown through the whole pause.
        """
        try:
            with self._connection.client(self, deadline) as client:
                found = surrounded(client, self.component, self._description, deadline)
                rows = client.parameters([self.component], deadline=deadline)
        except SmaException as error:
            if error.pause or (must_tell and not self._is_identified):
                raise
            self._details_due = self._monotonic() + DETAILS_AGAIN
            extra = {"device": self._name, "error": str(error)}
            _LOGGER.debug("the parameters could not be read", extra=extra)
            return
        found = replace(found, parameters=parameters_of(rows, self.component))
        was_replaced = self._is_replaced
        self._forget_another(found.identity.serial)
        # A new serial number is doubted once: what a device tells while it starts may be wrong.
        is_new = was_replaced or self._is_replaced
        self._details_due = 0.0 if is_new else self._monotonic() + DETAILS_EVERY
        self._description = found
        if found.identity != self._identity:
            self._identity = found.identity
        self._is_identified = must_tell or bool(found.identity.serial)

    def _warn_of_plain_http(self, before: str) -> None:
        if self.url != before and self.url.startswith("http://"):
            _LOGGER.warning(
                "the device answers on plain http only: the password travels in clear",
                extra={"device": self._name, "url": self.url},
            )

    def _forget_another(self, serial: str) -> None:
        """If another device answers, nothing that was taken of the one before holds for it."""
        before = self._description.identity.serial
        self._is_replaced = bool(serial and before and serial != before)
        if self._is_replaced:
            self._taken = Taken()


def _shared_by(settings: EnnexOSSettings) -> tuple[object, ...]:
    """Return what sources with one connection have in common."""
    return (
        settings.url,
        settings.username,
        settings.timeout,
        settings.fingerprints,
        settings.ca,
        settings.verify,
        settings.https_only,
    )
