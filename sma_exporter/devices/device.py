"""One configured device: one reader at a time, and what scrapes see of it.

A read belongs to the device, not to the scrape: it runs in a thread of its own with a limit of its
own, and all scrapes that meet share it. Whoever runs out of time leaves without it.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .. import config
from .reader import Reader
from .snapshot import REASONS, Known, Outcome, Snapshot

_LOGGER = logging.getLogger(__name__)

LOGOUT_SECONDS = 2.0

#: Seconds for a device that leaves at a reload: a read in flight, a login in it, and the logout.
LEAVE_SECONDS = 90.0


@dataclass(slots=True)
class Read:
    """A read that is wanted or under way; `patience` is when the first scrape will stop waiting."""

    started: float
    patience: float
    outcome: Outcome | None = None


class Device:
    """A device: `begin` a read, then `finish` it with whatever came in time; `close` at the end."""

    def __init__(
        self,
        settings: config.DeviceSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._clock = clock
        self._monotonic = monotonic
        self._reader = Reader(settings, monotonic)  # the reader's thread, and who knows it is idle
        self._changed = threading.Condition()  # guards all that follows
        self._worker: threading.Thread | None = None
        self._reading: Read | None = None
        self._predecessors: tuple[Device, ...] = ()
        self._closing = False
        self._ended = threading.Event()
        self._outcome: Outcome | None = None
        self._known = Known()
        self._errors = dict.fromkeys(REASONS, 0)
        self._last_success: float | None = None
        self._is_late = False

    # --- for scrapes ---

    def begin(self, deadline: float) -> Read | None:
        """Join the read under way or start one; None when the last one's values are to be shown.

        That is so when it began less than `min_interval` ago, and during a pause after a login that
        failed. `deadline`: until when (monotonic) the scrape will wait.
        """
        with self._changed:
            now = self._monotonic()
            if self._reading is None:
                if self._closing or self._is_fresh(now) or self._reader.is_pausing(self.settings):
                    return None
                self._reading = Read(started=now, patience=deadline)
            read = self._reading
            read.patience = min(read.patience, deadline)
            if self._worker is None:
                self._start_worker(read)
            return read

    def finish(self, read: Read | None, deadline: float) -> Snapshot:
        """Wait for a read, at most until the deadline; return what there is then."""
        with self._changed:
            if read is None:
                return self._snapshot(self._outcome)
            self._changed.wait_for(
                lambda: read.outcome is not None, max(deadline - self._monotonic(), 0.0)
            )
            if read.outcome is not None:
                self._is_late = False
                return self._snapshot(read.outcome)
            self._errors["timeout"] += 1
            seconds = self._monotonic() - read.started
            message = f"no values within {seconds:.1f} s; the read goes on"
            if not self._is_late:
                self._is_late = True
                _LOGGER.warning(message, extra={"device": self.name, "reason": "timeout"})
            return self._snapshot(Outcome(read.started, seconds, reason="timeout", message=message))

    def last(self) -> Snapshot:
        """Return what the last read brought, without touching the device."""
        with self._changed:
            return self._snapshot(self._outcome)

    # --- for the configuration ---

    def reconfigure(self, settings: config.DeviceSettings) -> None:
        """Go on with other settings for the same name and url; a read under way keeps the old ones."""
        with self._changed:
            self.settings = settings
            if self._worker is None:
                self._reader.reconfigure(settings)

    def wait_for(self, predecessors: Iterable["Device"]) -> None:
        """Before the first read, let these leave: they may be the same device."""
        self._predecessors = tuple(predecessors)

    @property
    def closed(self) -> bool:
        """Whether it has logged out for good, or has given up on that."""
        return self._ended.is_set()

    def wait_until_closed(self) -> None:
        """Wait for the end of a device that leaves."""
        self._ended.wait(LEAVE_SECONDS)

    def leave(self, deadline: float) -> None:
        """Read no more, let a read in flight end, and log out; at most until the deadline."""
        with self._changed:
            self._closing = True
            left = max(deadline - self._monotonic(), 0.0)
            idle = self._changed.wait_for(lambda: self._worker is None, left)
            if self.closed:
                return
            if idle:
                self._worker = threading.current_thread()  # for the logout: nobody else's any more
        left = deadline - self._monotonic()
        if idle and left > 0:
            self._reader.log_out(min(left, LOGOUT_SECONDS))
        else:
            _LOGGER.warning(
                "stopped before the device answered: it may hold a session until it forgets it",
                extra={"device": self.name},
            )
        with self._changed:
            self._ended.set()
            if idle:
                self._worker = None
                self._changed.notify_all()

    def close(self, deadline: float) -> None:
        """Leave at once: a read in flight ends as soon as the request that it waits for is over."""
        with self._changed:
            self._closing = True
            self._reader.stop()
        self.leave(deadline)

    def _is_fresh(self, now: float) -> bool:
        last = self._outcome
        return last is not None and now - last.started < self.settings.min_interval

    def _snapshot(self, outcome: Outcome | None) -> Snapshot:
        return Snapshot(
            name=self.name,
            plant=self.settings.plant,
            outcome=outcome,
            known=self._known,
            errors=dict(self._errors),
            last_success=self._last_success,
        )

    # --- the reader's thread ---

    def _start_worker(self, read: Read) -> None:
        # A daemon: a device that hangs must not keep the process from ending.
        worker = threading.Thread(target=self._work, name=f"read {self.name}", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            message = "no thread to read with: too many are running"
            self._hand_over(read, Outcome(read.started, reason="internal", message=message))
        else:
            self._worker = worker

    def _work(self) -> None:
        """Read for as long as somebody wants it; log out when nobody does."""
        for device in self._predecessors:
            device.wait_until_closed()
        self._predecessors = ()
        while (read := self._wanted()) is not None:
            outcome = self._reader.read(lambda read=read: read.patience)  # type: ignore[misc]
            with self._changed:
                self._hand_over(read, outcome)
            # A scrape that comes in right here takes the session over; one that comes in during the
            # logout waits for it.
            if self._is_to_log_out(outcome):
                self._reader.log_out(LOGOUT_SECONDS)

    def _wanted(self) -> Read | None:
        """Return the next read; without one the thread is about to end."""
        with self._changed:
            self._reader.reconfigure(self.settings)
            if self._reading is None:
                self._worker = None
                self._changed.notify_all()
            return self._reading

    def _is_to_log_out(self, outcome: Outcome) -> bool:
        """Tell whether the session ends with this read."""
        with self._changed:
            return self._reading is None and (
                self.settings.session == "scrape"
                or self._closing  # `close` may not wait so long
                or outcome.reason == "identity"  # somebody else's
            )

    def _hand_over(self, read: Read, outcome: Outcome) -> None:
        """Publish what a read brought (under the lock)."""
        if outcome.reason is None:
            self._last_success = self._clock()
        else:
            self._errors[outcome.reason] += 1
        self._log_change(outcome)
        self._known = self._reader.known
        self._outcome = read.outcome = outcome
        self._reading = None
        self._changed.notify_all()

    def _log_change(self, outcome: Outcome) -> None:
        """Write one line when the state changes, not one a scrape."""
        before = self._outcome
        about = {"device": self.name, "seconds": round(outcome.seconds, 3)}
        if outcome.reason is not None:
            about = {"device": self.name, "reason": outcome.reason}
        if before is not None and outcome.reason == before.reason:
            _LOGGER.debug(outcome.message or "read", extra=about)
        elif outcome.reason is None:
            _LOGGER.info("the device answers", extra=about)
        else:
            _LOGGER.warning("no values: %s", outcome.message, extra=about)
