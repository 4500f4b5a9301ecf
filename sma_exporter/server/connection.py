"""One client of the server: handshake, requests and answers, each within its time. No routes here.

What a client sends is parsed by h11, which refuses whatever two programs could read differently. A body is
never read: the connection ends after the answer, so that nothing in it can pass for another request.
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

from .wsgi import ConnectionInfo, Headers, Response, call, environment, plain, with_header

_LOGGER = logging.getLogger(__name__)

#: Seconds in which a client takes an answer unless it is slow.
PROMPT_SECONDS = 1.0
#: How far a refused client is listened to: who is cut off while it sends reads no answer.
LINGER_SECONDS, LINGER_BYTES = 1.0, 1024 * 1024

_PIECE = 16 * 1024
#: The first byte of every TLS handshake, and of no HTTP request.
_HANDSHAKE = b"\x16"

_VERSIONS = {b"1.0", b"1.1"}

_NOT_TLS = plain("400 Bad Request", "This port speaks https.")
_NOT_HTTP = plain("400 Bad Request", "This is not HTTP as it should be.")
_TOO_LONG = plain("431 Request Header Fields Too Large", "The request is too long.")
_BROKEN = plain("500 Internal Server Error", "A mistake of the exporter; its log says more.")


class ServerLimits(NamedTuple):
    """What clients may take of the server."""

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


class ConnectionSettings(NamedTuple):
    """On which terms clients are served."""

    tls: ssl.SSLContext | None = None
    """What connections are secured by; None is plain HTTP."""
    headers: Headers = ()
    """What every answer carries, in place of the application's own headers of these names."""


