"""What the command line says, and the exit codes."""

import sys

from ..sma.text import printable

OK, FAILED, WRONG_USAGE = 0, 1, 2


class UsageError(Exception):
    """Raised for a combination of flags that means nothing."""


def say(text: str) -> None:
    """Print an answer."""
    print(text, flush=True)  # noqa: T201


def complain(text: str, code: int) -> int:
    """Print what is wrong, a line each, on standard error; return the exit code."""
    for line in text.splitlines():
        print(f"sma_exporter: {printable(line)}", file=sys.stderr)  # noqa: T201
    return code
