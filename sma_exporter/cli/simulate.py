"""`sma_exporter simulate`: a simulated device on a port."""

import argparse
import json
import signal
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..simulator import replayed, simulated
from .output import FAILED, OK, UsageError, complain, say

if TYPE_CHECKING:
    from ..simulator.protocols import AnySimulator


def run(arguments: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Simulate until a signal comes; return the exit code. UsageError."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with _simulator(arguments) as simulator:
            say(f"url: {simulator.url}")
            for what, value in simulator.credentials.items():
                say(f"{what}: {value}")
            if simulator.fingerprint:
                say(f'fingerprint: "{simulator.fingerprint}"')
            stop.wait()
    except OSError as error:
        return complain(f"cannot listen on {arguments.listen}: {error.strerror or error}", FAILED)
    except ImportError as error:
        return complain(f"{error}: pip install 'sma_exporter[tls-simulator]'", FAILED)
    return OK


def _simulator(arguments: argparse.Namespace) -> "AnySimulator":
    """Return the device, which does not listen yet. UsageError, ImportError."""
    host, port = arguments.listen
    tls = True if arguments.tls else None
    options: dict[str, Any] = {"host": host or "127.0.0.1", "port": port, "tls": tls}
    if not arguments.replay:
        return simulated(arguments.model, **options)
    try:
        return replayed(json.loads(arguments.replay.read_text(encoding="utf-8")), **options)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{arguments.replay}: {error}") from None
