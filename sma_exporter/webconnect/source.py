"""A WebConnect device as the exporter's source: its session, its parameters, and the way to it."""

import logging
import math
import time
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.exceptions import (
    Pause,
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
#: failed or lacked the serial number of the meter that there is: that wait doubles.
PARAMETERS_EVERY = 3600.0
PARAMETERS_AGAIN = 60.0

_SERIAL_KEY = "6800_00A21E00"


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
    """Implements `sma.source.Source`.

    Devices say in many ways that they do not know a session: HTTP 500, no values, their web page, a
    closed connection. So a read that failed leaves its session in doubt, whatever the failure::

        no session   a read logs in
        open         a read uses it; one that fails makes it doubted. A logout that fails leaves it open
        doubted      a read logs it out first. Then
                         it is over:             the read logs in
                         the device is silent:   the read fails, without a login; still doubted
                         else it may live:       the read uses it, once. If that fails too, the
                                                 session is lost, and the read logs in

    A lost session may be left on the device. When a read that lost one fails all the same, the device
    is left alone as after a login without an answer, so that they do not add up.
    """

    usual_session = "scrape"

    def __init__(
        self, settings: WebConnectSettings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = settings.name
        self._is_anonymous = settings.password is None
        self._monotonic = monotonic
        self._client = new_client(settings, monotonic)
        self._is_scheme_in_doubt = False
        self._is_session_doubted = False
        self._is_session_tried = False  # whether a read used it in spite of that
        self._answered_as: str | None = None
        self._is_certain = False  # whether `_identity` is that of the device that answers now
        self._is_replaced = False  # whether `_identity` is another device's than the one before
        self._identified_at = 0  # how many logins there were when the device last told its serial
        self._identity: Identity | None = None
        self._parameters: Readings = {}
        self._has_battery = False  # a total has shown one, which stays when the totals are null
        self._has_warned_of_left_out = False
        self._parameters_due = 0.0
        self._meter_due = math.inf  # the same, where the meter's serial number is missing
        self._meter_wait = PARAMETERS_AGAIN
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
        before, lost = self._client.url, self._client.lost_sessions
        try:
            yield from self._read_by_session(deadline, custom, identify=identify)
            self._is_session_doubted = self._is_session_tried = False
        except BaseException as error:  # also what the reader raised, or refused
            self._doubt_identity()  # what comes back may be another device
            self._is_session_doubted = True
            if isinstance(error, SmaException):
                if error.pause is None and self._client.lost_sessions > lost:
                    error.pause = Pause.LOST_LOGIN
                self._note_failure(error)
            raise
        finally:
            self._warn_of_plain_http(before)

    def _read_by_session(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        """Read with the session that there is, or a new one: see the class."""
        if not self._is_session_doubted or self._client.end_session(deadline):
            self._is_session_tried = False
        elif self._is_session_tried:
            self._lose_session()
        else:
            self._is_session_tried = True
            reading = self._read(deadline, custom, identify=identify)
            logins = self._client.logins
            try:
                yield next(reading)
            except SmaException as error:
                was_replaced = not self._client.logged_in or self._client.logins != logins
                if was_replaced or not self._client.is_there(error, deadline):
                    raise
                self._lose_session()
            else:
                yield from reading
                return
        yield from self._read(deadline, custom, identify=identify)

    def _lose_session(self) -> None:
        self._client.lose_session()
        self._is_session_tried = False

    def _read(
        self, deadline: Deadline, custom: Collection[Address], *, identify: bool
    ) -> Generator[Measurements]:
        values = self._client.read_all(deadline=deadline)
        require_value(values)
        measured, numbers = decoded(values), numbers_at(values, custom)
        if self._is_anonymous:  # the public values hold all that there is
            self._identity, self._is_certain = identity_of(measured), True
            yield self._measurements(measured, numbers)
            return
        self._note_who_answers()
        if identify and self._is_certain and self._client.logins != self._identified_at:
            self._check_serial(deadline)
        shown = self._measurements(measured, numbers)
        if self._are_parameters_due(shown.readings, custom):
            self._warn_of_left_out(values)
            if self._is_certain or not identify:
                yield shown
            self._read_parameters(deadline, custom, must_succeed=identify)
            shown = self._measurements(measured, numbers)
        yield shown

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

    def _note_who_answers(self) -> None:
        """Doubt the identity that is known where the device may be another one.

        A new identity is doubted once: what a device tells while it starts may be wrong.
        """
        if self._client.answered_as != self._answered_as or self._is_replaced:
            self._answered_as = self._client.answered_as
            self._is_replaced = False
            self._doubt_identity()

    def _check_serial(self, deadline: Deadline) -> None:
        """Doubt the identity that is known if another device has answered this session's login.

        The masked key of the result does not tell: devices may have the same.
        """
        values = self._client.read_keys([_SERIAL_KEY], deadline=deadline)
        if self._identity and identity_of(decoded(values)).serial == self._identity.serial:
            self._identified_at = self._client.logins
        else:
            self._doubt_identity()

    def _are_parameters_due(self, readings: Readings, custom: Collection[Address]) -> bool:
        keys = frozenset(address.key for address in custom if is_parameter(address.key))
        if keys != self._custom_keys:
            self._custom_keys, self._parameters_due = keys, 0.0
        now = self._monotonic()
        if readings.get("meter_serial") != "":  # there is no meter, or it has told
            self._meter_wait = PARAMETERS_AGAIN
        elif now >= self._meter_due:
            self._meter_wait = min(self._meter_wait * 2, PARAMETERS_EVERY)
            return True
        return now >= self._parameters_due

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
            self._parameters_due = self._meter_due = self._monotonic() + PARAMETERS_AGAIN
            extra = {"device": self._name, "error": str(error)}
            _LOGGER.debug("the parameters could not be read", extra=extra)
            return
        now = self._monotonic()
        self._parameters_due, self._meter_due = now + PARAMETERS_EVERY, now + self._meter_wait
        self._identified_at = self._client.logins
        self._custom_parameters = numbers_at(values, custom)
        found = decoded(values)
        known = {**self._parameters, **found}
        if self._identity and self._identity.serial != identity_of(known).serial:
            known = found  # nothing of the device before is told of another
            self._has_battery = False
            self._is_replaced = bool(self._identity.serial)
        self._parameters, self._identity = known, identity_of(known)
        self._is_certain = True

    def _doubt_identity(self) -> None:
        self._is_certain, self._parameters_due = False, 0.0

    # --- after a failure ---

    def _note_failure(self, error: SmaException) -> None:
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
