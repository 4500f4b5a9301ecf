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
from .output import (
    FAILED,
    OK,
    WRONG_USAGE,
    OutputError,
    UsageError,
    complain,
    discard_unwritten,
)

_LOGGER = logging.getLogger(__name__)


def run(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    try:
        code = _run(parser().parse_args(argv))
    except (UsageError, config.ConfigError) as error:
        code = complain(str(error), WRONG_USAGE)
    except OutputError as error:
        code = complain(str(error), FAILED)
    except (KeyboardInterrupt, BrokenPipeError):  # the reader of our output has enough
        code = OK
    except Exception as error:
        _LOGGER.debug("internal error", exc_info=True)
        name = type(error).__name__
        code = complain(
            f"internal error ({name}): please report it, with --log.level=debug", FAILED
        )
    finally:
        discard_unwritten()
    sys.exit(code)


def _run(arguments: argparse.Namespace) -> int:
    """Run a command: the function `run` of the module of its name, which only that command needs."""
    is_server = arguments.command == "serve" and not arguments.check
    if not is_server:
        signals.release()
    logs.setup(arguments.log_level, arguments.log_format, queued=is_server)
    code: int = import_module(f".{arguments.command}", __package__).run(arguments, os.environ)
    return code
