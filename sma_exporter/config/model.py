"""What a configuration becomes: plain, frozen data."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from .files import read_bytes
from .reader import ValidationError

_DEFAULT_PORTS = {"http": 80, "https": 443}

# The device's unit: the base unit that the metric's name ends with, and the factor to it.
UNITS: Mapping[str, tuple[str, float]] = {
    "W": ("watts", 1),
    "kW": ("watts", 1000),
    "Wh": ("joules", 3600),
    "kWh": ("joules", 3_600_000),
    "MWh": ("joules", 3_600_000_000),
    "%": ("ratio", 0.01),
    "°C": ("celsius", 1),
    "V": ("volts", 1),
    "mV": ("volts", 0.001),
    "A": ("amperes", 1),
    "mA": ("amperes", 0.001),
    "Hz": ("hertz", 1),
    "Ohm": ("ohms", 1),
    "kOhm": ("ohms", 1000),
    "var": ("vars", 1),
    "kvar": ("vars", 1000),
    "VA": ("voltamperes", 1),
    "kVA": ("voltamperes", 1000),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "W/m²": ("watts_per_square_meter", 1),
    "m/s": ("meters_per_second", 1),
    "1": ("", 1),
    "": ("", 1),
}


class ConfigError(Exception):
    """The configuration cannot be used; `problems` are all the reasons, a sentence each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PasswordFileError(ConfigError):
    """A password file cannot be read, or holds no password."""

    def __init__(self, reason: str) -> None:
        super().__init__([f"the password file {reason}"])


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


@dataclass(frozen=True, slots=True)
class Url:
    """Where a device is; `scheme` is empty when it is to be found out."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        scheme = f"{self.scheme}://" if self.scheme else ""
        port = "" if self.port is None else f":{self.port}"
        return f"{scheme}{self.host}{port}{self.path}"

    @property
    def identity(self) -> tuple[str, str, int | None, str]:
        """What two addresses of one device have in common, however they are written."""
        port = self.port or _DEFAULT_PORTS.get(self.scheme)
        return self.scheme, self.host.lower(), port, self.path


class CaFile(NamedTuple):
    """A file of certificates, and what it held when the configuration was loaded, in PEM format."""

    path: Path
    certificates: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How a device's certificate is checked.

    `fingerprints`: SHA-256, 64 lower-case hex digits each; any of them is trusted. `ca_file`: the
    authorities that are trusted instead of the public ones. `given`: whether the configuration says
    anything here; then a url without scheme is https.
    """

    fingerprints: tuple[str, ...] = ()
    ca_file: CaFile | None = None
    verify: bool = True
    given: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSensor:
    """A key that no table knows, and the metric that it becomes. `labels`: beside `device`."""

    key: str
    index: int = 0
    metric: str
    unit: str
    scale: float = 1.0
    type: str
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    help: str

    @property
    def multiplier(self) -> float:
        """What makes the device's raw value a value in the metric's base unit."""
        _, factor = UNITS[self.unit]
        return self.scale * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """One device. Durations are seconds.

    `url`: normalised, without a slash at its end; without scheme when that is to be found out.
    `protocol`, `session`: empty when they are to be found out. `options`: the keys that only its
    protocol has.
    """

    name: str
    url: str = ""
    plant: str = ""
    protocol: str = "webconnect"
    serial: str | None = None
    group: str = "user"
    password: Secret | None = None
    password_file: Path | None = None
    tls: TlsSettings = TlsSettings()
    session: str = "scrape"
    timeout: float = 5.0
    min_interval: float = 4.0
    counter_reset_delay: float = 86400.0
    sensors: tuple[CustomSensor, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def anonymous(self) -> bool:
        """Whether there is no password: only public values can be read."""
        return self.password is None and self.password_file is None

    def read_password(self) -> str | None:
        """Return the password as it is now, None when anonymous. Raises PasswordFileError.

        A file on a mount that hangs is waited for: so only where somebody waits for the device anyway.
        """
        if self.password_file is not None:
            return _read_password_file(self.password_file)
        return None if self.password is None else self.password.reveal()


def _read_password_file(path: Path) -> str:
    try:
        password = read_bytes(path).decode("utf-8-sig")  # without a byte order mark
    except ValidationError as error:
        raise PasswordFileError(str(error)) from None
    except UnicodeDecodeError:
        # Its message would quote bytes of the password.
        raise PasswordFileError(f"{path} is not UTF-8 (read by uid {os.geteuid()})") from None
    # Editors and `echo` add line ends; anything else is part of the password.
    password = password.rstrip("\r\n")
    if not password:
        raise PasswordFileError(f"{path} is empty (read by uid {os.geteuid()})")
    return password


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration that can be used, and what is odd about it."""

    devices: tuple[DeviceSettings, ...]
    warnings: tuple[str, ...] = ()
