"""The paths that the application answers, beside the telemetry path."""

from enum import StrEnum


class FixedPath(StrEnum):
    """A path that no setting changes; the telemetry path may be none of them."""

    PAGE = "/"
    HEALTHY = "/-/healthy"
    READY = "/-/ready"
    RELOAD = "/-/reload"
    EXPORTER_METRICS = "/metrics/exporter"
    PROBE = "/probe"
    SERVICE_DISCOVERY = "/sd"
