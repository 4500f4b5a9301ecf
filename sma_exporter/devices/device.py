"""One configured device: one reader at a time, and what scrapes see of it.

A read belongs to the device, not to the scrape: it runs in a thread of its own with a limit of its
own, and all scrapes that meet share it. A scrape that runs out of time leaves without it, or with
what there is by then.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain

from .. import config
from ..sma.backoff import LONGEST_RETRY_AFTER, Backoff
from ..sma.deadline import Deadline
from ..sma.exceptions import Pause, Reason, SmaException
from ..sma.sharing import Sharing
from ..sma.source import Source
from .credentials import Credentials
from .evaluation import Evaluation, addresses
from .protocols import PROTOCOLS, Protocol, Surroundings
from .snapshot import DeviceState, ReadResult, Snapshot

_LOGGER = logging.getLogger(__name__)

#: A read as a whole may take this many times as long as one request.
READ_REQUESTS = 3

#: Seconds for a logout; a device that took longer for its read gets as long, up to `timeout`: its
#: TLS handshake may take seconds, and not all keep a connection open.
LOGOUT_SECONDS = 2.0

#: Seconds for the logout of a device that leaves: nobody waits for its values any more.
LAST_LOGOUT_SECONDS = 8.0

#: Seconds for a device that leaves at a reload: a read in flight, a login in it, and the logout.
LEAVE_SECONDS = 90.0


@dataclass(slots=True)
class Read:
    """A read that is wanted or under way.

    `result`: what can be shown of it so far; `is_over`: no more will come.
    """

    started: float
    result: ReadResult | None = None
    is_over: bool = False


class Device:
    """A device: `begin` a read, then `finish` it with whatever came in time; `close` at the end."""

    def __init__(
        self,
        settings: config.DeviceSettings,
        *,
        protocols: Mapping[str, Protocol] = PROTOCOLS,
        sharing: Sharing | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self._protocols = protocols
        self._sharing = sharing or Sharing()
        self._clock = clock
        self._monotonic = monotonic
        # The worker's own; the lock guards only that `_source` is replaced.
        self._applied = settings
        self._credentials = Credentials(settings)
        self._backoff = Backoff()
        self._is_pause_cut = False
        self._evaluation = Evaluation(settings.name)
        self._source = self._open(settings)
        self._earlier_logins = 0  # of the sources before
        self._is_logout_failing = False
        # What scrapes share with the worker, under the lock.
        self._changed = threading.Condition()
        self._worker: threading.Thread | None = None
        self._reading: Read | None = None
        self._predecessors: tuple[Sequence[Device], ...] = ()
        self._is_closing = False
        self._ended = threading.Event()
        self._result: ReadResult | None = None
        self._state = DeviceState()
        self._errors = dict.fromkeys(Reason, 0)
        self._logins = 0
        self._last_success: float | None = None
        self._is_late = False

    # --- for scrapes ---

    def begin(self) -> Read | None:
        """Join the read under way or start one; None when the last one's values are to be shown.

        That is so when it began less than `min_interval` ago.
        """
        with self._changed:
            now = self._monotonic()
            if self._reading is None:
                if self._is_closing or self._is_fresh(now):
                    return None
                self._reading = Read(started=now)
            read = self._reading
            if self._worker is None:
                self._start_worker(read)
            return read

    def read_at(self) -> float:
        """Return when the last read began, by the devices' clock; a long time ago if there was none."""
        last = self._result
        return -math.inf if last is None else last.started

    def not_begun(self) -> Read:
        """Return what stands for a read in a scrape that has no time left to begin it."""
        return Read(started=self._monotonic())

    def finish(self, read: Read | None, deadline: Deadline) -> Snapshot:
        """Wait for a read, at most until the deadline; return what there is then."""
        with self._changed:
            if read is None:
                return self._snapshot(self._result)
            self._changed.wait_for(lambda: read.is_over, deadline.left())
            if read.result is not None:
                self._is_late = False
                return self._snapshot(read.result)
            self._errors[Reason.TIMEOUT] += 1
            seconds = self._monotonic() - read.started
            message = f"no values within {seconds:.1f} s; the read goes on"
            if not self._is_late:
                self._is_late = True
                _LOGGER.warning(message, extra={"device": self.name, "reason": Reason.TIMEOUT})
            late = ReadResult(read.started, seconds, reason=Reason.TIMEOUT, message=message)
            return self._snapshot(late)

    def last(self) -> Snapshot:
        """Return what the last read brought, without touching the device."""
        with self._changed:
            return self._snapshot(self._result)

    # --- for the configuration ---

    def reconfigure(self, settings: config.DeviceSettings) -> None:
        """Go on with other settings for the same name and url from the next read on."""
        with self._changed:
            self.settings = settings

    def wait_for(self, predecessors: Iterable[Sequence["Device"]]) -> None:
        """Before the first read, let these groups leave: one of them may be the same device."""
        self._predecessors = tuple(predecessors)

    @property
    def closed(self) -> bool:
        """Whether it has logged out for good, or has given up on that."""
        return self._ended.is_set()

    def wait_until_closed(self) -> None:
        """Wait for the end of a device that leaves."""
        self._ended.wait(LEAVE_SECONDS)

    @property
    def is_reading(self) -> bool:
        """Whether a read or a logout is under way."""
        return self._worker is not None

    def leave(self, deadline: Deadline) -> None:
        """Read no more, let a read in flight end, and log out; at most until the deadline."""
        with self._changed:
            self._is_closing = True
            is_idle = self._changed.wait_for(lambda: self._worker is None, deadline.left())
            if self.closed:
                return
            if is_idle:
                self._worker = threading.current_thread()  # for the logout: nobody else's any more
        if not is_idle:
            self.give_up("stopped before the device answered")
        elif not self._log_out(deadline.at_most(LAST_LOGOUT_SECONDS)):
            self.give_up("no logout succeeded")
        with self._changed:
            self._ended.set()
            if is_idle:
                self._predecessors = ()  # else each reload would keep all that left before it
                self._worker = None
                self._changed.notify_all()

    def give_up(self, why: str) -> None:
        """Say that it leaves without a logout."""
        about = {"device": self.name}
        _LOGGER.warning("%s: it may hold a session until it forgets it", why, extra=about)

    def cancel(self) -> None:
        """Read no more: a read in flight ends as soon as the request that it waits for is over."""
        with self._changed:
            self._is_closing = True
            self._source.cancel()

    def close(self, deadline: Deadline) -> None:
        """Leave at once."""
        self.cancel()
        self.leave(deadline)

    def _is_fresh(self, now: float) -> bool:
        last = self._result
        return last is not None and now - last.started < self.settings.min_interval

    def _snapshot(self, result: ReadResult | None) -> Snapshot:
        return Snapshot(
            name=self.name,
            plant=self.settings.plant,
            result=result,
            state=self._state,
            errors=dict(self._errors),
            logins=self._logins,
            last_success=self._last_success,
        )

    # --- the worker's thread ---

    def _start_worker(self, read: Read) -> None:
        # A daemon: a device that hangs must not keep the process from ending.
        worker = threading.Thread(target=self._work, name=f"read {self.name}", daemon=True)
        try:
            worker.start()
        except RuntimeError:
            message = "no thread to read with: too many are running"
            self._hand_over(read, _failure(read.started, Reason.INTERNAL, message))
        else:
            self._worker = worker

    def _work(self) -> None:
        """Read for as long as somebody wants it; log out when nobody does."""
        try:
            for device in chain.from_iterable(self._predecessors):
                if (
                    not device.closed
                ):  # most are: a thousand may share a host, and each waits for all
                    device.wait_until_closed()
            self._predecessors = ()
            while (read := self._wanted()) is not None:
                self._perform(read)
        except Exception as error:  # noqa: BLE001 - the next scrape must find no dead worker
            self._abandon(error)

    def _wanted(self) -> Read | None:
        """Return the next read; without one the thread is about to end."""
        with self._changed:
            if self._reading is None:
                self._worker = None
                self._changed.notify_all()
            return self._reading

    def _perform(self, read: Read) -> None:
        self._apply_settings()
        if self._is_to_be_left_alone():
            with self._changed:
                self._close_read(read, self._result)
            return
        result = self._read(read)
        with self._changed:
            self._hand_over(read, result)
        # A scrape that comes in right here takes the session over; one that comes in during the
        # logout waits for it.
        if self._is_to_log_out(result):
            taken = result.seconds if result.reason is None else 0.0
            seconds = max(LOGOUT_SECONDS, min(taken, self._applied.timeout))
            self._log_out(Deadline.after(seconds, self._monotonic))

    def _abandon(self, error: Exception) -> None:
        """After a mistake of ours: tell those who wait, and let the next scrape begin anew."""
        message = _report(error, self.name)
        _LOGGER.error(message, extra={"device": self.name, "reason": Reason.INTERNAL})
        with self._changed:
            self._worker = None
            if self._reading is not None:
                started = self._reading.started
                self._result = _failure(started, Reason.INTERNAL, message)
                self._errors[Reason.INTERNAL] += 1
                self._close_read(self._reading, self._result)
            self._changed.notify_all()

    # --- a read ---

    def _read(self, read: Read) -> ReadResult:
        """Read the device. Nothing is raised: whatever goes wrong is the result."""
        settings, source = self._applied, self._source
        deadline = Deadline(read.started + READ_REQUESTS * settings.timeout, self._monotonic)
        logins = source.logins
        result = _failure(read.started, Reason.PROTOCOL, "the device says nothing")
        failure: SmaException | None = None
        try:
            identify = settings.serial is not None
            with closing(
                source.read(deadline, addresses(settings.sensors), identify=identify)
            ) as found:
                for measurements in found:
                    now = self._monotonic()
                    shown = self._evaluation.evaluate(measurements, settings, source.url, now)
                    result = ReadResult(read.started, now - read.started, *shown)
                    self._publish(read, result)
        except SmaException as error:
            failure = error
            result = _failure(read.started, error.reason, str(error), error.free_sessions)
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not cost the other devices
            result = _failure(read.started, Reason.INTERNAL, _report(error, self.name))
        now = self._monotonic()
        if failure is not None and failure.pause is not None:
            self._pause(failure, failure.pause, now)
        elif source.logins > logins:
            self._backoff.over()
        return replace(result, seconds=now - read.started)

    def _pause(self, failure: SmaException, pause: Pause, now: float) -> None:
        """Leave the device alone; say once when it asks for longer than is believed."""
        self._backoff.failed(pause, now, failure.retry_after)
        is_cut = failure.retry_after > LONGEST_RETRY_AFTER
        if is_cut and not self._is_pause_cut:
            _LOGGER.warning(
                "the device refuses logins for %.0f s, it says: the next one is tried after %.0f s",
                *(failure.retry_after, LONGEST_RETRY_AFTER),
                extra={"device": self.name},
            )
        self._is_pause_cut = is_cut

    def _is_to_be_left_alone(self) -> bool:
        """Tell whether a login failed not long ago. New credentials may be tried at once."""
        if not self._backoff.left(self._monotonic()):
            return False
        if self._backoff.pause is Pause.REFUSED and self._credentials.changed():
            self._backoff.over()
            return False
        return True

    def _publish(self, read: Read, result: ReadResult) -> None:
        """Show what has come so far to scrapes that cannot wait for the rest."""
        with self._changed:
            self._state = self._evaluation.state
            read.result = result

    def _hand_over(self, read: Read, result: ReadResult) -> None:
        """Publish what a read brought (under the lock)."""
        if result.reason is None:
            self._last_success = self._clock()
        else:
            self._errors[result.reason] += 1
        self._log_change(result)
        self._state = self._evaluation.state
        self._logins = self._earlier_logins + self._source.logins
        self._result = result
        self._close_read(read, result)

    def _close_read(self, read: Read, result: ReadResult | None) -> None:
        """Show a result to all who wait for the read (under the lock)."""
        read.result, read.is_over = result, True
        self._reading = None
        self._changed.notify_all()

    def _log_change(self, result: ReadResult) -> None:
        """Write one line when the state changes, not one a scrape."""
        before = self._result
        extra: dict[str, object] = {"device": self.name, "seconds": round(result.seconds, 3)}
        if result.reason is not None:
            extra = {"device": self.name, "reason": result.reason}
        if before is not None and result.reason == before.reason:
            _LOGGER.debug(result.message or "read", extra=extra)
        elif result.reason is None:
            _LOGGER.info("the device answers", extra=extra)
        else:
            _LOGGER.warning("no values: %s", result.message, extra=extra)

    # --- the session ---

    def _open(self, settings: config.DeviceSettings) -> Source:
        protocol = self._protocols[settings.protocol]
        around = Surroundings(self._credentials, self._monotonic, self._sharing)
        return protocol.open(settings, around)

    def _apply_settings(self) -> None:
        """Take the settings of a reload; other ones for the connection end the session that there is."""
        before, settings = self._applied, self.settings
        self._credentials.settings = settings
        if _connection(settings) != _connection(before):
            source = self._open(settings)
            self._log_out(Deadline.after(before.timeout, self._monotonic))
            self._earlier_logins += self._source.logins
            with self._changed:
                self._source = source
                if self._is_closing:
                    source.cancel()
        self._applied = settings

    def _is_to_log_out(self, result: ReadResult) -> bool:
        """Tell whether the session ends with this read."""
        if result.reason is not None:  # the session may be over, or somebody else's
            return True
        with self._changed:
            return self._reading is None and (
                (self._applied.session or self._source.usual_session) == "scrape"
                or self._is_closing  # `close` may not wait so long
            )

    def _log_out(self, deadline: Deadline) -> bool:
        """Log out in one attempt; return whether no session is left.

        The source knows what to do with a session that could not be closed.
        """
        try:
            self._source.release(deadline)
            self._is_logout_failing = False
        except SmaException as error:
            # Once, and not where `leave` says it in the end.
            is_known = self._is_logout_failing or self._is_closing
            _LOGGER.log(
                logging.DEBUG if is_known else logging.WARNING,
                "the logout failed: the device may hold a session until it forgets it",
                extra={"device": self.name, "error": str(error)},
            )
            self._is_logout_failing = True
            return False
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not keep the device from leaving
            _LOGGER.error(_report(error, self.name), extra={"device": self.name})  # noqa: TRY400
            return False
        return True


def _failure(
    started: float, reason: Reason, message: str, free_sessions: int | None = None
) -> ReadResult:
    return ReadResult(started, reason=reason, message=message, free_sessions=free_sessions)


def _report(error: Exception, device: str) -> str:
    """Log a mistake of ours; return the sentence for it."""
    _LOGGER.debug("internal error", exc_info=error, extra={"device": device})
    return f"internal error ({type(error).__name__}): please report it, with --log.level=debug"


def _connection(settings: config.DeviceSettings) -> tuple[config.DeviceSettings, bool]:
    """Return the settings that a source is made with; the password is read anew with each login."""
    made_with = replace(
        settings,
        plant="",
        serial=None,
        password=None,
        password_file=None,
        session="",
        min_interval=0.0,
        counter_reset_delay=0.0,
        sensors=(),
    )
    return made_with, settings.anonymous
