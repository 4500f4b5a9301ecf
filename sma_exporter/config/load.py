"""What file, flags and environment may say; every error at once, with its path.

A text becomes plain values (YAML), and these the frozen classes of this module: `config_strict` walks over
them and collects the faults, `config_values` says what each may be.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import yaml
from cattrs import Converter

from . import values
from .structure import ValidationError, add_class, list_of, structure
from .values import Url, parse_duration
from .values import url as parse_url

__all__ = [
    "Config",
    "ConfigError",
    "CustomSensor",
    "DeviceSettings",
    "PasswordFileError",
    "Secret",
    "TlsSettings",
    "Url",
    "host_of",
    "load",
    "parse",
    "parse_duration",
    "parse_url",
    "read_yaml",
    "single_device",
    "yaml_line",
]


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all the reasons, a sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PasswordFileError(ConfigError):
    """A password file cannot be read, or holds no password."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__([f"the password file {path} {reason}"])


# The model ----------------------------------------------------------------------------------------


class Secret:
    """A text that shows itself only to whoever asks for it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "<secret>"

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


@attrs.frozen
class TlsSettings:
    """How a device's certificate is checked."""

    fingerprints: tuple[str, ...] = ()
    """SHA-256, 64 lower-case hex digits each; any of them is trusted."""
    ca_file: Path | None = None
    verify: bool = True
    given: bool = False
    """Whether the configuration says anything here: then a url without scheme is https."""


