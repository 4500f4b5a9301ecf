"""A deadline: made from the time that a scrape has, and handed down unchanged to the socket."""

import time
from collections.abc import Callable
from typing import Self


class Deadline:
    """An instant on a monotonic clock. `clock`: that clock, in seconds."""

    __slots__ = ("_at", "_clock")

    def __init__(self, at: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at = at
        self._clock = clock

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Self:
        """Return the deadline that is so many seconds from now."""
        return cls(clock() + seconds, clock)

    def left(self) -> float:
        """Return the seconds that are left, 0 when it has passed."""
        return max(self._at - self._clock(), 0.0)

    def at_most(self, seconds: float) -> "Deadline":
        """Return the earlier one of this and the one that is so many seconds from now."""
        return Deadline(min(self._at, self._clock() + seconds), self._clock)

    def __repr__(self) -> str:
        return f"Deadline(in {self.left():.3g} s)"
