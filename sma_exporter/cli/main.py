"""Parses the command line, runs what it says, and turns how that ends into an exit code."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .. import config
from . import logs, signals
from .flags import parser
from .output import FAILED, OK, WRONG_USAGE, UsageError, complain

_LOGGER = logging.getLogger(__name__)


def run(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    arguments = parser().parse_args(argv)
    try:
        logs.setup(arguments.log_level, arguments.log_format)
        code = _run(arguments)
    except (UsageError, config.ConfigError) as error:
        code = complain(str(error), WRONG_USAGE)
    except KeyboardInterrupt:
        code = OK
    except BrokenPipeError:
        # The reader of our output has enough; the interpreter would still flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except Exception as error:
        _LOGGER.debug("internal error", exc_info=True)
        name = type(error).__name__
        code = complain(
            f"internal error ({name}): please report it, with --log.level=debug", FAILED
        )
    sys.exit(code)


def _run(arguments: argparse.Namespace) -> int:
    """Run a command: the function `run` of the module of its name, which only that command needs."""
    if arguments.command != "serve" or arguments.check:
        signals.release()
    code: int = import_module(f".{arguments.command}", __package__).run(arguments, os.environ)
    return code
