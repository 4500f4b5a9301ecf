"""How far it has come: a bar on a terminal, a log line now and then anywhere else."""

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

_LOGGER = logging.getLogger(__name__)

#: A line at most so often, where there is no bar.
LINE_SECONDS = 30.0

#: Columns that the bar and its words need.
_NARROWEST = 60

_BAR = "{desc}{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt} requests, {remaining} left"


class Progress(Protocol):
    """Told of every request that was answered."""

    def __call__(self, what: str) -> None:
        """One more of `what`."""


@contextmanager
def progress(
    device: str,
    total: int,
    stream: TextIO | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Progress]:
    """Show how much of `total` requests is done, on `stream`, by default standard error."""
    stream = stream or sys.stderr
    if not _is_terminal(stream):
        yield _Lines(device, total, monotonic)
        return
    with (
        tqdm(
            total=total, desc=f"{device}: ", file=stream, bar_format=_BAR, dynamic_ncols=True
        ) as bar,
        logging_redirect_tqdm(),  # a log line goes above the bar, not into it
    ):

        def advance(what: str) -> None:
            bar.set_description(what, refresh=False)
            bar.update()

        yield advance


def _is_terminal(stream: TextIO) -> bool:
    try:
        return os.get_terminal_size(stream.fileno()).columns >= _NARROWEST
    except (OSError, ValueError):  # no terminal, or no file at all
        return False


class _Lines:
    """Log lines, the first after a while."""

    def __init__(self, device: str, total: int, monotonic: Callable[[], float]) -> None:
        self._device = device
        self._total = total
        self._done = 0
        self._monotonic = monotonic
        self._started = self._last = monotonic()

    def __call__(self, what: str) -> None:
        self._done += 1
        now = self._monotonic()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        left = (now - self._started) / self._done * (self._total - self._done)
        about = {
            "device": self._device,
            "done": self._done,
            "of": self._total,
            "seconds_left": round(left),
        }
        _LOGGER.info("reading %s", what, extra=about)
