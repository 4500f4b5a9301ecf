"""One exchange with a device: bounded as a whole, and its failures in words."""

import contextlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import exchanges
import pytest
import requests
from exchanges import PATH, SECRET, Answering, MakeHttp, Simulate, ask, failure, pin

from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.sma.deadline import Deadline
from sma_exporter.sma.exceptions import (
    SmaConnectionException,
    SmaReadException,
    SmaTimeoutException,
    SmaTlsException,
)
from sma_exporter.sma.http import HttpReply, exchange, presented_fingerprint

http, device, secure = exchanges.http, exchanges.device, exchanges.secure
closed, silent, answering = exchanges.closed, exchanges.silent, exchanges.answering
black_holes = exchanges.black_holes


OK = b"HTTP/1.1 200 OK\r\n"

# An answer


@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
def test_an_answer_comes_whole(simulate: Simulate, http: MakeHttp, tls: bool | None) -> None:
    device = simulate("sb-3.6", tls=tls)
    device.faults.add(Fault(faults.drip(0.001, chunk=200)))

    reply = ask(http(verify=False), device.url)

    assert (reply.status, reply.location) == (200, "")
    assert reply.body.startswith(b'{"result":{"0199-')
    assert reply.body.endswith(b"}}")


def test_a_status_and_a_redirect_are_handed_on(device: Simulator, http: MakeHttp) -> None:
    device.faults.add(Fault(faults.redirect("https://192.0.2.1/"), times=1))
    device.faults.add(Fault(faults.status(500, b"<html>"), times=1))
    session = http()

    assert ask(session, device.url) == HttpReply(301, "https://192.0.2.1/", b"")
    assert ask(session, device.url) == HttpReply(500, "", b"<html>")
    assert len(device.requests) == 2


@pytest.mark.parametrize(
    ("method", "options", "line", "header", "body"),
    [
        pytest.param(
            "POST",
            {"payload": {"a": [1, "ü"]}, "params": {"sid": SECRET}},
            f"POST /x?sid={SECRET} HTTP/1.1",
            "Content-Type: application/json",
            b'{"a":[1,"\\u00fc"]}',
            id="JSON and a session id",
        ),
        pytest.param(
            "POST",
            {"form": {"grant_type": "password", "password": "a&b"}},
            "POST /x HTTP/1.1",
            "Content-Type: application/x-www-form-urlencoded",
            b"grant_type=password&password=a%26b",
            id="form",
        ),
        pytest.param(
            "DELETE",
            {"bearer": SECRET},
            "DELETE /x HTTP/1.1",
            f"Authorization: Bearer {SECRET}",
            b"",
            id="token",
        ),
    ],
)
def test_what_is_asked_reaches_the_device(
    answering: Answering,
    http: MakeHttp,
    method: str,
    options: dict[str, Any],
    line: str,
    header: str,
    body: bytes,
) -> None:
    url = answering([OK, b"Content-Length: 0\r\n\r\n"])

    exchange(http(), method, f"{url}/x", deadline=Deadline.after(10), **options)

    (request,) = answering.requests
    head, _, sent = request.partition(b"\r\n\r\n")
    assert head.decode().split("\r\n")[0] == line
    assert header in head.decode().split("\r\n")
    assert re.findall("(?i)accept-encoding: .*", head.decode()) == ["Accept-Encoding: identity\r"]
    assert sent == body


# In time


SLOW: dict[str, Action] = {
    "hangs": faults.hang(),
    "drips its status line": faults.drip(0.1),
    "drips its headers": faults.drip(0.2, chunk=40),
    "drips its body": faults.drip(0.1, part="body"),
}


@pytest.mark.parametrize("how", SLOW)
@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
def test_a_request_ends_in_time_when_the_device(
    simulate: Simulate, http: MakeHttp, tls: bool | None, how: str
) -> None:
    device = simulate("sb-3.6", tls=tls)
    device.faults.add(Fault(SLOW[how]))
    start = time.monotonic()

    error = failure(http(verify=False), device.url, seconds=0.5)

    assert time.monotonic() - start < 10
    assert type(error) is SmaTimeoutException
    assert error.sent
    assert str(error) == f"127.0.0.1:{device.port} gave no complete answer within 0.5 s"


