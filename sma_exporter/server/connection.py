"""One connection to the server: handshake, requests and answers, each within its time. No routes here.

h11 parses what a client sends; `request_head` refuses what two programs could read differently. A body is
never read: the connection ends after the answer, so that nothing in the body can pass for another request.
"""

import contextlib
import email.utils
import logging
import socket
import ssl
import time
from collections.abc import Callable
from typing import NamedTuple
from wsgiref.types import WSGIApplication

import h11

from . import request_head
from .wsgi import ConnectionInfo, Headers, Response, call, environment, plain, with_header

_LOGGER = logging.getLogger(__name__)

#: A client that has not taken an answer after these seconds is slow, and may be evicted.
PROMPT_SECONDS = 1.0
#: How much of a refused client's request is still received: a connection that closes over unread bytes is
#: reset, and the client never reads the answer.
DRAIN_SECONDS, DRAIN_BYTES = 1.0, 1024 * 1024

_PIECE = 16 * 1024
#: After each piece that is sent, other threads may run first: beside many that work, small pieces are slow.
_SENT_PIECE = 64 * 1024
#: What is left of an answer is not reported below this: all clients together cannot have much of it.
_SHORT = 64 * 1024
#: The first byte of every TLS handshake, and of no HTTP request.
_HANDSHAKE = b"\x16"

_VERSIONS = {b"1.0", b"1.1"}

_NOT_TLS = plain("400 Bad Request", "This port speaks https.")
_NOT_HTTP = plain("400 Bad Request", "This is not HTTP as it should be.")
_TOO_LONG = plain("431 Request Header Fields Too Large", "The request is too long.")
_BROKEN = plain("500 Internal Server Error", "A mistake of the exporter; its log says more.")


class ServerLimits(NamedTuple):
    """How much of the server clients may use."""

    clients: int = 128
    """Connections at a time, and so threads; Prometheus keeps one or two."""
    head_bytes: int = 32 * 1024
    """Of a request's first line and headers together; Prometheus sends about 400."""
    head_seconds: float = 10.0
    """To the end of the head: from the connection, handshake included, or the first byte on a kept one."""
    keep_seconds: float = 150.0
    """Until the next request on a kept connection: longer than most scrape intervals."""
    answer_seconds: float = 30.0
    """For taking a whole answer."""
    unsent_bytes: int = 32 * 1024 * 1024
    """Of all long answers together that clients have still to take; beyond it the slowest client is ended."""


class ConnectionSettings(NamedTuple):
    """How the server speaks to clients."""

    tls: ssl.SSLContext | None = None
    """None is plain HTTP."""
    headers: Headers = ()
    """They stand in every answer, and replace the application's own of the same names."""


