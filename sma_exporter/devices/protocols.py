"""The protocols, and how the exporter reaches a device over each: the only place that knows all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias

from .. import config
from ..ennexos.channels import channels_of
from ..sma.diagnosis import Diagnosis
from ..sma.history import HistoryError, HistorySource, Wait
from ..sma.objects import keys_of
from ..sma.source import Source
from ..webconnect.data_logger import DataLoggerSource
from ..webconnect.diagnosis import diagnose as diagnose_webconnect
from ..webconnect.dump import dump as dump_webconnect
from ..webconnect.source import WebConnectSettings, WebConnectSource, new_client
from .credentials import Credentials

Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A row: which keys a device has in the configuration, and what can be done with it.

    `open` makes its source. The others have a session of their own, for the sub-commands `sensors`,
    `dump` and `backfill`.
    """

    keys: config.ProtocolKeys
    open: Callable[[config.DeviceSettings, Credentials, Clock], Source]
    diagnose: Callable[[config.DeviceSettings], Diagnosis]
    dump: Callable[[config.DeviceSettings], dict[str, Any]]
    history: Callable[[config.DeviceSettings, Wait], AbstractContextManager[HistorySource]]


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
        ca=settings.tls.ca_file.certificates if settings.tls.ca_file else None,
        verify=settings.tls.verify,
        https_only=settings.tls.given,
    )


#: A logger's answer takes longer than a read of values: seconds for one request, if `timeout` is less.
_HISTORY_REQUEST_SECONDS = 30.0


@contextmanager
def _webconnect_history(settings: config.DeviceSettings, wait: Wait) -> Iterator[HistorySource]:
    if settings.anonymous:
        raise HistoryError("a device shows its loggers to whoever has a password: configure one")
    timeout = max(settings.timeout, _HISTORY_REQUEST_SECONDS)
    with new_client(replace(_webconnect(settings), timeout=timeout)) as client:
        yield DataLoggerSource(client, settings.name, wait)


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "webconnect": Protocol(
            keys=config.ProtocolKeys(),
            open=lambda settings, credentials, monotonic: WebConnectSource(
                _webconnect(settings, credentials), monotonic
            ),
            diagnose=lambda settings: diagnose_webconnect(_webconnect(settings)),
            dump=lambda settings: dump_webconnect(_webconnect(settings)),
            history=_webconnect_history,
        ),
    }
)


#: Where a sensor stands in each protocol, what counts first in front: SMA's keys, ennexOS' channels.
PLACES: Mapping[str, Callable[[str], tuple[str, ...]]] = MappingProxyType(
    {"WebConnect": keys_of, "ennexOS": channels_of}
)

#: For the configuration.
PROTOCOL_KEYS: config.ProtocolTable = {name: row.keys for name, row in PROTOCOLS.items()}