@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
def test_a_request_on_a_kept_connection_ends_in_time(
    simulate: Simulate, http: MakeHttp, tls: bool | None
) -> None:
    device = simulate("sb-3.6", tls=tls)
    session = http(verify=False)
    ask(session, device.url, seconds=60)
    device.faults.add(Fault(faults.drip(0.1)))
    start = time.monotonic()

    error = failure(session, device.url, seconds=0.5)

    assert time.monotonic() - start < 10
    assert type(error) is SmaTimeoutException


@pytest.fixture
def dripping(secure: Simulator) -> Iterator[str]:
    """The secure device behind a line that hands on what it says byte by byte; the URL."""
    stop = threading.Event()

    def hand_on(source: socket.socket, target: socket.socket, size: int, pause: float) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(size)) and not stop.wait(pause):
                target.sendall(data)

    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def serve() -> None:
            near, _ = server.accept()
            with near, socket.create_connection(("127.0.0.1", secure.port)) as far:
                up = threading.Thread(target=hand_on, args=(near, far, 4096, 0), daemon=True)
                up.start()
                hand_on(far, near, 1, 0.05)
                for end in (near, far):
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                up.join(10)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        stop.set()
        thread.join(10)


def test_a_dripping_handshake_ends_in_time(
    dripping: str, secure: Simulator, http: MakeHttp
) -> None:
    start = time.monotonic()

    error = failure(http([pin(secure)]), dripping, seconds=0.5)

    assert time.monotonic() - start < 10
    assert isinstance(error, SmaTimeoutException)
    assert not error.sent
    assert secure.requests == []


@pytest.mark.parametrize(
    ("scheme", "seconds", "connecting"),
    [("http", 0.3, None), ("http", 60, 0.3), ("https", 0.3, None)],
    ids=["in all", "to connect", "for a handshake"],
)
def test_a_connection_that_does_not_come_about_ends_in_time(
    black_holes: list[tuple[str, int]],
    silent: int,
    http: MakeHttp,
    scheme: str,
    seconds: float,
    connecting: float | None,
) -> None:
    start = time.monotonic()
    host, port = ("127.0.0.1", silent) if scheme == "https" else black_holes[0]

    with pytest.raises(
        SmaTimeoutException, match=f"no connection to {host}:{port} within 0.3 s"
    ) as caught:
        exchange(
            http(),
            "POST",
            f"{scheme}://{host}:{port}",
            deadline=Deadline.after(seconds),
            connect_deadline=None if connecting is None else Deadline.after(connecting),
        )

    assert time.monotonic() - start < 10
    assert not caught.value.sent


def test_without_time_nothing_is_sent(device: Simulator, http: MakeHttp) -> None:
    error = failure(http(), device.url, seconds=0)

    assert type(error) is SmaTimeoutException
    assert str(error) == "no time left for another request to the device"
    assert device.requests == []


# Answers that are none


