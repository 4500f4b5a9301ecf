"""The command line: flags and sub-commands, in the ecosystem's words.

The only place that builds objects and ends the process. Exit codes: 0 fine, 1 the work failed, 2 wrong
usage or configuration. No traceback reaches a user.
"""

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Literal, NoReturn

from .. import __version__, config
from ..server import Address
from . import logs
from .flags import DEFAULT_PORT, parser
from .health import own_status

_LOGGER = logging.getLogger(__name__)

_OK, _FAILED, _WRONG_USAGE = 0, 1, 2


class UsageError(Exception):
    """Raised for a combination of flags that means nothing."""


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process."""
    arguments = _parser().parse_args(argv)
    try:
        logs.setup(arguments.log_level, arguments.log_format)
        code = arguments.run(arguments, os.environ)
    except (UsageError, config.ConfigError) as error:
        code = _complain(str(error), _WRONG_USAGE)
    except KeyboardInterrupt:
        code = _OK
    except (
        BrokenPipeError
    ):  # the reader of our output has enough; the interpreter would still flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _OK
    except Exception as error:
        _LOGGER.debug("internal error", exc_info=True)
        name = type(error).__name__
        code = _complain(
            f"internal error ({name}): please report it, with --log.level=debug", _FAILED
        )
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    commands = {
        "sensors": _sensors,
        "dump": _dump,
        "backfill": _backfill,
        "simulate": _simulate,
        "health": _health,
    }
    return parser(_serve, commands)


def _complain(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"sma_exporter: {line}", file=sys.stderr)  # noqa: T201
    return code


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


# --- which devices ---


def _configuration(arguments: argparse.Namespace, environ: Mapping[str, str]) -> config.Config:
    """Return what file, flags and environment say. UsageError, ConfigError."""
    url = arguments.url or (None if arguments.config_file else environ.get("SMA_URL"))
    if arguments.url and arguments.config_file:
        raise UsageError("--sma.url and --config.file exclude each other")
    alone = [
        f
        for f in ("password_file", "group", "name", "fingerprint", "ca_file")
        if getattr(arguments, f)
    ]
    if not url and (alone or arguments.insecure):
        raise UsageError(
            "the flags --sma.… describe one device: they need --sma.url, and no --config.file"
        )
    if arguments.config_file:
        return config.load(arguments.config_file, environ)
    if not url:
        demo = ", or --demo to try it without hardware" if arguments.run is _serve else ""
        raise UsageError(f"which device? Give --config.file or --sma.url{demo}; see --help")
    return config.single_device(
        url=url,
        environ=environ,
        password_file=arguments.password_file,
        group=arguments.group,
        name=arguments.name,
        fingerprint=arguments.fingerprint,
        ca_file=arguments.ca_file,
        insecure=arguments.insecure,
    )


def _chosen(
    arguments: argparse.Namespace, environ: Mapping[str, str]
) -> list[config.DeviceSettings]:
    """Return the devices that a sub-command names, all when it names none."""
    devices = _configuration(arguments, environ).devices
    wanted = [arguments.names] if isinstance(arguments.names, str) else arguments.names or []
    by_name = {device.name: device for device in devices}
    for name in wanted:
        if name not in by_name:
            raise UsageError(f"no device {name!r} is configured: {', '.join(by_name)}")
    return [by_name[name] for name in wanted] or list(devices)


def _only(devices: Sequence[config.DeviceSettings]) -> config.DeviceSettings:
    """Return the one device that a sub-command is about."""
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        raise UsageError(f"one device at a time, please: {names}")
    return devices[0]


# --- what is done ---


def _serve(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from ..devices.fleet import Fleet  # noqa: PLC0415
    from ..simulator import demo_devices  # noqa: PLC0415
    from ..web.app import App  # noqa: PLC0415
    from ..web_config import Door  # noqa: PLC0415 - --help needs none of it
    from .serve import StartError, serve, started_demo  # noqa: PLC0415

    if arguments.demo and (arguments.config_file or arguments.url or arguments.check):
        raise UsageError("--demo goes without --config.file, --sma.url and --config.check")
    load = None if arguments.demo else partial(_configuration, arguments, environ)
    try:
        door = Door(arguments.web_config)
    except config.ConfigError as error:
        _complain(str(error), _WRONG_USAGE)
        if load:
            load()  # what is wrong there is said as well
        return _WRONG_USAGE
    with ExitStack() as stack:
        loaded = load() if load else started_demo(demo_devices(), stack)
        if arguments.check:
            return _report_configuration(loaded, door.warnings)
        _LOGGER.info("starting sma_exporter", extra={"version": __version__})
        fleet = Fleet(loaded, load)
        app = App(
            fleet,
            telemetry_path=arguments.telemetry_path,
            offset=arguments.timeout_offset,
            external_url=arguments.external_url,
            lifecycle=arguments.lifecycle,
        )
        try:
            serve(fleet, app, door, arguments.listen or [Address("", DEFAULT_PORT)])
        except StartError as error:
            return _complain(str(error), _FAILED)
    return _OK


def _report_configuration(loaded: config.Config, more_warnings: Iterable[str]) -> int:
    for warning in (*loaded.warnings, *more_warnings):
        _complain(f"warning: {warning}", _OK)
    names = ", ".join(device.name for device in loaded.devices)
    _say(f"The configuration is in order: {names}")
    return _OK


def _sensors(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from .sensors import as_text, examine  # noqa: PLC0415

    reports = [examine(device) for device in _chosen(arguments, environ)]
    if arguments.format == "json":
        _say(json.dumps([report.as_dict() for report in reports], indent=1, ensure_ascii=False))
    else:
        _say("\n".join(as_text(report) for report in reports).rstrip())
    return _OK if all(report.ok for report in reports) else _FAILED


def _dump(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from ..webconnect import SmaException  # noqa: PLC0415
    from .dump import dump  # noqa: PLC0415

    device = _only(_chosen(arguments, environ))
    try:
        _say(json.dumps(dump(device), indent=1))
    except SmaException as error:
        return _complain(f"{device.name}: {error}", _FAILED)
    return _OK


def _backfill(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from .. import backfill as history  # noqa: PLC0415
    from ..devices.protocols import PROTOCOLS  # noqa: PLC0415
    from ..webconnect import SmaException  # noqa: PLC0415

    device = _only(_chosen(arguments, environ))
    labels = dict(arguments.labels)
    if arguments.first is None and not arguments.list:
        raise UsageError("since when? --from DATE; --list says what the device has")
    if arguments.resume and arguments.output is None:
        raise UsageError("--resume continues a file: name it with -o")
    if len(labels) < len(arguments.labels):
        raise UsageError("one --label a name, please")
    every = history.INTERVALS[arguments.interval]
    stop = threading.Event()
    _stop_at_signals(stop)
    try:
        zone = history.given_zone(arguments.timezone, environ)
        open_history = PROTOCOLS[device.protocol].history
        if arguments.list:
            with open_history(device, stop.wait) as source:
                for line in history.listing(source, device.name, zone, now=time.time()):
                    _say(line)
            return _OK
        with closing(history.output(arguments.output, resume=arguments.resume)) as output:
            wanted = history.Wanted(arguments.first, arguments.last, every, zone, labels)
            with open_history(device, stop.wait) as source:
                history.backfill(source, device, wanted, output, now=time.time())
    except history.HistoryUsageError as error:
        return _complain(f"{device.name}: {error}", _WRONG_USAGE)
    except (SmaException, history.HistoryError) as error:
        return _complain(f"{device.name}: {error}{_left_behind(arguments.output)}", _FAILED)
    except KeyboardInterrupt:  # the second signal
        return _complain(f"{device.name}: stopped{_left_behind(arguments.output)}", _FAILED)
    return _OK


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


def _simulate(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG001
    from ..simulator import PASSWORD, Simulator, replay_profile  # noqa: PLC0415

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
            _say(f"url: {simulator.url}\npassword: {PASSWORD}")
            if simulator.fingerprint:
                _say(f'fingerprint: "{simulator.fingerprint}"')
            stop.wait()
    except OSError as error:
        return _complain(f"cannot listen on {arguments.listen}: {error.strerror or error}", _FAILED)
    except ImportError as error:
        return _complain(f"{error}: pip install 'sma_exporter[tls-simulator]'", _FAILED)
    return _OK


def _health(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: ARG001
    (address,) = (arguments.listen or [Address("", DEFAULT_PORT)])[:1]
    status = own_status(address)
    if status is not None and status < 500:
        return _OK
    what = f"HTTP {status}" if status else "no answer"
    return _complain(f"unhealthy: {what} from {address}", _FAILED)