def _pairs(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


@attrs.frozen(kw_only=True)
class CustomSensor:
    """A key that no definition knows, and the metric that it becomes."""

    key: str
    index: int = 0
    metric: str
    unit: str
    scale: float = 1.0
    type: str
    _labels: tuple[tuple[str, str], ...] = attrs.field(default={}, converter=_pairs)
    help: str

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels beside `device`; kept as pairs, so that a sensor can be hashed."""
        return dict(self._labels)

    @property
    def multiplier(self) -> float:
        """What makes the device's raw value a value in the metric's base unit."""
        _, factor = values.UNITS[self.unit]
        return self.scale * factor


@attrs.frozen
class DeviceSettings:
    """One device. Durations are seconds."""

    name: str
    url: str
    """Normalised, without a slash at its end; without scheme when that is to be found out."""
    plant: str = ""
    protocol: str = "webconnect"
    serial: str | None = None
    group: str = "user"
    password: Secret | None = None
    password_file: Path | None = None
    tls: TlsSettings = attrs.field(factory=TlsSettings)
    session: str = "scrape"
    timeout: float = 5.0
    min_interval: float = 4.0
    counter_reset_delay: float = 86400.0
    sensors: tuple[CustomSensor, ...] = ()

    @property
    def anonymous(self) -> bool:
        """Whether there is no password: only the dashboard values can be read."""
        return self.password is None and self.password_file is None

    def read_password(self) -> str | None:
        """Return the password as it is now, None when anonymous. Raises PasswordFileError."""
        if self.password_file is not None:
            return _read_password_file(self.password_file)
        return None if self.password is None else self.password.reveal()


def _read_password_file(path: Path) -> str:
    try:
        password = path.read_bytes().decode("utf-8")
    except OSError as error:
        reason = f"cannot be read by uid {os.geteuid()}: {error.strerror}"
    except UnicodeDecodeError:
        # Its message would quote bytes of the password.
        reason = f"is not UTF-8 (read by uid {os.geteuid()})"
    else:
        # One line end, which editors and `echo` add; anything else is part of the password.
        password = re.sub(r"\r?\n\Z", "", password)
        if password:
            return password
        reason = f"is empty (read by uid {os.geteuid()})"
    raise PasswordFileError(path, reason)


@attrs.frozen
class Config:
    """A whole configuration that can be used, and what is odd about it."""

    devices: tuple[DeviceSettings, ...]
    warnings: tuple[str, ...] = ()


# From plain values to the model -------------------------------------------------------------------

_DEVICE_OWN = ("name", "url")


@attrs.frozen
class _File:
    devices: tuple[DeviceSettings, ...]


def _converter(expand: Callable[[str], str], folder: Path) -> Converter:
    """Return what makes the model of plain values: each key, and how it is read."""
    converter = Converter(detailed_validation=True)

    def expanded(value: object) -> str:
        return values.text(expand(values.text(value)))

    def path(value: object) -> Path:
        return folder / expanded(value)

    def tls(value: object) -> TlsSettings:
        return attrs.evolve(converter.structure(value, TlsSettings), given=bool(value))

    add_class(
        converter,
        TlsSettings,
        {
            "fingerprint": values.fingerprints,
            "ca_file": lambda value: values.ca_file(path(value)),
            "verify": values.switch,
        },
        values.tls_conflicts,
        {"fingerprints": "fingerprint"},
    )
    add_class(
        converter,
        CustomSensor,
        {
            "key": values.sensor_key,
            "index": values.index,
            "metric": values.metric,
            "unit": values.unit,
            "scale": values.scale,
            "type": values.choice(*values.SENSOR_TYPES),
            "labels": values.labels,
            "help": values.text,
        },
        values.sensor_conflicts,
        {"_labels": "labels"},
    )
    add_class(
        converter,
        DeviceSettings,
        {
            "name": values.label,
            "url": lambda value: str(values.url(value)),
            "plant": values.label,
            "serial": values.serial,
            "group": values.choice("user", "installer"),
            "password": lambda value: Secret(expanded(value)),
            "password_file": path,
            "tls": tls,
            "session": values.choice("scrape", "keep"),
            "timeout": values.duration("1ms", "60s"),
            "min_interval": values.duration("0", "1h"),
            "counter_reset_delay": values.duration("1h", "30d"),
            "sensors": list_of(converter, CustomSensor),
        },
        values.device_conflicts,
    )
    add_class(
        converter,
        _File,
        # The defaults are in the devices by now; their key is here to be a known one.
        {"devices": list_of(converter, DeviceSettings), "defaults": dict},
        values.file_conflicts,
    )
    return converter


# The file -----------------------------------------------------------------------------------------


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Return the configuration in a file. Raises ConfigError with everything that is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        problem = f"{path} is not UTF-8"
    else:
        return parse(text, environ, folder=path.parent)
    raise ConfigError([problem])


def parse(text: str, environ: Mapping[str, str], *, folder: Path) -> Config:
    """Return the configuration in a YAML text; relative files are looked for in `folder`."""
    raw, duplicates = read_yaml(text)
    if raw is None:
        raise ConfigError(["the file is empty; it needs `devices:` with a name and a url for each"])
    converter = _converter(partial(values.expand, environ=environ), folder)
    raw, faults = _apply_defaults(raw, converter)
    file, more = structure(converter, raw, _File)
    if file is None or faults or duplicates:
        raise ConfigError([*duplicates, *(yaml_line(fault) for fault in [*faults, *more])])
    doubts = [
        ValidationError(str(doubt), "devices", index, *doubt.where)
        for index, device in enumerate(file.devices)
        for doubt in _doubts(device)
    ]
    doubts += values.equal_serials([device.serial for device in file.devices])
    return Config(file.devices, tuple(yaml_line(doubt) for doubt in doubts))


def yaml_line(fault: ValidationError) -> str:
    """Write a fault as one line: `devices[1].tls.fingerprint: …`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.where]
    keys = [step for step in fault.where if isinstance(step, str)]
    sentence = str(fault).replace("{key}", keys[-1] if keys else "")
    return f"{''.join(steps)[1:]}: {sentence}" if steps else f"the file {sentence}"


def _apply_defaults(raw: Any, converter: Converter) -> tuple[Any, list[ValidationError]]:
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
    faults = [
        ValidationError("belongs to each device; move it there", key)
        for key in _DEVICE_OWN
        if key in defaults
    ]
    probe = defaults | dict.fromkeys(_DEVICE_OWN, "placeholder")
    faults += structure(converter, probe, DeviceSettings)[1]
    faulty = {fault.where[0] for fault in faults if fault.where}
    usable = {
        key: value
        for key, value in defaults.items()
        if key in attrs.fields_dict(DeviceSettings) and key not in faulty
    }
    if isinstance(devices, list):
        raw = raw | {"devices": [_with_defaults(usable, device) for device in devices]}
    return raw, [ValidationError(str(fault), "defaults", *fault.where) for fault in faults]


def _with_defaults(defaults: dict[Any, Any], device: Any) -> Any:
    if not isinstance(device, dict):
        return device
    # A device's password, in whichever form, replaces the default's, in whichever form.
    passwords = {"password", "password_file"}
    replaced = passwords if device.keys() & passwords else set()
    return {key: value for key, value in defaults.items() if key not in replaced} | device


