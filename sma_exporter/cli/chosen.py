"""Which devices a command is about: those of a file, or one by flags and environment."""

import argparse
from collections.abc import Mapping, Sequence

from .. import config
from .output import UsageError

_DEVICE_FLAGS = (
    "protocol",
    "username",
    "password_file",
    "group",
    "name",
    "fingerprint",
    "ca_file",
    "insecure",
)


def configuration(arguments: argparse.Namespace, environ: Mapping[str, str]) -> config.Config:
    """Return what file, flags and environment say. UsageError, ConfigError."""
    from ..devices.protocols import PROTOCOL_KEYS  # noqa: PLC0415 - --help needs none of it

    url = arguments.url or (None if arguments.config_file else environ.get("SMA_URL"))
    if arguments.url and arguments.config_file:
        raise UsageError("--sma.url and --config.file exclude each other")
    if not url and any(getattr(arguments, flag) for flag in _DEVICE_FLAGS):
        raise UsageError(
            "the flags --sma.… describe one device: they need --sma.url, and no --config.file"
        )
    if arguments.config_file:
        return config.load(arguments.config_file, environ, PROTOCOL_KEYS)
    if not url:
        demo = ", or --demo to try it without hardware" if arguments.command == "serve" else ""
        raise UsageError(f"which device? Give --config.file or --sma.url{demo}; see --help")
    return config.single_device(
        url=url,
        environ=environ,
        protocols=PROTOCOL_KEYS,
        protocol=arguments.protocol,
        username=arguments.username,
        password_file=arguments.password_file,
        group=arguments.group,
        name=arguments.name,
        fingerprint=arguments.fingerprint,
        ca_file=arguments.ca_file,
        insecure=arguments.insecure,
    )


def devices(
    arguments: argparse.Namespace, environ: Mapping[str, str]
) -> Sequence[config.DeviceSettings]:
    """Return the devices that a sub-command names, all when it names none."""
    known = {device.name: device for device in configuration(arguments, environ).devices}
    wanted = [arguments.names] if isinstance(arguments.names, str) else arguments.names or []
    for name in wanted:
        if name not in known:
            raise UsageError(f"no device {name!r} is configured: {', '.join(known)}")
    return [known[name] for name in wanted] or [*known.values()]


def only_device(arguments: argparse.Namespace, environ: Mapping[str, str]) -> config.DeviceSettings:
    """Return the one device that a sub-command is about."""
    found = devices(arguments, environ)
    if len(found) > 1:
        names = ", ".join(device.name for device in found)
        raise UsageError(f"one device at a time, please: {names}")
    return found[0]
