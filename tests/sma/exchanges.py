"""Devices and sessions for the tests of HTTP: `http`, `device`, `secure` and so on are fixtures."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from sma_exporter.simulator import Simulator
from sma_exporter.sma.connections import make_session
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import SmaException
from sma_exporter.sma.http import HttpReply, exchange

Simulate = Callable[..., Simulator]
MakeHttp = Callable[..., requests.Session]

PATH = "/dyn/getDashValues.json"  # long enough to drip
SECRET = "K9mXB2yaaRtaC0y1"
OTHER_PIN = "ab" * 32


@pytest.fixture
def http() -> Iterator[MakeHttp]:
    """Make sessions, with make_session's arguments; they are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(make_session(*args, **options))


@pytest.fixture
def device(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6")


@pytest.fixture
def secure(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", tls=True)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed(simulate: Simulate) -> int:
    """A port where nobody listens."""
    device = simulate("sb-3.6")
    device.stop()
    return device.port


def received(connection: socket.socket) -> bytes:
    """A whole request: whoever closes a connection with something unread resets it."""
    request = b""
    while piece := connection.recv(65_536):
        request += piece
        head, _, body = request.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        if length and len(body) == int(length[1]):
            break
    return request


class Answering:
    """Serves requests, one a URL, with any bytes whatever; `requests` are those that came."""

    def __init__(self, stack: ExitStack) -> None:
        self.requests: list[bytes] = []
        self._stack = stack

    def __call__(self, answer: Iterable[bytes], context: ssl.SSLContext | None = None) -> str:
        server = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            connection, _ = server.accept()
            if context is not None:
                connection = context.wrap_socket(connection, server_side=True)
            with connection, suppress(OSError):
                self.requests.append(received(connection))
                for piece in answer:
                    connection.sendall(piece)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self._stack.callback(thread.join, 10)
        scheme = "http" if context is None else "https"
        return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def answering() -> Iterator[Answering]:
    with ExitStack() as stack:
        yield Answering(stack)


@pytest.fixture
def black_holes() -> Iterator[list[tuple[str, int]]]:
    """Three addresses where no connection comes about: whoever listens has no room for one more."""
    with ExitStack() as stack:
        addresses = []
        for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            server = stack.enter_context(socket.create_server((host, 0), backlog=0))
            addresses.append(server.getsockname())
            stack.enter_context(socket.create_connection(addresses[-1]))
        yield addresses


@pytest.fixture
def issuer(secure: Simulator, tmp_path: Path) -> str:
    """The file with the authority that signed the secure device's certificate."""
    assert secure.issuer
    path = tmp_path / "issuer.pem"
    path.write_bytes(secure.issuer)
    return str(path)


def ask(session: requests.Session, url: str, seconds: float = 10.0) -> HttpReply:
    deadline = Deadline.after(seconds)
    return exchange(
        session, "POST", url + PATH, payload={}, params={"sid": SECRET}, deadline=deadline
    )


def failure(session: requests.Session, url: str, seconds: float = 10.0) -> SmaException:
    """What an exchange fails with; it tells nothing that it should not."""
    with pytest.raises(SmaException) as caught:
        ask(session, url, seconds)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert SECRET not in f"{error} {error!r} {vars(error)}"
    return error


def pin(device: Simulator) -> str:
    assert device.fingerprint
    return device.fingerprint
