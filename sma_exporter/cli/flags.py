"""The flags and sub-commands, and what each may be given."""

import argparse
import difflib
import os
import platform
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from .. import __version__, config
from ..server import ListenAddress, parse_address
from ..web.service_discovery import Base, base_of
from . import logs
from .output import WRONG_USAGE, complain, say

#: Where the exporter listens unless told otherwise. README, Dockerfile and manifests are tested against it.
DEFAULT_PORT = 10126

#: What can be simulated; named here so that --help need not load the simulator.
MODELS = (
    *("sb-1.5", "sb-3.6", "stp-10", "stp-10-se", "sbs-3.7", "emeter-20"),
    *("stp-x-15", "sb-smart-energy", "data-manager", "evc-22"),
)

_DESCRIPTION = """Prometheus exporter for SMA inverters, batteries, meters and chargers (WebConnect, ennexOS).

Without a sub-command it serves: say what with --config.file, --sma.url, or --demo for simulated devices.
The first step with a new inverter: sma_exporter sensors --sma.url ADDRESS --sma.password-file FILE
(with ennexOS also --sma.username NAME)"""


# What a flag may be given --------------------------------------------------------------------------


def _address(text: str) -> ListenAddress:
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


# The tables ----------------------------------------------------------------------------------------


class Flag(NamedTuple):
    """A flag (or a place for a name), what it is for, and what argparse must know of it."""

    name: str
    help: str
    options: Mapping[str, Any]


def _flag(name: str, dest: str, help: str, **options: Any) -> Flag:  # noqa: A002
    return Flag(name, help, {"dest": dest, **options})


def _switch(name: str, dest: str, help: str) -> Flag:  # noqa: A002
    return Flag(name, help, {"dest": dest, "action": "store_true"})


# fmt: off
_LISTEN = _flag(
    "--web.listen-address", "listen", f":PORT, HOST:PORT or [::1]:PORT; repeatable (:{DEFAULT_PORT})",
    action="append", type=_address, metavar="ADDRESS",
)

_SERVE = (
    _switch("--config.check", "check", "say what is wrong with the configuration, and exit"),
    _switch("--demo", "demo", "serve simulated devices: no hardware, no file"),
    _LISTEN,
    _flag("--web.config.file", "web_config", "TLS and users of the port, in exporter-toolkit's format", metavar="FILE", type=Path),
    _flag("--web.telemetry-path", "telemetry_path", "where the metrics are (/metrics)", metavar="PATH", type=_path, default="/metrics"),
    _flag("--web.external-url", "external_url", "scheme, host and path prefix for /sd behind a proxy", metavar="URL", type=_external_url),
    _switch("--web.enable-lifecycle", "lifecycle", "reload the configuration on POST /-/reload, as on SIGHUP"),
    _flag("--scrape.timeout-offset", "timeout_offset", "taken off Prometheus' scrape timeout (0.5s)", metavar="DURATION", type=_seconds, default=0.5),
)

_DEVICES = (
    _flag("--config.file", "config_file", "YAML file with the devices", metavar="FILE", type=Path),
    _flag("--sma.url", "url", "one device without a file (SMA_URL)", metavar="URL"),
    _flag("--sma.protocol", "protocol", "webconnect or ennexos (found out; SMA_PROTOCOL)", metavar="PROTOCOL"),
    _flag("--sma.username", "username", "with ennexOS the user's name (SMA_USERNAME)", metavar="NAME"),
    _flag("--sma.password-file", "password_file", "file with its password (SMA_PASSWORD_FILE, or SMA_PASSWORD itself)", metavar="FILE"),
    _flag("--sma.group", "group", "with WebConnect user or installer (user; SMA_GROUP)"),
    _flag("--sma.device", "name", "its name (host of the url; SMA_DEVICE)", metavar="NAME"),
    _flag("--sma.tls-fingerprint", "fingerprint", "the certificate to trust (SMA_TLS_FINGERPRINT)"),
    _flag("--sma.tls-ca-file", "ca_file", "the authority to trust (SMA_TLS_CA_FILE)", metavar="FILE"),
    _switch("--sma.tls-insecure", "insecure", "trust any certificate: last resort"),
)

_LOG = (
    _flag("--log.level", "log_level", "from which level on (info)", choices=[*logs.LEVELS], default="info"),
    _flag("--log.format", "log_format", "(logfmt)", choices=logs.FORMATS, default="logfmt"),
)

_NAME = Flag("names", "the device of the file", {"nargs": "?", "metavar": "NAME"})
_NAMES = Flag("names", "devices of the file (all)", {"nargs": "*", "metavar": "NAME"})

_BACKFILL = (
    _flag("--from", "first", "the first day", metavar="DATE", type=_date),
    _flag("--to", "last", "the last day (until three hours ago)", metavar="DATE", type=_date),
    _flag("--interval", "interval", "readings of each day or of every five minutes (1d)", choices=("1d", "5m"), default="1d"),
    _flag("--label", "labels", "what Prometheus adds to the live series, like job=sma; repeatable", metavar="NAME=VALUE", type=_label, action="append", default=[]),
    _flag("--timezone", "timezone", "where a day begins (TZ, else the device's)", metavar="ZONE"),
    _switch("--list", "list", "say which loggers the device has, and since when"),
    _flag("-o", "output", "where to (standard output)", metavar="FILE", type=Path),
    _switch("--resume", "resume", "continue the FILE of -o"),
)