def _doubts(device: DeviceSettings) -> Iterator[ValidationError]:
    """Find what is allowed for a device but seldom meant."""
    if not device.tls.verify:
        yield ValidationError(
            "switches the certificate check off: whoever answers at this address gets the password; "
            "`tls.fingerprint` trusts a self-signed certificate too, and only that one",
            "tls",
            "verify",
        )
    try:
        password = device.read_password()
    except PasswordFileError as error:
        # No more than a doubt: it is read at each login, and a secret may be mounted later.
        yield ValidationError(str(error), "password_file")
        return
    key = "password" if device.password_file is None else "password_file"
    for sentence in values.password_doubts(password or ""):
        yield ValidationError(sentence, key)


# YAML ---------------------------------------------------------------------------------------------

_NO_VALUE = "this looks like a date or a number but is none; put it in quotes"
# What PyYAML says, which may quote the text and so a password, and what is said instead.
_YAML_PROBLEMS = {
    "found undefined alias": "a text that begins with * must be in quotes",
    "could not determine a constructor": "a text that begins with ! must be in quotes",
    "found undefined tag handle": "a text that begins with ! must be in quotes",
    "found character": "a text must not begin with a tab, or, without quotes, with % @ or `",
    "found unknown escape character": "in double quotes a backslash must be written twice",
    "mapping values are not allowed": (
        "the indentation is wrong, or a text that holds a colon is not in quotes"
    ),
    "could not find expected ':'": "a key lacks its colon and space",
    "expected <block end>": "the indentation does not fit the lines above",
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "found unexpected end of stream": "a quote is not closed",
    "but found another document": "there must be one document only; remove the line `---`",
    "found unhashable key": "a key must be a plain word",
    "expected chomping": "a text that begins with | or > must be in quotes",
    _NO_VALUE: _NO_VALUE,
}


class _Loader(yaml.SafeLoader):
    """Safe YAML that notes keys given twice, of which YAML would silently take the last."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.duplicates: list[str] = []

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in lines:
                self.duplicates.append(
                    f"line {line}: this key is in line {lines[key.value]} already; keep one of them"
                )
            elif isinstance(key, yaml.ScalarNode):
                lines[key.value] = line
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            # PyYAML lets `2026-99-99` and `!!int ""` end in whatever Python raises for them.
            mark = node.start_mark
            raise yaml.constructor.ConstructorError(None, None, _NO_VALUE, mark) from None


def read_yaml(text: str) -> tuple[Any, list[str]]:
    """Return the plain values of a YAML text, and a sentence for each key given twice. Raises ConfigError."""
    try:
        loader = _Loader(text)
        return loader.get_single_data(), loader.duplicates
    except yaml.YAMLError as error:
        problem = _yaml_problem(error, text)
    except RecursionError:
        problem = "the file is nested too deeply"
    raise ConfigError([problem])


def _yaml_problem(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: there is a control character; remove it"
    mark, said = None, ""
    if isinstance(error, yaml.MarkedYAMLError):
        mark, said = error.problem_mark or error.context_mark, error.problem or ""
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    known = (ours for theirs, ours in _YAML_PROBLEMS.items() if said.startswith(theirs))
    return place + next(known, "this is not valid YAML")


# One device by flags ------------------------------------------------------------------------------

# What the keys of a device are called on the command line and in the environment.
FLAGS = {
    "url": "--sma.url (SMA_URL)",
    "name": "--sma.device (SMA_DEVICE)",
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
        "group": given(group, "SMA_GROUP"),
        # A flag goes before both variables, as a device's key goes before both defaults.
        "password": environ.get("SMA_PASSWORD") if password_file is None else None,
        "password_file": given(password_file, "SMA_PASSWORD_FILE"),
        "tls": _without_none(tls) or None,
    }
    # What is not in a file is meant as it stands: `$` has no meaning here.
    converter = _converter(expand=str, folder=Path())
    made, faults = structure(converter, _without_none(device), DeviceSettings)
    if made is None:
        raise ConfigError(_flag_line(fault) for fault in faults)
    return Config((made,), tuple(_flag_line(doubt) for doubt in _doubts(made)))


def _without_none(keys: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in keys.items() if value is not None}


def host_of(url: str) -> str:
    """Return the host that a url names, "unnamed" where it is none: that is reported by itself."""
    try:
        return values.url(url).host.strip("[]")
    except ValidationError:
        return "unnamed"


def _flag_line(fault: ValidationError) -> str:
    """Write a fault as one line that names flags and variables instead of keys."""
    sentence = re.sub("`([a-z_.]+)`", lambda key: FLAGS.get(key[1], key[0]), str(fault))
    return f"{FLAGS['.'.join(map(str, fault.where))]}: {sentence}"
