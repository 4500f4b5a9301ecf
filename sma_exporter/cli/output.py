"""What the command line says, and the exit codes."""

import os
import sys
from contextlib import suppress
from typing import TextIO

from ..sma.text import printable

OK, FAILED, WRONG_USAGE = 0, 1, 2

_STDIN, _STDOUT, _STDERR = 0, 1, 2


class UsageError(Exception):
    """Raised for a combination of flags that means nothing."""


class OutputError(Exception):
    """Raised when standard output cannot be written."""


def open_missing_streams() -> None:
    """Put something where the caller has closed standard input, output or error.

    Otherwise the next file or connection would get that number, and with it what is meant for the stream.
    What is written to standard output fails as before, error messages go nowhere.
    """
    modes = {_STDIN: os.O_WRONLY, _STDOUT: os.O_RDONLY, _STDERR: os.O_WRONLY}
    for descriptor, mode in modes.items():
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # the lowest number that is free
    sys.stdout = sys.stdout or _stream(_STDOUT)
    sys.stderr = sys.stderr or _stream(_STDERR)


def _stream(descriptor: int) -> TextIO:
    return open(descriptor, "w", encoding="utf-8", closefd=False)


def say(text: str) -> None:
    """Print an answer. OutputError, BrokenPipeError."""
    try:
        print(text, flush=True)  # noqa: T201
    except BrokenPipeError:  # who reads has enough
        raise
    except OSError as error:
        sentence = f"standard output cannot be written: {error.strerror or error}"
        raise OutputError(sentence) from None


def discard_unwritten() -> None:
    """Forget what cannot be written: the interpreter would try once more at its end, and say so."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def complain(text: str, code: int) -> int:
    """Print what is wrong, a line each, on standard error; return the exit code."""
    with suppress(OSError):  # there is nowhere else to say it
        for line in text.splitlines():
            print(f"sma_exporter: {printable(line)}", file=sys.stderr, flush=True)  # noqa: T201
    return code
