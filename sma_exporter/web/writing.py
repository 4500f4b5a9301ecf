"""Writing an answer, which comes after the waiting for devices: it takes time and memory, too.

A thousand devices take a second or more, and many megabytes; so the waiting ends that much earlier, and long
answers are written one after the other. Python would not write two at a time any faster.
"""

import threading
from collections import deque
from collections.abc import Callable

from ..sma.deadline import Deadline

#: How many of the last answers are looked at: the slowest of them counts.
LAST_ANSWERS = 4
#: Seconds for each device, before anything has been measured; on a small machine it is more.
FIRST_GUESS = 0.0005
#: The largest part of a scrape's time that is kept for the writing.
LARGEST_PART = 0.5


class TooManyError(Exception):
    """Raised when the answers before this one take all the time that its client waits."""


class Writing:
    """How answers of one kind are written: how long it took, and whether `one_at_a_time`."""

    def __init__(self, monotonic: Callable[[], float], *, one_at_a_time: bool) -> None:
        self.monotonic = monotonic
        self.turn = threading.Lock() if one_at_a_time else None
        self._lock = threading.Lock()
        self._seconds_a_device = deque([FIRST_GUESS], LAST_ANSWERS)

    def scrape(self, seconds: float, devices: int) -> "Scrape":
        """Return a scrape that begins now: its answer is to be written in so many seconds."""
        now = self.monotonic()
        with self._lock:
            writing = max(self._seconds_a_device) * devices
        return Scrape(self, now + seconds, min(writing, seconds * LARGEST_PART), devices)

    def note(self, seconds: float, devices: int) -> None:
        """Note how long an answer about so many devices took after the waiting."""
        with self._lock:
            self._seconds_a_device.append(seconds / max(devices, 1))


class Scrape:
    """A scrape: its devices are waited for until `deadline`; then come `waited` and, in any case, `end`."""

    def __init__(self, writing: Writing, end: float, seconds: float, devices: int) -> None:
        self._writing = writing
        self._end = end
        self._waits_until = end - seconds
        self._devices = devices
        self._began: float | None = None
        self._has_turn = False
        self.deadline = Deadline(self._waits_until, writing.monotonic)

    def waited(self) -> None:
        """Begin to write, when it is this answer's turn. Raises TooManyError."""
        # From the deadline on: to leave many devices takes time as well.
        now = self._writing.monotonic()
        self._began = min(now, self._waits_until)
        if self._writing.turn is not None:
            self._has_turn = self._writing.turn.acquire(timeout=max(self._end - now, 0))
            if not self._has_turn:
                raise TooManyError

    def end(self) -> None:
        """Note that the answer is written, or that it failed."""
        if self._began is not None:
            self._writing.note(self._writing.monotonic() - self._began, self._devices)
        if self._has_turn and self._writing.turn is not None:
            self._writing.turn.release()