class ClientConnection:
    """A connected client, served by the thread that calls `serve`; other threads may end it.

    `settings` is called for each connection and each answer. `on_busy` is called when the application begins
    to work for the client, `on_idle` when the server waits for the client again: for its next request, or
    because it takes an answer slowly. `on_unsent` is told how many bytes of a long answer the client has
    still to take, and 0 in the end.
    """

    is_served = False
    """Whether it has got, and taken, an answer that is no refusal: what is silent has not."""

    def __init__(
        self,
        connection: socket.socket,
        settings: Callable[[], ConnectionSettings],
        limits: ServerLimits,
        on_busy: Callable[["ClientConnection"], None],
        on_idle: Callable[["ClientConnection"], None],
        on_unsent: Callable[["ClientConnection", int], None],
    ) -> None:
        self._socket = connection
        self._settings = settings
        self._limits = limits
        self._on_busy, self._on_idle, self._on_unsent = on_busy, on_idle, on_unsent
        self._tls: ssl.SSLContext | None = None
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._peer = ""
        self._aborted = self._last = self._has_request = False

    def serve(self, app: WSGIApplication) -> None:
        """Answer requests until the client has gone, or has taken too long. Raises nothing."""
        deadline = time.monotonic() + self._limits.head_seconds
        try:
            self._peer = str(self._socket.getpeername()[0])
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._begin_tls(deadline):
                self._serve_requests(app, deadline)
        except OSError as error:
            self._log("a client went away", error=type(error).__name__)
        except Exception as error:
            _LOGGER.debug("internal error", exc_info=True)
            _report(type(error).__name__)
        finally:
            self._end_tls()
            with contextlib.suppress(OSError):
                self._socket.close()

    def abort(self) -> None:
        """End the connection now; the thread that serves it wakes up."""
        self._aborted = True
        with contextlib.suppress(OSError):  # it may have gone by itself
            # Not SSLSocket's own method: it would switch encryption off under the other thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close_after_answer(self) -> None:
        """End the connection after the answer to its present request, or now if it has none."""
        self._last = True
        if not self._has_request:
            self.abort()

    # The connection -------------------------------------------------------------------------------

    def _begin_tls(self, deadline: float) -> bool:
        """Do the handshake, if there is to be one; False when the client begins none."""
        self._tls = self._settings().tls
        if self._tls is None:
            return True
        self._set_timeout(deadline)
        first = self._socket.recv(1, socket.MSG_PEEK)
        if first != _HANDSHAKE:
            if first:
                self._refuse(_NOT_TLS)
            return False
        secured = self._tls.wrap_socket(
            self._socket, server_side=True, do_handshake_on_connect=False
        )
        self._socket = secured
        if self._aborted:  # perhaps while neither socket had the connection
            return False
        self._set_timeout(deadline)
        try:
            secured.do_handshake()
        except ssl.SSLError:
            self._drain()  # so that the client reads the alert
            raise
        return True

    def _end_tls(self) -> None:
        """Tell the client that TLS ends, without waiting for the same from the client."""
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._socket.settimeout(0)
                self._socket.unwrap()

    def _set_timeout(self, deadline: float) -> None:
        """Let the next operation take the time that is left. TimeoutError when none is."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _receive(self, deadline: float) -> None:
        self._set_timeout(deadline)
        self._http.receive_data(self._socket.recv(_PIECE))

    def _send(self, parts: list[memoryview], deadline: float) -> None:
        """Send until the deadline; what is left stays in `parts`."""
        with contextlib.suppress(TimeoutError):
            while parts:
                unsent = sum(map(len, parts))
                if unsent > _SHORT:
                    self._on_unsent(self, unsent)
                self._set_timeout(deadline)
                parts[0] = parts[0][self._socket.send(parts[0][:_SENT_PIECE]) :]
                if not parts[0]:
                    del parts[0]

    def _drain(self) -> None:
        """Receive what the client still sends, so that it can read the last answer."""
        self._end_tls()
        raw = socket.socket  # below TLS: what the client still says does not matter
        raw.shutdown(self._socket, socket.SHUT_WR)
        deadline, left = time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
        while left > 0:
            self._set_timeout(deadline)
            piece = raw.recv(self._socket, _PIECE)
            if not piece:
                return
            left -= len(piece)

    # Requests and answers -------------------------------------------------------------------------

    def _serve_requests(self, app: WSGIApplication, deadline: float) -> None:
        connection = self._connection_info()
        while (request := self._next_request(deadline)) is not None:
            self._has_request = True
            self._answer(app, request, connection)
            self._has_request = False
            if self._last or self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()
            if not self._http.trailing_data[0]:
                self._receive(time.monotonic() + self._limits.keep_seconds)
            deadline = time.monotonic() + self._limits.head_seconds

    def _answer(
        self, app: WSGIApplication, request: h11.Request, connection: ConnectionInfo
    ) -> None:
        has_body = request_head.has_body(request)
        response = self._call_app(app, request, connection)
        keep = not (has_body or self._last) and self._settings().tls is self._tls
        self._respond(response, keep=keep)
        if has_body:
            self._drain()

    def _connection_info(self) -> ConnectionInfo:
        host, port = self._socket.getsockname()[:2]
        secured = isinstance(self._socket, ssl.SSLSocket)
        certificate = (
            self._socket.getpeercert() if isinstance(self._socket, ssl.SSLSocket) else None
        )
        return ConnectionInfo((str(host), port), self._peer, secured, certificate or None)

    def _next_request(self, deadline: float) -> h11.Request | None:
        """Return the head of the next request; None when the client is done, or its request is refused."""
        try:
            while (event := self._next_event()) is h11.NEED_DATA:
                self._receive(deadline)
            if not isinstance(event, h11.Request):
                return None
            if not request_head.has_body(event):
                self._http.next_event()  # its end
            if event.http_version in _VERSIONS:
                return event
            self._refuse(_NOT_HTTP)
        except h11.RemoteProtocolError as error:
            self._refuse(_TOO_LONG if error.error_status_hint == 431 else _NOT_HTTP)
        return None

    def _next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Return what comes next. h11.RemoteProtocolError if the head is too long or ambiguous."""
        data, _ = self._http.trailing_data
        length = request_head.length(data)
        if (len(data) if length is None else length) > self._limits.head_bytes:
            raise h11.RemoteProtocolError("too long", error_status_hint=431)
        if length is not None and request_head.is_ambiguous(data[:length]):
            raise h11.RemoteProtocolError("ambiguous")
        return self._http.next_event()

    def _call_app(
        self, app: WSGIApplication, request: h11.Request, connection: ConnectionInfo
    ) -> Response:
        self._on_busy(self)
        if self._aborted:  # just before: the client would not get the answer
            raise ConnectionAbortedError
        try:
            response = call(app, environment(request, connection))
        except Exception as error:
            _LOGGER.debug("internal error", exc_info=True)
            _report(type(error).__name__)
            response = _BROKEN
        self._log("answered", status=response.status, target=request.target.decode("latin-1"))
        return response

    def _respond(self, response: Response, *, keep: bool) -> None:
        headers = with_header(response.headers, "Date", email.utils.formatdate(usegmt=True))
        for name, value in self._settings().headers:
            headers = with_header(headers, name, value)
        if not keep:
            headers = with_header(headers, "Connection", "close")
        code, _, reason = response.status.partition(" ")
        head = h11.Response(
            status_code=int(code), reason=reason.encode("latin-1"), headers=[*headers]
        )
        events = (head, h11.Data(response.body), h11.EndOfMessage())
        begin, body, end = (self._http.send(event) or b"" for event in events)
        # Not joined: a long answer is not to be there twice.
        pieces = (begin + body[:_PIECE], memoryview(body)[_PIECE:], end)
        parts = [memoryview(piece) for piece in pieces if piece]
        try:
            self._send_within(parts, is_refusal=int(code) >= 400)
        finally:
            self._on_unsent(self, 0)

    def _send_within(self, parts: list[memoryview], *, is_refusal: bool) -> None:
        """Send an answer. TimeoutError if the client does not take it in time."""
        begin = time.monotonic()
        self._send(parts, begin + PROMPT_SECONDS)
        if parts:
            self.is_served = False
            self._on_idle(self)
            self._send(parts, begin + self._limits.answer_seconds)
        if parts:
            raise TimeoutError
        self.is_served = not is_refusal
        self._on_idle(self)

    def _refuse(self, response: Response) -> None:
        self._log("refused", status=response.status)
        self._respond(response, keep=False)
        self._drain()

    def _log(self, message: str, **about: object) -> None:
        _LOGGER.debug(message, extra={"client": self._peer} | about)


def _report(name: str) -> None:
    _LOGGER.error("internal error (%s): please report it, with --log.level=debug", name)
