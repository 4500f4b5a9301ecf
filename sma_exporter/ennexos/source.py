"""A component of an ennexOS device as the exporter's source."""

import logging
import time
from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass
from functools import partial

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import SmaException, SmaReadException
from ..sma.sharing import Sharing
from ..sma.source import Address, Measurements
from .client import PLANT, SELF, EnnexOS
from .connection import Connection, Rows
from .decode import (
    Choices,
    Live,
    class_of,
    decoded,
    has_value,
    identity_of,
    is_charger,
    is_producing,
    live_of,
    newest_of,
    numbers_at,
    parameters_of,
    rated_power_of,
    without_sums,
)
from .exceptions import SmaComponentException

_LOGGER = logging.getLogger(__name__)

#: Seconds between two looks at who answers and at the parameters, and until the next one when that failed.
DETAILS_EVERY = 3600.0
DETAILS_AGAIN = 60.0

_NOT_FOUND = 404

#: So many devices of a plant are looked at to know whether there is another one.
_MOST_DEVICES = 16


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
        self._device: Mapping[str, object] = {}
        self._parameters: Live = {}
        self._has_sums = False  # whether what the plant sums up is this device's own
        self._choices: Choices = {}
        self._plant_choices: Choices = {}
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
                self._look_up(deadline, must_succeed=identify)
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
        live, plant = live_of(rows, self.component), live_of(rows, PLANT)
        if not live and not plant:
            raise SmaComponentException(
                f"the device says nothing of its component {self.component}: "
                "it is off, or it is not there any more"
            )
        if not has_value(live) and not has_value(plant):
            raise SmaReadException("the device answers, but without any value: is it starting?")
        if self.component != SELF:
            plant = {}
        elif not self._has_sums:
            plant = without_sums(plant)
        charger = is_charger(class_of(self._device, self._parameters), live)
        decode = partial(decoded, charger=charger, newest=newest_of(rows))
        # What the device says of itself goes before what its plant says.
        readings = {
            **rated_power_of(self._device),
            **decode(self._parameters, self._choices),
            **decode(plant, self._plant_choices),
            **decode(live, self._choices),
        }
        return Measurements(
            readings=readings,
            identity=identity_of(self._device, self._parameters) if self._is_identified else None,
            custom=numbers_at({**self._parameters, **plant, **live}, custom),
        )

    # --- what changes seldom ---

    def _look_up(self, deadline: Deadline, *, must_succeed: bool) -> None:
        """Ask what the device is, and which others there are."""
        with self._connection.client(self, deadline) as client:
            before = self._device.get("serial")
            try:
                self._device = client.device(self.component, deadline=deadline)
                self._has_sums = self.component == SELF and _is_alone(client, deadline)
            except SmaReadException as error:  # some have no description: their parameters have one
                if must_succeed and error.err != _NOT_FOUND:
                    raise
                self._device = {}
            if before and self._device.get("serial", before) != before:
                self._parameters, self._choices, self._plant_choices = {}, {}, {}
            self._identified_with = client.logins
            self._is_identified = bool(self._device)

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
        self._parameters = parameters_of(rows, self.component)
        self._is_identified = True


def _is_alone(client: EnnexOS, deadline: Deadline) -> bool:
    """Tell whether no other device takes part in what the plant sums up."""
    for each in client.devices(deadline=deadline)[:_MOST_DEVICES]:
        name = each.get("deviceId")
        if not isinstance(name, str) or name in {SELF, PLANT}:
            continue
        try:
            device = client.device(name, deadline=deadline)
        except SmaReadException as error:
            if error.err != _NOT_FOUND:
                raise
            device = {}
        if is_producing(device):
            return False
    return True


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
