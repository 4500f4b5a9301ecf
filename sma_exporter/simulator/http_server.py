"""An HTTP server for simulated devices, with TLS, whose connections can be ended at any time."""

import contextlib
import http.client
import json
import selectors
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .certificates import Certificate

JSON = "application/json;"  # the devices send the semicolon
HTML = "text/html"
USUAL_HEADERS = {
    "Cache-Control": "no-store, no-cache, must-revalidate, post-check=0, pre-check=0, max-age=0",
    "Server": "lighttpd/1.4.54",
}


@dataclass(frozen=True)
class SimulatedRequest:
    """An HTTP request. `query`: the first value of each name; `headers` ignores case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes


@dataclass(frozen=True)
class SimulatedReply:
    """An HTTP reply. `headers`: those besides content type and length, or instead of `USUAL_HEADERS`."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def compact_json(content: object) -> bytes:
    """Return a body of JSON without spaces, as the devices send it."""
    return json.dumps(content, separators=(",", ":")).encode()


def head(reply: SimulatedReply, length: int, *, close: bool) -> bytes:
    """Return status line and headers, as the devices' web server writes them."""
    lines = [
        f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, 'Unknown')}",
        f"Content-Type: {reply.content_type}",
        *(f"{name}: {value}" for name, value in {**USUAL_HEADERS, **dict(reply.headers)}.items()),
        f"Content-Length: {length}",
        *(["Connection: close"] if close else []),
        f"Date: {formatdate(usegmt=True)}",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Cut data into pieces of a size."""
    return (data[start : start + size] for start in range(0, len(data), size))


class HttpServer(ThreadingMixIn, TCPServer):
    """Serves each connection in its own thread, and can end all of them."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        respond: "Callable[[HttpConnection], None]",
        certificate: Callable[[], Certificate | None],
    ) -> None:
        self.respond = respond
        self._certificate = certificate
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        super().__init__(address, HttpConnection)
        self._wake_up, self._wake_up_sender = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def _accept(self) -> None:
        """Accept connections until the wake-up socket has data: serve_forever stops later."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake_up, selectors.EVENT_READ)
            while all(key.fileobj is not self._wake_up for key, _ in selector.select()):
                with contextlib.suppress(OSError):  # the client has closed already
                    self.process_request(*self.get_request())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start the thread of a connection."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end. Its handshake delays no other connection."""
        with contextlib.suppress(OSError):  # the client closed, or refused the certificate
            certificate = self._certificate()
            if certificate is None:
                super().finish_request(request, client_address)
                return
            context = certificate.context
            with context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            ) as connection:
                with self._lock:
                    self._open[threading.current_thread()] = connection
                    if self._closing:
                        return
                connection.do_handshake()
                super().finish_request(connection, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._lock:
            self._open.pop(threading.current_thread(), None)

    def stop(self) -> None:
        """Free the port, end all connections and wait for the threads."""
        self._wake_up_sender.send(b"!")
        self._accepting.join()
        for end in (self.socket, self._wake_up, self._wake_up_sender):
            end.close()
        with self._lock:
            self._closing = True
            connections = list(self._open.items())
        for thread, connection in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join()


class HttpConnection(BaseHTTPRequestHandler):
    """Reads the requests of one connection and passes each of them to the simulator."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.respond(self)

    def do_POST(self) -> None:
        """Answer a POST."""
        self.server.respond(self)

    def do_DELETE(self) -> None:
        """Answer a DELETE."""
        self.server.respond(self)

    def read_request(self) -> SimulatedRequest:
        """Read the body, and return the whole request."""
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        length = self.headers.get("Content-Length", "0")
        body = self.rfile.read(int(length)) if length.isdecimal() else b""
        return SimulatedRequest(self.command, url.path, query, self.headers, body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Write no log."""
