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


def to_yaml(entry):  # TEMP
    import yaml

    class D(yaml.SafeDumper):
        def increase_indent(self, flow=False, indentless=False):
            return super().increase_indent(flow, False)

    return yaml.dump(entry, Dumper=D, sort_keys=False, width=1000, allow_unicode=True)


def to_yaml_line(entry):  # TEMP
    import yaml

    return yaml.safe_dump(entry, sort_keys=False, width=1000, default_flow_style=True).strip()
