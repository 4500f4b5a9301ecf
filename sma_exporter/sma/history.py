"""The seam for `backfill`: what a device has kept of its own history, whatever the protocol."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, TypeVar

from .exceptions import (
    Pause,
    SmaAuthenticationException,
    SmaConnectionException,
    SmaException,
    SmaReadException,
    SmaTlsException,
)
from .source import Identity

_LOGGER = logging.getLogger(__name__)

#: Whether to stop, after so many seconds.
Wait: TypeAlias = Callable[[float], bool]

FIVE_MINUTES, DAY = 300, 86_400


class HistoryError(Exception):
    """Raised when a device's history cannot be had or written."""


class Stopped(HistoryError):
    """Raised when the user wants it to end."""

    def __init__(self) -> None:
        super().__init__("stopped")


@dataclass(frozen=True, slots=True)
class HistorySeries:
    """One row of what a device may keep.

    `key`: what the protocol calls it. `every`: seconds between entries, None where nobody has
    established it. `sensor`: the reading whose history this is, empty where it becomes no metric.
    """

    key: str
    title: str
    every: int | None = None
    sensor: str = ""

    @property
    def is_battery(self) -> bool:
        """Whether it is about the battery."""
        return self.sensor.startswith("battery_")


@dataclass(frozen=True, slots=True)
class HistoryDevice:
    """What a device says of itself, as far as its history depends on it.

    `rated`: W, None if unknown. `zone`: a name of the IANA database, None if it does not tell.
    """

    identity: Identity
    rated: float | None
    zone: str | None
    has_battery: bool


@dataclass(frozen=True, slots=True)
class SeriesState:
    """What the last day of a series tells.

    `every`: seconds between entries, None where they do not tell. `last`: the last stamp, None without
    any. `why_not`: why the device has nothing to give.
    """

    every: int | None = None
    last: int | None = None
    why_not: str = ""


#: Unix seconds, and the value in the sensor's base unit (in the device's own where there is no sensor).
Entry: TypeAlias = tuple[int, int | float]


class HistorySource(Protocol):
    """A device that is asked for its history, one request at a time.

    A request that fails is repeated after pauses that grow. Raises SmaException; Stopped between two
    requests when the user wants it.
    """

    @property
    def noun(self) -> str:
        """What the protocol calls a series: "logger"."""

    @property
    def series(self) -> tuple[HistorySeries, ...]:
        """All that a device of this protocol may keep, in the order in which it is written."""

    def describe(self) -> HistoryDevice:
        """Ask what the device is."""

    def probe(self, series: HistorySeries, now: float) -> SeriesState:
        """Ask for the last day of a series. `now` is unix time."""

    def entries(self, series: HistorySeries, start: int, end: int) -> list[Entry]:
        """Return the entries of a span that have a value, both ends included, in the order of time."""


#: Seconds before each repeat of one request; a longer pause that a lost login calls for counts instead.
PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0, 60.0)

#: Repeating cannot help, or must not be tried.
_FINAL = (SmaAuthenticationException, SmaTlsException)

_Answer = TypeVar("_Answer")


def repeated(
    ask: Callable[[], _Answer],
    wait: Wait,
    device: str,
    *,
    is_final: Callable[[SmaException], bool],
) -> _Answer:
    """Return what a request brings; repeat what failed, a few times. Stopped between two requests.

    `is_final`: which failures say that the device has nothing to give.
    """
    lost_logins = 0
    for pause in PAUSES:
        if wait(0):
            raise Stopped
        try:
            return ask()
        except (SmaConnectionException, SmaReadException) as error:
            if isinstance(error, _FINAL) or is_final(error):
                raise
            seconds = pause
            if error.login_lost:
                first, most = Pause.LOST_LOGIN.value
                seconds = max(seconds, min(first * 2**lost_logins, most))
                lost_logins += 1
            extra = {"device": device, "error": str(error), "again_in": f"{seconds:.0f}s"}
            _LOGGER.warning("a request failed and is repeated", extra=extra)
        if wait(seconds):
            raise Stopped
    return ask()
