"""Sockets: a thread a connection, none of which can wait for ever. No routes here.

The standard library's WSGI server, bounded: a client gets a few seconds to send its request, which
wsgiref limits in size, so that a silent one costs a thread for that long and nobody else anything.
"""

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from socketserver import TCPServer, ThreadingMixIn
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

_LOGGER = logging.getLogger(__name__)

#: Seconds that a client may take to send a request or to take a piece of the answer.
CLIENT_SECONDS = 10.0


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


class _Handler(WSGIRequestHandler):
    timeout = CLIENT_SECONDS

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        _LOGGER.debug(format, *args)

    def get_stderr(self) -> Any:
        return _ErrorLines()

    def address_string(self) -> str:
        return str(self.client_address[0])


class _ErrorLines:
    """Where wsgiref writes what the application did not catch: one line of ours instead of a traceback."""

    def write(self, text: str) -> None:
        if text.strip():
            _LOGGER.debug("unexpected: %s", text.strip())

    def writelines(self, lines: Iterable[str]) -> None:
        self.write("".join(lines))

    def flush(self) -> None:
        """Nothing is kept."""


class _Listener(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: Address) -> None:
        self.address_family = socket.AF_INET6 if _wants_ipv6(address.host) else socket.AF_INET
        super().__init__((address.host, address.port), _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6 and not self.server_address[0]:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        TCPServer.server_bind(self)  # http.server's asks the DNS for the machine's name
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, _request: Any, client_address: Any) -> None:
        about = {"client": client_address[0], "error": type(sys.exception()).__name__}
        _LOGGER.debug("a client went away", extra={"fields": about})


def _wants_ipv6(host: str) -> bool:
    if host:
        return ":" in host
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("", 0))
        return True
    return False


class Server:
    """Serves one WSGI application on some addresses, each with an accepting thread of its own.

    OSError when an address cannot be had.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], addresses: Sequence[Address]) -> None:
        self._listeners: list[_Listener] = []
        try:
            for address in addresses:
                listener = _Listener(address)
                listener.set_app(app)
                self._listeners.append(listener)
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
        """Accept no more and free the ports, after `start`; answers under way are not waited for."""
        for listener in self._listeners:
            listener.shutdown()
        self._close()

    def _close(self) -> None:
        for listener in self._listeners:
            listener.server_close()
