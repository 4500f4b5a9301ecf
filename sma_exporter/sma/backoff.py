"""When a device may be asked again after a login that failed.

Time is an argument (seconds, monotonic).
"""

from .exceptions import Pause

#: Seconds for which a device that names its own pause is believed: the longest known is a quarter
#: of an hour.
LONGEST_RETRY_AFTER = Pause.REFUSED.value[1]


class Backoff:
    """The pause of one device; each failure for the same reason in a row doubles it."""

    def __init__(self) -> None:
        self.pause: Pause | None = None
        self._seconds = 0.0
        self._until = 0.0

    def failed(self, pause: Pause, now: float, at_least: float = 0.0) -> float:
        """Note a failure; return for how many seconds no login is tried.

        `at_least`: what the device asks for.
        """
        first, most = pause.value
        self._seconds = min(self._seconds * 2, most) if pause is self.pause else first
        self.pause = pause
        self._until = now + max(self._seconds, min(at_least, LONGEST_RETRY_AFTER))
        return self._until - now

    def over(self) -> None:
        """Forget: a login was answered well, or what was wrong has changed."""
        self.pause = None

    def left(self, now: float) -> float:
        """Return the seconds left to wait, 0 when the device may be asked."""
        return max(self._until - now, 0.0) if self.pause is not None else 0.0
