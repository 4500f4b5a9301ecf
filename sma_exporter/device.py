"""One configured device: one reader at a time, its session, its pauses, its honest counters.

A read belongs to the device, not to the scrape: it runs in a thread of its own with a limit of its
own, and all scrapes that meet share it. Whoever runs out of time leaves without it. Every failure
becomes a value here: a reason, a sentence, a count, and one line in the log when it changes.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from . import config
from .backoff import Backoff, Cause
from .guard import CounterGuard
from .logs import fields
from .snapshot import REASONS, Identity, Outcome, Snapshot
from .webconnect import (
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
    make_session,
)
from .webconnect.readings import PARAMETER_KEYS, PARAMETERS, TOTALS, decode, has_value
from .webconnect.tags import STATES

_LOGGER = logging.getLogger(__name__)

LOGOUT_SECONDS = 2.0

#: A read as a whole may take this many times as long as one request.
READ_REQUESTS = 3

#: How often the parameters are read while all is well, and how soon again when that failed.
PARAMETERS_EVERY = 3600.0
PARAMETERS_AGAIN = 60.0

#: Kept free of the parameters, so that the values reach a scrape that waits.
_HAND_OVER_SECONDS = 0.3

MAX_UNKNOWN_STATES = 16

#: Totals of the grid connection, not of the inverter: its rated power does not bound them.
_METER_TOTALS = {name for name in TOTALS if name.startswith("metering_")}


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
    """Return the reason (one of REASONS) that a failure counts as."""
    return next((reason for kind, reason in _REASON_OF if isinstance(error, kind)), "internal")


@dataclass(slots=True)
class Read:
    """A read that is wanted or under way; `patience` is when the first scrape will stop waiting."""

    started: float
    patience: float
    outcome: Outcome | None = None


class Device:
    """A device: `begin` a read, then `finish` it with whatever came in time; `close` at the end."""

    def __init__(
        self,
        settings: config.Device,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._clock = clock
        self._monotonic = monotonic

        # Everything below is guarded by this condition …
        self._changed = threading.Condition()
        self._reading: Read | None = None
        self._leaving = False
        self._closing = False
        self._worker: threading.Thread | None = None
        self._outcome: Outcome | None = None
        self._errors = dict.fromkeys(REASONS, 0)
        self._logins = 0
        self._last_success: float | None = None
        self._parameters: Readings = {}
        self._identity = Identity()
        self._unknown_states: dict[str, tuple[int, ...]] = {}
        self._withheld = 0
        self._backoff = Backoff()
        self._refused_password: str | None = None

        # … but for these, which only the reader's thread touches.
        self._http = make_session(
            settings.tls.fingerprints,
            str(settings.tls.ca_file) if settings.tls.ca_file else None,
            verify=settings.tls.verify,
        )
        self._url = settings.url
        self._client: SMA | None = None
        self._guard = CounterGuard(settings.counter_reset_delay)
        self._parameters_due = 0.0

    # --- for scrapes ---

    def begin(self, deadline: float) -> Read | None:
        """Join the read under way or start one; None when the last one's values are to be shown.

        That is so when it began less than `min_interval` ago, and during a pause after a login that
        failed. `deadline`: until when (monotonic) the scrape will wait.
        """
        with self._changed:
            now = self._monotonic()
            read = self._reading
            if read is None:
                if self._closing or self._is_fresh(now) or self._is_pausing(now):
                    return None
                read = self._reading = Read(started=now, patience=deadline)
                if self._worker is None:
                    self._start_worker(read)
            read.patience = min(read.patience, deadline)
            return read

    def finish(self, read: Read | None, deadline: float) -> Snapshot:
        """Wait for a read, at most until the deadline; return what there is then."""
        with self._changed:
            if read is None:
                return self._snapshot(self._outcome)
            left = max(deadline - self._monotonic(), 0.0)
            self._changed.wait_for(lambda: read.outcome is not None, left)
            if read.outcome is not None:
                return self._snapshot(read.outcome)
            self._errors["timeout"] += 1
            seconds = self._monotonic() - read.started
            message = f"no values within {seconds:.1f} s; the read goes on"
            return self._snapshot(
                Outcome(read.started, seconds, reason="timeout", message=message)
            )

    def last(self) -> Snapshot:
        """Return what the last read brought, without touching the device."""
        with self._changed:
            return self._snapshot(self._outcome)

    def close(self, deadline: float) -> None:
        """Let a read in flight end, log out, and read no more; at most until the deadline."""
        with self._changed:
            self._closing = True
            left = max(deadline - self._monotonic(), 0.0)
            if not self._changed.wait_for(lambda: self._worker is None, left):
                _LOGGER.warning(
                    "stopping without having logged out: the device did not answer in time",
                    extra=fields(device=self.name),
                )
                return
        self._log_out(min(deadline - self._monotonic(), LOGOUT_SECONDS))

    def _is_fresh(self, now: float) -> bool:
        last = self._outcome
        return last is not None and now - last.started < self.settings.min_interval

    def _is_pausing(self, now: float) -> bool:
        if not self._backoff.left(now):
            return False
        if self._backoff.cause is Cause.REFUSED and self._password_has_changed():
            self._backoff.over()
            return False
        return True

    def _password_has_changed(self) -> bool:
        try:
            return self.settings.read_password() != self._refused_password
        except config.PasswordFileError:
            return False

    def _snapshot(self, outcome: Outcome | None) -> Snapshot:
        return Snapshot(
            name=self.name,
            plant=self.settings.plant,
            outcome=outcome,
            parameters=self._parameters,
            identity=self._identity,
            unknown_states=dict(self._unknown_states),
            errors=dict(self._errors),
            logins=self._logins,
            last_success=self._last_success,
            withheld=self._withheld,
        )

    # --- the reader's thread ---

    def _start_worker(self, read: Read) -> None:
        # A daemon: a device that hangs must not keep the process from ending.
        worker = threading.Thread(target=self._work, name=f"read {self.name}", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            message = "no thread to read with: too many are running"
            self._hand_over(read, Outcome(read.started, 0.0, reason="internal", message=message))
        else:
            self._worker = worker

    def _work(self) -> None:
        """Read for as long as somebody wants it; log out when nobody does."""
        while (read := self._next_read()) is not None:
            outcome = self._perform(read)
            with self._changed:
                self._hand_over(read, outcome)
            # A scrape that comes in right here finds the session open and takes it over.
            with self._changed:
                self._leaving = self._reading is None and self.settings.session == "scrape"
            if self._leaving:
                self._log_out(LOGOUT_SECONDS)

    def _next_read(self) -> Read | None:
        with self._changed:
            self._leaving = False
            if self._reading is None:
                self._worker = None
                self._changed.notify_all()
            return self._reading

    def _hand_over(self, read: Read, outcome: Outcome) -> None:
        """Publish what a read brought (under the lock)."""
        if outcome.reason is None:
            self._last_success = self._clock()
        else:
            self._errors[outcome.reason] += 1
        self._log_change(outcome)
        self._outcome = read.outcome = outcome
        self._reading = None
        self._changed.notify_all()

    def _log_change(self, outcome: Outcome) -> None:
        before = self._outcome.reason if self._outcome else None
        if outcome.reason == before:
            _LOGGER.debug("read", extra=fields(device=self.name, reason=before, seconds=outcome.seconds))
        elif outcome.reason is None:
            _LOGGER.info("the device answers again", extra=fields(device=self.name))
        else:
            _LOGGER.warning(outcome.message, extra=fields(device=self.name, reason=outcome.reason))

    def _perform(self, read: Read) -> Outcome:
        """Read the device; whatever goes wrong becomes part of the outcome."""
        started = self._monotonic()
        read.started = started
        outcome = Outcome(started, 0.0)
        try:
            outcome = replace(outcome, readings=self._read(read, started))
        except (SmaException, IdentityError, config.PasswordFileError) as error:
            free = self._note_login_failure(error)
            outcome = replace(
                outcome, reason=reason_of(error), message=str(error), free_sessions=free
            )
            self._parameters_due = 0.0  # another device may come back
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not cost the other devices
            _LOGGER.debug("internal error", exc_info=True, extra=fields(device=self.name))
            message = f"internal error ({type(error).__name__}), please report it with --log.level=debug"
            outcome = replace(outcome, reason="internal", message=message)
        return replace(outcome, seconds=self._monotonic() - started)

    def _read(self, read: Read, started: float) -> Readings:
        """Return the readings of one read: logged in, values, parameters when due, totals judged."""
        deadline = started + READ_REQUESTS * self.settings.timeout
        client = self._logged_in_client()
        try:
            values = client.read_all(deadline=deadline)
            if not has_value(values):
                raise SmaReadException("the device answers, but without any value: is it starting?")
            values |= self._due_parameters(client, min(deadline, read.patience - _HAND_OVER_SECONDS))
        finally:
            self._count_logins(client)
            self._url = client.url
        readings = decode(values)
        self._keep_parameters({n: v for n, v in readings.items() if n in PARAMETERS})
        self._note_unknown_states(readings)
        return self._honest(readings)

    # --- sessions ---

    def _logged_in_client(self) -> SMA:
        client = self._client
        if client is not None and client.logged_in:
            return client
        password = self.settings.read_password()
        client = self._client = SMA(
            self._http,
            self._url,
            password,
            self.settings.group,
            timeout=self.settings.timeout,
            https_only=self.settings.tls.given,
        )
        self._refused_password = password
        try:
            opened = client.new_session()
        finally:
            self._count_logins(client)
        if opened:
            with self._changed:
                self._backoff.over()
        self._warn_of_clear_text(client)
        return client

    def _count_logins(self, client: SMA) -> None:
        with self._changed:
            self._logins += client.logins
        client.logins = 0

    def _warn_of_clear_text(self, client: SMA) -> None:
        if client.url != self._url and client.url.startswith("http://"):
            _LOGGER.warning(
                "the device answers on plain http only: the password travels in clear",
                extra=fields(device=self.name, url=client.url),
            )
        self._url = client.url

    def _note_login_failure(self, error: Exception) -> int | None:
        """Pause as a failed login asks for; return the free sessions if the device tells them."""
        if isinstance(error, SmaAuthenticationException):
            full = isinstance(error, SmaSessionLimitException)
            free, locked_for = self._ask_about_sessions()
            cause = Cause.FULL if full else Cause.REFUSED
            with self._changed:
                self._backoff.failed(cause, self._monotonic(), 0.0 if full else locked_for)
            return free
        if isinstance(error, SmaException) and error.login_lost:
            with self._changed:
                self._backoff.failed(Cause.LOST, self._monotonic())
        return None

    def _ask_about_sessions(self) -> tuple[int | None, float]:
        try:
            return self._client.session_check() if self._client else (None, 0.0)
        except SmaException:
            return None, 0.0

    def _log_out(self, timeout: float) -> None:
        if self._client is None or timeout <= 0:
            return
        try:
            self._client.close_session(timeout)
        except SmaException as error:
            _LOGGER.debug("logout failed", extra=fields(device=self.name, error=str(error)))

    # --- parameters ---

    def _due_parameters(self, client: SMA, deadline: float) -> dict[str, object]:
        """Return the parameters' raw values when they are due, else nothing.

        That fails alone: the values are in hand. But where a serial number is configured, nothing is
        shown before it was seen.
        """
        now = self._monotonic()
        if self.settings.anonymous or now < self._parameters_due:
            return {}
        try:
            values = client.read_keys(PARAMETER_KEYS, deadline=deadline)
        except SmaException as error:
            if self.settings.serial and self._parameters_due == 0.0:
                raise
            self._note_login_failure(error)
            self._parameters_due = now + PARAMETERS_AGAIN
            _LOGGER.debug("no parameters", extra=fields(device=self.name, error=str(error)))
            return {}
        self._check_serial(Identity.of(decode(values)).serial)
        self._parameters_due = now + PARAMETERS_EVERY
        return values

    def _check_serial(self, serial: str) -> None:
        wanted = self.settings.serial
        if wanted and serial != wanted:
            raise IdentityError(
                f"the device at {self._url} has the serial number {serial or '(none)'}, configured is "
                f"{wanted}: correct `serial` or `url` of {self.name}"
            )

    def _keep_parameters(self, parameters: Readings) -> None:
        if not parameters:
            return
        identity = Identity.of(self._parameters | parameters)
        if self._identity.serial and identity.serial != self._identity.serial:
            _LOGGER.warning(
                "another device answers at this address: its totals start anew",
                extra=fields(device=self.name, serial=identity.serial, before=self._identity.serial),
            )
            self._guard.forget()
        with self._changed:
            self._parameters = self._parameters | parameters
            self._identity = identity

    # --- what is shown of a read ---

    def _honest(self, readings: Readings) -> Readings:
        """Return the readings without the totals that are in doubt."""
        totals = {n: float(v) for n, v in readings.items() if n in TOTALS and isinstance(v, int | float)}
        rated = self._parameters.get("inverter_power_limit")
        watts = (
            {name: float(rated) for name in TOTALS - _METER_TOTALS}
            if isinstance(rated, int | float) and rated > 0
            else {}
        )
        for change in self._guard.check(totals, watts, self._monotonic()):
            if change.why:
                _LOGGER.warning(
                    "a lifetime total is withheld: %s",
                    change.why,
                    extra=fields(
                        device=self.name,
                        sensor=change.sensor,
                        joules=change.value,
                        accepted=change.accepted,
                    ),
                )
            else:
                _LOGGER.info(
                    "a lifetime total is shown again",
                    extra=fields(device=self.name, sensor=change.sensor, joules=change.value),
                )
        with self._changed:
            self._withheld = self._guard.withheld
        return {n: v for n, v in readings.items() if not self._guard.is_withheld(n)}

    def _note_unknown_states(self, readings: Readings) -> None:
        """Remember states that no table has: once seen they stay, at 0, so that a series does not vanish."""
        for sensor, known in STATES.items():
            value = readings.get(sensor)
            if not isinstance(value, tuple):
                continue
            seen = self._unknown_states.get(sensor, ())
            new = tuple(tag for tag in value if tag not in known and tag not in seen)
            if new:
                with self._changed:
                    self._unknown_states[sensor] = (seen + new)[:MAX_UNKNOWN_STATES]