class ClientConnection:
    """A connected client, served by the thread that calls `serve`; other threads may end it.

    `terms` are asked for each connection and each answer. `works` is called when the application begins to
    work for the client, `waits` when everything is up to the client again: to ask anew, or to take at last
    what it should have taken.
    """

    def __init__(
        self,
        connection: socket.socket,
        terms: Callable[[], ConnectionSettings],
        limits: ServerLimits,
        works: Callable[["ClientConnection"], None],
        waits: Callable[["ClientConnection"], None],
    ) -> None:
        self._socket = connection
        self._terms = terms
        self._limits = limits
        self._works, self._waits = works, waits
        self._tls: ssl.SSLContext | None = None
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=limits.head_bytes)
        self._peer = ""
        self._cut = self._last = self._engaged = False

    def serve(self, app: WSGIApplication) -> None:
        """Response requests until the client has gone, or has taken too long. Raises nothing."""
        deadline = time.monotonic() + self._limits.head_seconds
        try:
            self._peer = str(self._socket.getpeername()[0])
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure(deadline):
                self._converse(app, deadline)
        except OSError as error:
            self._log("a client went away", error=type(error).__name__)
        except Exception as error:
            _LOGGER.debug("internal error", exc_info=True)
            _report(type(error).__name__)
        finally:
            self._say_goodbye()
            self._socket.close()

    def cut(self) -> None:
        """End the connection now; what waits for this client in its own thread wakes up."""
        self._cut = True
        with contextlib.suppress(OSError):  # it may have gone by itself
            # Not SSLSocket's own method, which would switch encryption off under the other thread.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def dismiss(self) -> None:
        """End the connection after the answer to its present request, or now if it has none."""
        self._last = True
        if not self._engaged:
            self.cut()

    # The connection -------------------------------------------------------------------------------

    def _secure(self, deadline: float) -> bool:
        """Do the handshake if there is to be one; False when the client knows nothing of it."""
        self._tls = self._terms().tls
        if self._tls is None:
            return True
        self._within(deadline)
        first = self._socket.recv(1, socket.MSG_PEEK)
        if first != _HANDSHAKE:
            if first:
                self._refuse(_NOT_TLS)
            return False
        secured = self._tls.wrap_socket(
            self._socket, server_side=True, do_handshake_on_connect=False
        )
        self._socket = secured
        if self._cut:  # while neither socket had the connection
            return False
        self._within(deadline)
        try:
            secured.do_handshake()
        except ssl.SSLError:
            self._linger()  # it is told why
            raise
        return True

    def _within(self, deadline: float) -> None:
        """Let the next operation take what is left. TimeoutError when nothing is."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)

    def _receive(self, deadline: float) -> None:
        self._within(deadline)
        self._http.receive_data(self._socket.recv(_PIECE))

    def _send(self, rest: memoryview, deadline: float) -> memoryview:
        """Send as much as goes by then; return what is left."""
        with contextlib.suppress(TimeoutError):
            while rest:
                self._within(deadline)
                rest = rest[self._socket.send(rest[:_PIECE]) :]
        return rest

    def _linger(self) -> None:
        """Let the client read the last answer: closing over its unread bytes would take it away."""
        self._say_goodbye()
        raw = socket.socket  # below TLS: nobody wants to know what it still says
        raw.shutdown(self._socket, socket.SHUT_WR)
        deadline, left = time.monotonic() + LINGER_SECONDS, LINGER_BYTES
        while left > 0:
            self._within(deadline)
            piece = raw.recv(self._socket, _PIECE)
            if not piece:
                return
            left -= len(piece)

    def _say_goodbye(self) -> None:
        """End TLS as it should be ended, without waiting for the same from the client."""
        if isinstance(self._socket, ssl.SSLSocket):
            with contextlib.suppress(OSError, ValueError):
                self._socket.settimeout(0)
                self._socket.unwrap()

    # The conversation -----------------------------------------------------------------------------

    def _converse(self, app: WSGIApplication, deadline: float) -> None:
        connection = self._connection()
        while (request := self._request(deadline)) is not None:
            self._engaged = True
            bodiless = self._http.their_state is not h11.SEND_BODY
            answer = self._work(app, request, connection)
            keep = bodiless and not self._last and self._terms().tls is self._tls
            self._answer(answer, keep=keep)
            if not bodiless:
                self._linger()
            self._engaged = False
            if self._last or self._http.our_state is not h11.DONE:
                return
            self._http.start_next_cycle()
            if not self._http.trailing_data[0]:
                self._receive(time.monotonic() + self._limits.keep_seconds)
            deadline = time.monotonic() + self._limits.head_seconds

    def _connection(self) -> ConnectionInfo:
        local = self._socket.getsockname()
        secured = isinstance(self._socket, ssl.SSLSocket)
        certificate = (
            self._socket.getpeercert() if isinstance(self._socket, ssl.SSLSocket) else None
        )
        return ConnectionInfo((str(local[0]), local[1]), self._peer, secured, certificate or None)

    def _request(self, deadline: float) -> h11.Request | None:
        """Return the head of the next request; None when there is none, or none that makes sense."""
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._receive(deadline)
            if not isinstance(event, h11.Request):
                return None
            if event.http_version in _VERSIONS:
                self._http.next_event()  # its end, if it has no body
                return event
            self._refuse(_NOT_HTTP)
        except h11.RemoteProtocolError as error:
            self._refuse(_TOO_LONG if error.error_status_hint == 431 else _NOT_HTTP)
        return None

    def _work(
        self, app: WSGIApplication, request: h11.Request, connection: ConnectionInfo
    ) -> Response:
        self._works(self)
        if self._cut:  # just before: nobody would get the answer
            raise ConnectionAbortedError
        try:
            answer = call(app, environment(request, connection))
        except Exception as error:
            _LOGGER.debug("internal error", exc_info=True)
            _report(type(error).__name__)
            answer = _BROKEN
        self._log("answered", status=answer.status, target=request.target.decode("latin-1"))
        return answer

    def _answer(self, answer: Response, *, keep: bool) -> None:
        headers = with_header(answer.headers, "Date", email.utils.formatdate(usegmt=True))
        for name, value in self._terms().headers:
            headers = with_header(headers, name, value)
        if not keep:
            headers = with_header(headers, "Connection", "close")
        code, _, reason = answer.status.partition(" ")
        response = h11.Response(
            status_code=int(code), reason=reason.encode("latin-1"), headers=[*headers]
        )
        events = (response, h11.Data(answer.body), h11.EndOfMessage())
        data = b"".join(self._http.send(event) or b"" for event in events)
        begin = time.monotonic()
        rest = self._send(memoryview(data), begin + PROMPT_SECONDS)
        self._waits(self)
        if self._send(rest, begin + self._limits.answer_seconds):
            raise TimeoutError

    def _refuse(self, answer: Response) -> None:
        self._log("refused", status=answer.status)
        self._answer(answer, keep=False)
        self._linger()

    def _log(self, message: str, **about: object) -> None:
        _LOGGER.debug(message, extra={"client": self._peer} | about)


def _report(name: str) -> None:
    _LOGGER.error("internal error (%s): please report it, with --log.level=debug", name)
