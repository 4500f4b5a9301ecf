"""Reading one device: its session, its pauses after refused logins, its parameters, its honest totals.

Used by one thread at a time. Nothing is raised: whatever goes wrong is the outcome of the read.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from .. import config
from ..webconnect import (
    SMA,
    Readings,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaNotWebConnectException,
    SmaPinException,
    SmaReadException,
    SmaSessionLimitException,
    SmaSeveralDevicesException,
    SmaTimeoutException,
    SmaTlsException,
)
from ..webconnect.readings import (
    PARAMETER_KEYS,
    PARAMETERS,
    STATES_OF,
    TOTALS,
    decode,
    has_value,
    is_parameter,
)
from ..webconnect.sensor import elements, number
from .backoff import Backoff, Cause
from .clients import http_session, new_client
from .counter_guard import UNKNOWN_WATTS, CounterGuard
from .snapshot import CustomReading, Identity, Known, Outcome

_LOGGER = logging.getLogger(__name__)

#: A read as a whole may take this many times as long as one request.
READ_REQUESTS = 3

#: How often the parameters are read while all is well, and how soon again when that failed.
PARAMETERS_EVERY = 3600.0
PARAMETERS_AGAIN = 60.0

MAX_UNKNOWN_STATES = 16

#: What reading the parameters leaves to a scrape that waits for the values.
_HAND_OVER_SECONDS = 0.3


class IdentityError(Exception):
    """Raised when another device than the configured one answers at the address."""


#: The first match counts.
_REASON_OF: tuple[tuple[type[Exception], str], ...] = (
    (SmaPinException, "certificate_pin"),
    (SmaTlsException, "tls"),
    (SmaTimeoutException, "timeout"),
    (SmaConnectionException, "connection"),
    (SmaSessionLimitException, "session_limit"),
    (SmaAuthenticationException, "authentication"),
    (config.PasswordFileError, "authentication"),
    (IdentityError, "identity"),
    (SmaNotWebConnectException, "unsupported"),
    (SmaSeveralDevicesException, "unsupported"),
    (SmaReadException, "protocol"),
)


def reason_of(error: Exception) -> str:
    """Return the reason (one of snapshot.REASONS) that a failure counts as."""
    return next((reason for kind, reason in _REASON_OF if isinstance(error, kind)), "internal")


class Reader:
    """Reads one configured device; `known` is what it has learned of it."""

    def __init__(self, settings: config.DeviceSettings, monotonic: Callable[[], float]) -> None:
        self.known = Known()
        self._settings = settings
        self._monotonic = monotonic
        self._http = http_session(settings)
        self._url = settings.url
        self._client: SMA | None = None
        self._tried: tuple[str, str | None] = ("", None)  # the group, and its password
        self._is_to_reconnect = False
        self._backoff = Backoff()
        self._guard = CounterGuard(settings.counter_reset_delay)
        self._parameters_due = 0.0
        self._answered_as: str | None = None
        self._parameter_values: dict[str, object] = {}
        self._stopping = False

    def read(self, patience: Callable[[], float]) -> Outcome:
        """Read the device. `patience`: until when (monotonic) somebody waits for the values."""
        started = self._monotonic()
        outcome = Outcome(started)
        try:
            outcome = self._read(outcome, patience)
        except (SmaException, IdentityError, config.PasswordFileError) as error:
            free = self._note_failure(error)
            outcome = replace(
                outcome, reason=reason_of(error), message=str(error), free_sessions=free
            )
        except Exception as error:  # a mistake of ours must not cost the other devices
            _LOGGER.debug("internal error", exc_info=True, extra=self._fields())
            message = (
                f"internal error ({type(error).__name__}): please report it, with --log.level=debug"
            )
            outcome = replace(outcome, reason="internal", message=message)
        self.known = replace(self.known, withheld=self._guard.withheld)
        return replace(outcome, seconds=self._monotonic() - started)

    def is_pausing(self, settings: config.DeviceSettings) -> bool:
        """Tell whether the device is to be left alone for now, after a login that failed.

        New credentials may be tried at once: those of `settings`, which the next read will have.
        """
        if not self._backoff.left(self._monotonic()):
            return False
        if self._backoff.cause is not Cause.REFUSED:
            return True
        credentials = _credentials(settings)
        if credentials is None or credentials == self._tried:
            return True
        self._backoff.over()
        return False

    def reconfigure(self, settings: config.DeviceSettings) -> None:
        """Take other settings for the next read, between two of them. No request is made here."""
        old, self._settings = self._settings, settings
        if settings == old:
            return
        self._guard.reset_delay = settings.counter_reset_delay
        self._guard.drop({*map(_series, old.sensors)} - {*map(_series, settings.sensors)})
        self._parameters_due = 0.0  # for another serial number, other sensors
        self._is_to_reconnect |= _connection(settings) != _connection(old)

    def stop(self) -> None:
        """End a read in flight as soon as the request that it waits for is over. From any thread."""
        self._stopping = True
        if self._client is not None:
            self._client.stop()

    def log_out(self, timeout: float) -> None:
        """Log out in one attempt, if there is a session; one that could not be closed is used again."""
        try:
            if self._client is not None:
                self._client.close_session(timeout)
        except Exception as error:  # noqa: BLE001 - the values are handed over; a read may follow
            _LOGGER.debug("logout failed", extra=self._fields(error=str(error)))
        finally:
            self._http.close()

    def _fields(self, **values: object) -> dict[str, object]:
        return {"device": self._settings.name, **values}

    def _read(self, outcome: Outcome, patience: Callable[[], float]) -> Outcome:
        """Log in, read the values, then the parameters when they are due, and judge the totals."""
        deadline = outcome.started + READ_REQUESTS * self._settings.timeout
        client = self._logged_in_client()
        try:
            values = client.read_all(deadline=deadline)
            if not has_value(values):
                raise SmaReadException("the device answers, but without any value: is it starting?")
            if client.answered_as != self._answered_as:  # another device, or other firmware
                self._answered_as, self._parameters_due = client.answered_as, 0.0
            values |= self._due_parameters(client, min(deadline, patience() - _HAND_OVER_SECONDS))
        finally:
            self._count_logins(client)
            self._url = client.url
        readings = decode(values)
        self._keep_parameters({n: v for n, v in readings.items() if n in PARAMETERS})
        self._note_unknown_states(readings)
        custom = tuple(_custom_readings(self._settings.sensors, self._parameter_values | values))
        self._judge_totals(readings, custom)
        if self._guard.withheld:
            readings = {n: v for n, v in readings.items() if not self._guard.is_withheld(n)}
            custom = tuple(row for row in custom if not self._guard.is_withheld(_series(row)))
        return replace(outcome, readings=readings, custom=custom)

    # --- sessions ---

    def _logged_in_client(self) -> SMA:
        if self._is_to_reconnect:
            self._is_to_reconnect = False
            self.log_out(self._settings.timeout)
            self._http, self._client = http_session(self._settings), None
        if self._client is not None and self._client.logged_in:
            self._client.url = self._url  # without its scheme after a failure on plain http
            self._prepare_next_login(self._client)
            return self._client
        client, password = self._client, self._settings.read_password()
        credentials = self._settings.group, password
        if client is None or (client.url, self._tried) != (self._url, credentials):
            client = self._client = new_client(
                self._settings, self._http, self._url, password, self._monotonic
            )
            self._tried = credentials
        if self._stopping:
            client.stop()
        try:
            if client.new_session():
                self._backoff.over()
        finally:
            self._count_logins(client)
            found, self._url = client.url != self._url, client.url  # also when the login is refused
        if found and client.url.startswith("http://"):
            _LOGGER.warning(
                "the device answers on plain http only: the password travels in clear",
                extra=self._fields(url=client.url),
            )
        return client

    def _prepare_next_login(self, client: SMA) -> None:
        """Have a session that turns out to be over renewed with the password as it is now."""
        with suppress(config.PasswordFileError):  # it matters when there is a login
            password = self._settings.read_password()
            if password is not None:
                client.use_password(password)
                self._tried = self._settings.group, password

    def _count_logins(self, client: SMA) -> None:
        self.known = replace(self.known, logins=self.known.logins + client.logins)
        client.logins = 0

    def _note_failure(self, error: Exception) -> int | None:
        """Draw the consequences of a failed read; return the free sessions if the device tells them."""
        self._parameters_due = 0.0  # what comes back may be another device
        if self._url.startswith("http://"):
            self._url = self._settings.url  # and may speak https by then
        return self._pause_after(error)

    def _pause_after(self, error: Exception) -> int | None:
        now = self._monotonic()
        if isinstance(error, SmaSessionLimitException):
            self._backoff.failed(Cause.FULL, now)
            return self._ask_about_sessions()[0]
        if isinstance(error, SmaAuthenticationException):
            free, locked_for = self._ask_about_sessions()
            now = self._monotonic()  # its seconds count from its answer, which may take a while
            self._backoff.failed(Cause.REFUSED, now, locked_for)
            return free
        if isinstance(error, SmaException) and error.login_lost:
            self._backoff.failed(Cause.LOST, now)
        return None

    def _ask_about_sessions(self) -> tuple[int | None, float]:
        try:
            return self._client.session_check() if self._client else (None, 0.0)
        except SmaException:
            return None, 0.0

    # --- parameters ---

    def _due_parameters(self, client: SMA, deadline: float) -> dict[str, object]:
        """Return the parameters' raw values when they are due, else nothing.

        A failure costs only them: the values are in hand. But where a serial number is configured,
        nothing is shown before it was seen.
        """
        now = self._monotonic()
        if self._settings.anonymous or now < self._parameters_due:
            return {}
        try:
            values = client.read_keys(_parameter_keys(self._settings), deadline=deadline)
        except SmaException as error:
            unverified = self._settings.serial and self._parameters_due == 0.0
            login_failed = isinstance(error, SmaAuthenticationException) or error.login_lost
            if unverified or login_failed:
                raise
            self._parameters_due = now + PARAMETERS_AGAIN
            _LOGGER.debug("no parameters", extra=self._fields(error=str(error)))
            return {}
        self._check_serial(Identity.of(decode(values)).serial)
        self._parameters_due = now + PARAMETERS_EVERY
        self._parameter_values = values
        return values

    def _check_serial(self, serial: str) -> None:
        wanted = self._settings.serial
        if wanted and serial != wanted:
            raise IdentityError(
                f"the device at {self._url} has the serial number {serial or '(none)'}, configured is "
                f"{wanted}: correct `serial` or `url` of {self._settings.name}"
            )

    def _keep_parameters(self, found: Readings) -> None:
        if not found:
            return
        parameters = self.known.parameters | found
        identity, before = Identity.of(parameters), self.known.identity
        if before.serial and identity.serial != before.serial:
            _LOGGER.warning(
                "another device answers at this address: its totals start anew",
                extra=self._fields(serial=identity.serial, before=before.serial),
            )
            self._guard.forget()
            parameters, identity = found, Identity.of(found)
        self.known = replace(self.known, parameters=parameters, identity=identity)

    # --- what is shown of a read ---

    def _judge_totals(self, readings: Readings, custom: tuple[CustomReading, ...]) -> None:
        """Let the guard judge every lifetime total of a read, the configuration's own too."""
        totals = {
            name: float(value)
            for name, value in readings.items()
            if name in TOTALS and isinstance(value, int | float)
        }
        own = {_series(row): row.value for row in custom if row.type == "counter"}
        limit = self.known.parameters.get("inverter_power_limit")
        rated = float(limit) if isinstance(limit, int | float) and limit > 0 else UNKNOWN_WATTS
        paces = {name: TOTALS[name] or rated for name in totals}
        for change in self._guard.check(totals | own, paces, self._monotonic()):
            about = self._fields(sensor=change.sensor, value=change.value, accepted=change.accepted)
            if change.why:
                _LOGGER.warning("a lifetime total is withheld: %s", change.why, extra=about)
            else:
                _LOGGER.info("a lifetime total is shown again", extra=about)

    def _note_unknown_states(self, readings: Readings) -> None:
        """Remember states that no table has: once seen they stay, at 0, so that no series vanishes."""
        for sensor, value in readings.items():
            if isinstance(value, tuple) and sensor in STATES_OF:
                known = STATES_OF[sensor]
                unknown = [tag for tag in value if tag not in known]
                if unknown:
                    self._note_unknown_state(sensor, unknown)

    def _note_unknown_state(self, sensor: str, unknown: list[int]) -> None:
        seen = self.known.unknown_states
        merged = tuple(dict.fromkeys((*seen.get(sensor, ()), *unknown)))[:MAX_UNKNOWN_STATES]
        self.known = replace(self.known, unknown_states={**seen, sensor: merged})


