"""`sma_exporter dump`: a device's raw replies for a bug report, as one JSON document."""

from typing import Any

from .. import __version__, config
from ..devices.protocols import PROTOCOLS


def dump(settings: config.DeviceSettings) -> dict[str, Any]:
    """Return the document. SmaException when the device does not answer at all."""
    found = PROTOCOLS[settings.protocol].dump(settings)
    return {"format": "sma_exporter dump", "exporter": __version__} | found
