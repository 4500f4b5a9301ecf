"""A device that is asked for its past: one session, one request at a time, and patience.

A request that fails is repeated after pauses that grow; a login that was refused never, and one whose
answer was lost not before the pause that it calls for.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import attrs

from .. import config
from ..devices.backoff import Backoff, Cause
from ..devices.clients import one_session
from ..devices.snapshot import Identity
from ..sma.time_zones import TIME_ZONE_KEY, time_zone
from ..webconnect import (
    SMA,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaNoLoggerException,
    SmaReadException,
    SmaSeveralDevicesException,
    SmaTlsException,
    decode,
    definitions,
)
from ..webconnect.readings import PARAMETER_KEYS
from ..webconnect.sensor import elements, number, tags
from .errors import HistoryError, Stopped
from .loggers import DAY, FIVE_MINUTES, Logger

_LOGGER = logging.getLogger(__name__)

#: A logger's answer takes longer than a read of values: seconds for one request, if `timeout` is less.
REQUEST_SECONDS = 30.0

#: Seconds before each repeat of one request; a longer pause that a lost login calls for counts instead.
PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0)

#: Repeating cannot help, or must not be tried.
_FINAL = (SmaAuthenticationException, SmaTlsException, SmaSeveralDevicesException)

#: Long enough for a daily entry, also on the day of 25 hours.
_LAST_DAY = DAY + 3600

#: What a device answers to whoever may not read it.
_FORBIDDEN = {401, 403}

#: Whether to stop, after so many seconds.
Wait = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the device says of itself, as far as its past depends on it.

    `rated`: W, None if unknown. `zone`: a name of the IANA database, None if it does not tell.
    """

    rated: float | None
    zone: str | None
    has_battery: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What the last day of a logger tells.

    `every`: seconds between entries, None where they do not tell. `last`: the last stamp, None without
    any. `why_not`: why the device has nothing to give.
    """

    every: int | None = None
    last: int | None = None
    why_not: str = ""


class Source:
    """A device with an open session."""

    def __init__(self, client: SMA, settings: config.DeviceSettings, wait: Wait) -> None:
        self._client = client
        self._settings = settings
        self._wait = wait
        self._backoff = Backoff()

    def facts(self) -> Facts:
        """Ask what the device is. HistoryError if it is another one than configured; SmaException."""
        keys = list(dict.fromkeys((*PARAMETER_KEYS, TIME_ZONE_KEY)))
        values = self._client.read_keys(keys)
        parameters, now = decode(values), decode(self._client.read_all())
        self._check_serial(Identity.of(parameters).serial)
        rated = parameters.get(definitions.inverter_power_limit.name)
        return Facts(
            rated=float(rated) if isinstance(rated, int | float) and rated > 0 else None,
            zone=time_zone(t for val in elements(values.get(TIME_ZONE_KEY)) for t in tags(val)),
            has_battery=any(
                name.startswith("battery_") and isinstance(value, int | float)
                for name, value in now.items()
            ),
        )

    def _check_serial(self, serial: str) -> None:
        wanted = self._settings.serial
        if wanted and serial != wanted:
            raise HistoryError(
                f"the device at {self._client.url} has the serial number {serial or '(none)'}, "
                f"configured is {wanted}: correct `serial` or `url`"
            )

    def find(self, logger: Logger, now: float) -> Found:
        """Ask for the last day of a logger."""
        is_user = self._settings.group == "user"
        try:
            entries = self._patiently(logger, int(now) - _LAST_DAY, int(now))
        except SmaNoLoggerException:
            if not is_user:
                return Found(why_not="not kept")
            likely = "most likely for" if logger.is_for_installer else "not kept, or for"
            return Found(why_not=f"{likely} the installer only")
        except SmaReadException as error:
            if error.err not in _FORBIDDEN:
                raise
            return Found(why_not="for the installer only" if is_user else "refused by the device")
        stamps = [stamp for stamp, _ in readings(entries, 0, int(now))]
        every = logger.every or self._seconds_between(logger, stamps, int(now))
        return Found(every, stamps[-1] if stamps else None)

    def _seconds_between(self, logger: Logger, stamps: list[int], now: int) -> int | None:
        """Tell a daily logger, which has one entry or two in its last day, from one with more."""
        if len(stamps) <= 2:
            before = self.entries(logger, now - 2 * _LAST_DAY, now - _LAST_DAY)
            stamps = sorted({*stamps, *(stamp for stamp, _ in readings(before, 0, now))})
        if len(stamps) < 2:
            return None
        gaps = (later - sooner for sooner, later in pairwise(stamps))
        return DAY if min(gaps) > DAY / 2 else FIVE_MINUTES

    def entries(self, logger: Logger, start: int, end: int) -> list[Any]:
        """Return the entries of a span, both ends included; none where nothing was stored."""
        try:
            return self._patiently(logger, start, end)
        except SmaNoLoggerException:
            return []

    def _patiently(self, logger: Logger, start: int, end: int) -> list[Any]:
        """Read a logger; repeat what failed, a few times. Stopped between two requests."""
        for pause in PAUSES:
            if self._wait(0):
                raise Stopped
            try:
                found = self._client.read_logger(logger.number, start, end)
            except (SmaNoLoggerException, *_FINAL):
                raise
            except (SmaConnectionException, SmaReadException) as error:
                if isinstance(error, SmaReadException) and error.err in _FORBIDDEN:
                    raise
                self._pause(pause, error)
            else:
                self._backoff.over()
                return found
        return self._client.read_logger(logger.number, start, end)

    def _pause(self, seconds: float, error: SmaConnectionException | SmaReadException) -> None:
        if error.login_lost:
            seconds = max(seconds, self._backoff.failed(Cause.LOST, time.monotonic()))
        about = {"device": self._settings.name, "error": str(error), "again_in": f"{seconds:.0f}s"}
        _LOGGER.warning("a request failed and is repeated", extra=about)
        if self._wait(seconds):
            raise Stopped


@contextmanager
def opened(settings: config.DeviceSettings, wait: Wait) -> Iterator[Source]:
    """Log in to a device for its past, and log out at the end.

    HistoryError without a password; SmaException and PasswordFileError.
    """
    if settings.anonymous:
        raise HistoryError("a device shows its loggers to whoever has a password: configure one")
    patient = attrs.evolve(settings, timeout=max(settings.timeout, REQUEST_SECONDS))
    with one_session(patient) as client:
        yield Source(client, settings, wait)


def readings(entries: Sequence[object], start: int, end: int) -> list[tuple[int, int | float]]:
    """Return stamp and raw value of the entries that have one, in the order of time.

    What is null, no number, or stamped outside of the span is left out.
    """
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        stamp, value = entry.get("t"), number(entry.get("v"))
        if value is not None and type(stamp) is int and start <= stamp <= end:
            found.append((stamp, value))
    found.sort()
    return found
