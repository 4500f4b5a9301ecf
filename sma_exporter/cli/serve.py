"""The exporter as a process: from the start to the last logout."""

import argparse
import logging
import os
import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from .. import config
from ..devices.fleet import Fleet
from ..devices.in_parallel import in_parallel
from ..metrics.collector import build_info
from ..server import ListenAddress, Server
from ..sma.deadline import Deadline
from ..web.app import App
from ..web.paths import FixedPath
from ..web_config import WebConfig
from . import memory, open_files, signals
from .chosen import configuration
from .flags import DEFAULT_PORT
from .logs import dropped_lines
from .output import FAILED, OK, WRONG_USAGE, UsageError, complain, say

if TYPE_CHECKING:
    from ..simulator import DemoDevice

_LOGGER = logging.getLogger(__name__)

#: Seconds that `--config.check` waits for all password files together: they may lie on a mount that hangs.
_PASSWORD_FILE_SECONDS = 5.0


class StartError(Exception):
    """Raised when the exporter cannot begin to serve."""


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Serve, or check the configuration; return the exit code. UsageError, ConfigError."""
    if arguments.demo and (arguments.config_file or arguments.url or arguments.check):
        raise UsageError("--demo goes without --config.file, --sma.url and --config.check")
    if arguments.telemetry_path in set(FixedPath):
        raise UsageError(
            f"--web.telemetry-path: {arguments.telemetry_path} has another page already: choose another path"
        )
    load = None if arguments.demo else partial(configuration, arguments, environ)
    try:
        web_config = WebConfig(arguments.web_config)
    except config.ConfigError as error:
        complain(str(error), WRONG_USAGE)
        if load:
            load()  # what is wrong there is said as well
        return WRONG_USAGE
    with ExitStack() as stack:
        loaded = load() if load else _started_demo(stack)
        if arguments.check:
            return _report(loaded, web_config.warnings)
        about = {**build_info(environ), "file": arguments.config_file}
        known = {what: value for what, value in about.items() if value}
        _LOGGER.info("starting sma_exporter", extra={**known, "devices": len(loaded.devices)})
        open_files.prepare(len(loaded.devices))
        memory.return_large_blocks()
        fleet = Fleet(loaded, load)
        app = App(
            fleet,
            telemetry_path=arguments.telemetry_path,
            offset=arguments.timeout_offset,
            external_url=arguments.external_url,
            lifecycle=arguments.lifecycle,
            web_config_usable=lambda: web_config.last_reload_successful,
            log_lines_dropped=dropped_lines,
        )
        try:
            serve(fleet, app, web_config, arguments.listen or [ListenAddress("", DEFAULT_PORT)])
        except StartError as error:
            return complain(str(error), FAILED)
    return OK


def serve(
    fleet: Fleet, app: App, web_config: WebConfig, addresses: Sequence[ListenAddress]
) -> None:
    """Serve until SIGTERM or SIGINT, reload at SIGHUP, and at the end log out everywhere.

    Signals are held (`signals.hold`). No device is needed to start. StartError when an address cannot be
    listened on.
    """
    try:
        server = Server(web_config.guarded(app), addresses, web_config.connection_settings)
    except OSError as error:
        where = ", ".join(map(str, addresses))
        raise StartError(
            f"cannot listen on {where}: {error.strerror or error}; "
            "choose another address with --web.listen-address"
        ) from None
    web_config.log()
    reload = _Reload(fleet)
    try:
        web_config.watch()
        reload.start()
        server.start()
    except RuntimeError:
        raise StartError("no thread can be started: too many are running") from None
    for address in server.addresses:
        extra = {"address": str(address), "path": app.telemetry_path}
        _LOGGER.info("listening", extra=extra)
    _tell_service_manager(os.environ)
    for _ in signals.wait():
        reload.wanted.set()
    _LOGGER.info("stopping")
    web_config.close()
    server.stop()
    fleet.close()


class _Reload(threading.Thread):
    """Reloads whenever it is wanted: not in the main thread, where a file that hangs would delay SIGTERM."""

    def __init__(self, fleet: Fleet) -> None:
        super().__init__(name="reload", daemon=True)
        self.wanted = threading.Event()
        self._fleet = fleet

    def run(self) -> None:
        while self.wanted.wait():
            self.wanted.clear()  # before the file is read: what is asked for later may mean another one
            try:
                self._fleet.reload()
            except config.ConfigError:  # logged, and the old configuration stays
                continue
            except Exception as error:
                _LOGGER.error("internal error (%s): not reloaded", type(error).__name__)  # noqa: TRY400
                _LOGGER.debug("internal error", exc_info=error)


def _tell_service_manager(environ: Mapping[str, str]) -> None:
    """Tell systemd (`Type=notify`) that signals are expected from now on."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.connect(f"\0{address[1:]}" if address[0] == "@" else address)
            manager.send(b"READY=1")
    except OSError as error:
        _LOGGER.warning("the service manager was not reached", extra={"error": str(error)})


def _report(loaded: config.Config, more_warnings: Iterable[str]) -> int:
    warnings = (*loaded.warnings, *_password_file_warnings(loaded.devices), *more_warnings)
    for warning in warnings:
        complain(f"warning: {warning}", OK)
    names = ", ".join(device.name for device in loaded.devices)
    say(f"The configuration is in order: {names}")
    return OK


def _password_file_warnings(devices: Iterable[config.DeviceSettings]) -> list[str]:
    """Read the password files as a login would, but wait for them only so long."""
    found: dict[str, list[str] | None] = {
        device.name: None for device in devices if device.password_file is not None
    }

    def read(device: config.DeviceSettings) -> None:
        try:
            sentences = config.password_warnings(device.read_password() or "")
            found[device.name] = [f"password_file {sentence}" for sentence in sentences]
        except config.PasswordFileError as error:
            found[device.name] = [str(error)]

    deadline = Deadline.after(_PASSWORD_FILE_SECONDS)
    for reader in in_parallel(read, (device for device in devices if device.name in found)):
        reader.join(deadline.left())
    unread = [f"the password file was not read within {_PASSWORD_FILE_SECONDS:g} s"]
    return [
        f"{name}: {sentence}"
        for name, sentences in found.items()
        for sentence in (unread if sentences is None else sentences)
    ]


def _started_demo(stack: ExitStack) -> config.Config:
    from ..simulator import demo_devices  # noqa: PLC0415 - nobody else needs it

    return started_demo(demo_devices(), stack)


def started_demo(demo: "Iterable[DemoDevice]", stack: ExitStack) -> config.Config:
    """Return a configuration of simulated devices, which run until the stack is closed."""
    return config.Config(
        tuple(_demo_settings(device, stack) for device in demo),
        ("these devices are simulated: --demo shows the exporter without hardware",),
    )


def _demo_settings(device: "DemoDevice", stack: ExitStack) -> config.DeviceSettings:
    simulator = stack.enter_context(device.simulator)
    return config.DeviceSettings(
        name=device.name,
        plant="home",
        url=simulator.url,
        protocol=device.simulator.protocol,
        password=config.Secret(device.password),
        options={"username": device.username} if device.username else {},
    )
