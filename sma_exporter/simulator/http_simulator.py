"""A simulated device on a port, over HTTP: starts, stops, counts requests, applies faults."""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal, Protocol, Self

from . import certificates
from .certificates import CertificateFiles
from .http_faults import Delay, Faults, Hang, Transmit, outcome
from .http_server import (
    HttpConnection,
    HttpServer,
    SimulatedReply,
    SimulatedRequest,
    head,
    pieces,
)

# Passwords of devices that do not exist.
PASSWORD = "Sunny-1234"  # noqa: S105
INSTALLER_PASSWORD = "Sunny-9876"  # noqa: S105


class HttpDevice(Protocol):
    """What answers the requests. Knows no sockets."""

    def endpoint(self, path: str) -> str | None:
        """Return the name that faults give this path; None if they cannot name it."""

    def handle(self, request: SimulatedRequest) -> SimulatedReply:
        """Return the reply to a request."""


def wait_for_end(connection: socket.socket) -> None:
    """Wait until the client closes the connection, or a stop ends it."""
    while connection.recv(4096):
        pass


def reset(connection: socket.socket) -> None:
    """Close a connection with a TCP reset, as its peer sees a device that lost power."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


class HttpSimulator:
    """One simulated device. `latency`: seconds before each reply; `tls`: True, or certificate and key."""

    def __init__(
        self,
        device: HttpDevice,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: Literal[True] | CertificateFiles | None = None,
        latency: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.faults = Faults()
        self._http_device = device
        self._host, self._port = host, port
        self._certificate = certificates.served(tls, host)
        self._latency = latency
        self._monotonic = monotonic
        self._server: HttpServer | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._requests: list[tuple[float, str]] = []

    def start(self) -> None:
        """Listen. After a stop, on the same port again."""
        if self._server is not None:
            raise RuntimeError("the simulator is running already")
        self._stopping.clear()
        self._server = HttpServer(
            (self._host, self._port), self._respond, lambda: self._certificate
        )
        self._port = self._server.port

    def stop(self) -> None:
        """Close all connections and the port, and wait for the threads."""
        if self._server is None:
            return
        self._stopping.set()
        self._server.stop()
        self._server = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port; 0 before the first start chooses one."""
        return self._port

    @property
    def url(self) -> str:
        """The device's URL."""
        return f"{'http' if self._certificate is None else 'https'}://{self._host}:{self._port}"

    @property
    def fingerprint(self) -> str | None:
        """The served certificate's "sha256:AB:CD:…"; None without TLS."""
        return None if self._certificate is None else self._certificate.fingerprint

    @property
    def issuer(self) -> bytes | None:
        """The certificate of the served one's issuer, as PEM, for a `ca_file`; None without TLS."""
        return None if self._certificate is None else self._certificate.issuer

    def replace_certificate(self) -> None:
        """Serve a new certificate from the next handshake on."""
        if self._certificate is None:
            raise RuntimeError("the simulator does not speak TLS")
        self._certificate = certificates.generated(self._host)

    @property
    def requests(self) -> list[tuple[float, str]]:
        """Monotonic time and path of every request, in order of arrival."""
        with self._lock:
            return list(self._requests)

    def reset_counts(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._requests.clear()

    def _respond(self, connection: HttpConnection) -> None:
        """Record one request and answer it, or apply a fault."""
        request = connection.read_request()
        endpoint = self._http_device.endpoint(request.path)
        with self._lock:
            self._requests.append((self._monotonic(), request.path))
        action = self.faults.take(endpoint)
        seconds = self._latency + (action.seconds if isinstance(action, Delay) else 0)
        if self._stopping.wait(seconds):  # a stopped device neither works nor answers
            connection.close_connection = True
            return
        reply = outcome(action, endpoint, lambda: self._http_device.handle(request))
        if isinstance(action, Hang):
            wait_for_end(connection.connection)
        if reply is None:
            connection.close_connection = True
        else:
            self._send(connection, reply, action if isinstance(action, Transmit) else Transmit())

    def _send(self, connection: HttpConnection, reply: SimulatedReply, how: Transmit) -> None:
        """Send a reply: whole and in one piece, or as a fault wants it.

        Head and body in two pieces would wait for delayed acknowledgements.
        """
        length = max(0, len(reply.body) - how.missing)
        start = head(reply, length, close=connection.close_connection)
        body = reply.body[: int(len(reply.body) * how.fraction)]
        if how.part == "body":
            connection.wfile.write(start)
            start = b""
        for piece in pieces(start + body, how.chunk or len(start + body)):
            connection.wfile.write(piece)
            if self._stopping.wait(how.interval):
                break
        connection.close_connection |= body != reply.body or how.missing > 0
        if how.reset:
            reset(connection.connection)
