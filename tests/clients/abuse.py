"""Clients that do not behave: `python abuse.py WHAT HOST PORT plain|tls`.

Says "begun" when what it does has begun, and goes on until it is ended, two minutes at most. It needs nothing
but Python, and runs in a process of its own, so that it takes no time from the client that measures.
"""

import base64
import contextlib
import resource
import select
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator

LONGEST_SECONDS = 120.0

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
MB = 1_000_000


class Target:
    """What is abused."""

    def __init__(self, host: str, port: int, *, tls: bool) -> None:
        self.tls = tls
        self.address = (host, port)
        self._until = time.monotonic() + LONGEST_SECONDS
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.check_hostname, self._context.verify_mode = False, ssl.CERT_NONE

    def lasts(self) -> bool:
        return time.monotonic() < self._until

    def reach(self, *, buffer: int = 0) -> socket.socket:
        """Connect, and say nothing."""
        connection = socket.socket()
        if buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        connection.settimeout(5)
        connection.connect(self.address)
        return connection

    def connect(self, *, buffer: int = 0) -> socket.socket:
        """Connect, and do the handshake if there is one."""
        connection = self.reach(buffer=buffer)
        return self._context.wrap_socket(connection) if self.tls else connection


def begun() -> None:
    sys.stdout.write("begun\n")
    sys.stdout.flush()


def several(
    make: Callable[[], socket.socket], count: int, sent: bytes = b""
) -> list[socket.socket]:
    """So many connections, on each of which this is sent; those that succeed."""
    made = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            connection = make()
            made.append(connection)
            connection.sendall(sent)
    return made


def hold(connections: list[socket.socket], target: Target) -> None:
    """Keep them open, and do nothing."""
    begun()
    while target.lasts() and connections:
        time.sleep(0.1)


def at_once(target: Target, loops: int, do: Callable[[], None]) -> None:
    """Do this again and again, in so many threads."""

    def again() -> None:
        while target.lasts():
            with contextlib.suppress(OSError):
                do()

    threads = [threading.Thread(target=again, daemon=True) for _ in range(loops)]
    for thread in threads:
        thread.start()
    begun()
    for thread in threads:
        thread.join()


# --- what can be done ---


def one_silent(target: Target) -> None:
    hold(several(target.reach, 1), target)


def two_hundred_silent(target: Target) -> None:
    hold(several(target.reach, 200), target)


def two_hundred_in_the_middle(target: Target) -> None:
    """Of the handshake, or of the request's first line."""
    sent = b"\x16\x03\x01\x02\x00\x01\x00" if target.tls else REQUEST[:10]
    hold(several(target.reach, 200, sent), target)


def two_hundred_silent_after_the_handshake(target: Target) -> None:
    hold(several(target.connect, 200), target)


def two_hundred_with_as_much_as_they_may(target: Target) -> None:
    """They send headers until nobody takes them any more, and do not end."""
    headers = (b"A: " + b"a" * 60_000 + b"\r\n") * 100

    def make() -> socket.socket:
        connection = target.connect()
        connection.settimeout(0.05)
        return connection

    hold(several(make, 200, REQUEST[:-2] + headers), target)


def requests_a_byte_at_a_time(target: Target) -> None:
    connections = several(target.connect, 50)
    begun()
    for byte in REQUEST[:-2] + b"A: " + b"a" * 100_000:
        for connection in [*connections]:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                connections.remove(connection)
        if not target.lasts():
            return
        time.sleep(0.05)


def answers_a_byte_at_a_time(target: Target) -> None:
    connections = several(lambda: target.connect(buffer=1024), 50, REQUEST)
    begun()
    while target.lasts():
        for connection in [*connections]:
            try:
                connection.recv(1)
            except OSError:
                connections.remove(connection)
        time.sleep(0.05)


def send_and_look(target: Target, sent: bytes) -> None:
    def do() -> None:
        with target.connect() as connection:
            connection.sendall(sent)
            connection.recv(100)

    at_once(target, 4, do)


