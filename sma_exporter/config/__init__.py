"""What file, flags and environment may say; every error at once, with file, line and device.

A text becomes plain values (`yaml_text`), and these the frozen classes of `model`: `reader` walks over
them and collects the errors, `values` says what each may be, `conflicts` which exclude each other.
Which protocols there are, and which keys each has, the caller says (`protocol_keys`).
"""

from .load import FLAGS, host_of, load, parse, single_device
from .model import (
    UNITS,
    CaFile,
    Config,
    ConfigError,
    CustomSensor,
    DeviceSettings,
    PasswordFileError,
    Secret,
    TlsSettings,
    Url,
)
from .protocol_keys import STANDARD as STANDARD_KEYS
from .protocol_keys import ProtocolKeys, ProtocolTable
from .values import METRIC_PREFIX, is_sensor_key, parse_duration, password_warnings
from .values import url as parse_url
from .yaml_text import to_yaml, to_yaml_line

__all__ = [
    "FLAGS",
    "METRIC_PREFIX",
    "STANDARD_KEYS",
    "UNITS",
    "CaFile",
    "Config",
    "ConfigError",
    "CustomSensor",
    "DeviceSettings",
    "PasswordFileError",
    "ProtocolKeys",
    "ProtocolTable",
    "Secret",
    "TlsSettings",
    "Url",
    "host_of",
    "is_sensor_key",
    "load",
    "parse",
    "parse_duration",
    "parse_url",
    "password_warnings",
    "single_device",
    "to_yaml",
    "to_yaml_line",
]
