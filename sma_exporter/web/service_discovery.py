"""Prometheus' HTTP service discovery: where to scrape each device, and the exporter itself.

https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from collections.abc import Iterable
from typing import NamedTuple

from .. import config
from .paths import FixedPath

_PORTS = {"http": 80, "https": 443}


class Base(NamedTuple):
    """Where Prometheus reaches the exporter; `target` always with a port, `prefix` a path or ""."""

    scheme: str
    target: str
    prefix: str


def base_of(url: str) -> Base:
    """Return what a URL says of scheme, host, port and path. ValueError with a sentence for anything else."""
    if not url.lower().startswith(("https://", "http://")):
        raise ValueError(f"{url!r} cannot be used: it must begin with https:// or http://")
    try:
        parts = config.parse_url(url)
    except ValueError as error:
        raise ValueError(f"{url!r} cannot be used: it {error}") from None
    port = parts.port or _PORTS[parts.scheme]
    return Base(parts.scheme, f"{parts.host}:{port}", parts.path)


def target_groups(base: Base, devices: Iterable[config.DeviceSettings]) -> list[dict[str, object]]:
    """Return one entry a device, and one for the exporter's own metrics.

    The latter is /metrics/exporter: /metrics would read every device a second time.
    """
    found = [_device_group(base, device) for device in devices]
    return [*found, _group(base, FixedPath.EXPORTER_METRICS, {})]


def _device_group(base: Base, device: config.DeviceSettings) -> dict[str, object]:
    plant = {"plant": device.plant} if device.plant else {}
    labels = {"__param_target": device.name, "instance": device.name, **plant}
    return _group(base, FixedPath.PROBE, labels)


def _group(base: Base, path: str, labels: dict[str, str]) -> dict[str, object]:
    address = {"__scheme__": base.scheme, "__metrics_path__": base.prefix + path}
    return {"targets": [base.target], "labels": address | labels}
