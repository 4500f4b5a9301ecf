"""The protocols, and how the exporter reaches a device over each: the only place that knows all."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from .. import config
from ..config.values import text
from ..ennexos.channels import channels_of
from ..ennexos.client import SELF, found_at
from ..ennexos.diagnosis import diagnose as diagnose_ennexos
from ..ennexos.dump import dump as dump_ennexos
from ..ennexos.history import EnnexOSHistory
from ..ennexos.source import EnnexOSSettings, EnnexOSSource
from ..ennexos.source import new_client as new_ennexos_client
from ..sma.connections import make_session
from ..sma.deadline import Deadline
from ..sma.diagnosis import Diagnosis
from ..sma.exceptions import (
    SmaConnectionException,
    SmaCredentialsException,
    SmaException,
    SmaTlsException,
)
from ..sma.history import HistoryError, HistorySource, Wait
from ..sma.objects import keys_of
from ..sma.sharing import Sharing
from ..sma.source import Source
from ..webconnect.data_logger import DataLoggerSource
from ..webconnect.diagnosis import diagnose as diagnose_webconnect
from ..webconnect.dump import dump as dump_webconnect
from ..webconnect.source import WebConnectSettings, WebConnectSource
from ..webconnect.source import new_client as new_webconnect_client
from .credentials import Credentials
from .detection import USUAL, DetectingSource

Clock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a source gets beside its device's settings: the clock, and what sources of one fleet share."""

    credentials: Credentials
    monotonic: Clock
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class Protocol:
    """A row: which keys a device has in the configuration, and what can be done with it.

    `open` makes its source. The others have a session of their own, for the sub-commands `sensors`,
    `dump` and `backfill`; `history` takes the name of the time zone too, if somebody gave one.
    """

    keys: config.ProtocolKeys
    open: Callable[[config.DeviceSettings, Surroundings], Source]
    diagnose: Callable[[config.DeviceSettings], Diagnosis]
    dump: Callable[[config.DeviceSettings], dict[str, Any]]
    history: Callable[
        [config.DeviceSettings, Wait, str | None], AbstractContextManager[HistorySource]
    ]


# --- WebConnect ---


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


#: A device's history takes longer than a read of values: seconds for one request, if `timeout` is less.
_HISTORY_REQUEST_SECONDS = 30.0


@contextmanager
def _webconnect_history(
    settings: config.DeviceSettings, wait: Wait, _: str | None
) -> Iterator[HistorySource]:
    if settings.anonymous:
        raise HistoryError("a device shows its loggers to whoever has a password: configure one")
    timeout = max(settings.timeout, _HISTORY_REQUEST_SECONDS)
    with new_webconnect_client(replace(_webconnect(settings), timeout=timeout)) as client:
        yield DataLoggerSource(client, settings.name, wait)


_WEBCONNECT = Protocol(
    keys=config.ProtocolKeys(),
    open=lambda settings, around: WebConnectSource(
        _webconnect(settings, around.credentials), around.monotonic
    ),
    diagnose=lambda settings: diagnose_webconnect(_webconnect(settings)),
    dump=lambda settings: dump_webconnect(_webconnect(settings)),
    history=_webconnect_history,
)

# --- ennexOS ---


def _ennexos(
    settings: config.DeviceSettings, credentials: Credentials | None = None
) -> EnnexOSSettings:
    credentials = credentials or Credentials(settings)
    username = str(settings.options.get("username", ""))

    def password() -> str:
        if not username or settings.anonymous:
            raise SmaCredentialsException(
                "the device speaks ennexOS, which shows nothing without a login: configure `username` and "
                "`password_file` of a user that was made on the device itself"
            )
        return credentials.password()

    return EnnexOSSettings(
        name=settings.name,
        url=settings.url,
        username=username,
        component=str(settings.options.get("component", SELF)),
        password=password,
        timeout=settings.timeout,
        fingerprints=settings.tls.fingerprints,
        ca=settings.tls.ca_file.certificates if settings.tls.ca_file else None,
        verify=settings.tls.verify,
        https_only=settings.tls.given,
    )


