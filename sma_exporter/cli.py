"""The command line: flags and sub-commands, in the ecosystem's words.

The only place that builds objects and ends the process. Exit codes: 0 fine, 1 the work failed, 2 wrong
usage or configuration. No traceback reaches a user.
"""

import argparse
import http.client
import json
import logging
import os
import platform
import re
import signal
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Literal, NoReturn

from . import __version__, config, logs
from .discovery import Base, base_of
from .server import Address, parse_address

_LOGGER = logging.getLogger(__name__)

#: Where the exporter listens unless told otherwise. README, Dockerfile and manifests are tested against it.
DEFAULT_PORT = 10126

#: What can be simulated; named here so that --help need not load the simulator.
_MODELS = ("sb-1.5", "sb-3.6", "stp-10", "stp-10-se", "sbs-3.7", "emeter-20")

_OK, _FAILED, _WRONG_USAGE = 0, 1, 2

_DESCRIPTION = """Prometheus exporter for SMA solar and battery inverters that speak WebConnect.

Without a sub-command it serves: say what with --config.file, --sma.url, or --demo for simulated devices.
The first step with a new inverter: sma_exporter sensors --sma.url ADDRESS --sma.password-file FILE"""


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


def _complain(text: str, code: int) -> int:
    for line in text.splitlines():
        print(f"sma_exporter: {line}", file=sys.stderr)  # noqa: T201
    return code


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


# --- flags ---


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sma_exporter",
        description=_DESCRIPTION,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    version = f"%(prog)s, version {__version__} (python {platform.python_version()})"
    parser.add_argument("--version", action="version", version=version)
    parser.set_defaults(run=_serve)
    _add_serve_flags(parser)
    _add_source_flags(parser)
    _add_log_flags(parser)

    commands = parser.add_subparsers(title="sub-commands", metavar="COMMAND")

    def command(name: str, run: Callable[..., int], sentence: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=sentence,
            description=sentence,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        sub.set_defaults(run=run)
        _add_log_flags(sub, default=argparse.SUPPRESS)
        return sub

    sensors = command("sensors", _sensors, "what a device answers now, and the way to it")
    sensors.add_argument("names", nargs="*", metavar="NAME", help="devices of the file (all)")
    sensors.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people or programs (text)"
    )
    _add_source_flags(sensors, default=argparse.SUPPRESS)

    dump = command("dump", _dump, "a device's raw replies for a bug report, made anonymous")
    dump.add_argument("names", nargs="?", metavar="NAME", help="the device of the file")
    _add_source_flags(dump, default=argparse.SUPPRESS)

    _add_backfill_flags(
        command("backfill", _backfill, "what a device remembers of its past, for Prometheus")
    )

    simulate = command("simulate", _simulate, "a simulated device on a port")
    simulate.add_argument(
        "--model", default="sb-3.6", choices=_MODELS, help="what to simulate (sb-3.6)"
    )
    simulate.add_argument("--listen", default="127.0.0.1:0", type=_address, metavar="HOST:PORT",
                          help="port 0 takes a free one (127.0.0.1:0)")  # fmt: skip
    simulate.add_argument("--replay", type=Path, metavar="FILE", help="serve a dump instead")
    simulate.add_argument(
        "--tls", action="store_true", help="https, with a certificate made on the spot"
    )

    health = command("health", _health, "whether the exporter on this machine answers: exit 0 or 1")
    _add_listen_flag(health)
    return parser


def _add_backfill_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="?", metavar="NAME", help="the device of the file")
    _add_source_flags(parser, default=argparse.SUPPRESS)
    past = parser.add_argument_group(
        "the past (a DATE is 2024-12-31, or a moment like 2024-12-31T12:00)"
    )

    def add(flag: str, dest: str, help: str, **options: Any) -> None:  # noqa: A002
        past.add_argument(flag, dest=dest, help=help, **options)

    add("--from", "first", "the first day", metavar="DATE", type=_date)
    add("--to", "last", "the last day (until three hours ago)", metavar="DATE", type=_date)
    add("--interval", "interval", "readings of each day or of every five minutes (1d)",
        choices=("1d", "5m"), default="1d")  # fmt: skip
    add("--label", "labels", "what Prometheus adds to the live series, like job=sma; repeatable",
        metavar="NAME=VALUE", type=_label, action="append", default=[])  # fmt: skip
    add("--timezone", "timezone", "where a day begins (TZ, else the device's)", metavar="ZONE")
    add("--list", "list", "say which loggers the device has, and since when", action="store_true")
    add("-o", "output", "where to (standard output)", metavar="FILE", type=Path)
    add("--resume", "resume", "continue the FILE of -o", action="store_true")


