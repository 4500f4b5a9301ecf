"""Who else may answer at a device's address: listeners that speak no HTTP, or too much; and certificates."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import NamedTuple, Self

import trustme

#: What is said to whoever connects, piece by piece, without end if need be; then nothing more.
Speech = Callable[[], Iterable[bytes]]


class OtherServer:
    """Takes every connection to a port, says something, and remembers what it hears."""

    def __init__(self, speech: Speech = tuple, port: int = 0) -> None:
        self._speech = speech
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = int(self._listener.getsockname()[1])
        self.connections = 0
        self.heard = b""
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End all connections, and free the port."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    self.connections += 1
                    self._open.append(connection)
                for work in (self._speak, self._listen):
                    thread = threading.Thread(target=work, args=(connection,), daemon=True)
                    self._threads.append(thread)
                    thread.start()

    def _speak(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for piece in self._speech():
                connection.sendall(piece)

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(4096):
                with self._lock:
                    self.heard += data


class HttpsFront(OtherServer):
    """One port of a device that sends everybody who comes over http to https on the same port.

    What comes over TLS is handed on to another port.
    """

    def __init__(self, https_port: int) -> None:
        self._https_port = https_port
        super().__init__()

    def _speak(self, connection: socket.socket) -> None:
        """Nothing by itself."""

    def _listen(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            if connection.recv(1, socket.MSG_PEEK) != _TLS_HANDSHAKE:
                connection.recv(65_536)
                location = f"Location: https://127.0.0.1:{self.port}/\r\n"
                head = f"HTTP/1.1 301 Moved\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n"
                connection.sendall(head.encode())
                return
            with socket.create_connection(("127.0.0.1", self._https_port)) as far:
                back = threading.Thread(target=_hand_on, args=(far, connection), daemon=True)
                back.start()
                _hand_on(connection, far)
                back.join()


_TLS_HANDSHAKE = b"\x16"  # the first byte


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json;\r\n"


def banner() -> Iterable[bytes]:
    return [b"SSH-2.0-OpenSSH_9.2p1\r\n"]


def continues() -> Iterable[bytes]:
    """HTTP/1.1 100, again and again."""
    return repeat(b"HTTP/1.1 100 Continue\r\n\r\n")


def endless_header() -> Iterator[bytes]:
    yield _HEAD + b"X-Long: "
    yield from repeat(b"x" * 4096)


def endless_body() -> Iterator[bytes]:
    yield _HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    yield from repeat(b"1000\r\n" + b" " * 4096 + b"\r\n")


class Certificates(NamedTuple):
    """An authority, and what it made for a device: chain and key, as `Simulator` takes them."""

    authority: Path
    good: tuple[Path, Path]
    renewed: tuple[Path, Path]
    expired: tuple[Path, Path]
    other_name: tuple[Path, Path]
    unknown: tuple[Path, Path]


def certificates(folder: Path) -> Certificates:
    """Make them in a folder."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")

    def issued(
        by: trustme.CA, name: str, host: str, end: datetime | None = None
    ) -> tuple[Path, Path]:
        leaf = by.issue_cert(host, not_after=end)
        chain, key = folder / f"{name}.pem", folder / f"{name}.key"
        leaf.private_key_pem.write_to_path(key)
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(chain, append=True)
        return chain, key

    past = datetime(2020, 1, 1, tzinfo=UTC)
    return Certificates(
        folder / "authority.pem",
        good=issued(authority, "good", "127.0.0.1"),
        renewed=issued(authority, "renewed", "127.0.0.1"),
        expired=issued(authority, "expired", "127.0.0.1", past),
        other_name=issued(authority, "other-name", "inverter.example"),
        unknown=issued(trustme.CA(), "unknown", "127.0.0.1"),
    )
