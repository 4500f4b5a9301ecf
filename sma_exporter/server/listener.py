"""The listening sockets, and who is let in when many come."""

import contextlib
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from socketserver import BaseRequestHandler, TCPServer
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication

from .connection import ClientConnection, ConnectionSettings, ServerLimits

_LOGGER = logging.getLogger(__name__)

DEFAULT_LIMITS = ServerLimits()

#: Seconds that everybody gets for asking, however many newcomers there are: what it takes on a local network.
FAIR_SECONDS = 0.05
#: Seconds that a stop leaves for answers under way.
STOP_SECONDS = 1.0

_PAUSE_SECONDS = 0.05


class Address(NamedTuple):
    """Where to listen. An empty host is every address of the machine, IPv6 and IPv4."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return an address as the ecosystem writes it: ":10126", "127.0.0.1:10126", "[::1]:0".

    ValueError with a sentence for anything else.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(
            f"{text!r} is no address to listen on: write :PORT, HOST:PORT or [::1]:PORT"
        )
    return Address(host[1:-1] if bracketed else host, int(port))


class _Crowd:
    """The clients that are connected, and which of them are waited for.

    When it is full a newcomer takes the place of the client that has been waited for longest; while the
    application works for all of them, it waits.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._present: set[ClientConnection] = set()
        self._awaited: dict[ClientConnection, float] = {}  # since when; the longest first
        self._displaced: ClientConnection | None = None  # until it has gone
        self._changed = threading.Condition()
        self._closed = False

    def enter(self, client: ClientConnection) -> bool:
        """Let a client in; False when nobody is let in any more."""
        with self._changed:
            while len(self._present) >= self._limit and not self._closed:
                self._changed.wait(self._displace())
            if self._closed:
                return False
            self._present.add(client)
            self._awaited[client] = time.monotonic()
            return True

    def _displace(self) -> float | None:
        """Cut the client that has been waited for longest; or return in how many seconds that is fair."""
        if not self._awaited or self._displaced is not None:
            return None
        client, since = next(iter(self._awaited.items()))
        unfair = since + FAIR_SECONDS - time.monotonic()
        if unfair > 0:
            return unfair
        self._displaced = client
        del self._awaited[client]
        client.cut()
        return None

    def works(self, client: ClientConnection) -> None:
        """Note that the application works for this client, which cannot be cut then."""
        with self._changed:
            self._awaited.pop(client, None)

    def waits(self, client: ClientConnection) -> None:
        """Note that everything is up to this client."""
        with self._changed:
            if client is not self._displaced:
                self._awaited.pop(client, None)
                self._awaited[client] = time.monotonic()
                self._changed.notify_all()

    def leave(self, client: ClientConnection) -> None:
        """Note that this client has gone."""
        with self._changed:
            self._awaited.pop(client, None)
            self._present.discard(client)
            if client is self._displaced:
                self._displaced = None
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in, and those who are in only get their present answer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            for client in self._present:
                client.dismiss()

    def wait(self, seconds: float) -> None:
        """Wait until all have gone, so long at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self._present, seconds)


class _Listener(TCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: Address, welcome: Callable[[socket.socket], None]) -> None:
        self._welcome = welcome
        self.address_family = socket.AF_INET6 if _wants_ipv6(address.host) else socket.AF_INET
        super().__init__((address.host, address.port), BaseRequestHandler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6 and not self.server_address[0]:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def get_request(self) -> tuple[socket.socket, Any]:
        try:
            return self.socket.accept()
        except OSError:
            time.sleep(
                _PAUSE_SECONDS
            )  # no file may be left to open; the connection stays in its queue
            raise

    def process_request(self, request: Any, _: Any) -> None:
        self._welcome(request)

    def handle_error(self, *_: Any) -> None:
        about = {"error": str(sys.exception())}
        _LOGGER.error("a connection could not be served", extra=about)
        time.sleep(_PAUSE_SECONDS)  # no thread may be left


def _wants_ipv6(host: str) -> bool:
    if host:
        return ":" in host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("", 0))
        return True
    return False


class Server:
    """Serves one WSGI application on some addresses, each with an accepting thread of its own.

    `terms` are asked for each connection and each answer. OSError when an address cannot be had.
    """

    def __init__(
        self,
        app: WSGIApplication,
        addresses: Sequence[Address],
        terms: Callable[[], ConnectionSettings] = ConnectionSettings,
        limits: ServerLimits = DEFAULT_LIMITS,
    ) -> None:
        self._app = app
        self._terms = terms
        self._limits = limits
        self._crowd = _Crowd(limits.clients)
        self._listeners: list[_Listener] = []
        try:
            for address in addresses:
                self._listeners.append(_Listener(address, self._welcome))
        except OSError:
            self._close()
            raise

    @property
    def addresses(self) -> list[Address]:
        """Where it listens: the ports that port 0 became."""
        return [Address(*listener.server_address[:2]) for listener in self._listeners]  # type: ignore[arg-type]

    def start(self) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Accept no more and free the ports, after `start`.

        Who is being answered gets the rest if it takes no longer than a moment; nobody else is waited for.
        """
        self._crowd.close()
        for listener in self._listeners:
            listener.shutdown()
        self._close()
        self._crowd.wait(STOP_SECONDS)

    def _close(self) -> None:
        for listener in self._listeners:
            listener.server_close()

    def _welcome(self, connection: socket.socket) -> None:
        client = ClientConnection(
            connection, self._terms, self._limits, self._crowd.works, self._crowd.waits
        )
        if not self._crowd.enter(client):
            connection.close()
            return
        try:
            threading.Thread(target=self._serve, args=(client,), name="client", daemon=True).start()
        except RuntimeError:  # there is no thread to be had
            self._crowd.leave(client)
            raise

    def _serve(self, client: ClientConnection) -> None:
        try:
            client.serve(self._app)
        finally:
            self._crowd.leave(client)