def _add_serve_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config.check",
        dest="check",
        action="store_true",
        help="say what is wrong with the configuration, and exit",
    )
    parser.add_argument(
        "--demo", action="store_true", help="serve simulated devices: no hardware, no file"
    )
    _add_listen_flag(parser)
    parser.add_argument("--web.config.file", dest="web_config", metavar="FILE", type=Path,
                        help="TLS and users of the port, in exporter-toolkit's format")  # fmt: skip
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        default="/metrics",
        metavar="PATH",
        type=_path,
        help="where the metrics are (/metrics)",
    )
    parser.add_argument(
        "--web.external-url",
        dest="external_url",
        metavar="URL",
        type=_external_url,
        help="scheme, host and path prefix for /sd behind a proxy",
    )
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="lifecycle",
        action="store_true",
        help="reload the configuration on POST /-/reload, as on SIGHUP",
    )
    parser.add_argument("--scrape.timeout-offset", dest="timeout_offset", default=0.5, metavar="DURATION",
                        type=_seconds, help="taken off Prometheus' scrape timeout (0.5s)")  # fmt: skip


def _add_listen_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--web.listen-address", dest="listen", action="append", type=_address,
                        metavar="ADDRESS",
                        help=f":PORT, HOST:PORT or [::1]:PORT; repeatable (:{DEFAULT_PORT})")  # fmt: skip


def _add_source_flags(parser: argparse.ArgumentParser, default: Any = None) -> None:
    source = parser.add_argument_group("devices")

    def add(flag: str, dest: str, help: str, **options: Any) -> None:  # noqa: A002
        source.add_argument(flag, dest=dest, default=default, help=help, **options)

    add("--config.file", "config_file", "YAML file with the devices", metavar="FILE", type=Path)
    add("--sma.url", "url", "one device without a file (SMA_URL)", metavar="URL")
    add(
        "--sma.password-file",
        "password_file",
        "file with its password (SMA_PASSWORD_FILE, or SMA_PASSWORD itself)",
        metavar="FILE",
    )
    add("--sma.group", "group", "user or installer (user; SMA_GROUP)")
    add("--sma.device", "name", "its name (host of the url; SMA_DEVICE)", metavar="NAME")
    add("--sma.tls-fingerprint", "fingerprint", "the certificate to trust (SMA_TLS_FINGERPRINT)")
    add("--sma.tls-ca-file", "ca_file", "the authority to trust (SMA_TLS_CA_FILE)", metavar="FILE")
    source.add_argument("--sma.tls-insecure", dest="insecure", action="store_true",
                        default=default or False, help="trust any certificate: last resort")  # fmt: skip


def _add_log_flags(parser: argparse.ArgumentParser, default: Any = None) -> None:
    group = parser.add_argument_group("log, on standard error")
    group.add_argument(
        "--log.level",
        dest="log_level",
        choices=[*logs.LEVELS],
        default=default or "info",
        help="from which level on (info)",
    )
    group.add_argument("--log.format", dest="log_format", choices=logs.FORMATS, default=default or "logfmt",
                       help="(logfmt)")  # fmt: skip


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _external_url(text: str) -> Base:
    try:
        return base_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _path(text: str) -> str:
    if not text.startswith("/") or text == "/":
        raise argparse.ArgumentTypeError(
            f"{text!r} must begin with / and name a path, like /metrics"
        )
    return text


