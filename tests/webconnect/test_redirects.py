"""A device on http that asks for https, or pretends to: where requests go. Devices on bare sockets."""

import ssl
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests
from support.on_ports import OnPorts
from support.raw_devices import Answer, RawDevice, WebConnectFake, reply, tls_context

from sma_exporter.sma.exceptions import (
    SmaConnectionException,
    SmaException,
    SmaTlsException,
)
from sma_exporter.webconnect import SMA, make_session

POWER = "6100_40263F00"
VALUES = {POWER: {"1": [{"val": 1840}]}}
PASSWORD = "Sunny-1234"

Connect = Callable[..., SMA]


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    return tls_context()


@pytest.fixture
def device(tls: ssl.SSLContext) -> Iterator[WebConnectFake]:
    """A device with http and https on one port."""
    with WebConnectFake(VALUES, tls=tls, plain_too=True) as fake:
        yield fake


@pytest.fixture
def other(tls: ssl.SSLContext) -> Iterator[RawDevice]:
    """Somebody else, who must not hear anything."""
    with WebConnectFake(VALUES, tls=tls, plain_too=True) as fake:
        yield fake


@pytest.fixture
def connect() -> Iterator[Connect]:
    with ExitStack() as stack:

        def start(
            url: str, password: str | None = PASSWORD, session: Any = None, **options: Any
        ) -> SMA:
            session = stack.enter_context(session or make_session(verify=False))
            return SMA(session, url, password, **({"timeout": 5.0, "login_timeout": 5.0} | options))

        yield start


def plain(device: RawDevice) -> str:
    return f"http://127.0.0.1:{device.port}"


def secure(device: RawDevice) -> str:
    return f"https://127.0.0.1:{device.port}"


def to(location: str, status: int = 301) -> bytes:
    return reply(b"", status, f"Location: {location}")


def asks_for_https(
    device: WebConnectFake, location: str | None = None, over_https: Answer | None = None
) -> None:
    """Redirect what comes over http; over https, answer as always or by `over_https`."""
    moved = to(secure(device) if location is None else location)
    device.answer = lambda call: (over_https or device.usual)(call) if call.is_tls else moved


def heal(device: WebConnectFake) -> None:
    device.answer = device.usual


def calls(device: RawDevice) -> list[tuple[str, bool]]:
    """What a device was asked for, in order, and whether over TLS."""
    return [(call.name, call.is_tls) for call in device.calls]


# Followed


@pytest.mark.parametrize(
    "page", ["", "/", "/index.html", "/login/?from=http#top", "/dyn/login.json"]
)
def test_no_password_is_sent_before_a_redirect_to_https_is_followed(
    device: WebConnectFake, connect: Connect, page: str
) -> None:
    asks_for_https(device, secure(device) + page)
    client = connect(plain(device))

    assert client.read_all() == VALUES
    assert client.url == secure(device)
    assert calls(device) == [("sessionCheck", False), ("login", True), ("getAllOnlValues", True)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_https_keeps_method_and_body(
    device: WebConnectFake, connect: Connect, status: int
) -> None:
    moved = to(f"{secure(device)}/dyn/getDashValues.json", status)
    device.answer = lambda call: device.usual(call) if call.is_tls else moved
    client = connect(plain(device), None)

    assert client.read_all() == VALUES
    assert client.url == secure(device)
    first, second = device.calls
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)


@pytest.mark.parametrize("port", ["", ":80"])
@pytest.mark.parametrize("location", ["https://127.0.0.1/", "HTTPS://127.0.0.1:443"])
def test_from_the_port_of_http_it_goes_to_the_port_of_https(
    device: WebConnectFake, tls: ssl.SSLContext, connect: Connect, port: str, location: str
) -> None:
    asks_for_https(device, location)
    session = make_session(verify=False)
    with WebConnectFake(VALUES, tls=tls) as at_443:
        OnPorts(session, http=device.port, https=at_443.port)
        client = connect(f"http://127.0.0.1{port}", session=session)

        assert client.read_all() == VALUES
        assert client.url == "https://127.0.0.1"
        assert at_443.names() == ["login", "getAllOnlValues"]


@pytest.mark.parametrize(
    "page", ["/", "/elsewhere/", "/elsewhere/dyn/sessionCheck.json", "/dyn/sessionCheck.json"]
)
def test_the_path_is_the_configured_one(
    device: WebConnectFake, connect: Connect, page: str
) -> None:
    asks_for_https(device, secure(device) + page)

    connect(f"{plain(device)}/sma").new_session()

    assert [call.target for call in device.calls] == [
        "/sma/dyn/sessionCheck.json",
        "/sma/dyn/login.json",
    ]


