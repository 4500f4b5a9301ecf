"""How many bytes of answers may wait for their clients, and which client is ended when there are more."""

import threading

from .connection import ClientConnection


class UnsentLimit:
    """The clients that are being sent a long answer.

    When a further answer is too much, those clients are ended that have taken nothing for longest. One answer
    may be larger than the limit.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._unsent: dict[ClientConnection, int] = {}  # who took nothing for longest first

    def note(self, client: ClientConnection, unsent: int) -> None:
        """Note how much a client has still to take; 0 at the end."""
        with self._lock:
            self._unsent.pop(client, None)
            if not unsent:
                return
            self._unsent[client] = unsent
            while sum(self._unsent.values()) > self._limit and len(self._unsent) > 1:
                slowest = next(iter(self._unsent))
                del self._unsent[slowest]
                slowest.abort()