@contextmanager
def _ennexos_history(
    settings: config.DeviceSettings, wait: Wait, zone: str | None
) -> Iterator[HistorySource]:
    timeout = max(settings.timeout, _HISTORY_REQUEST_SECONDS)
    wanted = replace(_ennexos(settings), timeout=timeout)
    with new_ennexos_client(wanted) as client:
        yield EnnexOSHistory(client, wanted.component, settings.name, zone, wait)


def _speaks_ennexos(settings: config.DeviceSettings, deadline: Deadline) -> bool | None:
    """Ask without a password; None where what comes, an error or nothing, does not tell."""
    ask = _ennexos(settings)
    url = f"https://{ask.url}" if ask.https_only and "://" not in ask.url else ask.url
    with make_session(ask.fingerprints, ca=ask.ca, verify=ask.verify) as session:
        try:
            return found_at(session, url, deadline.at_most(settings.timeout)) is not None
        except SmaConnectionException as error:
            if isinstance(error, SmaTlsException) or not error.sent:
                raise
        except SmaException:
            pass
    return None


_OWN_OF_ENNEXOS = {"username": text, "component": text}
_WITHOUT_GROUP = tuple(key for key in config.STANDARD_KEYS if key != "group")

_ENNEXOS = Protocol(
    keys=config.ProtocolKeys(
        standard=_WITHOUT_GROUP,
        own=_OWN_OF_ENNEXOS,
        required=("name", "url", "username"),
        with_password=("username",),
        unique=("url", "component"),
        session="keep",
    ),
    open=lambda settings, around: EnnexOSSource(
        _ennexos(settings, around.credentials), around.sharing, around.monotonic
    ),
    diagnose=lambda settings: diagnose_ennexos(_ennexos(settings)),
    dump=lambda settings: dump_ennexos(_ennexos(settings)),
    history=_ennexos_history,
)

# --- found out ---


def _detected(settings: config.DeviceSettings, deadline: Deadline) -> str | None:
    speaks_ennexos = _speaks_ennexos(settings, deadline)
    if speaks_ennexos is None:
        return None
    return "ennexos" if speaks_ennexos else "webconnect"


def _row(settings: config.DeviceSettings) -> Protocol:
    return PROTOCOLS[_detected(settings, Deadline.after(settings.timeout)) or USUAL]


def _open(settings: config.DeviceSettings, around: Surroundings) -> Source:
    return DetectingSource(
        settings.name,
        settings.url,
        partial(_detected, settings),
        lambda protocol: PROTOCOLS[protocol].open(settings, around),
    )


def _diagnose(settings: config.DeviceSettings) -> Diagnosis:
    try:
        row = _row(settings)
    except SmaException as error:
        fingerprint = error.fingerprint if isinstance(error, SmaTlsException) else None
        return Diagnosis(settings.url, fingerprint=fingerprint, failure=error)
    return row.diagnose(settings)


@contextmanager
def _history(
    settings: config.DeviceSettings, wait: Wait, zone: str | None
) -> Iterator[HistorySource]:
    with _row(settings).history(settings, wait, zone) as source:
        yield source


_FOUND_OUT = Protocol(
    keys=config.ProtocolKeys(
        own=_OWN_OF_ENNEXOS,
        with_password=("username", "component"),
        unique=("url", "component"),
        session="",
    ),
    open=_open,
    diagnose=_diagnose,
    dump=lambda settings: _row(settings).dump(settings),
    history=_history,
)

#: By the name that `protocol` has in the configuration; "" where it says nothing.
PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {"": _FOUND_OUT, "webconnect": _WEBCONNECT, "ennexos": _ENNEXOS}
)


#: Where a sensor stands in each protocol, what counts first in front: SMA's keys, ennexOS' channels.
PLACES: Mapping[str, Callable[[str], tuple[str, ...]]] = MappingProxyType(
    {"WebConnect": keys_of, "ennexOS": channels_of}
)

#: For the configuration.
PROTOCOL_KEYS: config.ProtocolTable = {name: row.keys for name, row in PROTOCOLS.items()}
