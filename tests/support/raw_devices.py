"""Fake devices on bare sockets: they answer with any bytes, and share no code with the simulator.

`RawDevice` answers what a function makes of each call; `WebConnectFake` is one with sessions and values.
"""

import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import trustme


@dataclass(frozen=True)
class Call:
    """A request as it came: the method, the target with its query, the head, the body; over TLS or not."""

    method: str
    target: str
    head: bytes
    body: bytes
    is_tls: bool

    @property
    def name(self) -> str:
        """The name of a WebConnect call: "login", "getValues", …"""
        return urlsplit(self.target).path.rpartition("/")[2].removesuffix(".json")

    @property
    def sid(self) -> str | None:
        return parse_qs(urlsplit(self.target).query).get("sid", [None])[0]

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


#: The first byte that a client of TLS sends.
_TLS_HANDSHAKE = b"\x16"

#: Returns the bytes of the whole reply; None closes the connection without one.
Answer = Callable[[Call], bytes | None]


def reply(body: object, status: int = 200, *headers: str) -> bytes:
    """A whole reply; what is not bytes becomes JSON. `headers` are whole lines."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + content


class RawDevice:
    """Answers every call on a port of its own; `calls` are those that came, in their order.

    `connections`: how many were made, whatever was said. `plain_too`: the port takes plain HTTP beside TLS.
    `handshake_seconds`: how long a TLS handshake takes at least.
    """

    def __init__(
        self,
        answer: Answer,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        plain_too: bool = False,
        handshake_seconds: float = 0.0,
    ) -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.connections = 0
        self._tls = tls
        self._plain_too = plain_too
        self.handshake_seconds = handshake_seconds
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((host, port), backlog=64)
        self.host, self.port = self._listener.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def names(self) -> list[str]:
        """The names of all calls so far."""
        return [call.name for call in self.calls]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ssl.SSLError):
            is_plain = self._plain_too and connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE
            if self._tls is not None and not is_plain:
                time.sleep(self.handshake_seconds)
                connection = self._tls.wrap_socket(connection, server_side=True)
            with self._lock:
                self._open.add(connection)
            with connection:
                while (call := _received(connection)) is not None:
                    with self._lock:
                        self.calls.append(call)
                    data = self.answer(call)
                    if data is None:
                        break
                    connection.sendall(data)
        with self._lock:
            self._open.discard(connection)


def _received(connection: socket.socket) -> Call | None:
    """The next request on a connection; None when the client has closed it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while len(body) < (int(length[1]) if length else 0):
        piece = connection.recv(65536)
        if not piece:
            return None
        body += piece
    method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
    return Call(method, target, head, body, isinstance(connection, ssl.SSLSocket))


UNKNOWN_SESSION = {"err": 401}


class WebConnectFake(RawDevice):
    """A device with one member, whose values (key -> raw value) a test sets.

    `answers` replaces what some calls answer (name -> function of the call; its bytes, or None to close).
    `sessions` are the open ones; a session that is not among them gets `unknown_session`.
    """

    def __init__(
        self,
        values: Mapping[str, object],
        *,
        password: str = "Sunny-1234",
        member: str = "0199-xxxxx385",
        **options: Any,
    ) -> None:
        self.values = dict(values)
        self.password = password
        self.member = member
        self.sessions: set[str] = set()
        self.logins = 0
        self.unknown_session: bytes | None = reply(UNKNOWN_SESSION)
        self.answers: dict[str, Answer] = {}
        super().__init__(self._as_asked, **options)

    def _as_asked(self, call: Call) -> bytes | None:
        if call.name in self.answers:
            return self.answers[call.name](call)
        return self.usual(call)

    def usual(self, call: Call) -> bytes | None:
        """What a healthy device answers."""
        if call.name == "sessionCheck":
            return reply({"result": {"cntFreeSess": 4 - len(self.sessions)}})
        if call.name == "login":
            return self._login(call)
        if call.name in {"getDashValues", "getDashLogger"}:
            return self.result(self.values if call.name == "getDashValues" else {})
        if call.sid not in self.sessions:
            return self.unknown_session
        if call.name == "logout":
            self.sessions.discard(str(call.sid))
            return reply({"result": {"isLogin": False}})
        if call.name == "getValues":
            keys = call.payload["keys"]
            return self.result({key: self.values[key] for key in keys if key in self.values})
        if call.name in {"getAllOnlValues", "getAllParamValues"}:
            wanted = call.name == "getAllParamValues"
            return self.result(
                {key: raw for key, raw in self.values.items() if key.startswith("680") == wanted}
            )
        return reply(b"", 404)

    def result(self, values: object) -> bytes:
        """A reply with these values of the only member."""
        return reply({"result": {self.member: values}})

    def _login(self, call: Call) -> bytes:
        if call.payload["pass"] != self.password:
            return reply(UNKNOWN_SESSION)
        self.logins += 1
        sid = f"session{self.logins:09d}"
        self.sessions.add(sid)
        return reply({"result": {"sid": sid}})


def tls_context(authority: trustme.CA | None = None) -> ssl.SSLContext:
    """What a device serves TLS for 127.0.0.1 with; its certificate is of an authority that nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (authority or trustme.CA()).issue_cert("127.0.0.1").configure_cert(context)
    return context
