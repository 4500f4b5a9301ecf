"""`sma_exporter backfill`: what a device has kept of its own history."""

import argparse
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from .. import backfill
from ..devices.protocols import PROTOCOLS
from ..sma.exceptions import SmaException
from .chosen import only_device
from .output import FAILED, OK, WRONG_USAGE, UsageError, complain, say


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Write the history, or list what there is; return the exit code. UsageError, ConfigError."""
    device = only_device(arguments, environ)
    labels = dict(arguments.labels)
    if arguments.first is None and not arguments.list:
        raise UsageError("since when? --from DATE; --list says what the device has")
    if arguments.resume and arguments.output is None:
        raise UsageError("--resume continues a file: name it with -o")
    if len(labels) < len(arguments.labels):
        raise UsageError("one --label a name, please")
    every = backfill.INTERVALS[arguments.interval]
    stop = threading.Event()
    _stop_at_signals(stop)
    open_history = PROTOCOLS[device.protocol].history
    try:
        zone = backfill.given_zone(arguments.timezone, environ)
        if arguments.list:
            with open_history(device, stop.wait, str(zone.info) if zone else None) as source:
                for line in backfill.listing(source, device, zone, now=time.time()):
                    say(line)
            return OK
        wanted = backfill.Wanted(arguments.first, arguments.last, every, zone, labels)
        with (
            closing(backfill.output(arguments.output, resume=arguments.resume)) as output,
            open_history(device, stop.wait, str(zone.info) if zone else None) as source,
        ):
            backfill.backfill(source, device, wanted, output, now=time.time())
    except backfill.HistoryUsageError as error:
        return complain(f"{device.name}: {error}", WRONG_USAGE)
    except (SmaException, backfill.HistoryError) as error:
        return complain(f"{device.name}: {error}{_left_behind(arguments.output)}", FAILED)
    except KeyboardInterrupt:  # the second signal
        return complain(f"{device.name}: stopped{_left_behind(arguments.output)}", FAILED)
    return OK


def _stop_at_signals(stop: threading.Event) -> None:
    """Let the first signal end what is done in order, a second one at once."""

    def note(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)


def _left_behind(path: Path | None) -> str:
    if path is not None and path.is_file():
        return (
            f"\n{path} holds what was read until then; the same command with --resume continues it"
        )
    return ""