def _seconds(text: str) -> float:
    """Return a duration in seconds; a fraction of seconds ("0.5s") is common for this flag."""
    if re.fullmatch(r"\d+\.\d+s", text):
        return float(text[:-1])
    try:
        return config.parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _date(text: str) -> date:
    from .history import parse_date  # noqa: PLC0415 - --help needs none of it

    try:
        return parse_date(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a day like 2024-12-31 nor a moment like 2024-12-31T12:00"
        ) from None


def _label(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch("(?!__|device$)[a-zA-Z_][a-zA-Z0-9_]*", name):
        raise argparse.ArgumentTypeError(f"{text!r} is no further label, like job=sma")
    return name, value


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


def _chosen(arguments: argparse.Namespace, environ: Mapping[str, str]) -> list[config.Device]:
    """Return the devices that a sub-command names, all when it names none."""
    devices = _configuration(arguments, environ).devices
    wanted = [arguments.names] if isinstance(arguments.names, str) else arguments.names or []
    by_name = {device.name: device for device in devices}
    for name in wanted:
        if name not in by_name:
            raise UsageError(f"no device {name!r} is configured: {', '.join(by_name)}")
    return [by_name[name] for name in wanted] or list(devices)


def _only(devices: Sequence[config.Device]) -> config.Device:
    """Return the one device that a sub-command is about."""
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        raise UsageError(f"one device at a time, please: {names}")
    return devices[0]


# --- what is done ---


def _serve(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from .door import Door  # noqa: PLC0415 - --help needs none of it
    from .fleet import Fleet  # noqa: PLC0415
    from .serve import StartError, serve, started_demo  # noqa: PLC0415
    from .simulator import demo_devices  # noqa: PLC0415
    from .web import App  # noqa: PLC0415

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
        _LOGGER.info("starting sma_exporter", extra=logs.fields(version=__version__))
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
    from .report import as_text, examine  # noqa: PLC0415

    reports = [examine(device) for device in _chosen(arguments, environ)]
    if arguments.format == "json":
        _say(json.dumps([report.as_dict() for report in reports], indent=1, ensure_ascii=False))
    else:
        _say("\n".join(as_text(report) for report in reports).rstrip())
    return _OK if all(report.ok for report in reports) else _FAILED


def _dump(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from .dump import dump  # noqa: PLC0415
    from .webconnect import SmaException  # noqa: PLC0415

    device = _only(_chosen(arguments, environ))
    try:
        _say(json.dumps(dump(device), indent=1))
    except SmaException as error:
        return _complain(f"{device.name}: {error}", _FAILED)
    return _OK


def _backfill(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from . import history  # noqa: PLC0415
    from .webconnect import SmaException  # noqa: PLC0415

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
        if arguments.list:
            for line in history.listing(device, zone, now=time.time(), wait=stop.wait):
                _say(line)
            return _OK
        wanted = history.Wanted(arguments.first, arguments.last, every, zone, labels)
        with closing(history.output(arguments.output, resume=arguments.resume)) as output:
            history.backfill(device, wanted, output, now=time.time(), wait=stop.wait)
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
    from .simulator import PASSWORD, Simulator, replay_profile  # noqa: PLC0415

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
    status = _own_status(address)
    if status is not None and status < 500:
        return _OK
    what = f"HTTP {status}" if status else "no answer"
    return _complain(f"unhealthy: {what} from {address}", _FAILED)


def _own_status(address: Address) -> int | None:
    """Return the HTTP status of the own listener, over http or else https; None when it has none.

    Any status will do, so authentication may be on. The certificate is not verified: it is the own one,
    and nothing is sent.
    """
    host = address.host if address.host not in {"", "0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for connection in (
        http.client.HTTPConnection(host, address.port, timeout=3),
        http.client.HTTPSConnection(host, address.port, timeout=3, context=context),
    ):
        try:
            connection.request("GET", "/-/healthy")
            status = connection.getresponse().status
            if status != 400:  # which says that it speaks https
                return status
        except (OSError, http.client.HTTPException) as error:
            if "ALERT" in (getattr(error, "reason", None) or ""):
                return 403  # it wants a client's certificate, so it is there
        finally:
            connection.close()
    return None