def test_a_redirect_of_a_read_keeps_the_session_id(
    device: WebConnectFake, connect: Connect
) -> None:
    client = connect(plain(device))
    client.new_session()
    asks_for_https(device)

    assert client.read_all() == VALUES
    assert device.logins == 1


def test_a_scheme_that_is_forgotten_is_found_anew(device: WebConnectFake, connect: Connect) -> None:
    client = connect(plain(device))
    client.read_all()
    asks_for_https(device)

    client.forget_scheme()
    client.new_session()

    assert client.url == secure(device)


# Not followed

ELSEWHERE = {
    "two parsers, two hosts": "https://localhost:{other}\\@127.0.0.1/dyn/login.json",
    "user info with the port": "https://127.0.0.1:{port}\\@localhost:{other}/dyn/login.json",
    "another port": "https://127.0.0.1:{other}/dyn/login.json",
    "another host": "https://localhost:{other}/dyn/login.json",
    "another host, same port": "https://localhost:{port}/dyn/login.json",
    "a user": "https://a:b@127.0.0.1:{other}/dyn/login.json",
    "a user here": "https://a:b@127.0.0.1:{port}/",
    "the host as a user": "https://127.0.0.1:{port}@localhost:{other}/",
    "a fragment": "https://127.0.0.1:{port}#@localhost:{other}/",
    "a query": "https://127.0.0.1:{port}?@localhost:{other}/",
    "a tab": "https://127.0.0.1\t.localhost:{other}/",
    "control characters": "https://\x1b]0;title\x07127.0.0.1:{other}/",
    "a port in other digits": "https://127.0.0.1:\xb2{other}/",
    "http": "http://127.0.0.1:{other}/dyn/login.json",
    "http here": "http://127.0.0.1:{port}/dyn/login.json",
    "no scheme": "//127.0.0.1:{other}/dyn/login.json",
    "a path": "/index.html",
    "nothing": "",
    "no address": "https://[1",
    "another protocol": "ftp://127.0.0.1:{other}/",
    "very long": "https://" + "a" * 30_000 + "/",
}

#: Which leave nothing to follow but "https, please", as they name the host and the port that are configured.
HARMLESS = {"a fragment", "a query"}

