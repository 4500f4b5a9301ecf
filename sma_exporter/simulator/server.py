"""Sockets and threads: a web server whose connections can be ended, with TLS."""

import contextlib
import http.client
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from .certificates import Certificate
from .device import Reply


def head(reply: Reply, length: int, *, close: bool) -> bytes:
    """Return status line and headers, as the devices' web server writes them."""
    lines = [
        f"HTTP/1.1 {reply.status} {http.client.responses.get(reply.status, 'Unknown')}",
        f"Content-Type: {reply.content_type}",
        "Cache-Control: no-store, no-cache, must-revalidate, post-check=0, pre-check=0, max-age=0",
        *(f"{name}: {value}" for name, value in reply.headers),
        f"Content-Length: {length}",
        *(["Connection: close"] if close else []),
        f"Date: {formatdate(usegmt=True)}",
        "Server: lighttpd/1.4.54",
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Cut data into pieces of a size."""
    return (data[start : start + size] for start in range(0, len(data), size))


class Server(ThreadingMixIn, TCPServer):
    """Takes connections, and knows them all, so that it can end them."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        respond: "Callable[[Handler], None]",
        certificate: Callable[[], Certificate | None],
    ) -> None:
        self.respond = respond
        self._certificate = certificate
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}
        self._closing = False
        super().__init__(address, Handler)
        self._bell, self._bell_push = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def _accept(self) -> None:
        """Take connections until the bell rings: unlike serve_forever, stop at once."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while all(key.fileobj is not self._bell for key, _ in selector.select()):
                with contextlib.suppress(OSError):  # the client has gone already
                    self.process_request(*self.get_request())

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread of its own."""
        thread = threading.Thread(
            target=self.process_request_thread, args=(request, client_address), daemon=True
        )
        with self._lock:
            self._open[thread] = request
        thread.start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end. Nobody else waits for its handshake here."""
        with contextlib.suppress(OSError):  # the client went away, or did not like the certificate
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
        self._bell_push.send(b"!")
        self._accepting.join()
        for end in (self.socket, self._bell, self._bell_push):
            end.close()
        with self._lock:
            self._closing = True
            connections = list(self._open.items())
        for thread, connection in connections:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
            thread.join()


class Handler(BaseHTTPRequestHandler):
    """Reads the requests of one connection and hands each of them to the simulator."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_GET(self) -> None:
        """Answer a GET."""
        self.server.respond(self)

    def do_POST(self) -> None:
        """Answer a POST."""
        self.server.respond(self)

    def content(self) -> bytes:
        """Read the body of the request."""
        length = self.headers.get("Content-Length", "0")
        return self.rfile.read(int(length)) if length.isdecimal() else b""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""
