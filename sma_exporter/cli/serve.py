"""The exporter as a process: devices, application and server, from start to the last logout."""

import logging
import queue
import signal
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress

from .. import config
from ..devices.fleet import Fleet
from ..server import Address, Server
from ..simulator import DemoDevice
from ..web.app import App
from ..web_config import Door

_LOGGER = logging.getLogger(__name__)


class StartError(Exception):
    """Raised when the exporter cannot begin to serve."""


def serve(fleet: Fleet, app: App, door: Door, addresses: Sequence[Address]) -> None:
    """Serve until SIGTERM or SIGINT, reload at SIGHUP, and at the end log out everywhere.

    No device is needed to start. StartError when an address cannot be listened on.
    """
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: signals.put(number))
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
        _LOGGER.info("listening", extra={"address": str(address), "path": app.telemetry_path})
    while signals.get() == signal.SIGHUP:
        with suppress(config.ConfigError):  # logged, and the old configuration stays
            fleet.reload()
    _LOGGER.info("stopping")
    server.stop()
    fleet.close()


def started_demo(demo: Iterable[DemoDevice], stack: ExitStack) -> config.Config:
    """Return a configuration of simulated devices, which run until the stack is closed."""
    return config.Config(
        tuple(_demo_settings(device, stack) for device in demo),
        ("these devices are simulated: --demo shows the exporter without hardware",),
    )


def _demo_settings(device: DemoDevice, stack: ExitStack) -> config.DeviceSettings:
    simulator = stack.enter_context(device.simulator)
    return config.DeviceSettings(
        name=device.name,
        plant="home",
        url=simulator.url,
        password=config.Secret(device.password),
    )
