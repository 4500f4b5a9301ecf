"""A WebConnect device as the exporter's source: its session, its parameters, and the way to it."""

import logging
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    SmaAuthenticationException,
    SmaException,
    SmaSessionLimitException,
)
from ..sma.objects import is_parameter
from ..sma.source import Address, Identity, Measurements, Readings
from .client import SMA
from .decode import (
    PARAMETER_KEYS,
    concluded,
    decoded,
    has_charged_battery,
    identity_of,
    left_out,
    numbers_at,
    require_value,
)

_LOGGER = logging.getLogger(__name__)

#: Seconds between two reads of the parameters while all is well, and until the next try when one
#: failed.
PARAMETERS_EVERY = 3600.0
PARAMETERS_AGAIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConnectSettings:
    """How a device is reached.

    `password`: what reads it, asked at each login; None: the public dashboard values. `timeout`:
    seconds for one request. `fingerprints`, `ca`, `verify`: see `make_session`. `https_only`: never
    plain HTTP.
    """

    name: str
    url: str
    group: str = "user"
    password: Callable[[], str] | None = None
    timeout: float = 5.0
    fingerprints: tuple[str, ...] = ()
    ca: str | None = None
    verify: bool = True
    https_only: bool = False


def new_client(
    settings: WebConnectSettings, monotonic: Callable[[], float] = time.monotonic
) -> SMA:
    """Return a client of a device, with an HTTP session of its own and no session on the device yet."""
    http = make_session(settings.fingerprints, ca=settings.ca, verify=settings.verify)
    return SMA(
        http,
        settings.url,
        settings.password,
        settings.group,
        timeout=settings.timeout,
        https_only=settings.https_only,
        monotonic=monotonic,
    )


class WebConnectSource:
    """Implements `sma.source.Source`."""

    usual_session = "scrape"

    def __init__(
        self, settings: WebConnectSettings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = settings.name
        self._is_anonymous = settings.password is None
        self._monotonic = monotonic
        self._client = new_client(settings, monotonic)
        self._is_scheme_in_doubt = False
        self._answered_as: str | None = None
        self._is_certain = False  # whether `_identity` is that of the device that answers now
        self._identity: Identity | None = None
        self._parameters: Readings = {}
        self._has_battery = False  # a total has shown one, which stays when the totals are null
        self._has_warned_of_left_out = False
        self._parameters_due = 0.0
        self._custom_keys: frozenset[str] = frozenset()  # those that are parameters
        self._custom_parameters: dict[Address, float] = {}

    @property
    def url(self) -> str:
        """Where the device is, as far as that is known by now."""
        return self._client.url

    @property
    def logins(self) -> int:
        """How many sessions were opened so far."""
        return self._client.logins

    def read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        """Read the values, then the parameters if they are due: first of all, hourly, and for new addresses.

        The parameters are not urgent, unless they must first tell who answers.
        """
        if self._is_scheme_in_doubt:
            self._client.forget_scheme()
            self._is_scheme_in_doubt = False
        before = self._client.url
        try:
            values = self._client.read_all(deadline=deadline)
            require_value(values)
            measured, numbers = decoded(values), numbers_at(values, custom)
            if self._is_anonymous:  # the public values hold all that there is
                self._identity, self._is_certain = identity_of(measured), True
            elif self._are_parameters_due(custom):
                self._warn_of_left_out(values)
                if self._is_certain or not identify:
                    yield self._measurements(measured, numbers)
                self._read_parameters(deadline, custom, must_succeed=identify)
            yield self._measurements(measured, numbers)
        except SmaException as error:
            self._note_failure(error)
            raise
        except GeneratorExit:  # what came was refused
            self._doubt_identity()
            raise
        finally:
            self._warn_of_plain_http(before)

    def release(self, deadline: Deadline) -> None:
        """Log out, in one attempt."""
        self._client.close_session(deadline)

    def cancel(self) -> None:
        """Make every further request fail, but for the logout."""
        self._client.stop()

    def _measurements(self, measured: Readings, numbers: dict[Address, float]) -> Measurements:
        self._has_battery = self._has_battery or has_charged_battery(measured)
        return Measurements(
            readings=concluded({**self._parameters, **measured}, has_battery=self._has_battery),
            identity=self._identity if self._is_certain else None,
            custom={**self._custom_parameters, **numbers},
        )

    # --- parameters ---

    def _are_parameters_due(self, custom: Collection[Address]) -> bool:
        if self._client.answered_as != self._answered_as:  # another device, or other firmware
            self._answered_as = self._client.answered_as
            self._doubt_identity()
        keys = frozenset(address.key for address in custom if is_parameter(address.key))
        if keys != self._custom_keys:
            self._custom_keys, self._parameters_due = keys, 0.0
        return self._monotonic() >= self._parameters_due

    def _read_parameters(
        self, deadline: Deadline, custom: Collection[Address], *, must_succeed: bool
    ) -> None:
        """Read the parameters. A failure costs only them: the values are in hand.

        But a login that fails here fails the read: its values would be shown through the whole
        pause.
        """
        keys = dict.fromkeys((*PARAMETER_KEYS, *self._custom_keys))
        try:
            values = self._client.read_keys([*keys], deadline=deadline)
        except SmaException as error:
            if error.pause or (must_succeed and not self._is_certain):
                raise
            self._parameters_due = self._monotonic() + PARAMETERS_AGAIN
            extra = {"device": self._name, "error": str(error)}
            _LOGGER.debug("the parameters could not be read", extra=extra)
            return
        self._parameters_due = self._monotonic() + PARAMETERS_EVERY
        self._custom_parameters = numbers_at(values, custom)
        found = decoded(values)
        known = {**self._parameters, **found}
        if self._identity and self._identity.serial != identity_of(known).serial:
            known = found  # nothing of the device before is told of another
            self._has_battery = False
        self._parameters, self._identity = known, identity_of(known)
        self._is_certain = True

    def _doubt_identity(self) -> None:
        self._is_certain, self._parameters_due = False, 0.0

    # --- after a failure ---

    def _note_failure(self, error: SmaException) -> None:
        self._doubt_identity()  # what comes back may be another device
        self._is_scheme_in_doubt = self._client.url.startswith("http://")
        if isinstance(error, SmaAuthenticationException):
            self._ask_about_sessions(error)

    def _ask_about_sessions(self, error: SmaAuthenticationException) -> None:
        with suppress(SmaException):
            check = self._client.session_check()
            error.free_sessions = check.free
            if not isinstance(error, SmaSessionLimitException):
                error.retry_after = check.locked_for

    def _warn_of_left_out(self, values: Mapping[str, object]) -> None:
        sentences = left_out(values)
        if sentences and not self._has_warned_of_left_out:
            self._has_warned_of_left_out = True
            _LOGGER.warning(
                "the device has more parts than are read: please report it, with a dump",
                extra={"device": self._name, "left_out": "; ".join(sentences)},
            )

    def _warn_of_plain_http(self, before: str) -> None:
        url = self._client.url
        if url != before and url.startswith("http://"):
            _LOGGER.warning(
                "the device answers on plain http only: the password travels in clear",
                extra={"device": self._name, "url": url},
            )