_SIMULATE = (
    _flag("--model", "model", f"what to simulate (sb-3.6): {', '.join(MODELS)}", metavar="MODEL", default="sb-3.6", choices=MODELS),
    _flag("--listen", "listen", "port 0 takes a free one (127.0.0.1:0)", default="127.0.0.1:0", type=_address, metavar="HOST:PORT"),
    _flag("--replay", "replay", "serve a dump instead", metavar="FILE", type=Path),
    _switch("--tls", "tls", "https, with a certificate made on the spot"),
)

_FORMAT = _flag("--format", "format", "for people or programs (text)", choices=("text", "json"), default="text")
# fmt: on

_DEVICES_TITLE = "devices"
_LOG_TITLE = "log, on standard error"


class Command(NamedTuple):
    """A sub-command: what it is for, and its flags by the title of their group ("" for none)."""

    sentence: str
    groups: Mapping[str, Sequence[Flag]]


#: Without a name: what the program does by itself.
SERVE = Command(_DESCRIPTION, {"": _SERVE, _DEVICES_TITLE: _DEVICES, _LOG_TITLE: _LOG})

COMMANDS: Mapping[str, Command] = {
    "sensors": Command(
        "what a device answers now, and the way to it",
        {"": (_NAMES, _FORMAT), _DEVICES_TITLE: _DEVICES, _LOG_TITLE: _LOG},
    ),
    "dump": Command(
        "a device's raw replies for a bug report, made anonymous",
        {"": (_NAME,), _DEVICES_TITLE: _DEVICES, _LOG_TITLE: _LOG},
    ),
    "backfill": Command(
        "what a device has kept of its history, for Prometheus",
        {
            "": (_NAME,),
            _DEVICES_TITLE: _DEVICES,
            "the history (a DATE is 2024-12-31, or a moment like 2024-12-31T12:00)": _BACKFILL,
            _LOG_TITLE: _LOG,
        },
    ),
    "simulate": Command("a simulated device on a port", {"": _SIMULATE, _LOG_TITLE: _LOG}),
    "health": Command(
        "whether the exporter on this machine answers: exit 0 or 1",
        {"": (_LISTEN,), _LOG_TITLE: _LOG},
    ),
}

#: Flags that may stand before the sub-command too.
_SHARED = {flag.name for flag in (*_DEVICES, *_LOG, _LISTEN)}


def flags_of(command: Command) -> list[Flag]:
    """Return the flags of a command, without the places for names."""
    return [flag for flags in command.groups.values() for flag in flags if flag.name[0] == "-"]


# The parser ----------------------------------------------------------------------------------------


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and what may have been meant."""

    known: Sequence[str] = ()

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:  # here, so that a sub-command's parser says what its own flags are
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002 - it is standard output
        """Print --help or --version; the base class would say nothing when that fails."""
        say(message.removesuffix("\n"))

    def error(self, message: str) -> NoReturn:
        meant = _meant(message, self.known)
        hint = f"; did you mean {meant}?" if meant else ""
        sys.exit(complain(f"{message}{hint}\nsee {self.prog} --help", WRONG_USAGE))


def _meant(message: str, known: Sequence[str]) -> str:
    """Return what may have been meant instead of what argparse refuses, "" for nothing."""
    if unknown := re.search(r"unrecognized arguments: ([^\s=]+)", message):
        near = difflib.get_close_matches(unknown[1], known, n=1)
    elif choice := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
        near = difflib.get_close_matches(choice[1], re.findall(r"[\w.-]+", choice[2]), n=1)
    else:
        near = []
    return near[0] if near else ""


def version(environ: Mapping[str, str]) -> str:
    """Return the version, and of which revision and branch it was built, as far as that is known."""
    built = {
        "branch": environ.get("SMA_EXPORTER_BRANCH"),
        "revision": environ.get("SMA_EXPORTER_REVISION"),
        "python": platform.python_version(),
    }
    about = ", ".join(f"{what} {value}" for what, value in built.items() if value)
    return f"sma_exporter, version {__version__} ({about})"


def parser() -> argparse.ArgumentParser:
    """Return the parser; `command` of what it parses is the sub-command, or "serve"."""
    options: dict[str, Any] = {"formatter_class": _Formatter, "allow_abbrev": False}
    found = _Parser(prog="sma_exporter", description=_DESCRIPTION, **options)
    found.add_argument("--version", action="version", version=version(os.environ))
    found.set_defaults(command="serve")
    _fill(found, SERVE)
    subs = found.add_subparsers(title="sub-commands", metavar="COMMAND")
    for name, command in COMMANDS.items():
        sentence = command.sentence
        sub = subs.add_parser(name, help=sentence, description=sentence, **options)
        sub.set_defaults(command=name)
        _fill(sub, command, shared=_SHARED)
    return found


def _fill(parser: _Parser, command: Command, shared: Collection[str] = ()) -> None:
    """Add the flags of a command; those that are shared keep what was said before the sub-command."""
    parser.known = [flag.name for flag in flags_of(command)]
    for title, flags in command.groups.items():
        group = parser.add_argument_group(title) if title else parser
        for flag in flags:
            options = dict(flag.options)
            if flag.name in shared:
                options["default"] = argparse.SUPPRESS
            group.add_argument(flag.name, help=flag.help, **options)
