"""Devices whose TLS handshake takes longer than a logout usually may, and that keep no connection open."""

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from support.devices import eventually, reader_threads
from support.raw_devices import Call, WebConnectFake, tls_context

from sma_exporter import config
from sma_exporter.devices.device import LOGOUT_SECONDS, Device
from sma_exporter.sma.deadline import Deadline

VALUES = {"6100_40263F00": {"1": [{"val": 1840}]}}
HANDSHAKE = LOGOUT_SECONDS + 0.3


class ClosingDevice(WebConnectFake):
    """Announces with each answer that it closes the connection; a client makes a new one each time.

    The handshakes of the login and of the logout take long; to save time, not those between.
    """

    def __init__(self) -> None:
        super().__init__(VALUES, tls=tls_context(), handshake_seconds=HANDSHAKE)

    def usual(self, call: Call) -> bytes | None:
        self.handshake_seconds = HANDSHAKE if call.name == "getValues" else 0.0
        answer = super().usual(call)
        return answer and answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)


@pytest.fixture
def slow() -> Iterator[ClosingDevice]:
    with ClosingDevice() as device:
        yield device


def settings(device: WebConnectFake, **keys: Any) -> config.DeviceSettings:
    tls = config.TlsSettings(verify=False)
    password = config.Secret(device.password)
    return config.DeviceSettings(name="roof", url=device.url, password=password, tls=tls, **keys)


def read(device: Device) -> None:
    result = device.finish(device.begin(), Deadline.after(30)).result
    assert result is not None
    assert result.reason is None, result.message


def test_a_slow_device_gets_the_time_for_its_logout(slow: ClosingDevice) -> None:
    device = Device(settings(slow, timeout=10.0))

    read(device)

    assert eventually(lambda: not slow.sessions, within=15)
    assert slow.connections >= 4
    device.close(Deadline.after(1))


def test_a_device_that_leaves_gets_more_time_for_its_logout(slow: ClosingDevice) -> None:
    device = Device(settings(slow, timeout=10.0, session="keep"))
    read(device)
    assert slow.sessions

    device.close(Deadline.after(8))

    assert not slow.sessions


def test_a_quick_device_gets_no_longer_for_its_logout_than_usual() -> None:
    over = threading.Event()
    with WebConnectFake(VALUES) as quick:
        device = Device(settings(quick, timeout=60.0))

        def never(_: Call) -> None:
            over.wait(60)

        quick.answers["logout"] = never
        read(device)

        assert eventually(lambda: "read roof" not in reader_threads(), within=30)
        over.set()


def test_a_logout_that_fails_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    with WebConnectFake(VALUES) as fake:
        fake.answers["logout"] = lambda _: None
        device = Device(settings(fake, min_interval=0.0))

        for _ in range(3):
            read(device)
            assert eventually(lambda: fake.names()[-1] == "logout", within=5)
        device.close(Deadline.after(5))

        warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
        (warning,) = (
            each for each in warnings if each.getMessage().startswith("the logout failed")
        )
        assert "may hold a session" in warning.getMessage()
