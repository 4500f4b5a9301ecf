"""What file, flags and environment may say."""

from .load import (
    FLAGS,
    Config,
    ConfigError,
    CustomSensor,
    DeviceSettings,
    PasswordFileError,
    Secret,
    TlsSettings,
    Url,
    host_of,
    load,
    parse,
    parse_url,
    read_yaml,
    single_device,
    yaml_line,
)
from .values import METRIC_PREFIX, UNITS, parse_duration

__all__ = [
    "FLAGS",
    "METRIC_PREFIX",
    "UNITS",
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
