"""Who may have a password compared next: one client at a time, those who have guessed least come first."""

import contextlib
import ipaddress
import threading
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

#: How many may wait at a time, fewer than the server has connections; the last of them is turned away.
MAX_WAITING = 64
#: Seconds after which a client is turned away: Prometheus waits no longer, unless it is told to.
MAX_WAIT_SECONDS = 10.0
#: Of how many networks wrong guesses are counted, and up to how many of each: beyond that all are equal, so
#: that a client whose password was wrong for months is not behind every guesser.
MAX_NETWORKS = 1024
MAX_FAILURES = 8


class TooBusyError(Exception):
    """Raised when a client has to wait for too many, or for too long."""


class _Waiting(NamedTuple):
    """A waiting client; the smallest is the next, the largest the last."""

    failures: int
    number: int


class Turns:
    """Gives turns, and keeps count of wrong guesses by the network that they come from."""

    def __init__(self, max_wait: float = MAX_WAIT_SECONDS) -> None:
        self._max_wait = max_wait
        self._numbers = count()
        self._changed = threading.Condition()
        self._is_taken = False
        self._waiting: list[_Waiting] = []
        self._failures: dict[str, int] = {}  # the one that failed longest ago first

    @contextlib.contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Wait for the turn of a client at this address, and have it. Raises TooBusyError."""
        with self._changed:
            self._wait(_Waiting(self._failures.get(network_of(address), 0), next(self._numbers)))
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    def _wait(self, mine: _Waiting) -> None:
        self._waiting.append(mine)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.remove(max(self._waiting))
            self._changed.notify_all()

        def is_over() -> bool:
            return mine not in self._waiting or not (self._is_taken or mine > min(self._waiting))

        in_time = self._changed.wait_for(is_over, self._max_wait)
        if mine not in self._waiting:
            raise TooBusyError
        self._waiting.remove(mine)
        if not in_time:
            self._changed.notify_all()
            raise TooBusyError

    def note(self, address: str, *, right: bool) -> None:
        """Count a wrong guess from this address, or forget those before a right one."""
        network = network_of(address)
        with self._changed:
            failures = self._failures.pop(network, 0)
            if right:
                return
            self._failures[network] = min(failures + 1, MAX_FAILURES)
            if len(self._failures) > MAX_NETWORKS:
                del self._failures[next(iter(self._failures))]


def network_of(address: str) -> str:
    """Return what one client may have to itself: an IPv4 address, or the first half of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return found.packed[:8].hex()
