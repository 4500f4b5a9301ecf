"""The command line: flags and sub-commands; the only place that builds objects and ends the process.

`main` parses and dispatches; each sub-command stands in a file of its own. Exit codes: 0 fine, 1 the
work failed, 2 wrong usage or configuration. No traceback reaches a user.
"""

from collections.abc import Sequence
from typing import NoReturn

from . import signals


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    signals.hold()  # first of all: one that comes while the rest is imported must not end the exporter
    from .output import open_missing_streams  # noqa: PLC0415

    open_missing_streams()  # before a file or a connection can get their numbers
    from .main import run  # noqa: PLC0415

    run(argv)
