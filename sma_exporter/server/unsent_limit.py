"""How many bytes of answers may wait for their clients, and which client is ended when there are more."""

import threading
import time
from typing import NamedTuple

from .connection import ClientConnection

#: No client is ended that took something so many seconds ago, however much others want: it is reading. So
#: there may be more than the limit for a moment.
READING_SECONDS = 0.2


class _Unsent(NamedTuple):
    size: int
    since: float


class UnsentLimit:
    """The clients that are being sent a long answer.

    When there is too much, those clients are ended that have taken nothing for longest.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._unsent: dict[ClientConnection, _Unsent] = {}  # who took nothing for longest first

    def note(self, client: ClientConnection, size: int) -> None:
        """Note how much a client has still to take, now that it took something; 0 at the end."""
        with self._lock:
            self._unsent.pop(client, None)
            if size:
                now = time.monotonic()
                self._unsent[client] = _Unsent(size, now)
                self._end_slowest(now)

    def _end_slowest(self, now: float) -> None:
        total = sum(unsent.size for unsent in self._unsent.values())
        for client, unsent in [*self._unsent.items()]:
            if total <= self._limit or now - unsent.since < READING_SECONDS:
                return
            total -= unsent.size
            del self._unsent[client]
            client.abort()
