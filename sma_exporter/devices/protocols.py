"""The protocols, and how the exporter reaches a device over each: the only place that knows all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

from .. import config
from ..sma.diagnosis import Diagnosis
from ..sma.source import Source
from ..webconnect.diagnosis import diagnose as diagnose_webconnect
from ..webconnect.dump import dump as dump_webconnect
from ..webconnect.source import WebConnectSettings, WebConnectSource
from .credentials import Credentials

Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A row: what can be done with a device, given its settings.

    `open` makes its source; `diagnose` and `dump` have a session of their own, for `sensors` and `dump`.
    """

    open: Callable[[config.DeviceSettings, Credentials, Clock], Source]
    diagnose: Callable[[config.DeviceSettings], Diagnosis]
    dump: Callable[[config.DeviceSettings], dict[str, Any]]


def _webconnect(
    settings: config.DeviceSettings, credentials: Credentials | None = None
) -> WebConnectSettings:
    credentials = credentials or Credentials(settings)
    return WebConnectSettings(
        name=settings.name,
        url=settings.url,
        group=settings.group,
        password=None if settings.anonymous else credentials.password,
        timeout=settings.timeout,
        fingerprints=settings.tls.fingerprints,
        ca=settings.tls.ca_file.read_text() if settings.tls.ca_file else None,  # TEMP
        verify=settings.tls.verify,
        https_only=settings.tls.given,
    )


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "webconnect": Protocol(
            open=lambda settings, credentials, monotonic: WebConnectSource(
                _webconnect(settings, credentials), monotonic
            ),
            diagnose=lambda settings: diagnose_webconnect(_webconnect(settings)),
            dump=lambda settings: dump_webconnect(_webconnect(settings)),
        ),
    }
)
