"""When a device may be asked again after a login that failed. Time is an argument (seconds, monotonic)."""

from enum import Enum


class Cause(Enum):
    """Why to wait: seconds at first, and at most; each failure of one cause in a row doubles them."""

    LOST = (10.0, 300.0)  # a login without answer: it may have left a session behind
    REFUSED = (60.0, 900.0)  # a wrong password: devices lock the account after some
    FULL = (10.0, 120.0)  # no free session


class Backoff:
    """The pause of one device."""

    def __init__(self) -> None:
        self.cause: Cause | None = None
        self._seconds = 0.0
        self._until = 0.0

    def failed(self, cause: Cause, now: float, at_least: float = 0.0) -> float:
        """Note a failure; return for how many seconds no login is tried."""
        first, most = cause.value
        self._seconds = min(self._seconds * 2, most) if cause is self.cause else first
        self.cause = cause
        self._until = now + max(self._seconds, at_least)
        return self._until - now

    def over(self) -> None:
        """Forget: a login was answered well, or what was wrong has changed."""
        self.cause = None

    def left(self, now: float) -> float:
        """Return the seconds left to wait, 0 when the device may be asked."""
        return max(self._until - now, 0.0) if self.cause is not None else 0.0