def one_header_of_10_mb(target: Target) -> None:
    send_and_look(target, REQUEST[:-2] + b"A: " + b"a" * (10 * MB) + b"\r\n\r\n")


def headers_of_10_mb(target: Target) -> None:
    send_and_look(target, REQUEST[:-2] + b"A: aaaaaaaaaaaaaaa\r\n" * (MB // 2) + b"\r\n")


def a_path_of_1_mb(target: Target) -> None:
    send_and_look(target, b"GET /" + b"a" * MB + REQUEST[12:])


def bodies_that_never_come(target: Target) -> None:
    sent = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n"
    hold(several(target.connect, 50, sent), target)


def connections_closed_at_once(target: Target) -> None:
    def do() -> None:
        target.reach().close()
        time.sleep(0.0005)

    at_once(target, 1, do)


def five_hundred_requests_a_second(target: Target) -> None:
    def do() -> None:
        begin = time.monotonic()
        with target.connect() as connection:
            connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            connection.recv(1000)
        time.sleep(max(0.008 - (time.monotonic() - begin), 0))

    at_once(target, 4, do)


def five_hundred_silent_newcomers_a_second(target: Target) -> None:
    kept: list[socket.socket] = []

    def do() -> None:
        kept.append(target.reach())
        if len(kept) > 500:
            kept.pop(0).close()
        time.sleep(0.0015)

    at_once(target, 1, do)


def a_thousand_half_open_that_reconnect_at_once(target: Target) -> None:
    """Each sends the beginning of a request, and comes again as soon as it is sent away."""
    open_ones = selectors.DefaultSelector()

    def come() -> None:
        connection = socket.socket()
        connection.setblocking(False)
        connection.connect_ex(target.address)
        open_ones.register(connection, selectors.EVENT_WRITE)

    for _ in range(1000):
        come()
    begun()
    while target.lasts():
        for key, events in open_ones.select(0.1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            try:
                if events & selectors.EVENT_WRITE:
                    connection.send(REQUEST[:10])
                    open_ones.modify(connection, selectors.EVENT_READ)
                    continue
                if connection.recv(1000):
                    continue
            except OSError:
                pass  # sent away
            open_ones.unregister(connection)
            connection.close()
            come()


def readers_that_never_read(target: Target) -> None:
    """They ask for everything, again and again as soon as they are sent away, and take nothing."""

    def do() -> None:
        with target.connect(buffer=1024) as connection:
            connection.sendall(REQUEST)
            while target.lasts() and not hung_up(connection):
                time.sleep(0.05)

    at_once(target, 120, do)


def hung_up(connection: socket.socket) -> bool:
    """Whether the other side has ended the connection; what it sent before is not taken."""
    poller = select.poll()
    poller.register(connection, select.POLLRDHUP)
    return bool(poller.poll(0))


def guessed_passwords(target: Target) -> None:
    numbers: Iterator[int] = iter(range(10**9))

    def do() -> None:
        guess = base64.b64encode(b"prometheus:%d" % next(numbers))
        with target.connect() as connection:
            connection.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + guess + b"\r\n\r\n"
            )
            connection.recv(1000)

    at_once(target, 16, do)


ABUSES: dict[str, Callable[[Target], None]] = {
    abuse.__name__: abuse
    for abuse in (
        one_silent,
        two_hundred_silent,
        two_hundred_in_the_middle,
        two_hundred_silent_after_the_handshake,
        two_hundred_with_as_much_as_they_may,
        requests_a_byte_at_a_time,
        answers_a_byte_at_a_time,
        one_header_of_10_mb,
        headers_of_10_mb,
        a_path_of_1_mb,
        bodies_that_never_come,
        connections_closed_at_once,
        five_hundred_requests_a_second,
        five_hundred_silent_newcomers_a_second,
        a_thousand_half_open_that_reconnect_at_once,
        readers_that_never_read,
        guessed_passwords,
    )
}


def main(what: str, host: str, port: str, how: str) -> None:
    """Do it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    ABUSES[what](Target(host, int(port), tls=how == "tls"))


if __name__ == "__main__":
    main(*sys.argv[1:])
