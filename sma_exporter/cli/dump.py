"""`sma_exporter dump`: a device's raw replies for a bug report, as one JSON document."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from .. import __version__, config
from ..devices.protocols import PROTOCOLS
from ..sma.exceptions import SmaException
from .chosen import only_device
from .output import FAILED, OK, complain, say


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the document; return the exit code. UsageError, ConfigError."""
    device = only_device(arguments, environ)
    try:
        say(json.dumps(dump(device), indent=1))
    except SmaException as error:
        return complain(f"{device.name}: {error}", FAILED)
    return OK


def dump(settings: config.DeviceSettings) -> dict[str, Any]:
    """Return the document. SmaException when the device does not answer at all."""
    found = PROTOCOLS[settings.protocol].dump(settings)
    return {"format": "sma_exporter dump", "exporter": __version__} | found
