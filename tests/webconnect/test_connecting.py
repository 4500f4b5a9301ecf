"""How long a connection may take, also where a request has more time for its answer."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from support.raw_devices import WebConnectFake, tls_context

from sma_exporter.sma.exceptions import SmaTimeoutException
from sma_exporter.webconnect import SMA, make_session

VALUES = {"6100_40263F00": {"1": [{"val": 1840}]}}
PASSWORD = "Sunny-1234"
TIMEOUT, LOGIN_TIMEOUT = 0.5, 30.0
LONGEST = 10.0  # far below the time of a login, far above that of a request

Connect = Callable[[str], SMA]


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def start(url: str) -> SMA:
            session = stack.enter_context(make_session(verify=False))
            return SMA(session, url, PASSWORD, timeout=TIMEOUT, login_timeout=LOGIN_TIMEOUT)

        yield start


@pytest.fixture
def filtered() -> Iterator[int]:
    """A port where packets are lost: whoever listens has no room for one more."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as server,
        socket.create_connection(server.getsockname()),
    ):
        yield server.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def seconds_until_the_time_out(client: SMA) -> float:
    started = time.monotonic()
    with pytest.raises(SmaTimeoutException, match=r"no connection to .* within 0\.5 s") as caught:
        client.read_all()
    assert not caught.value.sent
    assert not caught.value.login_lost
    return time.monotonic() - started


@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
def test_a_login_does_not_wait_longer_for_a_connection_than_any_request(
    filtered: int, connect: Connect, scheme: str
) -> None:
    assert seconds_until_the_time_out(connect(f"{scheme}127.0.0.1:{filtered}")) < LONGEST


def test_a_login_does_not_wait_longer_for_a_tls_handshake_than_any_request(
    silent: int, connect: Connect
) -> None:
    assert seconds_until_the_time_out(connect(f"https://127.0.0.1:{silent}")) < LONGEST


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_all_dead_addresses_of_a_name_together_take_as_long_as_one(
    filtered: int, connect: Connect, scheme: str
) -> None:
    real = socket.getaddrinfo
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", filtered))

    def resolve(host: Any, *args: Any, **options: Any) -> Any:
        is_looked_up = host == "dead.test" and not options.get("flags")
        return [address] * 12 if is_looked_up else real(host, *args, **options)

    with mock.patch.object(socket, "getaddrinfo", resolve):  # the name service is the machine's
        client = connect(f"{scheme}://dead.test:{filtered}")
        assert seconds_until_the_time_out(client) < LONGEST


def test_the_answer_to_a_login_is_awaited_longer_than_any_other(connect: Connect) -> None:
    with WebConnectFake(VALUES, tls=tls_context()) as device:

        def late(call: Any) -> bytes | None:
            time.sleep(2 * TIMEOUT)
            return device.usual(call)

        device.answers["login"] = late

        assert connect(device.url).read_all() == VALUES


def test_before_a_login_nothing_is_awaited_longer_than_any_request(connect: Connect) -> None:
    with WebConnectFake(VALUES) as device:
        device.answers["sessionCheck"] = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        started = time.monotonic()

        with pytest.raises(SmaTimeoutException, match="no complete answer within"):
            connect(device.url).read_all()

        assert time.monotonic() - started < LONGEST
        assert "login" not in device.names()
