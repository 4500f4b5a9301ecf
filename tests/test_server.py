"""Sockets: addresses, and clients that do not behave."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from programs import get

from sma_exporter.server import Address, Server, parse_address


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("a mistake")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(hello, [Address("127.0.0.1", 0)])
    running.start()
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10126", Address("", 10126)),
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("localhost:9100", Address("localhost", 9100)),
        ("[::1]:9100", Address("::1", 9100)),
        ("[::]:9100", Address("::", 9100)),
    ],
)
def test_addresses_as_the_ecosystem_writes_them(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10126", "host", "::1:9100", ":65536", ":-1", ":http", "[::1]"]
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)


def test_several_addresses_and_ipv6() -> None:
    with ExitStack() as stack:
        probe = stack.enter_context(socket.socket(socket.AF_INET6))
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = Server(hello, [Address("127.0.0.1", 0), Address("::1", 0)])
        server.start()
        stack.callback(server.stop)

        answers = [get(f"http://{address}/").text for address in server.addresses]

    assert answers == ["hello", "hello"]


def test_no_host_is_every_address() -> None:
    server = Server(hello, [Address("", 0)])
    server.start()
    try:
        assert get(f"http://127.0.0.1:{server.addresses[0].port}/").text == "hello"
    finally:
        server.stop()


def test_silent_clients_block_nobody(server: Server) -> None:
    (address,) = server.addresses
    with ExitStack() as stack:
        for _ in range(50):
            silent = stack.enter_context(socket.create_connection(address))
            silent.sendall(b"GET / HT")

        assert get(f"http://{address}/").text == "hello"


def test_a_mistake_in_the_application_is_a_500_without_a_traceback(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (address,) = server.addresses

    response = get(f"http://{address}/broken")

    assert response.status_code == 500
    assert "Traceback" not in response.text
    assert "Traceback" not in capsys.readouterr().err


def test_a_port_in_use_is_an_error_and_frees_what_was_bound(server: Server) -> None:
    (taken,) = server.addresses
    free = Server(hello, [Address("127.0.0.1", 0)])
    wanted = free.addresses[0]
    free.start()
    free.stop()

    with pytest.raises(OSError, match="in use"):
        Server(hello, [wanted, taken])

    again = Server(hello, [wanted])
    again.start()
    again.stop()


def test_stopping_frees_the_port_and_the_threads() -> None:
    before = threading.active_count()
    server = Server(hello, [Address("127.0.0.1", 0)])
    server.start()
    (address,) = server.addresses

    server.stop()

    with pytest.raises(OSError), socket.create_connection(address):  # noqa: PT011 - refused
        pass
    assert threading.active_count() <= before + 1
