"""From a file, or flags and the environment, to the model."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from . import conflicts, file_permissions, values
from .files import read_text
from .model import CaFile, Config, ConfigError, CustomSensor, DeviceSettings, Secret, TlsSettings
from .protocol_keys import STANDARD, ProtocolTable
from .reader import (
    Read,
    ValidationError,
    ValidationErrors,
    errors_in,
    list_of,
    read_mapping,
)
from .yaml_text import described, read_yaml

#: What belongs to each device, and not under `defaults`.
_DEVICE_OWN = ("name", "url")


# From plain values to the model -------------------------------------------------------------------


class _Reader:
    """Reads devices. `expand` replaces references to the environment; files are looked for in `folder`."""

    def __init__(
        self, protocols: ProtocolTable, expand: Callable[[str], str], folder: Path
    ) -> None:
        self._protocols = protocols
        self._expand = expand
        self._folder = folder
        self._keys: Mapping[str, Read] = {
            "name": values.label,
            "url": lambda value: str(values.url(value)),
            "plant": values.label,
            "protocol": values.choice(*filter(None, protocols)),
            "serial": values.serial,
            "group": values.choice("user", "installer"),
            "password": lambda value: Secret(self._expanded(value)),
            "password_file": self._path,
            "tls": self._tls,
            "session": values.choice("scrape", "keep"),
            "timeout": values.duration("1ms", "60s"),
            "min_interval": values.duration("0", "1h"),
            "counter_reset_delay": values.duration("1h", "30d"),
            "sensors": list_of(_custom_sensor),
        }

    def device(self, raw: object) -> DeviceSettings:
        """Read one device. Raises ValidationErrors."""
        name = self._protocol_of(raw)
        protocol = self._protocols[name]
        keys = {key: protocol.own.get(key) or self._keys[key] for key in protocol.keys}
        found = read_mapping(
            raw,
            keys,
            required=protocol.required,
            conflicts=partial(
                conflicts.device_conflicts,
                known=protocol.keys,
                with_password=protocol.with_password,
            ),
            elsewhere=self._elsewhere(name),
        )
        own = {key: found.pop(key) for key in protocol.own if key in found}
        usual = {"protocol": name, "session": protocol.session}
        return DeviceSettings(**usual | found, options=own)

    def defaults(self, raw: Mapping[Any, Any], device: object) -> dict[Any, Any]:
        """Return what of the defaults a device has: the keys of its protocol."""
        return {
            key: raw[key] for key in self._protocols[self._protocol_of(device)].keys if key in raw
        }

    def default_errors(self, raw: Mapping[Any, Any]) -> list[ValidationError]:
        """Return what is wrong with the defaults, whatever protocol they are for."""
        placed = {key: value for key, value in raw.items() if key not in _DEVICE_OWN}
        own = {key: read for each in self._protocols.values() for key, read in each.own.items()}
        keys = {**self._keys, **own}
        found = [
            ValidationError("belongs to each device; move it there", key)
            for key in _DEVICE_OWN
            if key in raw
        ]
        found += errors_in(
            lambda: read_mapping(
                placed, keys, conflicts=partial(conflicts.device_conflicts, known=keys)
            )
        )
        return found

    def _protocol_of(self, raw: object) -> str:
        name = raw.get("protocol") if isinstance(raw, dict) else None
        known = isinstance(name, str) and name in self._protocols
        return name if known else next(iter(self._protocols))  # type: ignore[return-value]

    def _elsewhere(self, protocol: str) -> dict[str, str]:
        """Return the keys that other protocols have."""
        sentence = (
            f"does not apply to the protocol {protocol}; remove it"
            if protocol
            else "does not apply to every protocol; name yours with `protocol`"
        )
        others = (key for each in self._protocols.values() for key in each.keys)
        own = self._protocols[protocol].keys
        return {key: sentence for key in (*STANDARD, *others) if key not in own}

    def _expanded(self, value: object) -> str:
        return values.text(self._expand(values.text(value)))

    def _path(self, value: object) -> Path:
        return self._folder / self._expanded(value)

    def _ca_file(self, value: object) -> CaFile:
        path = self._path(value)
        return CaFile(path, values.certificates(path))

    def _tls(self, value: object) -> TlsSettings:
        keys: Mapping[str, Read] = {
            "fingerprint": values.fingerprints,
            "ca_file": self._ca_file,
            "verify": values.switch,
        }
        found = read_mapping(value, keys, conflicts=conflicts.tls_conflicts)
        return TlsSettings(
            fingerprints=found.get("fingerprint", ()),
            ca_file=found.get("ca_file"),
            verify=found.get("verify", True),
            given=bool(value),
        )


def _custom_sensor(value: object) -> CustomSensor:
    keys: Mapping[str, Read] = {
        "key": values.sensor_key,
        "index": values.index,
        "metric": values.metric,
        "unit": values.unit,
        "scale": values.scale,
        "type": values.choice(*values.SENSOR_TYPES),
        "labels": values.labels,
        "help": values.text,
    }
    required = ("key", "metric", "unit", "type", "help")
    found = read_mapping(value, keys, required=required, conflicts=conflicts.sensor_conflicts)
    return CustomSensor(**found)


# The file -----------------------------------------------------------------------------------------


def load(path: Path, environ: Mapping[str, str], protocols: ProtocolTable) -> Config:
    """Return the configuration in a file. Raises ConfigError with everything that is wrong."""
    try:
        text = read_text(path)
    except ValidationError as error:
        raise ConfigError([str(error)]) from None
    return parse(text, environ, protocols, folder=path.parent, file=str(path))


def parse(
    text: str,
    environ: Mapping[str, str],
    protocols: ProtocolTable,
    *,
    folder: Path,
    file: str = "",
) -> Config:
    """Return the configuration in a YAML text.

    Relative files are looked for in `folder`. Messages name `file` and the line, if there is a file.
    """
    try:
        document = read_yaml(text)
    except ConfigError as error:
        prefix = f"{file}: " if file else ""
        raise ConfigError(f"{prefix}{problem}" for problem in error.problems) from None
    if document.values is None:
        prefix = f"{file}: " if file else ""
        problem = "the file is empty; it needs `devices:` with a name and a url for each"
        raise ConfigError([prefix + problem])
    reader = _Reader(protocols, partial(values.expand, environ=environ), folder)
    raw, errors = _with_defaults(document.values, reader)
    keys: Mapping[str, Read] = {"devices": list_of(reader.device), "defaults": lambda value: value}
    devices: tuple[DeviceSettings, ...] = ()
    try:
        devices = read_mapping(
            raw,
            keys,
            required=("devices",),
            conflicts=lambda file: conflicts.file_conflicts(file, protocols),
        )["devices"]
    except ValidationErrors as several:
        errors += several.errors
    if errors or document.duplicates:
        prefix = f"{file}: " if file else ""
        duplicates = [f"{prefix}{sentence}" for sentence in document.duplicates]
        raise ConfigError([*duplicates, *described(errors, document, file)])
    warnings = [*_warnings(devices), *file_permissions.password_files(devices)]
    if file:
        warnings += file_permissions.configuration(Path(file), document.values)
    return Config(devices, tuple(described(warnings, document, file)))


def _with_defaults(raw: Any, reader: _Reader) -> tuple[Any, list[ValidationError]]:
    """Fill the defaults into each device, and find what is wrong with them.

    A faulty default is reported once, under `defaults`, and given to no device.
    """
    if not isinstance(raw, dict) or "defaults" not in raw:
        return raw, []
    defaults, devices = raw["defaults"], raw.get("devices")
    if not isinstance(defaults, dict):
        return raw, [
            ValidationError("must be a mapping of keys that a device may have", "defaults")
        ]
    errors = reader.default_errors(defaults)
    faulty = {*_DEVICE_OWN, *(error.where[0] for error in errors if error.where)}
    usable = {key: value for key, value in defaults.items() if key not in faulty}
    if isinstance(devices, list):
        filled = [_filled(reader.defaults(usable, device), device) for device in devices]
        raw = raw | {"devices": filled}
    return raw, [ValidationError(str(error), "defaults", *error.where) for error in errors]


def _filled(defaults: dict[Any, Any], device: Any) -> Any:
    if not isinstance(device, dict):
        return device
    # A device's password, in whichever form, replaces the default's, in whichever form.
    passwords = {"password", "password_file"}
    replaced = passwords if device.keys() & passwords else set()
    return {key: value for key, value in defaults.items() if key not in replaced} | device


def _warnings(devices: Iterable[DeviceSettings]) -> Iterator[ValidationError]:
    """Find what is allowed but seldom meant. No password file is read: it may hang, or be mounted later."""
    devices = tuple(devices)
    for index, device in enumerate(devices):
        for warning in _device_warnings(device):
            yield ValidationError(str(warning), "devices", index, *warning.where)
    yield from conflicts.equal_serials([device.serial for device in devices])


def _device_warnings(device: DeviceSettings) -> Iterator[ValidationError]:
    if not device.tls.verify:
        yield ValidationError(
            "switches the certificate check off: whoever answers at this address gets the password; "
            "`tls.fingerprint` trusts a self-signed certificate too, and only that one",
            "tls",
            "verify",
        )
    if device.password is not None:
        for sentence in values.password_warnings(device.password.reveal()):
            yield ValidationError(sentence, "password")


# One device by flags ------------------------------------------------------------------------------

#: What the keys of a device are called on the command line and in the environment.
FLAGS = {
    "url": "--sma.url (SMA_URL)",
    "protocol": "--sma.protocol (SMA_PROTOCOL)",
    "name": "--sma.device (SMA_DEVICE)",
    "username": "--sma.username (SMA_USERNAME)",
    "group": "--sma.group (SMA_GROUP)",
    "password": "SMA_PASSWORD",
    "password_file": "--sma.password-file (SMA_PASSWORD_FILE)",
    "tls": "--sma.tls-fingerprint, --sma.tls-ca-file or --sma.tls-insecure",
    "tls.fingerprint": "--sma.tls-fingerprint (SMA_TLS_FINGERPRINT)",
    "tls.ca_file": "--sma.tls-ca-file (SMA_TLS_CA_FILE)",
    "tls.verify": "--sma.tls-insecure",
}


def single_device(
    *,
    url: str,
    environ: Mapping[str, str],
    protocols: ProtocolTable,
    protocol: str | None = None,
    username: str | None = None,
    password_file: str | os.PathLike[str] | None = None,
    group: str | None = None,
    name: str | None = None,
    fingerprint: str | None = None,
    ca_file: str | os.PathLike[str] | None = None,
    insecure: bool = False,
) -> Config:
    """Return the configuration that flags give, each of them before its environment variable."""

    def given(flag: str | os.PathLike[str] | None, variable: str) -> str | None:
        return environ.get(variable) if flag is None else os.fspath(flag)

    tls = {
        "fingerprint": given(fingerprint, "SMA_TLS_FINGERPRINT"),
        "ca_file": given(ca_file, "SMA_TLS_CA_FILE"),
        "verify": False if insecure else None,
    }
    device = {
        "name": given(name, "SMA_DEVICE") or host_of(url),
        "url": url,
        "protocol": given(protocol, "SMA_PROTOCOL"),
        "username": given(username, "SMA_USERNAME"),
        "group": given(group, "SMA_GROUP"),
        # A flag goes before both variables, as a device's key goes before both defaults.
        "password": environ.get("SMA_PASSWORD") if password_file is None else None,
        "password_file": given(password_file, "SMA_PASSWORD_FILE"),
        "tls": _without_none(tls) or None,
    }
    # What is not in a file is meant as it stands: `$` has no meaning here.
    reader = _Reader(protocols, expand=str, folder=Path())
    try:
        made = reader.device(_without_none(device))
    except ValidationErrors as several:
        raise ConfigError(map(_flag_line, several.errors)) from None
    open_file = [
        ValidationError(str(found), "password_file")
        for found in file_permissions.password_files([made])
    ]
    return Config((made,), tuple(map(_flag_line, (*_device_warnings(made), *open_file))))


def _without_none(keys: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in keys.items() if value is not None}


def host_of(url: str) -> str:
    """Return the host that a url names, "unnamed" where it is none: that is reported by itself."""
    try:
        return values.url(url).host.strip("[]")
    except ValidationError:
        return "unnamed"


def _flag_line(error: ValidationError) -> str:
    """Write an error as one line that names flags and variables instead of keys."""
    sentence = re.sub("`([a-z_.]+)`", lambda key: FLAGS.get(key[1], key[0]), str(error))
    return f"{FLAGS['.'.join(map(str, error.where))]}: {sentence}"