def _credentials(settings: config.DeviceSettings) -> tuple[str, str | None] | None:
    """Return group and password, None when the latter cannot be read now."""
    try:
        return settings.group, settings.read_password()
    except config.PasswordFileError:
        return None


def _connection(settings: config.DeviceSettings) -> tuple[object, ...]:
    """Return the settings that a logged-in client was made with; its password may change meanwhile."""
    return settings.group, settings.anonymous, settings.tls, settings.timeout


def _parameter_keys(settings: config.DeviceSettings) -> list[str]:
    """Return the keys to read with the parameters; the configuration's own sensors may be some."""
    own = (sensor.key for sensor in settings.sensors if is_parameter(sensor.key))
    return [*dict.fromkeys((*PARAMETER_KEYS, *own))]


def _series(row: CustomReading | config.CustomSensor) -> str:
    return f"{row.metric} {dict(row.labels)}"


def _custom_readings(
    sensors: tuple[config.CustomSensor, ...], values: dict[str, object]
) -> Iterator[CustomReading]:
    for sensor in sensors:
        found = elements(values.get(sensor.key))
        raw = number(found[sensor.index]) if sensor.index < len(found) else None
        if raw is not None and not (sensor.type == "counter" and raw < 0):
            value = raw * sensor.multiplier
            yield CustomReading(sensor.metric, sensor.type, sensor.help, sensor.labels, value)
