"""One exchange with a device: bounded as a whole, trusted or not made, and its failures in words."""

import contextlib
import itertools
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
import responses
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sma_exporter.simulator import Simulator, faults
from sma_exporter.simulator.faults import Action, Fault
from sma_exporter.sma.http import Reply, exchange, presented_fingerprint
from sma_exporter.webconnect import (
    SmaConnectionException,
    SmaException,
    SmaPinException,
    SmaReadException,
    SmaTimeoutException,
    SmaTlsException,
    make_session,
)

Simulate = Callable[..., Simulator]
MakeHttp = Callable[..., requests.Session]

PATH = "/dyn/getDashValues.json"  # long enough to drip
SECRET = "K9mXB2yaaRtaC0y1"
OTHER_PIN = "ab" * 32


@pytest.fixture
def http() -> Iterator[MakeHttp]:
    """Make sessions, with make_session's arguments; they are closed when the test is over."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(make_session(*args, **options))


@pytest.fixture
def device(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6")


@pytest.fixture
def secure(simulate: Simulate) -> Simulator:
    return simulate("sb-3.6", tls=True)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed(simulate: Simulate) -> int:
    """A port where nobody listens."""
    device = simulate("sb-3.6")
    device.stop()
    return device.port


def received(connection: socket.socket) -> bytes:
    """A whole request: whoever closes a connection with something unread resets it."""
    request = b""
    while not request.endswith(b"\r\n\r\n{}") and (piece := connection.recv(65_536)):
        request += piece
    return request


Answering = Callable[..., str]


@pytest.fixture
def answering() -> Iterator[Answering]:
    """Serve one request with these bytes, whatever they are; the URL."""
    with ExitStack() as stack:

        def start(answer: Iterable[bytes], context: ssl.SSLContext | None = None) -> str:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve() -> None:
                connection, _ = server.accept()
                if context is not None:
                    connection = context.wrap_socket(connection, server_side=True)
                with connection, contextlib.suppress(OSError):
                    received(connection)
                    for piece in answer:
                        connection.sendall(piece)

            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            stack.callback(thread.join, 10)
            scheme = "http" if context is None else "https"
            return f"{scheme}://127.0.0.1:{server.getsockname()[1]}"

        yield start


def ask(session: requests.Session, url: str, timeout: float = 10.0) -> Reply:
    params = {"sid": SECRET}
    return exchange(session, "POST", url + PATH, payload={}, params=params, timeout=timeout)


def failure(session: requests.Session, url: str, timeout: float = 10.0) -> SmaException:
    """What an exchange fails with; it tells nothing that it should not."""
    with pytest.raises(SmaException) as caught:
        ask(session, url, timeout)
    error = caught.value
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None
    assert SECRET not in f"{error} {error!r} {vars(error)}"
    return error


def pin(device: Simulator) -> str:
    """A device's fingerprint as make_session takes it."""
    assert device.fingerprint
    return device.fingerprint.removeprefix("sha256:").replace(":", "").lower()


@pytest.fixture
def issuer(secure: Simulator, tmp_path: Path) -> str:
    """The file with the authority that signed the secure device's certificate."""
    assert secure.issuer
    path = tmp_path / "issuer.pem"
    path.write_bytes(secure.issuer)
    return str(path)


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

    assert ask(session, device.url) == Reply(301, "https://192.0.2.1/", b"")
    assert ask(session, device.url) == Reply(500, "", b"<html>")
    assert len(device.requests) == 2


def test_the_payload_travels_as_compact_json(http: MakeHttp) -> None:
    with responses.RequestsMock() as site:
        site.post("http://sma.test/x", body=b"{}")
        exchange(http(), "POST", "http://sma.test/x", payload={"a": [1, "ü"]}, timeout=5)
        request = site.calls[0].request

    assert request.body == b'{"a":[1,"\\u00fc"]}'
    assert request.headers["Content-Type"] == "application/json"


def test_a_session_id_reaches_the_device(http: MakeHttp) -> None:
    requests_received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                requests_received.append(received(connection))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        ask(http(), f"http://127.0.0.1:{server.getsockname()[1]}")
        thread.join(10)

    assert requests_received[0].startswith(f"POST {PATH}?sid={SECRET} HTTP/1.1\r\n".encode())


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

    error = failure(http(verify=False), device.url, timeout=0.5)

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
    ask(session, device.url, timeout=60)
    device.faults.add(Fault(faults.drip(0.1)))
    start = time.monotonic()

    error = failure(session, device.url, timeout=0.5)

    assert time.monotonic() - start < 10
    assert type(error) is SmaTimeoutException


