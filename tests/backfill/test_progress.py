"""How far it has come: a bar on a terminal, log lines elsewhere."""

import io
import logging
import os
import pty
import struct
import termios
from collections.abc import Iterator
from contextlib import redirect_stderr
from fcntl import ioctl

import pytest

from sma_exporter.backfill.progress import LINE_SECONDS, progress
from sma_exporter.cli import logs


class Terminal:
    """A terminal of some width; `shown` is what a person would have seen."""

    def __init__(self, columns: int) -> None:
        self._master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        self.stream = os.fdopen(slave, "w")

    def shown(self) -> str:
        self.stream.close()
        parts: list[bytes] = []
        while True:
            try:
                part = os.read(self._master, 65_536)
            except OSError:  # the other side is closed
                part = b""
            if not part:
                os.close(self._master)
                return b"".join(parts).decode()
            parts.append(part)


@pytest.fixture
def root() -> Iterator[None]:
    """The root logger's handlers, as they were."""
    logger = logging.getLogger()
    handlers, level = [*logger.handlers], logger.level
    yield
    logger.handlers, logger.level = handlers, level


def test_on_a_terminal_there_is_a_bar_with_what_is_left() -> None:
    terminal = Terminal(columns=100)

    with progress("roof", 3, terminal.stream) as advance:
        for _ in range(3):
            advance("sma_yield_joules_total")

    shown = terminal.shown()
    assert "roof:   0%|" in shown
    assert "sma_yield_joules_total: 100%|" in shown
    assert "3 of 3 requests, 00:00 left" in shown


@pytest.mark.usefixtures("root")
def test_log_lines_stand_above_it() -> None:
    terminal = Terminal(columns=100)

    with redirect_stderr(terminal.stream):
        logs.setup("info", "logfmt")
        with progress("roof", 3) as advance:
            advance("x")
            logging.getLogger("sma_exporter.test").info("something happened")

    lines = terminal.shown().replace("\r", "\n").splitlines()
    (line,) = [line for line in lines if "something happened" in line]
    assert line.startswith("time=")
    assert "|" not in line


@pytest.mark.parametrize("columns", [0, 20])
def test_one_without_room_gets_none(columns: int) -> None:
    terminal = Terminal(columns)

    with progress("roof", 3, terminal.stream) as advance:
        advance("x")

    assert terminal.shown() == ""


def test_elsewhere_a_line_in_the_log_says_now_and_then_what_is_left(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    now = 1000.0
    stream = io.StringIO()

    with progress("roof", 100, stream, lambda: now) as advance:
        for _ in range(20):
            now += LINE_SECONDS / 10
            advance("sma_yield_joules_total")

    assert stream.getvalue() == ""
    keys = ("device", "done", "of", "seconds_left")
    said = [{key: vars(record)[key] for key in keys} for record in caplog.records]
    assert [about["done"] for about in said] == [10, 20]
    assert said[0] == {"device": "roof", "done": 10, "of": 100, "seconds_left": 270}
    assert caplog.records[0].getMessage() == "reading sma_yield_joules_total"
