"""The exporter as a process: devices, application and server, from start to the last logout."""

import logging
import signal
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from . import __version__, config
from .device import Device
from .door import Door
from .logs import fields
from .server import Address, Server
from .simulator import DemoDevice
from .web import App

_LOGGER = logging.getLogger(__name__)

#: Seconds for all devices together to end their reads and log out.
STOP_SECONDS = 8.0


class StartError(Exception):
    """Raised when the exporter cannot begin to serve."""


def serve(
    loaded: config.Config,
    addresses: Sequence[Address],
    *,
    telemetry_path: str,
    timeout_offset: float,
    door: Door,
) -> None:
    """Serve until SIGTERM or SIGINT, then log out everywhere. No device is needed to start.

    StartError when an address cannot be listened on.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    signal.signal(
        signal.SIGHUP, lambda *_: _LOGGER.warning("no reload yet: restart to reconfigure")
    )

    _LOGGER.info("starting sma_exporter", extra=fields(version=__version__))
    for warning in loaded.warnings:
        _LOGGER.warning("configuration: %s", warning)
    devices = [Device(settings) for settings in loaded.devices]
    app = App(devices, telemetry_path=telemetry_path, offset=timeout_offset)
    try:
        server = Server(door.guarded(app), addresses, door.terms)
    except OSError as error:
        where = ", ".join(map(str, addresses))
        raise StartError(
            f"cannot listen on {where}: {error.strerror or error}; "
            "choose another address with --web.listen-address"
        ) from None
    door.log()
    server.start()
    for address in server.addresses:
        _LOGGER.info("listening", extra=fields(address=str(address), path=telemetry_path))
    stop.wait()
    _LOGGER.info("stopping")
    server.stop()
    close_all(devices)


def close_all(devices: Iterable[Device], seconds: float = STOP_SECONDS) -> None:
    """Close devices side by side, in so many seconds altogether."""
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=device.close, args=(deadline,), daemon=True) for device in devices
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0.0))


def started_demo(demo: Iterable[DemoDevice], stack: ExitStack) -> config.Config:
    """Return a configuration of simulated devices, which run until the stack is closed."""
    return config.Config(
        tuple(_demo_settings(device, stack) for device in demo),
        ("these devices are simulated: --demo shows the exporter without hardware",),
    )


def _demo_settings(device: DemoDevice, stack: ExitStack) -> config.Device:
    simulator = stack.enter_context(device.simulator)
    return config.Device(
        name=device.name,
        plant="home",
        url=simulator.url,
        password=config.Secret(device.password),
    )
