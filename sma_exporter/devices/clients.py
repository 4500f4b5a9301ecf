"""From the configuration of a device to a client of it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from .. import config
from ..webconnect import SMA, Session, SmaException, make_session


def http_session(settings: config.DeviceSettings) -> Session:
    """Return the HTTP session that the device's `tls:` asks for."""
    tls = settings.tls
    return make_session(
        tls.fingerprints, str(tls.ca_file) if tls.ca_file else None, verify=tls.verify
    )


def new_client(
    settings: config.DeviceSettings,
    http: Session,
    url: str,
    password: str | None,
    monotonic: Callable[[], float] = time.monotonic,
) -> SMA:
    """Return a client without a session; `url` is the configured one or what it turned out to be."""
    return SMA(
        http,
        url,
        password,
        settings.group,
        timeout=settings.timeout,
        https_only=settings.tls.given,
        monotonic=monotonic,
    )


@contextmanager
def one_session(settings: config.DeviceSettings) -> Iterator[SMA]:
    """Give a client for one command, and log out at its end.

    PasswordFileError when the password cannot be read. A logout that fails is passed over: the device
    forgets the session by itself.
    """
    client = new_client(settings, http_session(settings), settings.url, settings.read_password())
    try:
        yield client
    finally:
        with suppress(SmaException):
            client.close_session()
