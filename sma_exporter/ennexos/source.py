"""A component of an ennexOS device as the exporter's source."""

import logging
import time
from collections.abc import Callable, Collection, Generator
from dataclasses import dataclass, replace

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import SmaException
from ..sma.sharing import Sharing
from ..sma.source import Address, Measurements
from .client import SELF, EnnexOS
from .component import Description, Taken, about, channels, readings
from .connection import Connection, Rows
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
        """Read the values, then the parameters if they are due: first of all, and hourly."""
        try:
            are_details_due = self._monotonic() >= self._details_due
            is_new_session = self._connection.logins != self._identified_with
            if are_details_due or (identify and is_new_session):
                self._look_up(deadline)
            rows = self._connection.live(self, deadline)
            if are_details_due:
                yield self._measurements(rows, custom)
                self._read_parameters(deadline)
            yield self._measurements(rows, custom)
        except (SmaException, GeneratorExit):  # what comes back may be another device
            self._details_due, self._is_identified = 0.0, False
            raise

    def release(self, deadline: Deadline) -> None:
        """Log out, in one attempt, if no other component of the same address uses the session."""
        self._connection.release(self, deadline)

    def cancel(self) -> None:
        """Make every further request fail, but for the logout."""
        self._connection.cancel(self)

    def _measurements(self, rows: Rows, custom: Collection[Address]) -> Measurements:
        found = self._description
        own, plant = channels(rows, self.component, found)
        return Measurements(
            readings=readings(rows, self.component, found, self._taken),
            identity=found.identity if self._is_identified else None,
            custom=numbers_at({**found.parameters, **plant, **own}, custom),
        )

    # --- what changes seldom ---

    def _look_up(self, deadline: Deadline) -> None:
        """Ask what the device is."""
        with self._connection.client(self, deadline) as client:
            found = about(client, self.component, deadline)
            self._identified_with = client.logins
        before = self._description
        if found.identity.serial and found.identity.serial != before.identity.serial:
            self._taken = Taken()  # nothing of the device before holds for another
        else:
            found = replace(found, parameters=before.parameters)
        self._description = found
        self._is_identified = bool(found.identity.serial)

    def _read_parameters(self, deadline: Deadline) -> None:
        """Read the parameters. A failure costs only them: the values are in hand.

        But a login that fails here fails the read: its values would be shown through the whole pause.
        """
        try:
            with self._connection.client(self, deadline) as client:
                rows = client.parameters([self.component], deadline=deadline)
        except SmaException as error:
            if error.pause:
                raise
            self._details_due = self._monotonic() + DETAILS_AGAIN
            extra = {"device": self._name, "error": str(error)}
            _LOGGER.debug("the parameters could not be read", extra=extra)
            return
        self._details_due = self._monotonic() + DETAILS_EVERY
        parameters = parameters_of(rows, self.component)
        self._description = replace(self._description, parameters=parameters)
        self._is_identified = True


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
