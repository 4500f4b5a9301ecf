"""The flags and sub-commands, and what each may be given."""

import argparse
import platform
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from .. import __version__, config
from ..server import Address, parse_address
from ..web.service_discovery import Base, base_of
from . import logs

#: Where the exporter listens unless told otherwise. README, Dockerfile and manifests are tested against it.
DEFAULT_PORT = 10126

#: What can be simulated; named here so that --help need not load the simulator.
_MODELS = ("sb-1.5", "sb-3.6", "stp-10", "stp-10-se", "sbs-3.7", "emeter-20")

#: What carries out a command: exit code of (what was given, the environment).
Run = Callable[[argparse.Namespace, Mapping[str, str]], int]

_DESCRIPTION = """Prometheus exporter for SMA solar and battery inverters that speak WebConnect.

Without a sub-command it serves: say what with --config.file, --sma.url, or --demo for simulated devices.
The first step with a new inverter: sma_exporter sensors --sma.url ADDRESS --sma.password-file FILE"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)


def parser(serve: Run, runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Return the parser; `run` of what it parses is `serve`, or what `runs` has for the sub-command."""
    parser = argparse.ArgumentParser(
        prog="sma_exporter",
        description=_DESCRIPTION,
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    version = f"%(prog)s, version {__version__} (python {platform.python_version()})"
    parser.add_argument("--version", action="version", version=version)
    parser.set_defaults(run=serve)
    _add_serve_flags(parser)
    _add_source_flags(parser)
    _add_log_flags(parser)

    commands = parser.add_subparsers(title="sub-commands", metavar="COMMAND")

    def command(name: str, sentence: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            name,
            help=sentence,
            description=sentence,
            formatter_class=_Formatter,
            allow_abbrev=False,
        )
        sub.set_defaults(run=runs[name])
        _add_log_flags(sub, default=argparse.SUPPRESS)
        return sub

    sensors = command("sensors", "what a device answers now, and the way to it")
    sensors.add_argument("names", nargs="*", metavar="NAME", help="devices of the file (all)")
    sensors.add_argument(
        "--format", choices=("text", "json"), default="text", help="for people or programs (text)"
    )
    _add_source_flags(sensors, default=argparse.SUPPRESS)

    dump = command("dump", "a device's raw replies for a bug report, made anonymous")
    dump.add_argument("names", nargs="?", metavar="NAME", help="the device of the file")
    _add_source_flags(dump, default=argparse.SUPPRESS)

    _add_backfill_flags(command("backfill", "what a device remembers of its past, for Prometheus"))

    simulate = command("simulate", "a simulated device on a port")
    simulate.add_argument(
        "--model", default="sb-3.6", choices=_MODELS, help="what to simulate (sb-3.6)"
    )
    simulate.add_argument("--listen", default="127.0.0.1:0", type=_address, metavar="HOST:PORT",
                          help="port 0 takes a free one (127.0.0.1:0)")  # fmt: skip
    simulate.add_argument("--replay", type=Path, metavar="FILE", help="serve a dump instead")
    simulate.add_argument(
        "--tls", action="store_true", help="https, with a certificate made on the spot"
    )

    health = command("health", "whether the exporter on this machine answers: exit 0 or 1")
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
    from ..backfill import parse_date  # noqa: PLC0415 - --help needs none of it

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