CUT = "closed the connection without a complete answer"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([b"SSH-2.0-dropbear\r\n"], id="another protocol"),
        pytest.param([OK, b"Content-Length: 50\r\n\r\n", b'{"result"'], id="body cut"),
        pytest.param([OK, b"X: y\r\n" * 150, b"\r\n"], id="too many headers"),
        pytest.param([OK, b"X: " + b"y" * 100_000, b"\r\n\r\n"], id="header too long"),
        pytest.param([OK, b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"], id="two lengths"),
        pytest.param([OK, b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n"], id="bad chunk"),
    ],
)
def test_an_answer_that_breaks_off_or_makes_no_sense(
    answering: Answering, http: MakeHttp, answer: list[bytes]
) -> None:
    error = failure(http(), answering(answer))

    assert type(error) is SmaConnectionException
    assert error.sent
    assert CUT in str(error)


def test_a_connection_that_is_closed_without_a_word_may_want_tls(
    answering: Answering, http: MakeHttp
) -> None:
    error = failure(http(), answering([]))

    assert type(error) is SmaConnectionException
    assert error.sent
    assert "closed the connection without an answer" in str(error)
    assert "write https:// before the address" in str(error)


@pytest.mark.parametrize(
    "line", [OK, b"HTTP/1.1 301 Moved\r\nLocation: /\r\n"], ids=["OK", "moved"]
)
def test_an_answer_without_end_is_given_up(
    answering: Answering, http: MakeHttp, line: bytes
) -> None:
    sent = itertools.count()
    endless = itertools.chain([line, b"\r\n"], (b"x" * 65_536 for _ in sent))

    error = failure(http(), answering(endless))

    assert type(error) is SmaReadException
    assert "larger than 1 MB" in str(error)
    assert next(sent) < 64 * 16


def test_the_largest_answer_can_be_given(device: Simulator, http: MakeHttp) -> None:
    deadline, limit = Deadline.after(10), 1024 * 1024
    device.faults.add(Fault(faults.body(b" " * limit), times=1))
    device.faults.add(Fault(faults.body(b" " * (limit + 1))))
    session, url = http(), device.url + PATH

    reply = exchange(session, "POST", url, payload={}, deadline=deadline, limit=limit)
    assert len(reply.body) == limit
    with pytest.raises(SmaReadException, match="larger than 1 MB"):
        exchange(session, "POST", url, payload={}, deadline=deadline, limit=limit)


@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
def test_a_dropped_connection(simulate: Simulate, http: MakeHttp, tls: bool | None) -> None:
    device = simulate("sb-3.6", tls=tls)
    device.faults.add(Fault(faults.drop()))

    error = failure(http(verify=False), device.url)

    assert type(error) is SmaConnectionException
    assert error.sent
    assert not error.refused


# Nobody there


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_refused_port(closed: int, http: MakeHttp, scheme: str) -> None:
    error = failure(http(), f"{scheme}://127.0.0.1:{closed}")

    assert type(error) is SmaConnectionException
    assert (error.refused, error.sent) == (True, False)
    assert str(error) == f"127.0.0.1:{closed} refuses the connection"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_cannot_be_resolved(http: MakeHttp, scheme: str) -> None:
    error = failure(http(), f"{scheme}://inverter.invalid")

    assert type(error) is SmaConnectionException
    assert (error.refused, error.sent) == (False, False)
    assert str(error) == "the name inverter.invalid cannot be resolved"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "inverter",
        "ftp://inverter",
        "http://",
        "http://[1",
        "http://192.0.2.1:99999",
    ],
)
def test_what_is_no_address(http: MakeHttp, url: str) -> None:
    error = failure(http(), url)

    assert type(error) is SmaConnectionException
    assert not error.sent
    assert "is no address of a device" in str(error)


def test_a_ca_file_that_is_missing_in_a_session_of_ones_own(secure: Simulator) -> None:
    with requests.Session() as session:
        session.trust_env, session.verify = False, "/nowhere/ca.pem"

        error = failure(session, secure.url)

    assert type(error) is SmaTlsException
    assert not error.sent
    assert "the CA file cannot be read" in str(error)


def test_https_on_a_port_with_plain_http_says_what_to_write(
    device: Simulator, http: MakeHttp
) -> None:
    error = failure(http(), f"https://127.0.0.1:{device.port}")

    assert type(error) is SmaTlsException
    assert error.fingerprint is None
    assert "does not speak TLS" in str(error)
    assert "write http:// before the address" in str(error)


def test_http_on_a_port_with_tls_says_what_to_write(secure: Simulator, http: MakeHttp) -> None:
    error = failure(http(), f"http://127.0.0.1:{secure.port}")

    assert isinstance(error, SmaConnectionException)
    assert "write https:// before the address" in str(error)


def test_a_fingerprint_that_cannot_be_had_is_not_waited_for(
    closed: int, device: Simulator, silent: int
) -> None:
    start = time.monotonic()

    for port in (closed, device.port, silent):
        deadline = Deadline.after(0.3)
        assert presented_fingerprint(f"https://127.0.0.1:{port}", deadline) is None
    assert presented_fingerprint("https://127.0.0.1:no port", Deadline.after(1)) is None
    assert time.monotonic() - start < 10


def test_a_failure_is_what_it_is_even_while_another_one_is_handled(
    device: Simulator, closed: int, http: MakeHttp
) -> None:
    device.faults.add(Fault(faults.hang()))
    session, refusing = http(), f"http://127.0.0.1:{closed}"
    found = []

    for first, second in ((refusing, device.url), (device.url, refusing)):
        try:
            ask(session, first, seconds=0.3)
        except SmaConnectionException:
            found.append(type(failure(session, second, seconds=0.3)))

    assert found == [SmaTimeoutException, SmaConnectionException]
