"""A standard error that never keeps anybody waiting: a full or broken one loses lines, and says how many.

Whoever writes to a pipe that nobody reads waits for ever, and with Python's own stream all others that
write or that end the process wait too. Here lines go into a queue, and one thread writes them.
"""

import io
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

#: What waits to be written, in bytes.
QUEUE_BYTES = 1 << 20

#: Seconds until what failed (a full disk, a pipe without a reader) is tried again.
_PAUSE_SECONDS = 1.0


class QueuedStream(io.TextIOBase):
    """A stream of lines, in their order, in front of a file descriptor.

    `lost` makes the line that tells how many were dropped; it stands where they would have been.
    RuntimeError when no thread can be started.
    """

    def __init__(
        self, descriptor: int, lost: Callable[[int], str], *, most_bytes: int = QUEUE_BYTES
    ) -> None:
        self.dropped = 0
        # Its own: what somebody else closes may be another file's a moment later.
        self._descriptor = os.dup(descriptor)
        self._lost = lost
        self._most = most_bytes
        self._changed = threading.Condition()
        self._begun = ""  # a line without its end
        self._lines: deque[bytes] = deque()
        self._bytes = 0  # of those lines and of the one being written
        self._untold = 0  # dropped, and not yet said
        self._is_failing = False
        threading.Thread(target=self._write_on, name="log", daemon=True).start()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding; what has none is escaped."""
        return "utf-8"

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def write(self, text: str) -> int:
        """Take text; whole lines are written soon, or dropped."""
        with self._changed:
            *whole, self._begun = (self._begun + text).split("\n")
            for line in whole:
                self._put(f"{line}\n".encode(errors="backslashreplace"))
        return len(text)

    def drain(self, seconds: float) -> None:
        """Wait until everything is written, but only so long, and not for a stream that fails."""
        with self._changed:
            self._changed.wait_for(lambda: not self._bytes or self._is_failing, seconds)

    def _put(self, line: bytes) -> None:
        told = self._told() if self._untold else b""
        if self._bytes + len(told) + len(line) > self._most:
            self.dropped += 1
            self._untold += 1
            return
        if told:
            self._untold = 0
            self._append(told)
        self._append(line)

    def _append(self, line: bytes) -> None:
        self._lines.append(line)
        self._bytes += len(line)
        self._changed.notify_all()

    def _told(self) -> bytes:
        return f"{self._lost(self._untold)}\n".encode(errors="backslashreplace")

    # --- the thread ---

    def _write_on(self) -> None:
        while True:
            line = self._next()
            self._write_whole(line)
            with self._changed:
                self._bytes -= len(line)
                if not self._lines and self._untold:
                    told, self._untold = self._told(), 0
                    self._append(told)
                self._changed.notify_all()

    def _next(self) -> bytes:
        with self._changed:
            self._changed.wait_for(lambda: self._lines)
            return self._lines.popleft()

    def _write_whole(self, line: bytes) -> None:
        """Write a line to its end, however long that takes."""
        rest = memoryview(line)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
                self._is_failing = False
            except BlockingIOError:  # whoever shares it has made it non-blocking
                self._wait_until_writable()
            except OSError:
                with self._changed:
                    self._is_failing = True
                    self._changed.notify_all()
                time.sleep(_PAUSE_SECONDS)

    def _wait_until_writable(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        poll.poll(_PAUSE_SECONDS * 1000)
