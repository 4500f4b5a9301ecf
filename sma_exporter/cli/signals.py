"""Signals of the serving process: held from the very start, and taken by the main thread alone.

A signal before its handler is installed would end the process, and a handler may never run while the main
thread waits on a lock and others start. Held signals are kept by the system until `wait` takes them, and
threads that are started meanwhile hold them too.
"""

import signal
from collections.abc import Iterable

_STOP = (signal.SIGTERM, signal.SIGINT)
_ALL = (*_STOP, signal.SIGHUP)


def hold() -> None:
    """Hold the signals of this thread, and of all that it starts from now on."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)


def release() -> None:
    """Let them do what they usually do; those that came meanwhile do it now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALL)


def wait() -> Iterable[None]:
    """Yield at each SIGHUP until SIGTERM or SIGINT comes."""
    while signal.sigwait(_ALL) not in _STOP:
        yield