def test_a_server_that_says_nothing_over_http_has_got_the_request(
    silent: int, http: MakeHttp
) -> None:
    error = failure(http(), f"http://127.0.0.1:{silent}", timeout=0.3)

    assert isinstance(error, SmaTimeoutException)
    assert error.sent


def test_a_server_that_says_nothing_to_a_handshake_has_not_got_the_request(
    silent: int, http: MakeHttp
) -> None:
    start = time.monotonic()

    error = failure(http(verify=False), f"https://127.0.0.1:{silent}", timeout=0.3)

    assert time.monotonic() - start < 10
    assert isinstance(error, SmaTimeoutException)
    assert not error.sent
    assert str(error) == f"no connection to 127.0.0.1:{silent} within 0.3 s"


@pytest.fixture(scope="module")
def weak_certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate as old devices have, by today's rules too weak: its file, and its pin."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=1024)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SMA")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2015, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2016, 1, 1, tzinfo=UTC))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("weak") / "device.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    return str(path), certificate.fingerprint(hashes.SHA256()).hex()


# The second Oakley group (RFC 2409): 1024 bits, which today's libraries refuse by default.
SHORT_KEY_EXCHANGE = """-----BEGIN DH PARAMETERS-----
MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR
Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL
/1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC
-----END DH PARAMETERS-----
"""


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "not verified"])
def test_a_short_key_and_an_expired_certificate_are_no_hindrance(
    answering: Answering,
    http: MakeHttp,
    weak_certificate: tuple[str, str],
    tmp_path: Path,
    pinned: bool,
) -> None:
    path, digest = weak_certificate
    (tmp_path / "dh.pem").write_text(SHORT_KEY_EXCHANGE, encoding="ascii")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    context.load_dh_params(str(tmp_path / "dh.pem"))
    context.load_cert_chain(path)
    url = answering([OK, b"Content-Length: 2\r\n\r\n{}"], context)

    reply = ask(http([digest] if pinned else [], verify=False), url)

    assert reply.body == b"{}"


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

    error = failure(http([pin(secure)]), dripping, timeout=0.5)

    assert time.monotonic() - start < 10
    assert isinstance(error, SmaTimeoutException)
    assert not error.sent
    assert secure.requests == []


# Answers that are none


OK = b"HTTP/1.1 200 OK\r\n"
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
        pytest.param(
            [OK, b"Content-Length: 4\r\nContent-Encoding: gzip\r\n\r\nabcd"], id="bad gzip"
        ),
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


def test_an_answer_without_end_is_given_up(answering: Answering, http: MakeHttp) -> None:
    sent = itertools.count()
    endless = itertools.chain([OK, b"\r\n"], (b"x" * 65_536 for _ in sent))

    error = failure(http(), answering(endless))

    assert type(error) is SmaReadException
    assert "larger than 8 MB" in str(error)
    assert next(sent) < 64 * 16


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


# The environment has no say


@pytest.mark.parametrize("tls", [None, True], ids=["http", "https"])
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_ignored(
    simulate: Simulate,
    http: MakeHttp,
    closed: int,
    monkeypatch: pytest.MonkeyPatch,
    tls: bool | None,
    variable: str,
) -> None:
    for name in (variable, variable.lower()):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    assert ask(http(verify=False), simulate("sb-3.6", tls=tls).url).status == 200


BUNDLES = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]


@pytest.mark.parametrize("variable", BUNDLES)
def test_authorities_of_the_environment_are_not_trusted(
    secure: Simulator, http: MakeHttp, issuer: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, issuer)

    assert isinstance(failure(http(), secure.url), SmaTlsException)


@pytest.mark.parametrize("variable", BUNDLES)
def test_authorities_of_the_environment_replace_nothing(
    secure: Simulator, http: MakeHttp, issuer: str, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, str(Path(issuer).with_name("missing.pem")))

    assert ask(http(ca_file=issuer), secure.url).status == 200
    assert ask(http([pin(secure)]), secure.url).status == 200
    assert ask(http(verify=False), secure.url).status == 200


def test_a_netrc_file_is_not_read(
    http: MakeHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password something\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))

    with responses.RequestsMock() as site:
        site.post(f"http://sma.test{PATH}", body=b"{}")
        ask(http(), "http://sma.test")
        headers = site.calls[0].request.headers

    assert "Authorization" not in headers


# Trust


def test_an_unknown_certificate_is_refused_and_its_fingerprint_offered(
    secure: Simulator, http: MakeHttp
) -> None:
    error = failure(http(), secure.url)

    assert type(error) is SmaTlsException
    assert error.fingerprint == secure.fingerprint
    assert not error.sent
    assert "cannot be verified" in str(error)
    assert f'trust it with fingerprint: "{secure.fingerprint}"' in str(error)
    assert secure.requests == []


