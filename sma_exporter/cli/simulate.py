"""`sma_exporter simulate`: a simulated device on a port."""

import argparse
import json
import signal
import threading
from collections.abc import Mapping
from typing import Literal

from ..simulator import PASSWORD, Simulator, replay_profile
from .output import FAILED, OK, UsageError, complain, say


def run(arguments: argparse.Namespace, _: Mapping[str, str]) -> int:
    """Simulate until a signal comes; return the exit code. UsageError."""
    profile = arguments.model
    try:
        if arguments.replay:
            profile = replay_profile(json.loads(arguments.replay.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{arguments.replay}: {error}") from None
    host, port = arguments.listen
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    tls: Literal[True] | None = True if arguments.tls else None
    try:
        with Simulator(profile, host=host or "127.0.0.1", port=port, tls=tls) as simulator:
            say(f"url: {simulator.url}\npassword: {PASSWORD}")
            if simulator.fingerprint:
                say(f'fingerprint: "{simulator.fingerprint}"')
            stop.wait()
    except OSError as error:
        return complain(f"cannot listen on {arguments.listen}: {error.strerror or error}", FAILED)
    except ImportError as error:
        return complain(f"{error}: pip install 'sma_exporter[tls-simulator]'", FAILED)
    return OK
