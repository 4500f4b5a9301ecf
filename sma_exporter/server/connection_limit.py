"""How many clients are connected at a time, and which one is evicted when more come."""

import threading
import time

from .connection import ClientConnection

#: No client is evicted earlier, however many new ones come: a request takes less on a local network.
MIN_IDLE_SECONDS = 0.05


class ConnectionLimit:
    """The connected clients. A client is busy while the application works for it, and idle otherwise.

    When all places are taken, a new client evicts the one that has been idle for longest: of those that were
    not served yet, if there are any, so that clients who say nothing evict each other and not Prometheus.
    While all are busy, the new client waits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._connected: set[ClientConnection] = set()
        # The longest idle first.
        self._unserved_since: dict[ClientConnection, float] = {}
        self._served_since: dict[ClientConnection, float] = {}
        self._evicted: ClientConnection | None = None  # until it has gone
        self._changed = threading.Condition()
        self._closed = False

    def add(self, client: ClientConnection) -> bool:
        """Take a new client in, as soon as there is a place; False after `close`."""
        with self._changed:
            while len(self._connected) >= self._limit and not self._closed:
                self._changed.wait(self._evict())
            if self._closed:
                return False
            self._connected.add(client)
            self._unserved_since[client] = time.monotonic()
            return True

    def _evict(self) -> float | None:
        """Evict a client; or return the seconds until one may be evicted, None if that is not known."""
        idle = self._unserved_since or self._served_since
        if not idle or self._evicted is not None:
            return None
        client, since = next(iter(idle.items()))
        seconds = since + MIN_IDLE_SECONDS - time.monotonic()
        if seconds > 0:
            return seconds
        self._evicted = client
        del idle[client]
        client.abort()
        return None

    def mark_busy(self, client: ClientConnection) -> None:
        """Note that the application works for this client."""
        with self._changed:
            self._forget_idle(client)

    def mark_idle(self, client: ClientConnection) -> None:
        """Note that this client is waited for, and so may be evicted."""
        with self._changed:
            if client is not self._evicted:
                self._forget_idle(client)
                idle = self._served_since if client.is_served else self._unserved_since
                idle[client] = time.monotonic()
                self._changed.notify_all()

    def _forget_idle(self, client: ClientConnection) -> None:
        self._unserved_since.pop(client, None)
        self._served_since.pop(client, None)

    def remove(self, client: ClientConnection) -> None:
        """Note that this client has gone."""
        with self._changed:
            self._forget_idle(client)
            self._connected.discard(client)
            if client is self._evicted:
                self._evicted = None
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more clients in, and end each connection after the present answer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for client in self._connected:
                client.close_after_answer()

    def wait_until_empty(self, seconds: float) -> None:
        """Wait until all clients have gone, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._connected, seconds)