CALLS: dict[str, Callable[[SMA], object]] = {
    "login": lambda client: client.new_session(),
    "sessionCheck": lambda client: client.session_check(),
    "read": lambda client: client.read_keys([POWER]),
    "logout": lambda client: client.close_session(),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("location", ELSEWHERE)
def test_a_redirect_elsewhere_sends_nothing_there_and_is_forgotten(
    device: WebConnectFake, other: RawDevice, connect: Connect, location: str, call: str
) -> None:
    client = connect(plain(device))
    if call in {"read", "logout"}:
        client.new_session()
    asks_for_https(device, ELSEWHERE[location].format(port=device.port, other=other.port))

    if location in HARMLESS:
        CALLS[call](client)
    else:
        with pytest.raises(SmaConnectionException, match="redirects to") as caught:
            CALLS[call](client)
        message = str(caught.value)
        assert len(message) < 400
        assert not any(unicodedata.category(character) == "Cc" for character in message)
        assert client.url == plain(device)
        assert {is_tls for _, is_tls in calls(device)} == {False}

    assert other.connections == 0
    heal(device)
    assert client.read_all() == VALUES
    assert other.connections == 0


def test_a_redirect_to_another_port_says_what_to_configure(
    device: WebConnectFake, other: WebConnectFake, connect: Connect
) -> None:
    asks_for_https(device, f"{secure(other)}/dyn/login.json")

    with pytest.raises(SmaConnectionException) as caught:
        connect(plain(device)).new_session()

    assert str(caught.value) == (
        f"127.0.0.1:{device.port} redirects to {secure(other)}, which is not followed; "
        f"if that is the device, write {secure(other)} as its url"
    )
    assert connect(secure(other)).read_all() == VALUES


def test_a_redirect_in_a_circle_is_refused(device: WebConnectFake, connect: Connect) -> None:
    asks_for_https(device, over_https=lambda _: to(f"{plain(device)}/dyn/getDashValues.json"))

    with pytest.raises(SmaConnectionException, match="not followed"):
        connect(plain(device), None).read_all()

    assert calls(device) == [("getDashValues", False), ("getDashValues", True)]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_redirect_of_a_secure_device_is_refused(
    device: WebConnectFake, other: RawDevice, connect: Connect, scheme: str
) -> None:
    url = f"{scheme}://127.0.0.1:{other.port}/dyn/login.json"
    device.answer = lambda _: to(url)

    with pytest.raises(SmaConnectionException, match="not followed"):
        connect(secure(device)).new_session()

    assert other.connections == 0


def test_a_session_that_would_follow_redirects_is_not_asked_to(
    device: WebConnectFake, other: RawDevice, connect: Connect
) -> None:
    device.answer = lambda _: to(f"{plain(other)}/dyn/login.json")

    with pytest.raises(SmaConnectionException, match="not followed"):
        connect(plain(device), session=requests.Session()).new_session()

    assert other.connections == 0


# Followed, and nothing good comes of it

BAD: dict[str, Answer] = {
    "the connection is closed": lambda _: None,
    "a web page": lambda _: reply(b"<html>"),
    "HTTP 404": lambda _: reply(b"", 404),
    "HTTP 405": lambda _: reply(b"", 405),
    "no session": lambda _: to("https://127.0.0.1/"),
}


@pytest.mark.parametrize("password", [PASSWORD, None], ids=["login", "public"])
@pytest.mark.parametrize("how", BAD)
def test_a_redirect_that_leads_nowhere_is_forgotten(
    device: WebConnectFake, connect: Connect, how: str, password: str | None
) -> None:
    asks_for_https(device, over_https=BAD[how])
    client = connect(plain(device), password)

    for _ in range(3):
        with pytest.raises(SmaException):
            client.read_all()
    assert ("login", False) not in calls(device)  # as long as it asks for https

    heal(device)
    assert client.read_all() == VALUES
    assert client.url == plain(device)


def test_a_redirect_to_a_certificate_that_is_not_trusted_is_forgotten(
    device: WebConnectFake, connect: Connect
) -> None:
    asks_for_https(device)
    client = connect(plain(device), session=make_session())

    for _ in range(2):
        with pytest.raises(SmaTlsException):
            client.read_all()
    assert calls(device) == [("sessionCheck", False)] * 2

    heal(device)
    assert client.read_all() == VALUES


def test_after_a_failure_over_https_nothing_secret_goes_over_http_unasked(
    device: WebConnectFake, connect: Connect
) -> None:
    asks_for_https(device)
    client = connect(plain(device))
    client.read_all()
    asks_for_https(device, over_https=BAD["the connection is closed"])

    with pytest.raises(SmaConnectionException):
        client.read_all()
    asks_for_https(device)

    assert client.read_all() == VALUES
    in_clear = [call for call in device.calls if not call.is_tls]
    assert {(call.name, call.sid) for call in in_clear} == {("sessionCheck", None)}
    assert device.logins == 1


def test_a_host_without_scheme_whose_http_asks_for_https_is_looked_for_anew(
    device: WebConnectFake, connect: Connect, unused_port: int
) -> None:
    asks_for_https(device, "https://127.0.0.1/")
    session = make_session(verify=False)
    ports = OnPorts(session, http=device.port, https=unused_port)
    client = connect("127.0.0.1", session=session)

    for _ in range(2):
        with pytest.raises(SmaConnectionException, match="refuses the connection"):
            client.new_session()
    assert ports.tried == ["https", "http", "https"] * 2

    heal(device)
    assert client.read_all() == VALUES
    assert client.url == "http://127.0.0.1"


def test_a_host_without_scheme_stays_with_https_once_it_was_seen(
    device: WebConnectFake, tls: ssl.SSLContext, connect: Connect, unused_port: int
) -> None:
    session = make_session(verify=False)
    OnPorts(session, http=device.port, https=unused_port)
    client = connect("127.0.0.1", session=session)
    client.read_all()
    asks_for_https(device, "https://127.0.0.1/")
    with RawDevice(device.usual, tls=tls, port=unused_port):
        assert client.read_all() == VALUES

    heal(device)
    heard = len(device.calls)
    for _ in range(2):
        with pytest.raises(SmaConnectionException):
            client.read_all()

    assert client.url == "https://127.0.0.1"
    assert len(device.calls) == heard


@pytest.fixture
def unused_port() -> int:
    with RawDevice(lambda _: None) as gone:
        return int(gone.port)
