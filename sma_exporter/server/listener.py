"""The listening sockets, and a thread for each connection that they accept."""

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
from .connection_limit import ConnectionLimit
from .unsent_limit import UnsentLimit

_LOGGER = logging.getLogger(__name__)

DEFAULT_LIMITS = ServerLimits()

#: Seconds for the answers under way when the server stops.
STOP_SECONDS = 1.0

_PAUSE_SECONDS = 0.05


class ListenAddress(NamedTuple):
    """Where to listen. An empty host is every address of the machine, IPv6 and IPv4."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> ListenAddress:
    """Return an address as the ecosystem writes it: ":10126", "127.0.0.1:10126", "[::1]:0".

    ValueError with a sentence for anything else.
    """
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isdecimal() or int(port) > 65535 or (":" in host and not bracketed):
        raise ValueError(
            f"{text!r} is no address to listen on: write :PORT, HOST:PORT or [::1]:PORT"
        )
    return ListenAddress(host[1:-1] if bracketed else host, int(port))


class _Listener(TCPServer):
    allow_reuse_address = True
    #: As many as the kernel allows: whoever finds the queue full tries again after a second, then two, four.
    request_queue_size = 4096

    def __init__(self, address: ListenAddress, accept: Callable[[socket.socket], None]) -> None:
        self._accept = accept
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
            # Perhaps no file is left to open. The connection stays in the queue: do not loop on it.
            time.sleep(_PAUSE_SECONDS)
            raise

    def process_request(self, request: Any, _: Any) -> None:
        self._accept(request)

    def handle_error(self, *_: Any) -> None:
        """Log why `process_request` failed; the base class closes that connection and goes on."""
        about = {"error": str(sys.exception())}
        _LOGGER.error("a connection could not be served", extra=about)
        time.sleep(_PAUSE_SECONDS)  # perhaps no thread is left to start


def _wants_ipv6(host: str) -> bool:
    if host:
        return ":" in host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("", 0))
        return True
    return False


class Server:
    """Serves one WSGI application on some addresses, each with an accepting thread of its own.

    `settings` is called for each connection and each answer. OSError when an address cannot be had.
    """

    def __init__(
        self,
        app: WSGIApplication,
        addresses: Sequence[ListenAddress],
        settings: Callable[[], ConnectionSettings] = ConnectionSettings,
        limits: ServerLimits = DEFAULT_LIMITS,
    ) -> None:
        self._app = app
        self._settings = settings
        self._limits = limits
        self._connections = ConnectionLimit(limits.clients)
        self._unsent = UnsentLimit(limits.unsent_bytes)
        self._listeners: list[_Listener] = []
        try:
            for address in addresses:
                self._listeners.append(_Listener(address, self._accept))
        except OSError:
            self._close()
            raise

    @property
    def addresses(self) -> list[ListenAddress]:
        """Where it listens: the ports that port 0 became."""
        return [ListenAddress(*listener.server_address[:2]) for listener in self._listeners]  # type: ignore[arg-type]

    def start(self) -> None:
        """Begin to accept."""
        for listener in self._listeners:
            threading.Thread(target=listener.serve_forever, args=(0.1,), daemon=True).start()

    def stop(self) -> None:
        """Accept no more and free the ports, after `start`.

        An answer under way is finished if it takes at most STOP_SECONDS. No other client is waited for.
        """
        self._connections.close()
        for listener in self._listeners:
            listener.shutdown()
        self._close()
        self._connections.wait_until_empty(STOP_SECONDS)

    def _close(self) -> None:
        for listener in self._listeners:
            listener.server_close()

    def _accept(self, connection: socket.socket) -> None:
        client = ClientConnection(
            connection,
            self._settings,
            self._limits,
            on_busy=self._connections.mark_busy,
            on_idle=self._connections.mark_idle,
            on_unsent=self._unsent.note,
        )
        if not self._connections.add(client):
            connection.close()
            return
        try:
            threading.Thread(target=self._serve, args=(client,), name="client", daemon=True).start()
        except BaseException:  # above all RuntimeError: no thread can be started
            self._connections.remove(client)
            raise

    def _serve(self, client: ClientConnection) -> None:
        try:
            client.serve(self._app)
        finally:
            self._connections.remove(client)
