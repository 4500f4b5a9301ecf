"""The HTTP server: addresses, HTTP, TLS, and clients that misbehave."""

import http.client
import json
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
import trustme
from support.devices import eventually
from support.needs import require_path
from support.programs import PATIENCE_SECONDS, get

from sma_exporter.server import (
    CLIENT_CERTIFICATE,
    ConnectionSettings,
    ListenAddress,
    Server,
    ServerLimits,
    parse_address,
)
from sma_exporter.server.unsent_limit import READING_SECONDS


def hello(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("a mistake")
    if environ["PATH_INFO"] == "/environ":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({key: str(value) for key, value in environ.items()}).encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


@contextmanager
def serving(
    app: WSGIApplication = hello,
    settings: Callable[[], ConnectionSettings] = ConnectionSettings,
    **limits: float,
) -> Iterator[Server]:
    running = Server(app, [ListenAddress("127.0.0.1", 0)], settings, ServerLimits(**limits))  # type: ignore[arg-type]
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def connected(server: Server) -> socket.socket:
    return socket.create_connection(server.addresses[0], PATIENCE_SECONDS)


def rest_of(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection, in whichever way."""
    found = b""
    with suppress(ConnectionError):
        while piece := connection.recv(65536):
            found += piece
    return found


def answers_to(server: Server, *pieces: bytes) -> bytes:
    """What comes back for these bytes, until the server ends the connection."""
    with connected(server) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(ConnectionError):  # perhaps it has ended before the last piece
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(0.01)
                connection.sendall(piece)
        return rest_of(connection)


def statuses(answers: bytes) -> list[int]:
    return [int(part[1:4]) for part in answers.split(b"HTTP/1.1")[1:]]


def clients_threads() -> int:
    return sum(thread.name == "client" for thread in threading.enumerate())


# --- addresses ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (":10126", ListenAddress("", 10126)),
        ("127.0.0.1:0", ListenAddress("127.0.0.1", 0)),
        ("localhost:9100", ListenAddress("localhost", 9100)),
        ("[::1]:9100", ListenAddress("::1", 9100)),
        ("[::]:9100", ListenAddress("::", 9100)),
    ],
)
def test_addresses_as_the_ecosystem_writes_them(text: str, expected: ListenAddress) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10126", "host", "::1:9100", ":65536", ":-1", ":http", "[::1]"]
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        parse_address(text)


def test_several_addresses_and_ipv6() -> None:
    with ExitStack() as stack:
        probe = stack.enter_context(socket.socket(socket.AF_INET6))
        try:
            probe.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        server = Server(hello, [ListenAddress("127.0.0.1", 0), ListenAddress("::1", 0)])
        server.start()
        stack.callback(server.stop)

        answers = [get(f"http://{address}/").text for address in server.addresses]

    assert answers == ["hello", "hello"]


def test_no_host_is_every_address() -> None:
    server = Server(hello, [ListenAddress("", 0)])
    server.start()
    try:
        assert get(f"http://127.0.0.1:{server.addresses[0].port}/").text == "hello"
    finally:
        server.stop()


def test_a_mistake_in_the_application_is_a_500_without_a_traceback(
    server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    (address,) = server.addresses

    response = get(f"http://{address}/broken")

    assert response.status_code == 500
    assert "Traceback" not in response.text
    assert "Traceback" not in capsys.readouterr().err


def test_a_port_in_use_is_an_error_and_frees_what_was_bound(server: Server) -> None:
    (taken,) = server.addresses
    free = Server(hello, [ListenAddress("127.0.0.1", 0)])
    wanted = free.addresses[0]
    free.start()
    free.stop()

    with pytest.raises(OSError, match="in use"):
        Server(hello, [wanted, taken])

    again = Server(hello, [wanted])
    again.start()
    again.stop()


def test_stopping_frees_the_port_and_the_threads() -> None:
    before = threading.active_count()
    server = Server(hello, [ListenAddress("127.0.0.1", 0)])
    server.start()
    (address,) = server.addresses

    server.stop()

    with pytest.raises(OSError), socket.create_connection(address):  # noqa: PT011 - refused
        pass
    assert threading.active_count() <= before + 1


@contextmanager
def no_thread_can_be_started() -> Iterator[None]:
    """Give new threads a stack for which no address space is large enough."""
    usual = threading.stack_size(1 << 47)
    try:
        yield
    finally:
        threading.stack_size(usual)


def test_a_thread_that_cannot_be_started_costs_one_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with serving(clients=1) as server:
        with no_thread_can_be_started(), connected(server) as refused:
            assert rest_of(refused) == b""

        assert answers_to(server, LAST).endswith(b"hello")
    (record,) = caplog.records
    assert record.getMessage() == "a connection could not be served"


@pytest.mark.parametrize("error", [RuntimeError, OSError])
def test_an_error_in_the_thread_of_a_connection_costs_this_connection(
    error: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings are read in the thread of each connection, before its first request."""
    failures = [error("unreadable")]

    def settings() -> ConnectionSettings:
        if failures:
            raise failures.pop()
        return ConnectionSettings()

    with serving(settings=settings, clients=1) as server:
        assert answers_to(server, LAST) == b""
        assert answers_to(server, LAST).endswith(b"hello")
    assert "Traceback" not in capsys.readouterr().err


# --- HTTP ---


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def environ_of(server: Server, target: str = "/environ", **headers: str) -> dict[str, str]:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    sent = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{lines}\r\n"
    found: dict[str, str] = json.loads(answers_to(server, sent.encode()).partition(b"\r\n\r\n")[2])
    return found


class TestHttp:
    def test_a_connection_is_kept_for_further_requests(self, server: Server) -> None:
        connection = http.client.HTTPConnection(*server.addresses[0], timeout=PATIENCE_SECONDS)
        ports = []
        for _ in range(3):
            connection.request("GET", "/")
            ports.append(connection.sock.getsockname())
            assert connection.getresponse().read() == b"hello"
        connection.close()

        assert len({*ports}) == 1

    def test_a_connection_ends_when_the_client_says_so(self, server: Server) -> None:
        answer = answers_to(server, LAST)

        assert answer.endswith(b"\r\n\r\nhello")
        assert b"connection: close" in answer.lower()

    def test_http_1_0_is_one_request_a_connection(self, server: Server) -> None:
        assert answers_to(server, b"GET / HTTP/1.0\r\n\r\n").endswith(b"hello")

    def test_requests_sent_at_once_are_answered_in_turn(self, server: Server) -> None:
        sent = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(3))

        assert statuses(answers_to(server, sent + LAST)) == [200] * 4

    def test_an_idle_connection_is_kept_for_so_long_only(self) -> None:
        with serving(keep_seconds=0.2) as server, connected(server) as connection:
            connection.sendall(GET)

            assert statuses(rest_of(connection)) == [200]

    def test_headers_only(self, server: Server) -> None:
        answer = answers_to(server, LAST.replace(b"GET", b"HEAD"))

        assert statuses(answer) == [200]
        assert answer.endswith(b"\r\n\r\n")

    def test_no_answer_tells_what_serves_it(self, server: Server) -> None:
        answer = answers_to(server, LAST).lower()

        assert b"server:" not in answer
        assert b"python" not in answer
        assert b"\r\ndate: " in answer

    @pytest.mark.parametrize(
        "body",
        [
            b"Content-Length: %d\r\n\r\n" % len(LAST) + LAST,
            b"Content-Length: 10000000000\r\n\r\n" + LAST,
            b"Content-Length: 4, 4\r\n\r\n" + LAST,
            b"Transfer-Encoding: chunked\r\n\r\n" + LAST,
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + LAST,
            b"Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" + LAST,
            b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n",
        ],
    )
    @pytest.mark.parametrize("apart", [False, True])
    def test_nothing_in_a_body_passes_for_a_request(
        self, server: Server, body: bytes, apart: bool
    ) -> None:
        head, _, rest = (b"POST / HTTP/1.1\r\nHost: x\r\n" + body).partition(b"\r\n\r\n")
        pieces = [head + b"\r\n\r\n", rest] if apart else [head + b"\r\n\r\n" + rest]

        assert statuses(answers_to(server, *pieces)) == [200]

    @pytest.mark.parametrize(
        "headers",
        [
            b"Content-Length: 4\r\nTransfer-Encoding: chunked",
            b"Transfer-Encoding: chunked\r\nContent-Length: 4",
            b"Content-Length: 0\r\nTransfer-Encoding: chunked",
            b"Content-Length: 4\r\nContent-Length: 5",
            b"Content-Length: 4, 5",
            b"Content-Length: +4",
            b"Content-Length : 4",
            b"Content-Length: 4\n",
            b"Content-Length:\r\n 4",
            b"Transfer-Encoding: xchunked",
            b"Transfer-Encoding: chunked, chunked",
            b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            b"Transfer-Encoding: \x0bchunked",
            b"Transfer-Encoding:\r\n chunked",
            b"Transfer-Encoding:\r\n\tchunked",
            b"X: y\r\n Transfer-Encoding: chunked",
            b"X: y\nTransfer-Encoding: chunked",
            b"X: y\rTransfer-Encoding: chunked",
            b"X: y\n",
        ],
    )
    @pytest.mark.parametrize("version", [b"1.1", b"1.0"])
    def test_what_could_be_read_in_two_ways_is_refused(
        self, server: Server, version: bytes, headers: bytes
    ) -> None:
        sent = b"POST / HTTP/%s\r\nHost: x\r\n%s\r\n\r\n0\r\n\r\n" % (version, headers)

        assert statuses(answers_to(server, sent + LAST)) == [400]

    @pytest.mark.parametrize(
        "sent",
        [
            LAST.replace(b"\r\n", b"\n"),
            LAST.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
            b"GET / HTTP/1.1\r\n Host: x\r\n\r\n" + LAST,
            b"\n" + LAST,
            b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + LAST,
        ],
    )
    def test_lines_end_as_the_standard_says(self, server: Server, sent: bytes) -> None:
        assert statuses(answers_to(server, sent)) == [400]

    @pytest.mark.parametrize(
        "sent",
        [
            b"GET /\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(64),
            b"rubbish\r\n\r\n",
        ],
    )
    def test_what_is_no_http_is_refused(self, server: Server, sent: bytes) -> None:
        assert statuses(answers_to(server, sent)) == [400]

    def test_a_request_to_switch_protocols_is_answered_in_this_one(self, server: Server) -> None:
        upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"

        assert statuses(answers_to(server, upgrade + LAST)) == [200, 200]

    @pytest.mark.parametrize("size", [60_000, 300_000])
    @pytest.mark.parametrize("part", ["path", "header", "headers"])
    def test_too_long_a_head_is_refused_with_an_answer(
        self, server: Server, part: str, size: int
    ) -> None:
        path, headers = "/", ""
        if part == "path":
            path = "/" + "a" * size
        elif part == "header":
            headers = f"A: {'a' * size}\r\n"
        else:
            headers = "A: aaaaaaaaaaa\r\n" * (size // 16)

        answer = answers_to(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())

        assert statuses(answer) == [431]
        assert answer.endswith(b"The request is too long.\n")

    @pytest.mark.parametrize("piece", [1024 * 1024, 16 * 1024, 5000])
    @pytest.mark.parametrize(
        ("size", "expected"), [(32 * 1024, 200), (32 * 1024 + 1, 431), (33_500, 431)]
    )
    def test_the_limit_of_the_head_is_exact(
        self, server: Server, size: int, expected: int, piece: int
    ) -> None:
        """However it is cut into pieces, and whatever comes behind it."""
        head = LAST[:-2] + b"A: "
        sent = head + b"a" * (size - len(head) - 4) + b"\r\n\r\n"
        assert len(sent) == size

        pieces = [sent[begin : begin + piece] for begin in range(0, size, piece)]

        assert statuses(answers_to(server, *pieces)) == [expected]
        assert statuses(answers_to(server, GET + sent + GET * 1000)) == [200, expected]

    def test_the_environment_of_a_request(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SMA_PASSWORD", "Sunny-1234")
        found = environ_of(server, "/environ?a=%20&b", X_Y="no", **{"X-Y": "1", "x-y": "2"})

        assert found["PATH_INFO"] == "/environ"
        assert found["QUERY_STRING"] == "a=%20&b"
        assert found["HTTP_HOST"] == "x"
        assert found["HTTP_X_Y"] == "1,2"
        assert found["REMOTE_ADDR"] == "127.0.0.1"
        assert found["SERVER_PORT"] == str(server.addresses[0].port)
        assert found["wsgi.url_scheme"] == "http"
        assert "SMA_PASSWORD" not in found
        assert found[CLIENT_CERTIFICATE] == "None"

    def test_paths_are_unquoted(self, server: Server) -> None:
        assert environ_of(server, "/%65nviron")["PATH_INFO"] == "/environ"

    def test_a_whole_address_as_a_proxy_sends_it(self, server: Server) -> None:
        found = environ_of(server, "http://roof.example:80/environ?a")

        assert (found["PATH_INFO"], found["QUERY_STRING"]) == ("/environ", "a")
        assert found["HTTP_HOST"] == "roof.example:80"

    def test_headers_of_the_settings_replace_those_of_the_application(self) -> None:
        settings = ConnectionSettings(
            headers=[("content-type", "text/x"), ("X-Frame-Options", "deny")]
        )
        with serving(settings=lambda: settings) as server:
            answer = answers_to(server, LAST)
            refusal = answers_to(server, b"rubbish\r\n\r\n")

        assert answer.lower().count(b"content-type:") == 1
        assert b"content-type: text/x" in answer.lower()
        assert b"\r\nX-Frame-Options: deny\r\n" in answer
        assert b"\r\nX-Frame-Options: deny\r\n" in refusal

    def test_a_mistake_is_reported_in_the_log(
        self, server: Server, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.ERROR)
        answers_to(server, LAST.replace(b"/ ", b"/broken ", 1))

        assert [record.getMessage() for record in caplog.records] == [
            "internal error (RuntimeError): please report it, with --log.level=debug"
        ]


# --- clients that misbehave ---


class TestTime:
    @pytest.mark.parametrize("sent", [b"", b"GET / HT", GET + b"GET /"])
    def test_a_request_that_does_not_end_ends_the_connection(self, sent: bytes) -> None:
        with serving(head_seconds=0.2) as server:
            assert len(statuses(answers_to(server, sent))) == sent.count(GET)

    def test_a_byte_at_a_time_is_no_way_to_hold_a_connection(self) -> None:
        with serving(head_seconds=0.5) as server, connected(server) as connection:
            begin = time.monotonic()
            with suppress(OSError):
                while time.monotonic() - begin < PATIENCE_SECONDS:
                    connection.sendall(b"a")
                    time.sleep(0.01)

            assert time.monotonic() - begin < PATIENCE_SECONDS

    def test_an_answer_that_is_not_taken_is_given_up(self) -> None:
        def long(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [])
            return [bytes(50_000_000)]

        with serving(long, answer_seconds=0.3) as server, connected(server) as connection:
            connection.sendall(GET)
            connection.recv(10)

            assert eventually(lambda: clients_threads() == 0)
            assert len(rest_of(connection)) < 50_000_000


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.working = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            self.working += 1
            self.may_answer.wait(PATIENCE_SECONDS)
        return hello(environ, start_response)


SLOW = LAST.replace(b"/ ", b"/slow ", 1)


class TestConnectionLimit:
    def test_a_new_client_evicts_the_one_that_is_idle_for_longest(self) -> None:
        with serving(clients=3) as server, ExitStack() as stack:
            silent = [stack.enter_context(connected(server)) for _ in range(3)]
            assert eventually(lambda: clients_threads() == 3)

            assert answers_to(server, LAST).endswith(b"hello")

            assert silent[0].recv(1) == b""
            for other in silent[1:]:
                other.sendall(LAST)
                assert rest_of(other).endswith(b"hello")

    def test_a_request_makes_a_client_the_last_to_be_evicted(self) -> None:
        with serving(clients=2) as server, ExitStack() as stack:
            asking, silent = (stack.enter_context(connected(server)) for _ in range(2))
            assert eventually(lambda: clients_threads() == 2)
            asking.sendall(GET)
            assert asking.recv(65536)

            assert answers_to(server, LAST).endswith(b"hello")

            assert silent.recv(1) == b""
            asking.sendall(LAST)
            assert rest_of(asking).endswith(b"hello")

    def test_a_client_that_was_served_is_not_evicted_by_silent_ones(self) -> None:
        with serving(clients=4) as server, ExitStack() as stack:
            kept = stack.enter_context(connected(server))
            kept.sendall(GET)
            assert kept.recv(65536)
            silent = [stack.enter_context(connected(server)) for _ in range(30)]

            assert silent[0].recv(1) == b""
            assert eventually(lambda: clients_threads() == 4)
            kept.sendall(LAST)
            assert rest_of(kept).endswith(b"hello")
            assert answers_to(server, LAST).endswith(b"hello")

    def test_a_refusal_does_not_count_as_served(self) -> None:
        with serving(clients=2) as server, ExitStack() as stack:
            served, refused = (stack.enter_context(connected(server)) for _ in range(2))
            served.sendall(GET)
            assert served.recv(65536)
            refused.sendall(GET.replace(b"/ ", b"/broken ", 1))
            assert refused.recv(65536).startswith(b"HTTP/1.1 500")

            assert answers_to(server, LAST).endswith(b"hello")

            assert rest_of(refused) == b""
            served.sendall(LAST)
            assert rest_of(served).endswith(b"hello")

    def test_served_clients_make_room_when_there_is_nobody_else(self) -> None:
        with serving(clients=2) as server, ExitStack() as stack:
            kept = [stack.enter_context(connected(server)) for _ in range(2)]
            for connection in kept:
                connection.sendall(GET)
                assert connection.recv(65536)

            assert answers_to(server, LAST).endswith(b"hello")

            assert kept[0].recv(1) == b""

    def test_no_busy_client_is_evicted(self) -> None:
        app = Slow()
        with serving(app, clients=2) as server, ExitStack() as stack:
            first, silent = (stack.enter_context(connected(server)) for _ in range(2))
            first.sendall(SLOW)
            assert eventually(lambda: app.working == 1)

            for _ in range(5):
                assert answers_to(server, LAST).endswith(b"hello")
            app.may_answer.set()

            assert silent.recv(1) == b""
            assert rest_of(first).endswith(b"hello")

    def test_a_new_client_waits_while_all_are_busy(self) -> None:
        app = Slow()
        with serving(app, clients=2) as server, ExitStack() as stack:
            busy = [stack.enter_context(connected(server)) for _ in range(2)]
            for connection in busy:
                connection.sendall(SLOW)
            assert eventually(lambda: app.working == 2)
            new = stack.enter_context(connected(server))
            new.sendall(LAST)
            new.settimeout(0.3)
            with pytest.raises(TimeoutError):
                new.recv(1)
            app.may_answer.set()
            new.settimeout(PATIENCE_SECONDS)

            assert rest_of(new).endswith(b"hello")
            assert all(rest_of(connection).endswith(b"hello") for connection in busy)

    def test_a_client_that_takes_its_answer_slowly_is_evicted(self) -> None:
        def long(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            start_response("200 OK", [])
            return [bytes(50_000_000 if environ["PATH_INFO"] == "/long" else 5)]

        with serving(long, clients=1) as server, connected(server) as reader:
            reader.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
            reader.recv(10)

            assert answers_to(server, LAST).endswith(bytes(5))

    def test_two_hundred_new_clients_are_all_answered(self) -> None:
        with serving(clients=8) as server, ExitStack() as stack:
            connections = [stack.enter_context(connected(server)) for _ in range(8)]
            for _ in range(200):
                connections.append(stack.enter_context(connected(server)))
                connections[-1].sendall(LAST)

                assert rest_of(connections[-1]).endswith(b"hello")
            assert clients_threads() <= 8


MB = 1_000_000


def long_answers(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """As many MB as the path says."""
    start_response("200 OK", [])
    return [bytes(int(environ["PATH_INFO"][1:]) * MB)]


def long_request(megabytes: int) -> bytes:
    return LAST.replace(b"/ ", b"/%d " % megabytes, 1)


def slowly(connection: socket.socket) -> int:
    """Read to the end, at 20 MB a second; how much there was."""
    taken = 0
    while piece := connection.recv(200_000):
        taken += len(piece)
        time.sleep(0.01)
    return taken


class TestLongAnswers:
    def test_who_takes_nothing_is_ended_when_others_want_as_much(self) -> None:
        """What the kernel takes is not counted, so the answers are longer than that."""
        with (
            serving(long_answers, unsent_bytes=50 * MB, answer_seconds=PATIENCE_SECONDS) as server,
            ExitStack() as stack,
        ):
            stuck = []
            for _ in range(6):
                stuck.append(stack.enter_context(connected(server)))
                stuck[-1].sendall(long_request(20))
                assert stuck[-1].recv(10)
                time.sleep(2 * READING_SECONDS)
                assert eventually(lambda: clients_threads() <= 3)

            found = [len(rest_of(connection)) >= 20 * MB for connection in stuck]

            assert found[-1]
            assert not any(found[:3])

    def test_who_takes_its_answer_is_not_ended_by_those_who_do_not(self) -> None:
        with (
            serving(long_answers, unsent_bytes=50 * MB, answer_seconds=PATIENCE_SECONDS) as server,
            ExitStack() as stack,
        ):
            reader = stack.enter_context(connected(server))
            reader.sendall(long_request(40))
            assert reader.recv(1)
            with ThreadPoolExecutor(1) as pool:
                taken = pool.submit(slowly, reader)
                for _ in range(10):
                    stuck = stack.enter_context(connected(server))
                    stuck.sendall(long_request(20))
                    assert stuck.recv(10)
                    time.sleep(0.05)

                assert taken.result() >= 40 * MB

    def test_one_answer_may_be_longer_than_the_limit(self) -> None:
        with serving(long_answers, unsent_bytes=MB) as server:
            for _ in range(2):
                assert len(answers_to(server, long_request(20))) > 20 * MB

    def test_no_answer_is_kept_for_a_client_that_has_taken_it(self) -> None:
        """The connection waits for its next request meanwhile."""
        process = require_path(Path("/proc/self/status"), "/proc")

        def megabytes() -> float:
            return int(re.findall(r"VmRSS:\s+(\d+)", process.read_text())[0]) / 1000

        with serving(long_answers) as server, ExitStack() as stack:
            before = megabytes()
            for _ in range(20):
                connection = stack.enter_context(connected(server))
                connection.sendall(long_request(20).replace(b"Connection: close\r\n", b""))
                left = 20 * MB
                while left > 0:
                    left -= len(connection.recv(MB))

            assert megabytes() < before + 120  # all of them together would be 400


class TestStop:
    def test_an_answer_under_way_is_finished(self) -> None:
        app = Slow()
        with serving(app) as server, connected(server) as asking, connected(server) as silent:
            asking.sendall(SLOW.replace(b"Connection: close\r\n", b""))
            assert eventually(lambda: app.working == 1)
            threading.Timer(0.2, app.may_answer.set).start()
            server.stop()

            assert rest_of(asking).endswith(b"hello")
            assert silent.recv(1) == b""

    def test_it_does_not_wait_for_what_takes_longer(self) -> None:
        app = Slow()
        with serving(app) as server, connected(server) as asking:
            asking.sendall(SLOW)
            assert eventually(lambda: app.working == 1)
            begin = time.monotonic()
            server.stop()
            seconds = time.monotonic() - begin
            app.may_answer.set()

        assert seconds < 5

    def test_it_stops_while_a_new_client_waits_for_a_place(self) -> None:
        app = Slow()
        with serving(app, clients=1) as server, connected(server) as asking:
            asking.sendall(SLOW)
            assert eventually(lambda: app.working == 1)
            with connected(server) as new:
                new.sendall(LAST)
                time.sleep(0.1)
                server.stop()

                assert rest_of(new) == b""
            app.may_answer.set()


# --- TLS ---


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def secured(server: Server, authority: trustme.CA) -> ssl.SSLSocket:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context.wrap_socket(
        connected(server), server_hostname="localhost", suppress_ragged_eofs=False
    )


class TestTls:
    def test_it_begins_and_ends_as_it_should(self, authority: trustme.CA) -> None:
        settings = ConnectionSettings(server_context(authority))
        with serving(settings=lambda: settings) as server, secured(server, authority) as connection:
            connection.sendall(LAST.replace(b"/ ", b"/environ ", 1))
            answer = rest_of(connection)  # an end that is none of TLS would be an error

        assert json.loads(answer.partition(b"\r\n\r\n")[2])["wsgi.url_scheme"] == "https"

    def test_http_on_its_port_is_told_so(self, authority: trustme.CA) -> None:
        settings = ConnectionSettings(server_context(authority))
        with serving(settings=lambda: settings) as server:
            answer = answers_to(server, LAST)

        assert statuses(answer) == [400]
        assert answer.endswith(b"This port speaks https.\n")

    @pytest.mark.parametrize("sent", [b"", b"\x16", b"\x16\x03\x01\x02\0\x01\0"])
    def test_a_handshake_has_its_time_too(self, authority: trustme.CA, sent: bytes) -> None:
        settings = ConnectionSettings(server_context(authority))
        with serving(settings=lambda: settings, head_seconds=0.2) as server:
            answers_to(server, sent)

            assert eventually(lambda: clients_threads() == 0)

    def test_a_client_in_its_handshake_is_evicted(self, authority: trustme.CA) -> None:
        settings = ConnectionSettings(server_context(authority))
        with serving(settings=lambda: settings, clients=2) as server, ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(server)).sendall(b"\x16\x03\x01\x02\0\x01\0")
            with secured(server, authority) as connection:
                connection.sendall(LAST)

                assert rest_of(connection).endswith(b"hello")

    def test_new_settings_hold_from_the_next_connection_on(self, authority: trustme.CA) -> None:
        other = trustme.CA()
        now = [ConnectionSettings(server_context(authority))]
        with serving(settings=lambda: now[0]) as server, secured(server, authority) as kept:
            kept.sendall(GET)
            assert kept.recv(65536)
            now[0] = ConnectionSettings(server_context(other))

            kept.sendall(GET)
            assert b"connection: close" in rest_of(kept).lower()
            with secured(server, other) as connection:
                connection.sendall(LAST)
                assert rest_of(connection).endswith(b"hello")
