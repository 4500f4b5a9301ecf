"""Which protocol a device speaks where the configuration does not say: found out, again after a failure."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from support.ennexos_fakes import PASSWORD, SELF, USER, EnnexosFake
from support.raw_devices import Answer, RawDevice, WebConnectFake, reply

from sma_exporter import config
from sma_exporter.devices.credentials import Credentials
from sma_exporter.devices.detection import DetectingSource
from sma_exporter.devices.protocols import PROTOCOLS, Surroundings
from sma_exporter.simulator import EnnexosSimulator
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import (
    Reason,
    SmaConnectionException,
    SmaException,
    SmaTlsException,
)
from sma_exporter.sma.sharing import Sharing
from sma_exporter.sma.source import Measurements

INFO = "system/info"
VALUES = {"6100_40263F00": {"1": [{"val": 1200}]}, "6800_00A21E00": {"1": [{"val": 3001234567}]}}

Open = Callable[..., DetectingSource]


class Toy:
    """A source that does what a test says."""

    def __init__(self, protocol: str, speaks: Callable[[], str]) -> None:
        self.url = f"{protocol}://192.0.2.1"
        self.usual_session = "keep" if protocol == "ennexos" else "scrape"
        self.logins = 0
        self.released = self.cancelled = 0
        self._protocol = protocol
        self._speaks = speaks

    def read(self, *_: Any, identify: bool) -> Iterator[Measurements]:
        self.logins += 1
        if self._speaks() != self._protocol:
            raise SmaConnectionException("gone")
        yield Measurements({"grid_power": 1})
        yield Measurements({"grid_power": 2})

    def release(self, _: Deadline) -> None:
        self.released += 1
        raise SmaConnectionException("gone")

    def cancel(self) -> None:
        self.cancelled += 1


class Device:
    """What speaks a protocol, and says it, or (None) something that does not tell."""

    def __init__(self) -> None:
        self.speaks: str = "webconnect"
        self.says: str | None = "webconnect"
        self.asked = 0
        self.opened: list[Toy] = []
        self.source = DetectingSource("roof", "192.0.2.1", self._detect, self._open)

    def switch(self, speaks: str, says: str | None) -> None:
        self.speaks, self.says = speaks, says

    def read(self) -> int:
        """Read, and return how many times something came; 0 for a failure."""
        with suppress(SmaConnectionException):
            return len([*self.source.read(Deadline.after(5), (), identify=False)])
        return 0

    def _detect(self, _: Deadline) -> str | None:
        self.asked += 1
        if self.speaks == "nothing":
            raise SmaConnectionException("refused", refused=True)
        return self.says

    def _open(self, protocol: str) -> Any:
        self.opened.append(Toy(protocol, lambda: self.speaks))
        return self.opened[-1]


# --- when it is asked ---


def test_the_answer_is_remembered_while_the_device_answers() -> None:
    device = Device()
    assert [device.read() for _ in range(3)] == [2, 2, 2]
    assert (device.asked, len(device.opened)) == (1, 1)
    assert device.source.url == "webconnect://192.0.2.1"


def test_after_a_failure_it_is_asked_again_and_the_source_stays() -> None:
    device = Device()
    device.read()
    device.switch("other", None)
    assert device.read() == 0
    device.switch("webconnect", "webconnect")
    assert device.read() == 2
    assert (device.asked, len(device.opened)) == (2, 1)
    assert device.source.logins == 3


def test_whoever_refuses_what_came_has_it_asked_again() -> None:
    device = Device()
    reading = device.source.read(Deadline.after(5), (), identify=False)
    next(reading)
    reading.close()
    device.read()
    assert device.asked == 2


def test_another_protocol_is_read_by_another_source_and_the_old_session_ended() -> None:
    device = Device()
    device.read()
    device.switch("ennexos", "ennexos")
    assert (device.read(), device.read()) == (0, 2)
    old, new = device.opened
    assert (old.released, new.released) == (1, 0)
    assert device.source.logins == old.logins + new.logins
    assert device.source.usual_session == "keep"
    assert device.source.url == "ennexos://192.0.2.1"


def test_a_device_that_does_not_tell_keeps_its_protocol() -> None:
    device = Device()
    device.switch("ennexos", "ennexos")
    device.read()
    device.switch("hanging", None)
    assert [device.read() for _ in range(3)] == [0, 0, 0]
    device.switch("ennexos", "ennexos")
    assert device.read() == 2
    assert [each.url for each in device.opened] == ["ennexos://192.0.2.1"]
    assert device.opened[0].released == 0


def test_a_device_that_never_told_is_webconnect_until_it_does() -> None:
    device = Device()
    device.switch("webconnect", None)
    assert device.read() == 2
    assert device.opened[0].url.startswith("webconnect")


def test_a_device_that_is_off_has_no_source() -> None:
    device = Device()
    device.switch("nothing", None)
    assert device.read() == 0
    assert device.opened == []
    assert (device.source.url, device.source.logins) == ("192.0.2.1", 0)
    assert device.source.usual_session == "scrape"
    device.source.release(Deadline.after(1))
    device.source.cancel()


def test_what_was_cancelled_stays_so_with_another_protocol() -> None:
    device = Device()
    device.read()
    device.source.cancel()
    device.switch("ennexos", "ennexos")
    device.read()
    device.read()
    assert [each.cancelled for each in device.opened] == [1, 1]


# --- what is asked ---


@pytest.fixture
def detecting() -> Iterator[Open]:
    """Makes the source of a device whose protocol is not configured."""
    with ExitStack() as opened:

        def make(url: str, *, timeout: float = 2.0, **tls: Any) -> DetectingSource:
            settings = config.DeviceSettings(
                name="roof",
                url=url,
                timeout=timeout,
                password=config.Secret(PASSWORD),
                tls=config.TlsSettings(**tls),
                options={"username": USER, "component": SELF},
            )
            around = Surroundings(Credentials(settings), time.monotonic, Sharing())
            source = PROTOCOLS[""].open(settings, around)
            assert isinstance(source, DetectingSource)
            opened.callback(lambda: released(source))
            return source

        yield make


def released(source: DetectingSource) -> None:
    with suppress(SmaException):
        source.release(Deadline.after(2))


def power(source: DetectingSource, within: float = 6.0) -> object:
    *_, last = source.read(Deadline.after(within), (), identify=False)
    return last.readings["grid_power"]


def answering(body: object, status: int = 200) -> Answer:
    return lambda _: reply(body, status)


def test_json_with_a_products_tag_is_ennexos(detecting: Open) -> None:
    with EnnexosFake() as fake:
        source = detecting(fake.url)
        assert power(source) == 1200
        assert source.usual_session == "keep"
        asked = fake.calls[0]
        assert (asked.method, asked.target) == ("GET", "/api/v1/system/info")


@pytest.mark.parametrize(
    "answer",
    [
        answering(b"<html></html>"),
        answering(b"", 404),
        answering({"err": 404}),
        answering({"products": 5}),
        answering([{"productTagId": 9491}]),
        answering(b"", 302),
        answering(b"", 500),
        lambda _: None,
    ],
    ids=["html", "404", "error", "other json", "list", "redirect", "500", "drop"],
)
def test_anything_else_is_webconnect(detecting: Open, answer: Answer) -> None:
    with WebConnectFake(VALUES) as fake:
        fake.answers["info"] = answer
        source = detecting(fake.url)
        assert power(source) == 1200
        assert source.usual_session == "scrape"
        assert fake.names()[0] == "info"


def test_a_device_that_hangs_on_what_it_does_not_know_is_webconnect(detecting: Open) -> None:
    hanging = HangingOn("info", VALUES)
    with hanging:
        assert power(detecting(hanging.url, timeout=0.4)) == 1200


class HangingOn(WebConnectFake):
    """Does not answer one call."""

    def __init__(self, name: str, values: Any) -> None:
        super().__init__(values)
        self.answers[name] = self._hang

    def _hang(self, _: Any) -> None:
        time.sleep(1)


def test_nothing_secret_is_sent_before_it_is_known(detecting: Open) -> None:
    with RawDevice(answering(b"<html></html>")) as device:
        with pytest.raises(SmaException):
            power(detecting(device.url))
        first = device.calls[0]
        assert first.body == b""
        head = first.head.lower()
        for secret in (PASSWORD.encode(), USER.encode(), b"authorization", b"cookie"):
            assert secret not in head


def test_a_certificate_that_nobody_vouches_for_offers_its_fingerprint(detecting: Open) -> None:
    with EnnexosSimulator(tls=True) as simulator:
        with pytest.raises(SmaTlsException) as caught:
            power(detecting(simulator.url))
        assert caught.value.reason is Reason.TLS
        assert caught.value.fingerprint == simulator.fingerprint
        assert str(simulator.fingerprint) in str(caught.value)
        assert simulator.requests == []
        assert power(detecting(simulator.url, fingerprints=(simulator.fingerprint,))) is not None
        where = simulator.url.removeprefix("https://")
        with pytest.raises(SmaTlsException):
            power(detecting(where, fingerprints=("ab" * 32,)))


def test_a_device_that_is_off_is_not_reached(detecting: Open) -> None:
    with EnnexosFake() as fake:
        url = fake.url
    with pytest.raises(SmaConnectionException) as caught:
        power(detecting(url))
    assert caught.value.reason is Reason.CONNECTION


def test_an_ennexos_that_hangs_once_keeps_its_session(detecting: Open) -> None:
    with EnnexosFake() as fake:
        source = detecting(fake.url)
        power(source)
        drop: Answer = lambda _: None  # noqa: E731
        fake.answers |= {"measurements/live": drop, INFO: drop}
        for _ in range(2):
            with pytest.raises(SmaConnectionException):
                power(source)
        fake.answers.clear()
        assert power(source) == 1200
        assert fake.logins == 1