def test_the_offered_fingerprint_is_one_that_can_be_pinned(
    secure: Simulator, http: MakeHttp
) -> None:
    error = failure(http(), secure.url)

    assert isinstance(error, SmaTlsException)
    assert re.fullmatch("sha256(:[0-9A-F]{2}){32}", str(error.fingerprint))
    assert ask(http([pin(secure)]), secure.url).status == 200


def test_a_pinned_certificate_is_trusted_whatever_it_is_called(
    secure: Simulator, http: MakeHttp
) -> None:
    assert ask(http([pin(secure)]), f"https://localhost:{secure.port}").status == 200


def test_any_of_several_pins_will_do(secure: Simulator, http: MakeHttp) -> None:
    assert ask(http([OTHER_PIN, pin(secure)]), secure.url).status == 200


def colons(digest: str) -> str:
    return "sha256:" + ":".join(re.findall("..", digest)).upper()


@pytest.mark.parametrize("pins", [[OTHER_PIN], [OTHER_PIN, "cd" * 32]], ids=["one", "two"])
@pytest.mark.parametrize("verify", [True, False], ids=["verify", "no verify"])
def test_another_certificate_than_the_pinned_gets_not_one_byte_of_a_request(
    secure: Simulator, http: MakeHttp, pins: list[str], verify: bool
) -> None:
    error = failure(http(pins, verify=verify), secure.url)

    assert type(error) is SmaPinException
    assert not error.sent
    assert error.fingerprint is None
    assert str(secure.fingerprint) in str(error)
    assert all(colons(one) in str(error) for one in pins)
    assert "trust it" not in str(error)
    assert secure.requests == []


def test_a_pin_is_not_outdone_by_an_authority(
    secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    assert type(failure(http([OTHER_PIN], issuer), secure.url)) is SmaPinException


def test_a_certificate_that_changes_is_noticed_on_the_next_connection(
    secure: Simulator, http: MakeHttp
) -> None:
    session = http([pin(secure)])
    ask(session, secure.url)
    secure.replace_certificate()
    session.close()

    assert type(failure(session, secure.url)) is SmaPinException
    assert len(secure.requests) == 1


def test_a_certificate_of_a_given_authority_is_trusted(
    secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    assert ask(http(ca_file=issuer), secure.url).status == 200


def test_a_given_authority_does_not_make_up_for_a_wrong_name(
    secure: Simulator, http: MakeHttp, issuer: str
) -> None:
    error = failure(http(ca_file=issuer), f"https://localhost:{secure.port}")

    assert isinstance(error, SmaTlsException)
    assert error.fingerprint == secure.fingerprint
    assert secure.requests == []


def test_another_authority_is_not_trusted(simulate: Simulate, http: MakeHttp, issuer: str) -> None:
    other = simulate("sb-3.6", tls=True)

    error = failure(http(ca_file=issuer), other.url)

    assert isinstance(error, SmaTlsException)
    assert error.fingerprint == other.fingerprint


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no PEM"])
def test_a_ca_file_that_cannot_be_used(
    secure: Simulator, http: MakeHttp, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")

    error = failure(http(ca_file=str(path)), secure.url)

    assert type(error) is SmaTlsException
    assert not error.sent
    assert secure.requests == []


def test_without_verification_any_certificate_will_do_and_nothing_is_warned_of(
    secure: Simulator, http: MakeHttp, recwarn: pytest.WarningsRecorder
) -> None:
    assert ask(http(verify=False), secure.url).status == 200
    assert ask(http([pin(secure)]), secure.url).status == 200
    assert list(recwarn) == []


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


def test_a_fingerprint_that_cannot_be_had(closed: int, device: Simulator) -> None:
    assert presented_fingerprint(f"https://127.0.0.1:{closed}", 5) is None
    assert presented_fingerprint(f"https://127.0.0.1:{device.port}", 5) is None


def test_a_fingerprint_is_not_waited_for_for_ever(silent: int) -> None:
    start = time.monotonic()

    assert presented_fingerprint(f"https://127.0.0.1:{silent}", 0.3) is None
    assert time.monotonic() - start < 10


def test_a_failure_is_what_it_is_even_while_another_one_is_handled(
    device: Simulator, closed: int, http: MakeHttp
) -> None:
    device.faults.add(Fault(faults.hang()))
    session, refusing = http(), f"http://127.0.0.1:{closed}"
    found = []

    for first, second in ((refusing, device.url), (device.url, refusing)):
        try:
            ask(session, first, timeout=0.3)
        except SmaConnectionException:
            found.append(type(failure(session, second, timeout=0.3)))

    assert found == [SmaTimeoutException, SmaConnectionException]
